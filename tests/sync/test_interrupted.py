"""A run may be cut off anywhere: it goes on from what the database says, and its counts stay exact."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from assistant.access.viewer import viewer_for
from assistant.accounts.models import Connection, User
from assistant.documents.models import Chunk, Document
from assistant.sync import documents_pass, lease
from assistant.sync.committing import Batch, commit
from assistant.sync.engine import execute_run
from assistant.sync.models import RunFailure, RunKind, RunState, SyncRun
from assistant.sync.selectors import run_progress
from assistant.sync.services import cancel_run, request_run, sweep
from connectors.sdk.contract import Complete, Upsert
from connectors.sdk.errors import Reconfigure, Retry, Stop
from tests.conftest import SmallWorld
from tests.sync.conftest import sync
from tests.sync.scripted import EVERYBODY, Script, document
from tests.sync.test_engine import counts
from tests.sync.watching import Work, assert_sound, found, row

NUMBER = 12


class Killed(BaseException):
    """Ends the run as a kill would: no handler of the engine sees it."""


def documents(number: int = NUMBER) -> list[Upsert]:
    """Documents that everybody may read; every fourth is empty and fails."""
    return [
        document(f"d{n:02}", f"Report word{n:02}." if n % 4 else " ", acl=EVERYBODY, version="1")
        for n in range(number)
    ]


def killing(monkeypatch: pytest.MonkeyPatch, place: str, *, call: int, after: bool) -> None:
    """Make the `call`-th call of `place` end the run, before or after it has done its work."""
    module, _, name = place.rpartition(".")
    real: Callable[..., object] = getattr(sys.modules[module], name)
    calls = 0

    def deadly(*arguments: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls == call and not after:
            raise Killed
        result = real(*arguments, **named)
        if calls == call:
            raise Killed
        return result

    monkeypatch.setattr(place, deadly)


def abandoned(run_id: int) -> None:
    """Make the run's owner a process of this host that is dead."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    SyncRun.objects.filter(pk=run_id).update(owner=f"{socket.gethostname()}:{dead.pid}:0123")


PLACES = [
    ("assistant.sync.committing.embed_missing", 2, False),
    ("assistant.sync.committing.embed_missing", 3, True),
    ("assistant.sync.committing._count", 2, False),
    ("assistant.sync.committing._count", 3, True),  # inside the transaction, which rolls back
    ("assistant.sync.committing.publish", 1, False),  # committed, not yet findable
    ("assistant.sync.committing.publish", 3, True),
    ("assistant.sync.carrying_out.finish_documents", 1, False),
    ("assistant.sync.finishing.remove", 1, True),
    ("assistant.sync.carrying_out.compact", 1, False),
    ("assistant.sync.engine._write", 1, False),
]


@pytest.mark.parametrize("cut", PLACES, ids=lambda cut: "-".join(map(str, cut)))
def test_a_run_that_is_cut_off_anywhere_ends_with_exact_counts(
    script: Script,
    scripted_source: int,
    people: dict[str, User],
    monkeypatch: pytest.MonkeyPatch,
    cut: tuple[str, int, bool],
) -> None:
    place, call, after = cut
    old = [document(f"old{n}", f"Old text{n}.", acl=EVERYBODY) for n in range(2)]
    script.events = [*old, Complete()]
    sync(scripted_source)
    monkeypatch.setattr(documents_pass, "_BATCH_CHUNKS", 2)
    script.events = [*documents(), old[0], Complete()]
    run_id = request_run(source_id=scripted_source, kind=RunKind.INCREMENTAL, actor="test")
    with monkeypatch.context() as patched:
        killing(patched, place, call=call, after=after)
        with pytest.raises(Killed):
            execute_run(run_id)
    assert SyncRun.objects.get(pk=run_id).state == RunState.RUNNING
    abandoned(run_id)
    assert execute_run(run_id)
    run = run_progress(run_id)
    assert counts(run) == (9, 0, 1, 1, 3)
    assert (run.state, run.total, run.done) == ("succeeded_with_errors", 13, 13)
    assert RunFailure.objects.filter(run=run_id).count() == 3
    assert Document.objects.count() == NUMBER + 2
    assert Chunk.objects.values("document").distinct().count() == Chunk.objects.count() == 10
    sam = viewer_for(people["sam"])
    assert all(f"d{n:02}" in found(sam, f"word{n:02}") for n in range(NUMBER) if n % 4)
    assert_sound()


def test_what_was_embedded_and_committed_before_the_end_is_not_done_again(
    script: Script, scripted_source: int, monkeypatch: pytest.MonkeyPatch, work: Work
) -> None:
    monkeypatch.setattr(documents_pass, "_BATCH_CHUNKS", 2)
    script.events = [*documents(), Complete()]
    run_id = request_run(source_id=scripted_source, kind=RunKind.FULL, actor="test")
    with monkeypatch.context() as patched:
        killing(patched, "assistant.sync.committing.publish", call=3, after=False)
        with pytest.raises(Killed):
            execute_run(run_id)
    committed = Document.objects.filter(version__gt=0).count()
    assert committed == 6
    work.forget()
    abandoned(run_id)
    execute_run(run_id)
    assert len(work.embedded) == 9 - committed
    assert len([text for text in work.parsed if text.strip()]) == 9 - committed


