"""Runs into which programs push: which one is open, whose turn it is, and when it ends.

A run collects what is pushed until a program stops it or is silent for long. Requests
take turns with it, across threads and processes, by the lease that workers use; what
one has committed stays, whatever becomes of it. Ending a run is a worker's work: it
deletes, asks and confirms like at the end of every other run.

A job is such a run that a program began on purpose: only of a job it can say that it
has put everything there is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from assistant.accounts.models import Connection
from assistant.common.errors import MundapError, NotFound
from assistant.common.types import JsonObject
from assistant.sync.configuration import kind_of
from assistant.sync.lease import (
    LEASE_S,
    Cancelled,
    Heartbeat,
    LostLease,
    Paused,
    TurnOver,
    owner_of_this_process,
    release_dead,
)
from assistant.sync.models import COLLECTING, OPEN_STATES, Phase, RunKind, RunState, Source, SyncRun
from assistant.sync.wake import wake

JOB_SILENT_S = 3600  # after which a job ends as if it had been stopped without being complete
LOOSE_IDLE_S = 60  # after which what was pushed outside a job is brought to its end
_LONGEST_WAIT_S = 10.0
_POLL_S = 0.05


class PushRefused(MundapError):
    """As the source or the job stands, this cannot be done; trying again changes nothing."""


class PushBusy(MundapError):
    """Another request or the end of a run is at work; it can be tried again in a moment."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to write into a run, until the request ends."""

    run: SyncRun
    connection: Connection
    heartbeat: Heartbeat


@contextmanager
def turn(source_id: int, *, job_id: int | None = None) -> Iterator[Turn]:
    """Wait for a turn with the run that is open, or with a new one.

    Raises:
        NotFound: nothing can be pushed into such a source.
        PushRefused: the source is paused, or `job_id` is not the job that is open.
        PushBusy: it takes too long.
    """
    until = time.monotonic() + _LONGEST_WAIT_S
    while (run := _taken(source_id, job_id)) is None:
        if time.monotonic() > until:
            raise PushBusy("Another request is at work on this source. Try again in a moment.")
        time.sleep(_POLL_S)
    try:
        with Heartbeat(run.pk) as heartbeat:
            yield Turn(run, run.source.connection, heartbeat)
    except (Cancelled, Paused, TurnOver) as error:
        raise PushRefused("Somebody stopped this while it was at work. Nothing of it was stored.") from error
    except LostLease as error:
        raise PushBusy("The request was held up for too long. Try again in a moment.") from error
    finally:
        now = timezone.now()
        SyncRun.objects.filter(COLLECTING, pk=run.pk, owner=owner_of_this_process()).update(
            owner="", lease_until=None, heartbeat_at=now, progress_at=now, current_item=""
        )


def pushed_source(source_id: int) -> Source:
    """The source, if documents are pushed into it.

    Raises:
        NotFound: there is none.
    """
    source = Source.objects.select_related("connection").filter(pk=source_id).first()
    if source is None or not kind_of(source).pushed:
        raise NotFound("There is no such source.")
    return source


def open_run(source: Source) -> SyncRun | None:
    """The run of the source that has not ended."""
    rows = SyncRun.objects.select_related("source__connection")
    return rows.filter(source=source, state__in=OPEN_STATES).first()


def is_job(run: SyncRun) -> bool:
    """Whether a program began it on purpose."""
    return bool((run.listing or {}).get("job"))


def is_collecting(run: SyncRun) -> bool:
    """Whether it still takes what is pushed."""
    return run.state == RunState.RUNNING and run.phase == Phase.DOCUMENTS and not run.cancel_requested


def create_run(source: Source, *, listing: JsonObject, actor: str) -> SyncRun | None:
    """A new run that collects; None: another request was first."""
    now = timezone.now()
    try:
        with transaction.atomic():
            return SyncRun.objects.create(
                source=source,
                kind=RunKind.PUSH,
                state=RunState.RUNNING,
                phase=Phase.DOCUMENTS,
                requested_by=actor,
                started_at=now,
                heartbeat_at=now,
                progress_at=now,
                listing=listing,
            )
    except IntegrityError:
        return None


def _taken(source_id: int, job_id: int | None) -> SyncRun | None:
    source = pushed_source(source_id)
    if source.paused:
        raise PushRefused("The source is paused. Its administrator can resume it.")
    end_silent(now=timezone.now(), source=source)
    run = open_run(source)
    if job_id is not None and (run is None or run.pk != job_id or not is_collecting(run)):
        raise PushRefused(f"Job {job_id} is not open: it was stopped, cancelled or silent for too long.")
    if run is None:
        run = create_run(source, listing={"job": False}, actor="push")
    if run is None or not is_collecting(run):
        return None  # a worker brings the last run to its end
    return run if _claimed(run) else None


def _claimed(run: SyncRun) -> bool:
    now = timezone.now()
    free = Q(owner="") | Q(lease_until__lt=now)
    claimed = SyncRun.objects.filter(COLLECTING, free, pk=run.pk, cancel_requested=False).update(
        owner=owner_of_this_process(), lease_until=now + timedelta(seconds=LEASE_S), heartbeat_at=now
    )
    if not claimed:
        release_dead()
        return False
    run.refresh_from_db(fields=["listing", "owner", "lease_until"])
    return True


def hand_over(run: SyncRun, *, in_turn: bool = False, **said: bool) -> bool:
    """Leave the run to a worker, which brings it to its end. `in_turn`: the caller has its turn.

    False: another request is at work on it, or it no longer collects.
    """
    now = timezone.now()
    free = Q(owner=owner_of_this_process()) if in_turn else Q(owner="") | Q(lease_until__lt=now)
    with transaction.atomic():
        given = SyncRun.objects.filter(COLLECTING, free, pk=run.pk).update(
            state=RunState.PENDING,
            phase=Phase.FINISHING,
            owner="",
            lease_until=None,
            not_before=now,
            listing={**(run.listing or {}), **said},
        )
        if given:
            transaction.on_commit(lambda: wake(run.pk))
    return bool(given)


def end_silent(*, now: datetime, source: Source | None = None) -> None:
    """End what was cancelled, jobs of which nothing was heard, and what was pushed outside a job.

    With a `source`, only what must not take anything more of it.
    """
    runs = SyncRun.objects.filter(COLLECTING).filter(Q(owner="") | Q(lease_until__lt=now))
    runs = runs if source is None else runs.filter(source=source)
    for run in runs.filter(cancel_requested=True):
        SyncRun.objects.filter(COLLECTING, pk=run.pk, owner=run.owner).update(
            state=RunState.CANCELLED, phase=Phase.NONE, owner="", lease_until=None, finished_at=now
        )
    for run in runs.filter(cancel_requested=False, source__paused=False):
        limit = JOB_SILENT_S if is_job(run) else LOOSE_IDLE_S
        heard = run.progress_at or run.created_at
        if now - heard > timedelta(seconds=limit) and (is_job(run) or source is None):
            hand_over(run, complete=False)
