"""An approval is given to what was shown, and what was asked about once is never decided by another run."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from assistant.access.viewer import viewer_for
from assistant.accounts.models import User
from assistant.documents.models import Document, Hidden
from assistant.sync.documents_pass import DocumentsPass
from assistant.sync.failures import missing_documents
from assistant.sync.models import RunKind, RunState, SyncRun
from assistant.sync.services import approve_deletions, refuse_deletions
from connectors.sdk.contract import CaughtUp, Complete, Tombstone, Upsert
from tests.sync.conftest import sync
from tests.sync.scripted import EVERYBODY, Script, document
from tests.sync.test_deletions import documents
from tests.sync.test_settings_amid import meanwhile
from tests.sync.watching import found

FIRST, SECOND = {"token": 1}, {"token": 2}


@pytest.fixture
def asked(script: Script, scripted_source: int) -> list[Upsert]:
    """Twenty documents of a source with a feed, of which a run misses the last six and asks."""
    made = documents(20)
    script.events = [*made, Complete(cursor=FIRST)]
    sync(scripted_source)
    script.changes = [*(Tombstone(each.external_id) for each in made[14:]), CaughtUp(SECOND)]
    run = sync(scripted_source)
    assert (run.state, run.missing) == ("waiting_for_approval", 6)
    return made


def removed() -> list[str]:
    return list(Document.objects.filter(hidden=Hidden.REMOVED).values_list("external_id", flat=True))


@pytest.mark.parametrize("decide", [approve_deletions, refuse_deletions])
def test_a_decision_is_about_what_was_shown_and_not_about_what_went_missing_since(
    script: Script, scripted_source: int, asked: list[Upsert], people: dict[str, User], decide: object
) -> None:
    script.changes = [*(Tombstone(each.external_id) for each in asked[:8])]  # breaks off
    sync(scripted_source)
    waiting = SyncRun.objects.get(state=RunState.WAITING_FOR_APPROVAL)
    shown = missing_documents(viewer=viewer_for(people["ada"]), source_id=scripted_source)
    assert set(shown) == {each.external_id for each in asked[14:]}
    assert decide(run_id=waiting.pk, actor="ada") == 6  # type: ignore[operator]
    missing = set(Document.objects.filter(hidden=Hidden.MISSING).values_list("external_id", flat=True))
    assert missing == {each.external_id for each in asked[:8]}


def test_what_was_asked_about_is_not_deleted_because_the_source_has_grown(
    script: Script, scripted_source: int, asked: list[Upsert]
) -> None:
    new = [document(f"n{n:03}", f"New nword{n}.", acl=EVERYBODY) for n in range(60)]
    script.changes = [*new, CaughtUp(FIRST)]
    run = sync(scripted_source)
    assert (run.state, run.missing, run.deleted) == ("waiting_for_approval", 6, 0)
    assert removed() == []
    script.events = [*asked[:14], *new, Complete(cursor=FIRST)]
    run = sync(scripted_source, RunKind.FULL)
    assert (run.state, run.missing, run.deleted) == ("waiting_for_approval", 6, 0)
    assert approve_deletions(run_id=run.id, actor="ada") == 6


def test_what_was_refused_may_go_by_the_usual_rule_once_it_was_there_again(
    script: Script, scripted_source: int, asked: list[Upsert]
) -> None:
    waiting = SyncRun.objects.get(state=RunState.WAITING_FOR_APPROVAL)
    refuse_deletions(run_id=waiting.pk, actor="ada")
    script.changes = [asked[19], CaughtUp(FIRST)]
    sync(scripted_source)
    script.changes = [Tombstone("d18"), Tombstone("d19"), CaughtUp(SECOND)]
    run = sync(scripted_source)
    assert (run.state, run.missing, run.deleted) == ("waiting_for_approval", 2, 0), "d18 was kept by a person"
    script.changes = [asked[18], CaughtUp(FIRST)]
    sync(scripted_source)
    script.changes = [Tombstone("d19"), Tombstone("d18"), CaughtUp(SECOND)]
    run = sync(scripted_source)
    assert (run.state, run.missing) == ("waiting_for_approval", 2), "about d19 nobody has decided"
    script.changes = [asked[18], asked[19], CaughtUp(FIRST)]
    sync(scripted_source)
    script.changes = [Tombstone("d18"), CaughtUp(SECOND)]
    assert sync(scripted_source).deleted == 1
    assert removed() == ["d18"]


def test_a_document_that_is_back_while_its_deletion_is_approved_is_read_by_the_next_run(
    script: Script,
    scripted_source: int,
    asked: list[Upsert],
    people: dict[str, User],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting = SyncRun.objects.get(state=RunState.WAITING_FOR_APPROVAL)
    meanwhile(monkeypatch, DocumentsPass, "_known", lambda: approve_deletions(run_id=waiting.pk, actor="ada"))
    script.changes = [asked[19], CaughtUp(FIRST)]
    assert sync(scripted_source).failed == 1
    script.changes = [CaughtUp(SECOND)]
    assert sync(scripted_source).added == 1
    assert "d19" in found(viewer_for(people["sam"]), "word19")


def test_a_source_that_is_emptied_bit_by_bit_asks_like_one_that_is_emptied_at_once(
    script: Script, scripted_source: int
) -> None:
    made = documents(50)
    script.events = [*made, Complete()]
    sync(scripted_source)
    script.events = [*made[:46], Complete()]
    assert sync(scripted_source).deleted == 4
    script.events = [*made[:43], Complete()]
    run = sync(scripted_source)
    assert (run.state, run.missing) == ("waiting_for_approval", 3), "7 of 50 in a day"
    assert approve_deletions(run_id=run.id, actor="ada") == 3
    script.events = [*made[:42], Complete()]
    assert sync(scripted_source).deleted == 1, "the fifth of the day"
    script.events = [*made[:41], Complete()]
    run = sync(scripted_source)
    assert (run.state, run.missing) == ("waiting_for_approval", 1), "not one by one either"
    assert approve_deletions(run_id=run.id, actor="ada") == 1
    SyncRun.objects.update(finished_at=timezone.now() - timedelta(days=2))
    script.events = [*made[:37], Complete()]
    assert sync(scripted_source).deleted == 4


def test_what_somebody_kept_is_asked_about_again_also_where_it_could_go_unasked(
    script: Script, scripted_source: int, asked: list[Upsert]
) -> None:
    waiting = SyncRun.objects.get(state=RunState.WAITING_FOR_APPROVAL)
    assert refuse_deletions(run_id=waiting.pk, actor="ada") == 6
    new = [document(f"n{n:03}", f"New nword{n}.", acl=EVERYBODY) for n in range(60)]
    script.events = [*asked[:14], *new, Complete(cursor=SECOND)]
    run = sync(scripted_source, RunKind.FULL)
    assert (run.state, run.missing, run.deleted) == ("waiting_for_approval", 6, 0)


def test_a_question_is_over_for_what_came_back(
    script: Script, scripted_source: int, asked: list[Upsert]
) -> None:
    script.events = [*asked, Complete(cursor=SECOND)]
    assert sync(scripted_source, RunKind.FULL).state == "succeeded"
    assert not Document.objects.exclude(asked_in_run=0).exists()
    # What goes now goes unasked, and so counts for the next one.
    script.events = [*asked[:16], Complete(cursor=SECOND)]
    assert sync(scripted_source, RunKind.FULL).deleted == 4
    script.events = [*asked[:14], Complete(cursor=SECOND)]
    assert sync(scripted_source, RunKind.FULL).state == "waiting_for_approval"