def test_a_resumed_run_obeys_what_changed_before_it_went_on(
    script: Script, scripted_source: int, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents_pass, "_BATCH_CHUNKS", 1)
    made = [document(f"d{n}", f"Report word{n}.", acl=EVERYBODY, version="1") for n in range(6)]
    script.events = [*made, Complete()]
    run_id = request_run(source_id=scripted_source, kind=RunKind.INCREMENTAL, actor="test")
    with monkeypatch.context() as patched:
        killing(patched, "assistant.sync.committing.publish", call=4, after=True)
        with pytest.raises(Killed):
            execute_run(run_id)
    made[0] = document("d0", "Report word0.", acl={"allow": ["user:bob@example.com"]}, version="1")
    made[1] = document("d1", "Quite another text.", acl=EVERYBODY, version="2")
    script.events = [*made, Complete()]
    abandoned(run_id)
    execute_run(run_id)
    assert counts(run_progress(run_id)) == (6, 0, 0, 0, 0)
    sam = viewer_for(people["sam"])
    assert "d0" not in found(sam, "report word0")
    assert found(sam, "another text")["d1"] == "Quite another text."
    assert_sound()


def test_a_permissions_run_that_is_cut_off_counts_each_document_once(
    small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.sync.permissions_pass._WINDOW", 2)
    small_world.documents["handbook"]["acl"] = {"allow": ["group:hr"]}
    small_world.write()
    run_id = request_run(source_id=small_world.source_id, kind=RunKind.PERMISSIONS, actor="test")
    with monkeypatch.context() as patched:
        killing(patched, "assistant.sync.permissions_pass._apply", call=2, after=True)
        with pytest.raises(Killed):
            execute_run(run_id)
    abandoned(run_id)
    execute_run(run_id)
    assert counts(run_progress(run_id)) == (0, 1, 5, 0, 0)


def test_a_worker_that_lost_its_lease_writes_nothing_more(
    script: Script, scripted_source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents_pass, "_BATCH_CHUNKS", 1)
    writes = 0

    def robbed(run: SyncRun, connection: Connection, batch: Batch) -> None:
        nonlocal writes
        writes += 1
        if writes == 4:
            SyncRun.objects.update(owner="elsewhere:1:abc", lease_until=timezone.now() + timedelta(minutes=1))
        commit(run, connection, batch)

    monkeypatch.setattr(documents_pass, "commit", robbed)
    made = [document(f"d{n}", f"Report word{n}.", acl=EVERYBODY) for n in range(6)]
    script.events = [*made, Complete()]
    run_id = request_run(source_id=scripted_source, kind=RunKind.INCREMENTAL, actor="test")
    assert execute_run(run_id)
    run = SyncRun.objects.get(pk=run_id)
    assert (run.state, run.owner, run.added) == (RunState.RUNNING, "elsewhere:1:abc", 3)
    assert Document.objects.count() == 3
    assert not execute_run(run_id), "the other worker's lease holds"


def test_a_lost_lease_also_stops_groups_and_deletions(
    small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (
        "assistant.sync.permissions_pass.hold_unchanged",
        "assistant.sync.finishing.hold_unchanged",
    ):
        with monkeypatch.context() as patched:
            real = sys.modules[place.rpartition(".")[0]].hold_unchanged

            def robbed(run: SyncRun, real: Callable[[SyncRun], None] = real) -> None:
                SyncRun.objects.filter(pk=run.pk).update(owner="elsewhere:1:abc")
                real(run)

            patched.setattr(place, robbed)
            small_world.groups["staff"]["members"] = []
            small_world.documents.pop("open", None)
            small_world.write()
            run_id = request_run(source_id=small_world.source_id, kind=RunKind.INCREMENTAL, actor="test")
            assert execute_run(run_id)
            if place.startswith("assistant.sync.permissions_pass"):
                assert "handbook" in found(small_world.viewer("ann"), "remote work laptop")
            assert row("open").hidden == ""
            SyncRun.objects.filter(pk=run_id).update(state=RunState.FAILED, finished_at=timezone.now())


def test_a_lease_of_another_host_is_respected_until_it_ends(script: Script, scripted_source: int) -> None:
    run_id = request_run(source_id=scripted_source, kind=RunKind.INCREMENTAL, actor="test")
    SyncRun.objects.update(
        state=RunState.RUNNING, owner="elsewhere:1:abc", lease_until=timezone.now() + timedelta(seconds=9)
    )
    assert not execute_run(run_id)
    SyncRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert execute_run(run_id)


def test_a_dead_process_that_nobody_buried_is_dead(script: Script, scripted_source: int) -> None:
    zombie = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    run_id = request_run(source_id=scripted_source, kind=RunKind.INCREMENTAL, actor="test")
    owner = f"{socket.gethostname()}:{zombie.pid}:0123"
    SyncRun.objects.update(
        state=RunState.RUNNING, owner=owner, lease_until=timezone.now() + timedelta(minutes=1)
    )
    assert lease.release_dead() == []
    os.kill(zombie.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while not (released := lease.release_dead()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert zombie.returncode is None, "not waited for, so it is a zombie"
    assert released == [run_id]
    zombie.wait()


def test_an_earlier_process_with_our_number_is_dead(script: Script, scripted_source: int) -> None:
    run_id = request_run(source_id=scripted_source, kind=RunKind.INCREMENTAL, actor="test")
    SyncRun.objects.update(
        state=RunState.RUNNING,
        owner=f"{socket.gethostname()}:{os.getpid()}:0123",
        lease_until=timezone.now() + timedelta(minutes=1),
    )
    assert lease.release_dead() == [run_id]


@pytest.mark.django_db(transaction=True)
def test_two_workers_carry_out_one_run_once(small_world: SmallWorld) -> None:
    for number in range(20):
        small_world.documents[f"n{number}"] = {
            "id": f"n{number}",
            "title": "Note",
            "text": f"Note number{number} of the yard.",
            "acl": {"allow": ["everyone"]},
        }
    small_world.write()
    run_id = request_run(source_id=small_world.source_id, kind=RunKind.INCREMENTAL, actor="test")
    barrier, did = threading.Barrier(2), []

    def work() -> None:
        barrier.wait()
        did.append(execute_run(run_id))
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(did) == [False, True]
    assert counts(run_progress(run_id)) == (20, 0, 6, 0, 0)
    assert Document.objects.count() == 26


@pytest.mark.django_db(transaction=True)
def test_a_running_run_stops_when_asked_and_keeps_what_it_has(
    small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(documents_pass, "_BATCH_CHUNKS", 1)
    writes = 0

    def slow(run: SyncRun, connection: Connection, batch: Batch) -> None:
        nonlocal writes
        writes += 1
        if writes == 3:
            cancel_run(run_id=run_id, actor="ada@example.com")
        if writes >= 3:
            time.sleep(0.3)
        commit(run, connection, batch)

    monkeypatch.setattr(documents_pass, "commit", slow)
    for number in range(20):
        small_world.documents[f"n{number}"] = {"id": f"n{number}", "title": "Note", "text": f"Note {number}."}
    small_world.write()
    run_id = request_run(source_id=small_world.source_id, kind=RunKind.INCREMENTAL, actor="test")
    assert execute_run(run_id)
    run = run_progress(run_id)
    assert (run.state, run.cause) == ("cancelled", "Cancelled by ada@example.com.")
    assert 2 <= run.added < 20
    assert Document.objects.count() == 6 + run.added
    assert_sound()
    monkeypatch.setattr(documents_pass, "commit", commit)
    assert counts(small_world.sync()) == (20 - run.added, 0, 6 + run.added, 0, 0)


def test_a_run_that_nobody_has_begun_is_cancelled_at_once(script: Script, scripted_source: int) -> None:
    run_id = request_run(source_id=scripted_source, kind=RunKind.INCREMENTAL, actor="test")
    cancel_run(run_id=run_id, actor="ada@example.com")
    run = run_progress(run_id)
    assert (run.state, run.finished_at is not None) == ("cancelled", True)
    assert not execute_run(run_id)


def test_a_busy_source_postpones_the_run_and_the_sweeper_wakes_it_when_it_is_time(
    script: Script, scripted_source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[int] = []
    monkeypatch.setattr("assistant.sync.services.wake", woken.append)
    made = documents(3)
    script.events = [*made[:2], Retry("The server is busy.", after=120)]
    run_id = request_run(source_id=scripted_source, kind=RunKind.INCREMENTAL, actor="test")
    assert execute_run(run_id)
    run = SyncRun.objects.get(pk=run_id)
    assert (run.state, run.code, run.owner) == (RunState.PENDING, "busy", "")
    assert 100 < (run.not_before - timezone.now()).total_seconds() <= 120
    assert "The server is busy." in run_progress(run_id).detail
    assert not execute_run(run_id), "not before its time"
    assert run_id not in sweep()
    SyncRun.objects.update(not_before=timezone.now(), created_at=timezone.now() - timedelta(minutes=2))
    assert run_id in sweep()
    assert run_id in woken
    script.events = [*made, Complete()]
    assert execute_run(run_id)
    assert counts(run_progress(run_id)) == (2, 0, 0, 0, 1)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (Reconfigure("The key of account 7 has expired."), "reconfigure", "settings"),
        (Stop("The share of account 7 is gone."), "source_gone", "Nothing was deleted"),
        (RuntimeError("secret of account 7"), "internal", "log"),
    ],
)
def test_an_error_of_the_source_ends_the_run_in_words(
    script: Script, scripted_source: int, error: Exception, code: str, words: str
) -> None:
    script.events = [document("a", "One.", acl=EVERYBODY), Complete()]
    sync(scripted_source)
    script.events = [error]
    run = sync(scripted_source)
    assert (run.state, run.code) == ("failed", code)
    assert words in run.detail
    assert ("account 7" in run.detail) == (code != "internal"), "our own errors may quote text of documents"
    assert row("a").hidden == ""
