"""What every connector over a network must do besides, however its source behaves.

    class TestWiki(ChangeFeedConformance, FolderConformance):
        make_world = WikiWorld

`NetworkConformance` holds the whole of `ConnectorConformance`; the other suites hold
`NetworkConformance`, and stand for what only some sources have. The world puts a `HostileProxy`
between the connector and the real server. Each check is a function, so that
`test_network_conformance.py` can show that it can fail.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

from assistant.common import guarded_http
from assistant.common.acl import group, user
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Origin, Reach
from tests.connectors.conformance import (
    ANA,
    BOB,
    ConnectorConformance,
    World,
    lets_in,
    listed,
    upserts,
)
from tests.connectors.hostile_proxy import DISGUISED_TROUBLE, OPEN_TROUBLE, silent
from tests.connectors.network_checks import (
    MOST_SHIFTS,
    AskedAclWorld,
    ChangeFeedWorld,
    FolderWorld,
    NetworkWorld,
    after,
    check_change_during_listing,
    check_feed,
    check_forbidden_acl,
    check_gap,
    check_mended,
    check_quiet_feed,
    check_resume,
    check_revoked,
    check_shifting_pages,
    check_trouble,
    cursor_of,
    run_of,
)

CONTENT, PERMISSION, NEW, GONE, MOVED, FOLDER = "content", "permission", "new", "gone", "moved", "folder"
FEED_SEES = frozenset({CONTENT, PERMISSION, NEW, GONE, MOVED, FOLDER})


class NetworkConformance(ConnectorConformance):
    """The suite for every source over a network."""

    make_world: ClassVar[type[NetworkWorld]]
    shifts: ClassVar[int] = MOST_SHIFTS  # fewer where a change of the world costs much
    goes_on_anew: ClassVar[bool] = False  # whether a run that goes on may read everything again

    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[NetworkWorld]:
        """As `ConnectorConformance` has it, with a folder."""
        world = self.make_world(tmp_path)
        try:
            self.furnish(world)
            yield world
        finally:
            world.close()

    @pytest.fixture(autouse=True)
    def _impatience(self, impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
        wait_at_most(monkeypatch, seconds=5.0)

    def test_a_listing_that_is_given_up_leaves_no_file_open(self, world: World) -> None:
        before = open_files()
        for _ in range(5):
            with closing(world.connector()) as connector:
                run = connector.documents()
                next(run)
                run.close()  # type: ignore[attr-defined]
        # The other ends of the connections are this process's too, and notice the end a moment later.
        end = time.monotonic() + 5
        while open_files() > before and time.monotonic() < end:
            time.sleep(0.01)
        assert open_files() <= before

    def test_a_server_that_falls_silent_loses_nothing(
        self, world: NetworkWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with world.proxy.remembering():
            run_of(world.connector())  # a real server may take its time: what follows is answered at once
            wait_at_most(monkeypatch, seconds=0.2)
            check_trouble(world, silent)

    @pytest.mark.parametrize("trouble", OPEN_TROUBLE)
    def test_trouble_at_any_one_request_loses_nothing(self, world: NetworkWorld, trouble: str) -> None:
        check_trouble(world, OPEN_TROUBLE[trouble])

    @pytest.mark.parametrize("trouble", OPEN_TROUBLE)
    def test_trouble_that_lasts_loses_nothing(self, world: NetworkWorld, trouble: str) -> None:
        check_trouble(world, OPEN_TROUBLE[trouble], times=10**6)

    @pytest.mark.parametrize("trouble", DISGUISED_TROUBLE)
    def test_an_answer_that_is_none_is_noticed(self, world: NetworkWorld, trouble: str) -> None:
        check_trouble(world, DISGUISED_TROUBLE[trouble], disguised=True)

    @pytest.mark.parametrize(
        "trouble", ["busy, asks for no wait", "not available", "hangs up", "no last chunk"]
    )
    def test_what_passes_is_tried_again(self, world: NetworkWorld, trouble: str) -> None:
        check_mended(world, OPEN_TROUBLE[trouble])

    def test_revoked_credentials_ask_for_the_administrator(self, world: NetworkWorld) -> None:
        check_revoked(world)

    def test_pages_that_shift_lose_and_double_nothing(self, world: NetworkWorld) -> None:
        early = [f"0-goes-{number:02}.txt" for number in range(self.shifts * 2 + 1)]
        for name in early:
            world.put(name, "goes")
        check_shifting_pages(world, partial(_shift, world, early), shifts=self.shifts)

    def test_a_run_cut_after_any_item_goes_on_without_loss(self, world: NetworkWorld) -> None:
        for number in range(7):
            world.put(f"more-{number}.txt", "more")
        check_resume(world, anew=self.goes_on_anew)


class AskedAclConformance(NetworkConformance):
    """Where each document's list is asked for by itself, so that one may be refused."""

    make_world: ClassVar[type[AskedAclWorld]]

    def test_a_list_that_is_refused_is_unknown_for_that_document_only(self, world: AskedAclWorld) -> None:
        check_forbidden_acl(world, "a.txt")


