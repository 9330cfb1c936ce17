"""What somebody asks of a run while it works: access lists at once, a pause, an end; and when it gives up."""

from __future__ import annotations

import threading
import time

import pytest
from django.conf import LazySettings
from django.db import connections

from assistant.access.viewer import viewer_for
from assistant.accounts.models import User
from assistant.common.acl import parse_acl
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.documents.models import Document, Hidden
from assistant.sync import documents_pass, lease, progress
from assistant.sync.engine import execute_run
from assistant.sync.models import RunKind, RunState, SyncRun
from assistant.sync.selectors import run_progress
from assistant.sync.services import (
    approve_deletions,
    cancel_run,
    pause_source,
    refuse_deletions,
    request_run,
    resume_source,
)
from connectors.sdk.contract import Complete, Content, DocumentAcl, Event, Failure, Upsert
from connectors.sdk.errors import Stop
from tests.sync.conftest import sync
from tests.sync.scripted import EVERYBODY, Script, document
from tests.sync.test_engine import counts
from tests.sync.watching import found

ANN_ONLY = {"allow": ["user:ann@example.com"]}


def slow_document(name: str, gate: threading.Event) -> Upsert:
    """A document whose content comes only once the gate is open."""
    made = document(name, f"Slow text of {name}.", acl=EVERYBODY)

    def fetch() -> Content:
        gate.wait(120)
        return made.fetch()

    return Upsert(
        **{field: getattr(made, field) for field in Upsert.__slots__ if field != "fetch"}, fetch=fetch
    )


