"""A source's lists name groups of the directory that it is joined to, and of no other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from assistant.access.inspector import explain
from assistant.access.viewer import viewer_for
from assistant.accounts.models import Connection, User
from assistant.common.acl import user
from assistant.common.errors import NotFound, UsageError
from assistant.documents.models import Chunk, Document
from assistant.sync.models import RunFailure, RunKind
from assistant.sync.services import add_source
from assistant.sync.source_settings import join_directory
from connectors.registry import KINDS
from connectors.sdk.contract import Complete, GroupMembers
from connectors.sdk.directory import in_directory
from tests.conftest import SmallWorld
from tests.sync import scripted
from tests.sync.conftest import sync
from tests.sync.scripted import Script
from tests.sync.watching import found

STAFF = in_directory("cn", "staff")
TEXT = "The merlinword budget of the yard."


@pytest.fixture
def directory(script: Script, monkeypatch: pytest.MonkeyPatch) -> int:
    """A directory in which Ann is in staff."""
    monkeypatch.setitem(KINDS, "scripted_directory", scripted.DIRECTORY_PLACE)
    script.groups = [GroupMembers("cn:staff", (user("ann@example.com"),)), Complete()]
    script.events = [Complete()]
    return add_source(kind="scripted_directory", name="people", config={}, actor="test")


@pytest.fixture
def joined(small_world: SmallWorld, directory: int) -> SmallWorld:
    """The small world with a document for the directory's staff, joined to the directory."""
    small_world.documents["budget"] = {
        "id": "budget",
        "title": "Budget",
        "text": TEXT,
        "acl": {"allow": [str(STAFF)]},
    }
    sync(directory, RunKind.PRINCIPALS)
    small_world.write()
    join_directory(source_id=small_world.source_id, directory_id=directory, actor="ada")
    small_world.sync()
    small_world.sync()
    return small_world


def sees(world: SmallWorld, name: str) -> bool:
    return "budget" in found(world.viewer(name), "merlinword budget")


def test_members_of_the_directorys_group_see_and_a_stranger_does_not(joined: SmallWorld) -> None:
    assert sees(joined, "ann")
    assert not sees(joined, "bob")
    assert not sees(joined, "sam")


def test_a_change_in_the_directory_is_obeyed_at_once_and_touches_no_document(
    joined: SmallWorld, script: Script, directory: int
) -> None:
    before = list(Document.objects.order_by("pk").values_list("pk", "revision", "acl_id", "synced_at"))
    chunks = Chunk.objects.count()
    script.groups = [GroupMembers("cn:staff", (user("bob@example.com"),)), Complete()]
    sync(directory, RunKind.PRINCIPALS)
    assert not sees(joined, "ann")
    assert sees(joined, "bob")
    assert (
        list(Document.objects.order_by("pk").values_list("pk", "revision", "acl_id", "synced_at")) == before
    )
    assert Chunk.objects.count() == chunks


def test_a_group_of_the_source_may_have_a_group_of_the_directory_as_its_member(joined: SmallWorld) -> None:
    joined.groups["yard"] = {"group": "yard", "members": [str(STAFF)]}
    joined.documents["budget"]["acl"] = {"allow": ["group:yard"]}
    joined.write()
    joined.sync()
    assert sees(joined, "ann")
    assert not sees(joined, "sam")


def test_a_source_cannot_say_who_is_in_a_group_of_the_directory(joined: SmallWorld) -> None:
    joined.groups["mine"] = {"group": str(STAFF).removeprefix("group:"), "members": ["user:sam@example.com"]}
    joined.write()
    run = joined.sync()
    assert run.state == "succeeded_with_errors"
    assert RunFailure.objects.filter(run=run.id, external_id="directory:cn:staff").exists()
    assert not sees(joined, "sam")
    assert sees(joined, "ann"), "the last complete membership counts"


def test_without_a_directory_its_groups_let_nobody_in_and_a_deny_of_one_stops_everybody(
    joined: SmallWorld,
) -> None:
    join_directory(source_id=joined.source_id, directory_id=None, actor="ada")
    joined.documents["open"]["acl"] = {"deny": [str(STAFF)], "allow": ["everyone"]}
    joined.write()
    joined.sync()
    joined.sync()
    assert not any(sees(joined, name) for name in ("ann", "bob", "sam"))
    assert all("open" not in found(joined.viewer(name), "visitors") for name in ("ann", "sam"))


def test_groups_of_one_directory_are_not_those_of_another(
    joined: SmallWorld, script: Script, directory: int
) -> None:
    other = add_source(kind="scripted_directory", name="other people", config={}, actor="test")
    script.groups = [GroupMembers("cn:staff", (user("sam@example.com"),)), Complete()]
    sync(other, RunKind.PRINCIPALS)
    assert sees(joined, "ann")
    assert not sees(joined, "sam")
    join_directory(source_id=joined.source_id, directory_id=other, actor="ada")
    joined.sync()
    joined.sync()
    assert not sees(joined, "ann")
    assert sees(joined, "sam")


def test_only_a_directory_can_be_joined(small_world: SmallWorld, people: dict[str, User]) -> None:
    with pytest.raises(UsageError, match="Choose a directory"):
        join_directory(source_id=small_world.source_id, directory_id=small_world.source_id, actor="ada")
    with pytest.raises(NotFound):
        join_directory(source_id=4711, directory_id=None, actor="ada")
    assert Connection.objects.get(pk=small_world.source_id).directory_id is None
    assert viewer_for(people["ann"])


def test_a_directory_that_was_read_too_long_ago_lets_nobody_in_and_its_denies_stop_everybody(
    joined: SmallWorld, directory: int
) -> None:
    joined.documents["open"]["acl"] = {"deny": [str(STAFF)], "allow": ["everyone"]}
    joined.write()
    joined.sync()
    assert "open" in found(joined.viewer("sam"), "visitors")
    assert "open" not in found(joined.viewer("ann"), "visitors")
    long_ago = timezone.now() - timedelta(days=30)
    Connection.objects.filter(pk=directory).update(principals_confirmed_at=long_ago)
    assert not sees(joined, "ann")
    assert "open" not in found(joined.viewer("sam"), "visitors")


def test_the_inspector_names_the_way_through_the_directory(
    joined: SmallWorld, people: dict[str, User]
) -> None:
    budget = Document.objects.get(external_id="budget")
    seen = explain(viewer_for(people["ann"]), budget)
    assert seen.visible
    assert any("cn:staff" in step for step in seen.path), seen.path
    assert not explain(viewer_for(people["sam"]), budget).visible
