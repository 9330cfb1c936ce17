"""Deleting: only after a complete listing, only what is plausible; else hidden until somebody decides."""

from __future__ import annotations

import pytest

from assistant.access.viewer import viewer_for
from assistant.accounts.models import User
from assistant.audit.models import AuditEvent
from assistant.common.errors import NotFound
from assistant.documents.models import Chunk, Document, Hidden
from assistant.sync.models import RunState, SyncRun
from assistant.sync.services import approve_deletions
from connectors.sdk.contract import Complete, Tombstone, Upsert
from connectors.sdk.errors import Stop
from tests.conftest import SmallWorld
from tests.sync.conftest import Folder, sync
from tests.sync.scripted import EVERYBODY, Script, document
from tests.sync.test_engine import counts
from tests.sync.watching import Work, assert_sound, found


def documents(number: int) -> list[Upsert]:
    """As many documents that everybody may read, each with a word of its own."""
    return [document(f"d{n:02}", f"Report word{n:02} of the yard.", acl=EVERYBODY) for n in range(number)]


@pytest.fixture
def twenty(script: Script, scripted_source: int) -> list[Upsert]:
    """Twenty synced documents of the scripted source."""
    made = documents(20)
    script.events = [*made, Complete()]
    assert sync(scripted_source).added == 20
    return made


def test_an_empty_listing_deletes_nothing_and_asks(small_world: SmallWorld) -> None:
    small_world.documents.clear()
    run = small_world.sync()
    assert (run.state, run.deleted, run.missing) == ("waiting_for_approval", 0, 6)
    assert Chunk.objects.exists()
    assert found(small_world.viewer("sam"), "guest network") == {}


def test_a_source_that_is_gone_deletes_and_hides_nothing(folder: Folder, people: dict[str, User]) -> None:
    folder.root.rename(folder.root.with_name("elsewhere"))
    run = folder.sync()
    assert (run.state, run.code, run.deleted, run.missing) == ("failed", "source_gone", 0, 0)
    assert str(folder.root) in run.detail
    assert "open/desk.md" in found(viewer_for(people["ann"]), "front desk heronbook")


def test_more_than_a_tenth_asks_hides_and_is_deleted_on_approval(
    script: Script, scripted_source: int, twenty: list[Upsert], people: dict[str, User]
) -> None:
    sam = viewer_for(people["sam"])
    script.events = [*twenty[:14], Complete()]
    run = sync(scripted_source)
    assert counts(run) == (0, 0, 14, 0, 0)
    assert (run.state, run.missing) == ("waiting_for_approval", 6)
    assert set(found(sam, "report of the yard word15")) == {each.external_id for each in twenty[:14]}
    assert Document.objects.filter(hidden=Hidden.MISSING).count() == 6
    assert approve_deletions(run_id=run.id, actor="ada@example.com") == 6
    assert Document.objects.filter(hidden=Hidden.REMOVED).count() == 6
    assert not Chunk.objects.filter(text__contains="word15").exists()
    ended = SyncRun.objects.get(pk=run.id)
    assert (ended.state, ended.deleted, ended.missing) == (RunState.SUCCEEDED, 6, 0)
    assert AuditEvent.objects.filter(actor="ada@example.com").exists()
    assert_sound()
    with pytest.raises(NotFound):
        approve_deletions(run_id=run.id, actor="ada@example.com")


def test_five_of_twenty_may_go_at_once(script: Script, scripted_source: int, twenty: list[Upsert]) -> None:
    script.events = [*twenty[:15], Complete()]
    assert counts(sync(scripted_source)) == (0, 0, 15, 5, 0)


def test_a_missing_document_that_returns_is_shown_again_and_not_deleted_by_a_late_approval(
    script: Script, scripted_source: int, twenty: list[Upsert], people: dict[str, User], work: Work
) -> None:
    sam = viewer_for(people["sam"])
    script.events = [*twenty[:10], Complete()]
    asked = sync(scripted_source)
    assert asked.missing == 10
    script.events = [*twenty, Complete()]
    back = sync(scripted_source)
    assert counts(back) == (0, 10, 10, 0, 0)
    assert back.state == "succeeded"
    assert len(found(sam, "report of the yard")) == 20
    assert work.parsed == []
    with pytest.raises(NotFound):
        approve_deletions(run_id=asked.id, actor="ada@example.com")
    assert len(found(sam, "report of the yard")) == 20


def test_a_later_run_asks_anew_for_what_is_still_missing(
    script: Script, scripted_source: int, twenty: list[Upsert]
) -> None:
    script.events = [*twenty[:10], Complete()]
    first = sync(scripted_source)
    script.events = [*twenty[:12], Complete()]
    second = sync(scripted_source)
    assert (second.state, second.missing) == ("waiting_for_approval", 8)
    waiting = SyncRun.objects.filter(state=RunState.WAITING_FOR_APPROVAL)
    assert list(waiting.values_list("pk", flat=True)) == [second.id]
    assert approve_deletions(run_id=second.id, actor="ada") == 8
    assert SyncRun.objects.get(pk=first.id).deleted == 0


def test_an_approval_leaves_other_sources_alone(
    script: Script, scripted_source: int, twenty: list[Upsert], small_world: SmallWorld
) -> None:
    small_world.documents.clear()
    assert small_world.sync().missing == 6
    script.events = [*twenty[:10], Complete()]
    asked = sync(scripted_source)
    assert approve_deletions(run_id=asked.id, actor="ada") == 10
    assert Document.objects.filter(connection=small_world.source_id, hidden=Hidden.MISSING).count() == 6


def test_a_tombstone_deletes_what_the_listing_does_not_name(
    script: Script, scripted_source: int, twenty: list[Upsert]
) -> None:
    script.events = [*twenty[:19], Tombstone("d19"), Complete()]
    assert counts(sync(scripted_source)) == (0, 0, 19, 1, 0)


def test_a_listing_that_breaks_off_keeps_what_it_brought_and_deletes_nothing(
    script: Script, scripted_source: int, twenty: list[Upsert]
) -> None:
    new = document("d99", "Report word99 of the yard.", acl=EVERYBODY)
    script.events = [new, *twenty[:2], Stop("The share was unmounted.")]
    run = sync(scripted_source)
    assert (run.state, run.code, run.deleted, run.missing) == ("failed", "source_gone", 0, 0)
    assert "The share was unmounted." in run.detail
    assert Document.objects.filter(hidden=Hidden.NO, version__gt=0).count() >= 20