@pytest.mark.django_db(transaction=True)
def test_a_revocation_is_obeyed_while_a_long_listing_goes_on(
    script: Script, scripted_source: int, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(documents_pass, "_BATCH_SECONDS", 0.05)
    secret = document("secret", "The falconword is here.", acl=EVERYBODY)
    script.events = [secret, Complete()]
    sync(scripted_source)
    sam = viewer_for(people["sam"])
    assert "secret" in found(sam, "falconword")

    gates = [threading.Event() for _ in range(12)]
    slow = [slow_document(f"s{n:02}", gate) for n, gate in enumerate(gates)]
    script.events = [secret, *slow, Complete()]
    script.lists = [DocumentAcl("secret", parse_acl(ANN_ONLY)), Complete()]
    run_id = request_run(source_id=scripted_source, kind=RunKind.INCREMENTAL, actor="test")

    def work() -> None:
        execute_run(run_id)
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        deadline = time.monotonic() + 90
        assert request_run(source_id=scripted_source, kind=RunKind.PERMISSIONS, actor="ada") == run_id
        opened = iter(gates)
        while "secret" in found(sam, "falconword"):
            assert time.monotonic() < deadline, "the revocation waits for the listing"
            next(opened, threading.Event()).set()
            time.sleep(0.2)
        assert SyncRun.objects.get(pk=run_id).finished_at is None, "the listing is still going on"
    finally:
        for gate in gates:
            gate.set()
        worker.join()
    assert run_progress(run_id).state in ("succeeded", "succeeded_with_errors")
    assert "secret" not in found(sam, "falconword"), "older news of the list came back"
    assert "secret" in found(viewer_for(people["ann"]), "falconword")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ask", ["cancel", "pause"])
def test_a_run_that_waits_for_a_slow_source_ends_within_five_seconds(
    script: Script, scripted_source: int, ask: str
) -> None:
    gate = threading.Event()
    script.events = [document("a", "Quick text.", acl=EVERYBODY), slow_document("b", gate), Complete()]
    run_id = request_run(source_id=scripted_source, kind=RunKind.INCREMENTAL, actor="test")

    def work() -> None:
        execute_run(run_id)
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        deadline = time.monotonic() + 90
        while SyncRun.objects.get(pk=run_id).added == 0:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        asked = time.monotonic()
        if ask == "cancel":
            cancel_run(run_id=run_id, actor="ada")
        else:
            pause_source(source_id=scripted_source, actor="ada")
        worker.join(timeout=5)
        assert not worker.is_alive()
        assert time.monotonic() - asked < 5
    finally:
        gate.set()
        worker.join()
    run = SyncRun.objects.get(pk=run_id)
    if ask == "cancel":
        assert run.state == RunState.CANCELLED
        return
    assert (run.state, run.code) == (RunState.PENDING, "paused")
    assert not execute_run(run_id), "a paused source is left alone"
    resume_source(source_id=scripted_source, actor="ada")
    assert execute_run(run_id)
    assert counts(run_progress(run_id)) == (2, 0, 0, 0, 0)


def failing(name: str, code: FailureCode) -> Upsert:
    made = document(name, "text", acl=EVERYBODY)

    def fetch() -> Content:
        raise DocumentFailure(code, "as scripted")

    return Upsert(
        **{field: getattr(made, field) for field in Upsert.__slots__ if field != "fetch"}, fetch=fetch
    )


@pytest.mark.parametrize(
    ("code", "state"),
    [(FailureCode.REFUSED, RunState.FAILED), (FailureCode.ENCRYPTED, RunState.SUCCEEDED_WITH_ERRORS)],
)
def test_a_run_stops_when_more_fails_than_its_budget_and_deletes_nothing(
    script: Script,
    scripted_source: int,
    monkeypatch: pytest.MonkeyPatch,
    code: FailureCode,
    state: RunState,
) -> None:
    """What the source refuses speaks of the source; what is merely unreadable does not."""
    monkeypatch.setattr(documents_pass, "_BATCH_DOCUMENTS", 10)
    monkeypatch.setattr(progress, "_WRITTEN_EVERY_S", 0.0)
    script.events = [document("old", "Old text.", acl=EVERYBODY), Complete()]
    sync(scripted_source)
    script.events = [*(failing(f"f{n:03}", code) for n in range(120)), Complete()]
    run = sync(scripted_source)
    assert run.state == state
    if state == RunState.FAILED:
        assert run.code == "over_budget"
        assert 25 <= run.failed < 120
        assert Document.objects.get(external_id="old").hidden == Hidden.NO


def test_a_listing_of_nothing_but_failures_is_beyond_its_budget(script: Script, scripted_source: int) -> None:
    script.events = [*(Failure(f"f{n}", FailureCode.REFUSED) for n in range(30)), Complete()]
    run = sync(scripted_source)
    assert (run.state, run.code) == ("failed", "over_budget")


def test_nothing_that_was_fetched_for_a_run_stays_behind_when_it_fails(
    script: Script, scripted_source: int, settings: LazySettings
) -> None:
    script.events = [document("a", " ", acl=EVERYBODY), Stop("The share was unmounted.")]
    run = sync(scripted_source)
    assert run.state == "failed"
    assert not (settings.MUNDAP_SYNC_DIR / "spool" / str(run.id)).exists()


def test_a_refused_deletion_shows_the_documents_again_and_asks_anew(
    script: Script, scripted_source: int, people: dict[str, User]
) -> None:
    many = [document(f"m{n:02}", f"Minutes mword{n}.", acl=EVERYBODY) for n in range(20)]
    script.events = [*many, Complete()]
    sync(scripted_source)
    script.events = [*many[:8], Complete()]
    asked = sync(scripted_source)
    sam = viewer_for(people["sam"])
    assert asked.state == "waiting_for_approval"
    assert "m15" not in found(sam, "mword15")
    assert refuse_deletions(run_id=asked.id, actor="ada") == 12
    assert "m15" in found(sam, "mword15")
    again = sync(scripted_source)
    assert again.state == "waiting_for_approval"
    assert approve_deletions(run_id=again.id, actor="ada") == 12
    assert Document.objects.filter(hidden=Hidden.REMOVED).count() == 12


def test_a_new_document_below_a_doubted_prefix_is_seen_by_nobody(
    script: Script, scripted_source: int, people: dict[str, User]
) -> None:
    doubt = Failure("hr/", FailureCode.BAD_PERMISSIONS, hide=True, is_prefix=True)
    inside = document("hr/plan", "The ospreyword plan.", acl=EVERYBODY)
    outside = document("open/plan", "The open ospreyword plan.", acl=EVERYBODY)
    sam = viewer_for(people["sam"])
    orders: list[list[Event]] = [[doubt, inside, outside], [inside, outside, doubt]]
    for events in orders:
        script.events = [*events, Complete()]
        sync(scripted_source)
        assert set(found(sam, "ospreyword")) == {"open/plan"}
    script.events = [inside, outside, Complete()]
    sync(scripted_source)
    assert set(found(sam, "ospreyword")) == {"open/plan", "hr/plan"}


def test_a_listing_that_is_asked_for_while_lists_are_to_be_read_is_not_swallowed(
    script: Script, scripted_source: int
) -> None:
    script.events = [document("a", "First text.", acl=EVERYBODY), Complete()]
    waiting = request_run(source_id=scripted_source, kind=RunKind.PERMISSIONS, actor="test")
    assert request_run(source_id=scripted_source, kind=RunKind.INCREMENTAL, actor="ada") == waiting
    assert execute_run(waiting)
    assert run_progress(waiting).added == 1, "the run that nobody had begun became the other one"

    begun = request_run(source_id=scripted_source, kind=RunKind.PERMISSIONS, actor="test")
    SyncRun.objects.filter(pk=begun).update(started_at=SyncRun.objects.get(pk=waiting).started_at)
    assert request_run(source_id=scripted_source, kind=RunKind.FULL, actor="ada") == begun
    assert execute_run(begun)
    following = SyncRun.objects.get(state=RunState.PENDING)
    assert (following.kind, following.pk > begun) == (RunKind.FULL, True)
