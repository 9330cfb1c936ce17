"""What every connector must do, as a test class that a connector gets in one line.

    class TestFilesystem(ConnectorConformance):
        make_world = FilesystemWorld

A world is a small source that the tests can change. The checks are functions of
their own, so that `test_conformance.py` can show that each of them can fail.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Protocol

import pytest

from assistant.common.acl import Acl, Clause, PrincipalKind, PrincipalRef, group, user
from connectors.registry import guide
from connectors.sdk.contract import (
    BytesContent,
    Checkpoint,
    Complete,
    Connector,
    ConnectorKind,
    Content,
    DocumentAcl,
    Event,
    Failure,
    FileContent,
    GroupMembers,
    PermissionEvent,
    PrincipalEvent,
    TextContent,
    Tombstone,
    Upsert,
)
from connectors.sdk.errors import ConnectorError
from connectors.sdk.names import id_problem

STEPS = {"sign-in", "list", "read content", "read permissions", "read groups"}
GUIDE_HEADINGS = {
    "en": ["Rights that Mundap needs", "What is synced", "What the permissions mean", "Limits"],
    "ko": ["필요한 권한", "동기화하는 내용", "권한의 의미", "제한 사항"],
}
ANA, BOB = "ana@example.com", "bob@example.com"


class World(Protocol):
    """A source that tests can change. Names are file names; `put` gives back the external id.

    A document that was only put has no permissions of its own and none from above.
    """

    kind: ConnectorKind

    def __init__(self, folder: Path) -> None: ...
    def connector(self) -> Connector: ...
    def put(self, name: str, text: str) -> str: ...
    def delete(self, name: str) -> None: ...
    def set_acl(self, name: str, *, allow: Sequence[str], deny: Sequence[str] = ()) -> None: ...
    def break_acl(self, name: str) -> None: ...
    def set_group(self, name: str, members: Sequence[str]) -> None: ...
    def break_groups(self) -> None: ...
    def vanish(self) -> None: ...


def lets_in(acl: Acl | None, *principals: PrincipalRef, now: datetime | None = None) -> bool:
    """Whether somebody with these principals (and everyone) passes: a plain reading of the rules."""
    if acl is None or not acl.clauses:
        return False
    return all(_clause_lets_in(clause, principals, now or datetime.now(UTC)) for clause in acl.clauses)


def _clause_lets_in(clause: Clause, principals: Sequence[PrincipalRef], now: datetime) -> bool:
    for entry in clause.entries:
        matches = entry.principal.kind is PrincipalKind.EVERYONE or entry.principal in principals
        if matches and (entry.expires is None or entry.expires > now):
            return entry.allow
    return False


def listed(connector: Connector) -> list[Event]:
    """A full listing."""
    return list(connector.documents())


def upserts(events: Iterable[Event]) -> dict[str, Upsert]:
    """The documents of a listing by id."""
    return {event.external_id: event for event in events if isinstance(event, Upsert)}


def text_of(content: Content) -> str:
    """The content as text, however it comes."""
    if isinstance(content, FileContent):
        return content.path.read_text(encoding="utf-8")
    return content.data.decode() if isinstance(content, BytesContent) else content.text


def sees(events: Iterable[Event], external_id: str, *principals: PrincipalRef) -> bool:
    """Whether the engine may show the document after this listing, in whatever order it reads it."""
    events = list(events)
    hidden = any(isinstance(event, Failure) and event.hide and _names(event, external_id) for event in events)
    found = upserts(events).get(external_id)
    return found is not None and not hidden and lets_in(found.acl, *principals)


def _names(failure: Failure, external_id: str) -> bool:
    if failure.is_prefix:
        return external_id.startswith(failure.external_id)
    return external_id == failure.external_id


def check_end(events: Sequence[object]) -> None:
    """Complete is the last event and the only one of its kind, if there is one."""
    assert not any(isinstance(event, Complete) for event in events[:-1]), "Complete before the end"


def check_ids(events: Sequence[Event]) -> None:
    """Every id can be stored and stands for one document."""
    ids = [event.external_id for event in events if isinstance(event, Upsert)]
    assert len(ids) == len(set(ids)), "an id stands for two documents"
    assert [each for each in ids if id_problem(each)] == [], "an id that cannot be stored"
    failed = [event.external_id for event in events if isinstance(event, Failure) and event.external_id]
    assert [each for each in failed if id_problem(each)] == [], "a failure whose id cannot be stored"


def check_agreement(events: Sequence[Event], permissions: Sequence[PermissionEvent]) -> None:
    """The permission run says the same of every document as the listing."""
    from_listing = {key: found.acl for key, found in upserts(events).items()}
    from_permissions = {each.external_id: each.acl for each in permissions if isinstance(each, DocumentAcl)}
    assert from_listing == from_permissions
    hiding = {event for event in events if isinstance(event, Failure) and event.hide}
    assert hiding == {event for event in permissions if isinstance(event, Failure) and event.hide}


def check_values(events: Sequence[Event]) -> None:
    """What a database and a page can take."""
    for found in upserts(events).values():
        assert found.version, f"{found.external_id}: no version"
        assert found.modified is None or found.modified.tzinfo is not None, f"{found.external_id}: naive time"
        assert found.url == "" or found.url.startswith(("http://", "https://")), f"{found.external_id}: url"
        assert "\n" not in found.title, f"{found.external_id}: title of two lines"


def check_principals(events: Sequence[PrincipalEvent]) -> None:
    """Groups are unique, and only a run without failures is complete."""
    check_end(events)
    groups = [event.group for event in events if isinstance(event, GroupMembers)]
    assert len(groups) == len(set(groups)), "a group stands twice"
    if any(isinstance(event, Failure) for event in events):
        assert not isinstance(events[-1], Complete), "a partial reading of groups calls itself complete"


def check_listing(connector: Connector) -> list[Event]:
    """All checks that hold in any state of any source; gives back the listing."""
    events = listed(connector)
    check_end(events)
    check_ids(events)
    check_values(events)
    permissions = list(connector.permissions())
    check_end(permissions)
    check_agreement(events, permissions)
    check_principals(list(connector.principals()))
    return events


def _without_fetch(event: Event) -> object:
    if not isinstance(event, Upsert):
        return event
    return tuple(getattr(event, name) for name in Upsert.__slots__ if name != "fetch")


class ConnectorConformance:
    """The suite. A subclass names its world."""

    make_world: ClassVar[type[World]]
    many: ClassVar[int] = 250  # documents: more than lie between two checkpoints

    @pytest.fixture
    def world(self, tmp_path: Path) -> World:
        """Two documents for Ana, one for nobody, one group."""
        world = self.make_world(tmp_path)
        self.furnish(world)
        return world

    def furnish(self, world: World) -> None:
        """What is there when a test begins."""
        world.put("b.txt", "second")
        world.put("a.txt", "first")
        world.put("회의록.txt", "셋째 문서")
        world.set_acl("a.txt", allow=[f"user:{ANA}"])
        world.set_acl("b.txt", allow=[f"user:{ANA}", "group:staff"], deny=[f"user:{BOB}"])
        world.set_group("staff", [f"user:{BOB}", "user:carol@example.com"])

    def test_a_healthy_source_is_listed_to_its_end(self, world: World) -> None:
        events = check_listing(world.connector())
        assert len(upserts(events)) == 3
        assert isinstance(events[-1], Complete)
        assert isinstance(list(world.connector().permissions())[-1], Complete)
        assert isinstance(list(world.connector().principals())[-1], Complete)

    def test_two_listings_of_the_same_source_are_equal(self, world: World) -> None:
        first = [_without_fetch(event) for event in listed(world.connector())]
        assert first == [_without_fetch(event) for event in listed(world.connector())]

    def test_fetch_gives_what_was_put(self, world: World) -> None:
        name = world.put("c.txt", "세 번째 내용")
        content = upserts(listed(world.connector()))[name].fetch()
        assert isinstance(content, (FileContent, BytesContent, TextContent))
        assert text_of(content).strip() == "세 번째 내용"

    def test_a_document_without_permissions_is_for_nobody(self, world: World) -> None:
        name = world.put("c.txt", "third")
        events = listed(world.connector())
        assert not sees(events, name, user(ANA), group("staff"))

    def test_only_the_allowed_see_and_a_deny_beats_their_group(self, world: World) -> None:
        name = world.put("b.txt", "second")
        events = listed(world.connector())
        assert sees(events, name, user(ANA))
        assert sees(events, name, user("carol@example.com"), group("staff"))
        assert not sees(events, name, user(BOB), group("staff"))
        assert not sees(events, name, user("stranger@example.com"))

    def test_a_changed_permission_shows_in_the_next_run_and_leaves_the_version(self, world: World) -> None:
        name = world.put("a.txt", "first")
        before = upserts(listed(world.connector()))[name]
        world.set_acl("a.txt", allow=[f"user:{BOB}"])
        events = check_listing(world.connector())
        assert not sees(events, name, user(ANA))
        assert sees(events, name, user(BOB))
        assert upserts(events)[name].version == before.version

    def test_changed_content_changes_the_version_of_that_document_only(self, world: World) -> None:
        before = upserts(listed(world.connector()))
        for document in before.values():
            document.fetch()
        edited = world.put("a.txt", "FIRST")
        after = upserts(check_listing(world.connector()))
        changed = {key for key in before if before[key].version != after[key].version}
        assert changed == {edited}

    def test_a_deleted_document_is_not_listed_and_the_listing_is_complete(self, world: World) -> None:
        name = world.put("a.txt", "first")
        world.delete("a.txt")
        events = check_listing(world.connector())
        assert name not in upserts(events)
        assert isinstance(events[-1], Complete)

    def test_broken_permissions_hide_the_document_and_not_its_neighbour(self, world: World) -> None:
        broken, sound = world.put("a.txt", "first"), world.put("b.txt", "second")
        world.break_acl("a.txt")
        events = check_listing(world.connector())
        assert not sees(events, broken, user(ANA), group("staff"))
        assert any(isinstance(event, Failure) and event.hide and _names(event, broken) for event in events)
        assert sees(events, sound, user(ANA))

    def test_mended_permissions_show_the_document_again(self, world: World) -> None:
        name = world.put("a.txt", "first")
        world.break_acl("a.txt")
        world.set_acl("a.txt", allow=[f"user:{ANA}"])
        assert sees(check_listing(world.connector()), name, user(ANA))

    def test_groups_come_with_their_members(self, world: World) -> None:
        world.set_group("board", ["group:staff", "everyone"])
        groups = {
            event.group: set(map(str, event.members))
            for event in world.connector().principals()
            if isinstance(event, GroupMembers)
        }
        assert groups == {
            "staff": {f"user:{BOB}", "user:carol@example.com"},
            "board": {"group:staff", "everyone"},
        }

    def test_broken_groups_are_never_complete(self, world: World) -> None:
        world.break_groups()
        events = list(world.connector().principals())
        check_principals(events)
        assert any(isinstance(event, Failure) for event in events)

    def test_a_source_that_vanished_is_an_error_and_no_empty_listing(self, world: World) -> None:
        connector = world.connector()
        world.vanish()
        with pytest.raises(ConnectorError):
            listed(connector)
        with pytest.raises(ConnectorError):
            list(connector.permissions())
        assert not all(item.ok for item in connector.check())

    def test_a_run_resumed_at_any_checkpoint_misses_nothing_after_it(self, world: World) -> None:
        for number in range(self.many):
            world.put(f"more-{number:03}.txt", f"document {number}")
        events = listed(world.connector())
        points = [n for n, event in enumerate(events) if isinstance(event, Checkpoint)]
        assert points
        for point in points:
            checkpoint = events[point]
            assert isinstance(checkpoint, Checkpoint)
            resumed = list(world.connector().documents(checkpoint=checkpoint.state))
            assert set(upserts(events[point:])) <= set(upserts(resumed))
            assert isinstance(resumed[-1], Complete)

    def test_a_listing_that_is_given_up_leaves_no_file_open(self, world: World) -> None:
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        runs = [world.connector().documents() for _ in range(5)]
        for run in runs:
            next(run)
            run.close()  # type: ignore[attr-defined]
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208

    def test_the_connection_test_names_its_steps(self, world: World) -> None:
        items = world.connector().check()
        assert {item.step for item in items} <= STEPS
        assert all(item.detail for item in items)
        assert [item for item in items if not item.ok] == []

    def test_single_documents_can_be_reported_again(self, world: World) -> None:
        first, gone = world.put("a.txt", "first"), world.put("z.txt", "last")
        world.delete("z.txt")
        events = list(world.connector().again([first, gone]))
        assert sees(events, first, user(ANA))
        assert set(upserts(events)) == {first}
        assert [event for event in events if isinstance(event, Tombstone)] == [Tombstone(gone)]

    def test_a_guide_tells_administrators_what_they_must_know(self, world: World) -> None:
        for language, headings in GUIDE_HEADINGS.items():
            text = guide(world.kind.name, language)
            found = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
            assert found == headings

    def test_every_setting_is_explained_in_both_languages(self, world: World) -> None:
        for setting in world.kind.fields:
            assert {"en", "ko"} <= set(setting.label)
            assert {"en", "ko"} <= set(setting.help)
        assert {"en", "ko"} <= set(world.kind.label)
