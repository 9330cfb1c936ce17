"""Which runs start by themselves, which are woken again, and what happens without a broker."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta

import pytest
from celery import current_app
from django.utils import timezone
from kombu.exceptions import OperationalError

from assistant.accounts.models import Connection
from assistant.common.errors import NotFound, UsageError
from assistant.sync import tasks
from assistant.sync.due import due_kind
from assistant.sync.models import RunKind, RunState, Source, SyncRun
from assistant.sync.services import find_source, request_run, sweep
from tests.conftest import SmallWorld


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The runs for which a worker was woken."""
    runs: list[int] = []
    monkeypatch.setattr("assistant.sync.services.wake", runs.append)
    return runs


def source_of(world: SmallWorld) -> Source:
    return Source.objects.get(pk=world.source_id)


def due(world: SmallWorld, *, at: datetime | None = None) -> RunKind | None:
    return due_kind(source_of(world), now=at or timezone.now())


def ended_ago(minutes: float) -> None:
    moment = timezone.now() - timedelta(minutes=minutes)
    SyncRun.objects.update(started_at=moment, finished_at=moment)


def test_a_source_is_due_when_its_cron_expression_comes_true_after_the_last_listing_began(
    small_world: SmallWorld,
) -> None:
    Source.objects.update(cron="30 6 * * *", time_zone="Asia/Seoul")
    listed = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    SyncRun.objects.update(started_at=listed, finished_at=listed)
    Connection.objects.update(permissions_confirmed_at=listed)
    assert due(small_world, at=datetime(2026, 3, 2, 21, 29, tzinfo=UTC)) is None
    assert due(small_world, at=datetime(2026, 3, 2, 21, 30, tzinfo=UTC)) is RunKind.INCREMENTAL


def test_a_run_that_outlasts_the_interval_is_followed_at_once_and_not_twice(small_world: SmallWorld) -> None:
    Source.objects.update(cron="0 * * * *")
    began = datetime(2026, 3, 2, 12, 1, tzinfo=UTC)
    SyncRun.objects.update(started_at=began, finished_at=began + timedelta(hours=5))
    assert due(small_world, at=began + timedelta(hours=5, seconds=1)) is RunKind.INCREMENTAL
    SyncRun.objects.update(started_at=began + timedelta(hours=5), finished_at=began + timedelta(hours=5))
    assert due(small_world, at=began + timedelta(hours=5, seconds=1)) is None


def test_access_lists_that_were_read_too_long_ago_are_read_by_themselves(small_world: SmallWorld) -> None:
    Source.objects.update(cron="0 0 1 * *", permissions_hours=24)
    listed = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    SyncRun.objects.update(started_at=listed, finished_at=listed)
    Connection.objects.update(permissions_confirmed_at=listed)
    assert due(small_world, at=listed + timedelta(hours=24)) is None
    assert due(small_world, at=listed + timedelta(hours=24, minutes=1)) is RunKind.PERMISSIONS
    Source.objects.update(permissions_hours=0)
    assert due(small_world, at=listed + timedelta(hours=240)) is None


def test_a_source_without_a_schedule_or_with_an_open_run_is_never_due(small_world: SmallWorld) -> None:
    ended_ago(600)
    Source.objects.update(cron="")
    assert due(small_world) is None
    Source.objects.update(cron="* * * * *")
    request_run(source_id=small_world.source_id, kind=RunKind.FULL, actor="test")
    assert due(small_world) is None


def test_the_sweeper_starts_what_is_due_once(
    small_world: SmallWorld, django_capture_on_commit_callbacks: object, woken: list[int]
) -> None:
    ended_ago(61)
    sweep()
    sweep()
    started = SyncRun.objects.get(state=RunState.PENDING)
    assert (started.requested_by, started.kind) == ("schedule", RunKind.INCREMENTAL)


def test_the_sweeper_leaves_a_paused_source_alone(small_world: SmallWorld) -> None:
    ended_ago(61)
    Source.objects.update(paused=True)
    sweep()
    assert not SyncRun.objects.filter(state=RunState.PENDING).exists()


def test_a_run_whose_message_was_lost_is_woken_again(small_world: SmallWorld, woken: list[int]) -> None:
    run_id = request_run(source_id=small_world.source_id, kind=RunKind.FULL, actor="test")
    assert sweep() == []
    SyncRun.objects.filter(pk=run_id).update(created_at=timezone.now() - timedelta(seconds=30))
    assert sweep() == [run_id]
    assert woken == [run_id]


def test_a_run_whose_worker_died_here_is_woken_at_once_and_a_living_one_is_not(
    small_world: SmallWorld, woken: list[int]
) -> None:
    run_id = request_run(source_id=small_world.source_id, kind=RunKind.FULL, actor="test")
    lease = timezone.now() + timedelta(seconds=30)
    SyncRun.objects.filter(pk=run_id).update(
        state=RunState.RUNNING, owner=f"{socket.gethostname()}:1:abc", lease_until=lease
    )
    assert sweep() == [], "process 1 lives"
    SyncRun.objects.filter(pk=run_id).update(owner=f"{socket.gethostname()}:4194305:abc")
    assert sweep() == [run_id]
    assert woken == [run_id]


def test_asking_twice_gives_the_run_that_is_open(small_world: SmallWorld) -> None:
    first = request_run(source_id=small_world.source_id, kind=RunKind.FULL, actor="ann")
    assert request_run(source_id=small_world.source_id, kind=RunKind.FULL, actor="bob") == first


def test_a_request_wakes_a_worker_after_its_transaction(
    small_world: SmallWorld, woken: list[int], django_capture_on_commit_callbacks: pytest.FixtureRequest
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        run_id = request_run(source_id=small_world.source_id, kind=RunKind.FULL, actor="test")
        assert woken == []
    assert woken == [run_id]


@pytest.mark.parametrize("error", [OperationalError("refused"), ConnectionRefusedError("refused")])
def test_without_a_broker_a_run_is_requested_all_the_same(
    small_world: SmallWorld,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    from assistant.sync.wake import wake  # noqa: PLC0415 - the real one

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(current_app, "send_task", refuse)
    run_id = request_run(source_id=small_world.source_id, kind=RunKind.FULL, actor="test")
    wake(run_id)
    assert f"run {run_id}" in caplog.text
    assert SyncRun.objects.get(pk=run_id).state == RunState.PENDING


def test_unknown_sources_and_kinds_are_refused_and_nothing_is_written(small_world: SmallWorld) -> None:
    runs = SyncRun.objects.count()
    with pytest.raises(UsageError, match="no kind of run"):
        request_run(source_id=small_world.source_id, kind="everything", actor="test")
    with pytest.raises(NotFound):
        request_run(source_id=4711, kind=RunKind.FULL, actor="test")
    with pytest.raises(UsageError, match="Known sources: world"):
        find_source("word")
    assert SyncRun.objects.count() == runs
    assert find_source("world") == find_source(str(small_world.source_id)) == small_world.source_id


def test_the_tasks_carry_out_a_run_and_a_sweep(small_world: SmallWorld) -> None:
    run_id = request_run(source_id=small_world.source_id, kind=RunKind.FULL, actor="test")
    tasks.run_sync(run_id)
    assert SyncRun.objects.get(pk=run_id).state == RunState.SUCCEEDED
    ended_ago(61)
    tasks.sweep()
    assert SyncRun.objects.filter(state=RunState.PENDING, requested_by="schedule").exists()