class ChangeFeedConformance(NetworkConformance):
    """Where runs can begin at a cursor. What the feed does not see stands in the kind's `feed_misses`.

    The world is a `ChangeFeedWorld`, as far as the feed sees what its methods do.
    """

    feed_sees: ClassVar[frozenset[str]] = FEED_SEES

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Ask for each change that the feed of the suite's source sees."""
        if "seen" in metafunc.fixturenames:
            metafunc.parametrize("seen", sorted(self.feed_sees))

    def test_the_feed_leads_to_what_a_full_listing_says(self, world: ChangeFeedWorld, seen: str) -> None:
        world.put("open/c.txt", "third")
        world.put("closed/d.txt", "fourth")
        world.set_acl("open", allow=[f"user:{ANA}"])
        check_feed(world, lambda: _change(world, seen))

    def test_a_feed_that_misses_changes_says_so(self, world: NetworkWorld) -> None:
        possible = FEED_SEES if FolderConformance in type(self).__mro__ else FEED_SEES - {FOLDER}
        assert bool(world.kind.feed_misses) == bool(possible - self.feed_sees)

    def test_a_feed_without_changes_reports_nothing(self, world: NetworkWorld) -> None:
        check_quiet_feed(world)

    def test_a_change_during_the_listing_is_seen_by_the_next_run(self, world: NetworkWorld) -> None:
        shared = PERMISSION in self.feed_sees
        check_change_during_listing(world, "b.txt", shared=shared)
        check_change_during_listing(world, "회의록.txt", shared=shared)

    def test_a_cursor_that_is_too_old_is_a_gap(self, world: ChangeFeedWorld) -> None:
        with closing(world.connector()) as connector:
            cursor = cursor_of(listed(connector))
        world.forget_changes()
        check_gap(world, cursor)

    def test_a_run_from_a_cursor_cut_after_any_item_goes_on_without_loss(self, world: NetworkWorld) -> None:
        with closing(world.connector()) as connector:
            cursor = cursor_of(listed(connector))
        for number in range(7):
            world.put(f"more-{number}.txt", "more")
        check_resume(world, cursor=cursor, anew=self.goes_on_anew)


class FolderConformance(NetworkConformance):
    """Where what lies in a folder inherits its list."""

    make_world: ClassVar[type[FolderWorld]]
    feed_sees: ClassVar[frozenset[str]] = frozenset()  # beside a change feed, what that sees

    @pytest.mark.parametrize("count", [300, 10_000])
    def test_a_moved_folder_changes_what_all_in_it_inherit(self, world: FolderWorld, count: int) -> None:
        world.set_group("team", [f"user:{ANA}"])
        world.put("open/c.txt", "third")
        world.set_acl("open", allow=["group:team"])
        ids = world.fill("large", count)
        with closing(world.connector()) as connector:
            first = listed(connector)
        assert not lets_in(upserts(first)[ids[0]].acl, user(ANA), group("team"))
        world.move("large", "open")
        world.proxy.calm()
        begin = time.monotonic()
        with closing(world.connector()) as connector:
            cursor = cursor_of(first) if FOLDER in self.feed_sees else None
            known = after(upserts(first), list(connector.documents(cursor=cursor)))
        assert [each for each in ids if not lets_in(known[each].acl, group("team"))] == []
        assert time.monotonic() - begin < 0.002 * count + 5, "a moved folder takes too long"


def wait_at_most(monkeypatch: pytest.MonkeyPatch, *, seconds: float) -> None:
    """Have every client that is made from now give a silent server up after this long."""
    made = guarded_http.GuardedClient.__init__

    def hasty(client: GuardedClient, reach: Reach, origin: Origin, *, timeout_s: float = 30.0) -> None:
        made(client, reach, origin, timeout_s=min(seconds, timeout_s))

    monkeypatch.setattr(guarded_http.GuardedClient, "__init__", hasty)


def open_files() -> int:
    """How many files and connections this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a Path would open one more


def _shift(world: NetworkWorld, early: list[str]) -> None:
    """Take one away before everything that stays, and put another behind it, so that pages shift."""
    world.delete(early.pop(0))
    world.put(f"zz-{len(early)}.txt", "comes")


def _change(world: ChangeFeedWorld, kind: str) -> None:
    match kind:
        case "content":
            world.put("a.txt", "changed")
        case "permission":
            world.set_acl("a.txt", allow=[f"user:{BOB}"])
        case "new":
            world.put("open/e.txt", "fifth")
        case "gone":
            world.delete("b.txt")
        case "moved":
            world.move("d.txt", "open")
        case "folder":
            world.move("closed", "open")
            world.set_acl("open", allow=[f"user:{BOB}"])
        case _:
            raise AssertionError(kind)
