"""Change feeds and checkpoints: what is asked of a source, and what an interrupted run asks again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from assistant.access.viewer import viewer_for
from assistant.accounts.models import User
from assistant.common.errors import FailureCode
from assistant.documents.models import Document, Hidden
from assistant.sync import documents_pass
from assistant.sync.engine import execute_run
from assistant.sync.models import RunKind, RunState, Source, SyncRun
from assistant.sync.selectors import run_progress
from assistant.sync.services import request_run
from connectors.sdk.contract import (
    CaughtUp,
    Checkpoint,
    Complete,
    Event,
    Failure,
    FeedGap,
    Tombstone,
)
from connectors.sdk.errors import Reconfigure, Retry
from tests.sync.conftest import sync
from tests.sync.scripted import EVERYBODY, FIRST, SECOND, A, B, C, Script, document
from tests.sync.test_engine import counts
from tests.sync.test_interrupted import Killed, abandoned, killing
from tests.sync.watching import found


def cursor_of(source_id: int) -> object:
    return Source.objects.get(pk=source_id).cursor


def test_the_next_run_reads_what_changed_and_leaves_the_rest_alone(script: Script, fed: int) -> None:
    script.changes = [
        document("b", "Report about bword, mended.", acl=EVERYBODY),
        Tombstone("c"),
        CaughtUp(SECOND),
    ]
    run = sync(fed)
    assert counts(run) == (0, 1, 0, 1, 0)
    assert script.asked == [(FIRST, None)]
    assert script.fetched == ["b"]
    assert cursor_of(fed) == SECOND
    assert Document.objects.get(external_id="a").hidden == Hidden.NO


def test_a_feed_that_no_longer_reaches_back_is_replaced_by_a_whole_listing(script: Script, fed: int) -> None:
    script.changes = [FeedGap()]
    script.events = [A, B, Complete(cursor=SECOND)]
    assert counts(sync(fed)) == (0, 0, 2, 1, 0)
    assert script.asked == [(FIRST, None), (None, None)]
    assert cursor_of(fed) == SECOND


def test_everything_is_listed_again_when_the_last_whole_listing_is_too_old(script: Script, fed: int) -> None:
    Source.objects.filter(pk=fed).update(listed_at=timezone.now() - timedelta(hours=25), full_hours=24)
    sync(fed)
    assert script.asked == [(None, None)]
    script.asked.clear()
    script.changes = [CaughtUp(SECOND)]
    sync(fed)
    assert script.asked == [(FIRST, None)]


def test_a_document_that_changed_twice_in_the_feed_has_its_last_state(
    script: Script, fed: int, people: dict[str, User]
) -> None:
    script.changes = [
        document("d", "Draft with dword one.", acl=EVERYBODY),
        *(document(f"x{n}", f"Filler {n}.", acl=EVERYBODY) for n in range(3)),
        document("d", "Final with dword two.", acl={"allow": ["user:ann@example.com"]}),
        CaughtUp(SECOND),
    ]
    sync(fed)
    assert Document.objects.filter(external_id="d").count() == 1
    assert "two" in found(viewer_for(people["ann"]), "dword")["d"]
    assert "d" not in found(viewer_for(people["sam"]), "dword")


def test_what_failed_is_asked_for_again_because_no_feed_names_it_twice(script: Script, fed: int) -> None:
    script.changes = [Failure("b", FailureCode.UNREACHABLE), CaughtUp(SECOND)]
    assert sync(fed).failed == 1
    script.asked.clear()
    script.events = [A, document("b", "Report about bword, late.", acl=EVERYBODY), C, Complete()]
    script.changes = [CaughtUp(SECOND)]
    run = sync(fed)
    assert counts(run) == (0, 1, 0, 0, 0)
    assert script.asked == [(None, None), (SECOND, None)], "the documents by their ids, then the feed"


@pytest.mark.parametrize("between", ["a reading of lists", "a run that broke off"])
def test_what_failed_is_asked_for_again_whatever_ran_in_between(
    script: Script, fed: int, between: str
) -> None:
    script.changes = [Failure("new", FailureCode.UNREACHABLE), CaughtUp(SECOND)]
    assert sync(fed).failed == 1
    if between == "a reading of lists":
        sync(fed, RunKind.PERMISSIONS)
    else:
        script.changes = [Reconfigure("The password has expired.")]
        assert sync(fed).state == "failed"
    script.events = [A, document("new", "Report about newword.", acl=EVERYBODY), Complete()]
    script.changes = [CaughtUp(SECOND)]
    assert sync(fed).added == 1


def test_a_failed_prefix_holds_the_cursor_back(script: Script, fed: int) -> None:
    script.changes = [Failure("f/", FailureCode.UNLISTED, is_prefix=True), CaughtUp(SECOND)]
    sync(fed)
    assert cursor_of(fed) == FIRST


@pytest.mark.parametrize("broken", [[], [document("b", "New bword.", acl=EVERYBODY)]])
def test_a_feed_that_breaks_off_without_an_end_moves_no_cursor_and_deletes_nothing(
    script: Script, fed: int, broken: list[object]
) -> None:
    script.changes = [*broken, Tombstone("a")]  # type: ignore[list-item]
    run = sync(fed)
    assert (run.state, run.deleted) == ("succeeded_with_errors", 0)
    assert cursor_of(fed) == FIRST
    assert Document.objects.get(external_id="a").hidden == Hidden.MISSING


def test_many_deletions_in_a_feed_wait_for_approval(script: Script, scripted_source: int) -> None:
    many = [document(f"m{n:02}", f"Minutes number{n}.", acl=EVERYBODY) for n in range(30)]
    script.events = [*many, Complete(cursor=FIRST)]
    sync(scripted_source)
    script.changes = [*(Tombstone(f"m{n:02}") for n in range(20)), CaughtUp(SECOND)]
    run = sync(scripted_source)
    assert (run.state, run.missing, run.deleted) == ("waiting_for_approval", 20, 0)
    assert Document.objects.filter(hidden=Hidden.MISSING).count() == 20


def test_a_change_of_configuration_or_rules_forgets_the_cursor(script: Script, fed: int) -> None:
    from assistant.sync.source_settings import SourceSettings, change_settings  # noqa: PLC0415

    change_settings(source_id=fed, settings=SourceSettings(rules={"exclude": ["b"]}), actor="ada")
    assert cursor_of(fed) is None


def test_a_killed_run_goes_on_from_its_last_checkpoint_and_fetches_nothing_twice(
    script: Script, scripted_source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents_pass, "_BATCH_DOCUMENTS", 2)
    made = [document(f"k{n:02}", f"Keep number{n}.", acl=EVERYBODY) for n in range(12)]
    script.events = [event for n, each in enumerate(made) for event in (each, Checkpoint({"after": n}))] + [
        Complete()
    ]
    run_id = request_run(source_id=scripted_source, kind=RunKind.INCREMENTAL, actor="test")
    with monkeypatch.context() as patched:
        killing(patched, "assistant.sync.committing._count", call=4, after=True)
        with pytest.raises(Killed):
            execute_run(run_id)
    before = SyncRun.objects.get(pk=run_id)
    assert before.added == 6, "three batches of two are committed, the fourth was rolled back"
    assert before.listing is not None
    abandoned(run_id)
    assert execute_run(run_id)
    assert script.asked == [(None, None), (None, before.listing["checkpoint"])]
    assert before.listing["checkpoint"]["after"] >= 4
    assert counts(run_progress(run_id)) == (12, 0, 0, 0, 0)
    assert (run_progress(run_id).found, run_progress(run_id).total) == (12, 12)
    assert sorted(script.fetched) == sorted(each.external_id for each in made), "each once"
    assert Document.objects.filter(hidden=Hidden.NO).count() == 12


def test_a_source_that_is_busy_too_often_in_a_row_ends_its_run_and_deletes_nothing(
    script: Script, fed: int
) -> None:
    script.changes = [Retry("Come back later.", after=5)]
    run_id = request_run(source_id=fed, kind=RunKind.INCREMENTAL, actor="test")
    for _ in range(20):
        SyncRun.objects.filter(pk=run_id).update(not_before=timezone.now())
        if not execute_run(run_id):
            break
    run = SyncRun.objects.get(pk=run_id)
    assert (run.state, run.code) == (RunState.FAILED, "unreachable")
    assert 10 <= run.postponed <= 13
    assert Document.objects.filter(hidden=Hidden.NO).count() == 3


def test_every_connector_that_is_made_is_closed(script: Script, fed: int) -> None:
    script.closed = 0
    script.changes = [CaughtUp(SECOND)]
    sync(fed)
    script.changes = [Retry("busy", after=1)]
    request_and_fail = request_run(source_id=fed, kind=RunKind.INCREMENTAL, actor="test")
    execute_run(request_and_fail)
    assert script.closed == 2


def test_only_what_failed_is_read_by_a_retry(script: Script, scripted_source: int) -> None:
    script.events = [A, document("e", " ", acl=EVERYBODY, version="1"), Complete()]
    assert sync(scripted_source).failed == 1
    script.fetched.clear()
    script.events = [A, document("e", "Now with eword.", acl=EVERYBODY, version="1"), Complete()]
    run = sync(scripted_source, RunKind.RETRY)
    assert (run.updated, run.failed, script.fetched) == (1, 0, ["e"])


def test_prune_deletes_what_is_gone_without_reading_content(script: Script, fed: int) -> None:
    script.events = [A, B, Complete()]
    run = sync(fed, RunKind.PRUNE)
    assert (run.deleted, script.fetched) == (1, [])
    assert Document.objects.get(external_id="c").hidden == Hidden.REMOVED


def test_a_run_over_people_and_groups_touches_no_document(script: Script, fed: int) -> None:
    run = sync(fed, RunKind.PRINCIPALS)
    assert (run.state, counts(run), script.asked) == ("succeeded", (0, 0, 0, 0, 0), [])


def test_a_resumed_source_that_lists_everything_anew_counts_nothing_twice(
    script: Script, scripted_source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents_pass, "_BATCH_DOCUMENTS", 2)
    made = [document(f"k{n:02}", f"Keep number{n}.", acl=EVERYBODY) for n in range(12)]
    marked: list[Event | Exception] = []
    for n, each in enumerate(made):
        marked += [each, Checkpoint({"after": n})]
    script.events = [*marked, Complete()]
    run_id = request_run(source_id=scripted_source, kind=RunKind.INCREMENTAL, actor="test")
    with monkeypatch.context() as patched:
        killing(patched, "assistant.sync.committing._count", call=4, after=True)
        with pytest.raises(Killed):
            execute_run(run_id)
    kept = SyncRun.objects.get(pk=run_id).listing
    assert kept is not None
    script.events = [Checkpoint(kept["checkpoint"]), *made, Complete()]
    abandoned(run_id)
    assert execute_run(run_id)
    run = run_progress(run_id)
    assert (run.found, run.total, run.done) == (12, 12, 12)
    assert counts(run) == (12, 0, 0, 0, 0)


def test_a_feed_may_name_its_first_document_again_without_beginning_to_count_anew(
    script: Script, scripted_source: int
) -> None:
    script.events = [A, B, C, Complete(cursor=FIRST)]
    sync(scripted_source)
    again = document("a", "Report about aword, anew.", acl=EVERYBODY)
    script.changes = [A, B, Checkpoint({"at": 2}), again, Checkpoint({"at": 3}), CaughtUp(SECOND)]
    run = sync(scripted_source)
    listing = SyncRun.objects.get(pk=run.id).listing
    assert listing is not None
    assert (listing["checkpoint"], listing["named"], run.found) == ({"at": 3}, 3, 3)
