"""What a Git source reports since the commit that was read last, and what it does without that commit."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from assistant.common.types import Json, JsonObject
from connectors.sdk.contract import CaughtUp, Complete, Event, Failure, FeedGap, Tombstone
from tests.connectors.conformance import check_listing, listed, text_of, upserts
from tests.connectors.sources.git_world import GitWorld


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    """A repository with two files."""
    world = GitWorld(tmp_path)
    world.put("docs/plan.md", "# The plan")
    world.put("README.md", "# Read me")
    return world


def cursor_of(events: Iterable[Event]) -> JsonObject:
    """What the next run begins with."""
    last = list(events)[-1]
    assert isinstance(last, Complete | CaughtUp)
    assert last.cursor is not None
    return last.cursor


def changes(world: GitWorld, cursor: JsonObject, **more: Json) -> tuple[set[str], set[str], JsonObject]:
    """What the feed reports since the cursor: ids that are there, ids that are gone, the next cursor."""
    events = list(world.connector(**more).documents(cursor=cursor))
    assert isinstance(events[-1], CaughtUp)
    gone = {event.external_id for event in events if isinstance(event, Tombstone)}
    return set(upserts(events)), gone, events[-1].cursor


def test_the_feed_reports_what_differs_and_nothing_else(world: GitWorld) -> None:
    world.put("docs/old.md", "old")
    world.put("docs/sub/deep.md", "deep")
    cursor = cursor_of(listed(world.connector()))
    assert changes(world, cursor)[:2] == (set(), set())
    world.put("docs/plan.md", "# Another plan")
    world.put("docs/new.md", "new")
    world.repository.remove("docs/old.md")
    there, gone, cursor = changes(world, cursor)
    assert there == {world.id("docs/plan.md"), world.id("docs/new.md")}
    assert gone == {world.id("docs/old.md")}
    world.repository.move("docs/", "handbook/")
    there, gone, cursor = changes(world, cursor)
    assert there == {world.id(f"handbook/{name}") for name in ("plan.md", "new.md", "sub/deep.md")}
    assert gone == {world.id(f"docs/{name}") for name in ("plan.md", "new.md", "sub/deep.md")}
    assert changes(world, cursor)[:2] == (set(), set())


def test_a_change_has_the_version_and_the_content_that_a_listing_gives(world: GitWorld) -> None:
    cursor = cursor_of(listed(world.connector()))
    name = world.put("docs/plan.md", "# Another plan")
    connector = world.connector()
    changed = upserts(connector.documents(cursor=cursor))[name]
    whole = upserts(listed(world.connector()))[name]
    assert (changed.version, changed.size, changed.acl) == (whole.version, whole.size, whole.acl)
    assert text_of(changed.fetch()) == "# Another plan"
    connector.close()


def test_a_file_that_becomes_a_link_is_gone(world: GitWorld) -> None:
    cursor = cursor_of(listed(world.connector()))
    world.repository.put("docs/plan.md", "../README.md", mode="120000")
    assert changes(world, cursor)[:2] == (set(), {world.id("docs/plan.md")})


def test_rewritten_history_is_compared_by_content(world: GitWorld) -> None:
    cursor = cursor_of(listed(world.connector()))
    world.put("docs/plan.md", "# Rewritten")
    world.repository.commit(rewrite=True)
    world.repository.forget_history()
    assert changes(world, cursor)[:2] == ({world.id("docs/plan.md")}, set())


def test_history_that_is_gone_everywhere_is_a_gap(world: GitWorld) -> None:
    cursor = cursor_of(listed(world.connector()))
    world.put("docs/plan.md", "# Rewritten")
    world.repository.commit(rewrite=True)
    world.repository.forget_history()
    shutil.rmtree(world.scratch)
    with pytest.raises(FeedGap):
        next(world.connector().documents(cursor=cursor))


def test_a_lost_copy_is_made_anew_and_the_feed_goes_on(world: GitWorld) -> None:
    cursor = cursor_of(listed(world.connector()))
    shutil.rmtree(world.scratch)
    world.put("docs/plan.md", "# Another plan")
    assert changes(world, cursor)[:2] == ({world.id("docs/plan.md")}, set())


def test_a_damaged_copy_is_made_anew(world: GitWorld) -> None:
    first = listed(world.connector())
    (copy,) = (world.scratch / "repositories").glob("*.git")
    (copy / "shallow.lock").touch()
    assert upserts(listed(world.connector())).keys() == upserts(first).keys()
    shutil.rmtree(copy / "objects")
    assert upserts(listed(world.connector())).keys() == upserts(first).keys()


@pytest.mark.parametrize(
    "more", [{"include": ["docs/"]}, {"audience": ["everyone"]}, {"link": "https://git.example.com/{path}"}]
)
def test_other_settings_are_a_gap(world: GitWorld, more: dict[str, Json]) -> None:
    cursor = cursor_of(listed(world.connector()))
    with pytest.raises(FeedGap):
        next(world.connector(**more).documents(cursor=cursor))


def test_a_broken_cursor_is_a_gap(world: GitWorld) -> None:
    cursor = cursor_of(listed(world.connector()))
    heads = cursor["heads"]
    assert isinstance(heads, dict)
    for broken in ("--upload-pack=touch /tmp/x", "0" * 40, ""):
        with pytest.raises(FeedGap):
            next(world.connector().documents(cursor={**cursor, "heads": dict.fromkeys(heads, broken)}))
    with pytest.raises(FeedGap):
        next(world.connector().documents(cursor={}))


def test_of_several_repositories_one_that_is_gone_leaves_its_files_as_they_were(
    world: GitWorld, tmp_path: Path
) -> None:
    other = GitWorld(tmp_path)
    kept, lost = world.put("kept.md", "kept"), other.put("lost.md", "lost")
    other.repository.commit()
    both: list[Json] = [world.server.address(world.slug), other.server.address(other.slug)]
    before = listed(world.connector(repositories=both))
    assert {kept, lost} <= set(upserts(before))
    other.vanish()
    cursor = cursor_of(before)
    new = world.put("new.md", "new")
    events = check_listing(world.connector(repositories=both))
    prefixes = [event.external_id for event in events if isinstance(event, Failure) and event.is_prefix]
    assert len(prefixes) == 1
    assert lost.startswith(prefixes[0])
    assert kept in upserts(events)
    fed = list(world.connector(repositories=both).documents(cursor=cursor))
    assert set(upserts(fed)) == {new}
    assert [event.external_id for event in fed if isinstance(event, Failure)] == prefixes
    assert not [event for event in fed if isinstance(event, Tombstone)]
    last = fed[-1]
    assert isinstance(last, CaughtUp)
    heads, before_heads = last.cursor["heads"], cursor["heads"]
    assert isinstance(heads, dict)
    assert isinstance(before_heads, dict)
    name = prefixes[0].removesuffix(":")
    assert heads[name] == before_heads[name]
