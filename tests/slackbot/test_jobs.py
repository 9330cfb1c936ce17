"""What came in is one row, belongs to one process at a time, and is done once, whoever dies."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from assistant.common.known_secrets import without_secrets
from assistant.slackbot import jobs
from assistant.slackbot.failures import SlackBusy, SlackRefused
from assistant.slackbot.models import Job, JobState, Workspace
from assistant.slackbot.runner import Runner
from tests.slackbot.signed import new_workspace


def _taken(workspace: Workspace, key: str = "m:D1:1.1", kind: str = "question", after_s: float = 0.0) -> Job:
    job = jobs.take_in(workspace, kind=kind, key=key, payload={"text": "은밀한 질문"}, after_s=after_s)
    assert job is not None
    return job


@pytest.mark.django_db
def test_the_same_key_is_one_job_in_a_workspace_and_another_in_another() -> None:
    one, two = new_workspace("h-1"), new_workspace("h-2", team="T0OTHER")
    _taken(one)
    _taken(two)
    assert jobs.take_in(one, kind="question", key="m:D1:1.1", payload={}) is None
    assert Job.objects.count() == 2


@pytest.mark.django_db
def test_a_job_opens_again_and_what_it_says_goes_when_it_is_done() -> None:
    job = _taken(new_workspace())
    assert jobs.payload_of(Job.objects.get()) == {"text": "은밀한 질문"}
    assert without_secrets("은밀한 질문") == "은밀한 질문"  # a message is no secret of this process
    claimed = jobs.claim("me")
    assert claimed is not None
    assert jobs.done(claimed)
    row = Job.objects.get(pk=job.pk)
    assert (row.state, bytes(row.sealed_payload), jobs.payload_of(row)) == (JobState.DONE, b"", {})
    assert row.finished_at is not None


@pytest.mark.django_db
def test_what_is_due_longest_is_claimed_first_and_nothing_before_it_is_due() -> None:
    workspace = new_workspace()
    for key, seconds in (("a", -5), ("b", -9), ("c", 60)):
        job = _taken(workspace, key)
        Job.objects.filter(pk=job.pk).update(due_at=timezone.now() + timedelta(seconds=seconds))
    claimed = [jobs.claim("me") for _ in range(3)]
    assert [job.key if job else None for job in claimed] == ["b", "a", None]


@pytest.mark.django_db
def test_a_lease_that_ran_out_is_taken_over_and_the_former_owner_writes_nothing() -> None:
    _taken(new_workspace())
    first = jobs.claim("me")
    assert first is not None
    assert jobs.claim("you") is None
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    second = jobs.claim("me")  # the same process, an attempt later
    assert second is not None
    assert second.attempts == 2
    assert not any((jobs.done(first), jobs.fail(first, "x"), jobs.later(first), jobs.renew(first)))
    assert not jobs.is_ours(first)
    assert jobs.is_ours(second)
    assert jobs.renew(second)
    assert jobs.done(second)


@pytest.mark.django_db
def test_attempts_grow_apart_and_end() -> None:
    _taken(new_workspace())
    pauses = []
    for _ in range(jobs.MOST_ATTEMPTS):
        job = jobs.claim("me")
        assert job is not None
        jobs.later(job)
        row = Job.objects.get(kind="question")
        pauses.append(round((row.due_at - timezone.now()).total_seconds()))
        Job.objects.update(due_at=timezone.now())
    assert pauses[:-1] == list(jobs.PAUSES_S)
    assert (row.state, row.failure) == (JobState.FAILED, "busy")
    assert bytes(row.sealed_payload) == b""
    apology = jobs.claim("me")
    assert apology is not None
    assert (apology.kind, "은밀" in str(jobs.payload_of(apology))) == (jobs.APOLOGY, False)
    assert jobs.fail(apology, "busy")
    assert jobs.claim("me") is None  # which is the end of it


@pytest.mark.django_db
def test_slack_may_ask_for_a_longer_pause_and_not_for_ever() -> None:
    for key, asked, waited in (("a", 45, 45), ("b", 10**9, 3600)):
        job = _taken(new_workspace(f"h-{key}", team=f"T0{key}"), key)
        claimed = jobs.claim("me")
        assert claimed is not None
        jobs.later(claimed, asked)
        row = Job.objects.get(pk=job.pk)
        assert abs((row.due_at - timezone.now()).total_seconds() - waited) < 2


@pytest.mark.django_db
def test_a_job_that_kills_whoever_carries_it_out_fails_in_the_end() -> None:
    _taken(new_workspace())
    for _ in range(jobs.MOST_ATTEMPTS):
        assert jobs.claim("me") is not None
        Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    apology = jobs.claim("me")
    assert apology is not None
    assert apology.kind == jobs.APOLOGY
    assert jobs.claim("me") is None
    assert Job.objects.get(kind="question").state == JobState.FAILED


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"is_open": False}, {"failure": "token_revoked"}])
def test_nothing_is_carried_out_for_a_workspace_that_is_closed(change: dict[str, object]) -> None:
    workspace = new_workspace()
    _taken(workspace)
    _taken(workspace, "x:Ev1", "closed")
    Workspace.objects.update(**change)
    claimed = [jobs.claim("me"), jobs.claim("me")]
    assert [job.kind if job else None for job in claimed] == ["closed", None]


@pytest.mark.django_db
def test_finished_jobs_are_swept_after_two_days() -> None:
    workspace = new_workspace()
    for key in ("old", "new", "waiting"):
        _taken(workspace, key)
    Job.objects.exclude(key="waiting").update(state=JobState.DONE, finished_at=timezone.now())
    Job.objects.filter(key="old").update(finished_at=timezone.now() - timedelta(days=2, seconds=1))
    assert jobs.sweep() == 1
    assert set(Job.objects.values_list("key", flat=True)) == {"new", "waiting"}


@pytest.mark.django_db(transaction=True)
def test_the_same_event_from_four_threads_at_once_is_one_job() -> None:
    workspace = new_workspace()
    ready = threading.Barrier(4)
    made: list[bool] = []

    def take() -> None:
        try:
            ready.wait()
            made.append(jobs.take_in(workspace, kind="question", key="m:D1:1.1", payload={}) is not None)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, False, False, True]
    assert Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_that_claim_at_once_each_job_has_one() -> None:
    workspace = new_workspace()
    for number in range(12):
        _taken(workspace, str(number))
    found: list[str] = []

    def claim(owner: str) -> None:
        try:
            while (job := jobs.claim(owner)) is not None:
                found.append(job.key)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=claim, args=(f"owner-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(map(str, range(12)))


class _Running:
    """A runner whose work a test gives."""

    def __init__(self, carry_out: Callable[[Job], None]) -> None:
        self.runner = Runner(carry_out, threads=4)

    def __enter__(self) -> Runner:
        self.runner.start()
        return self.runner

    def __exit__(self, *_: object) -> None:
        self.runner.stop()


def _until(holds: Callable[[], bool], within_s: float = 20.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.01)


@pytest.fixture
def workspace(transactional_db: None) -> Iterator[Workspace]:
    """A workspace that threads see, too."""
    yield new_workspace()
    connections.close_all()


def test_what_is_taken_in_is_carried_out_at_once_and_once(workspace: Workspace) -> None:
    carried: list[str] = []
    with _Running(lambda job: carried.append(job.key)):
        begun = time.monotonic()
        for number in range(8):
            _taken(workspace, str(number))
        _until(lambda: Job.objects.filter(state=JobState.DONE).count() == 8)
    assert sorted(carried) == sorted(map(str, range(8)))
    assert time.monotonic() - begun < 15


def test_failures_end_as_they_should_and_their_words_are_not_written(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    def carry_out(job: Job) -> None:
        if job.kind != jobs.APOLOGY:
            raise {
                "busy": SlackBusy(30),
                "refused": SlackRefused("is_archived"),
                "other": ValueError("은밀한 질문"),
            }[job.key]

    with caplog.at_level(logging.DEBUG), _Running(carry_out):
        for key in ("busy", "refused", "other"):
            _taken(workspace, key)
        _until(lambda: not Job.objects.filter(state=JobState.RUNNING, attempts=1).exists())
        _until(lambda: not Job.objects.filter(attempts=0).exists())
    ends = {row.key: (row.state, row.failure) for row in Job.objects.exclude(kind=jobs.APOLOGY)}
    assert ends == {
        "busy": (JobState.PENDING, "busy"),
        "refused": (JobState.FAILED, "is_archived"),
        "other": (JobState.PENDING, "internal"),
    }
    assert "은밀한" not in caplog.text


def test_a_long_job_keeps_its_lease(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.slackbot.runner.RENEWED_EVERY_S", 0.05)
    release = threading.Event()

    def carry_out(job: Job) -> None:
        release.wait(20)

    with _Running(carry_out):
        _taken(workspace)
        _until(lambda: Job.objects.filter(state=JobState.RUNNING).exists())
        Job.objects.update(lease_until=timezone.now())
        _until(lambda: Job.objects.filter(lease_until__gt=timezone.now() + timedelta(seconds=10)).exists())
        release.set()
    assert Job.objects.get().state == JobState.DONE


_VICTIM = """
import os, sys, time
import django
django.setup()
from django.db import connections
from assistant.slackbot.runner import Runner
def carry_out(job):
    print("has", job.key, flush=True)
    time.sleep(600)
Runner(carry_out).start()
time.sleep(600)
"""


def test_what_a_killed_process_had_begun_is_carried_out_by_another(workspace: Workspace) -> None:
    _taken(workspace)
    database = connection.settings_dict
    name = database["NAME"]
    url = (
        f"sqlite:///{name}"
        if connection.vendor == "sqlite"
        else f"postgresql://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{name}"
    )
    victim = subprocess.Popen(
        [sys.executable, "-c", _VICTIM],
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "assistant.config.settings"},
        stdout=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(60, victim.kill)
    watchdog.start()
    try:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "has m:D1:1.1\n"
    finally:
        watchdog.cancel()
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    assert Job.objects.get().state == JobState.RUNNING
    assert jobs.claim("me") is None  # its lease holds
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    carried: list[str] = []
    with _Running(lambda job: carried.append(jobs.payload_of(job)["text"])):  # type: ignore[arg-type]
        _until(lambda: Job.objects.filter(state=JobState.DONE).exists())
    assert carried == ["은밀한 질문"]
    assert Job.objects.get().attempts == 2
