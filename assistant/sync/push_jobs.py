"""Jobs: a program says when it begins to put everything, and whether it came to the end."""

from __future__ import annotations

import time

from django.utils import timezone

from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound
from assistant.common.types import JsonObject
from assistant.sync.engine import execute_run
from assistant.sync.models import RunKind, RunState, SyncRun
from assistant.sync.push_turns import (
    PushBusy,
    PushRefused,
    create_run,
    end_silent,
    hand_over,
    is_collecting,
    is_job,
    open_run,
    pushed_source,
    turn,
)
from assistant.sync.wake import wake

_TRIES = 100
_BETWEEN_S = 0.1


def start_job(*, source_id: int, name: str, actor: str) -> JsonObject:
    """Begin a job, or give back the one that began with this name: the answer may have been lost.

    Raises:
        NotFound: nothing can be pushed into such a source.
        PushRefused: another job is open, or the source is paused.
        PushBusy: the last run is still brought to its end.
    """
    source = pushed_source(source_id)
    if source.paused:
        raise PushRefused("The source is paused. Its administrator can resume it.")
    for _ in range(_TRIES):
        end_silent(now=timezone.now(), source=source)
        run = open_run(source)
        if run is None:
            made = create_run(source, listing={"job": True, "name": name}, actor=actor)
            if made is not None:
                record(Event.SYNC_REQUESTED, actor=actor, run=made.pk, kind=RunKind.PUSH)
                return shown_job(made)
        elif is_job(run) and is_collecting(run):
            if name and (run.listing or {}).get("name") == name:
                return shown_job(run)
            raise PushRefused(f"Job {run.pk} is open. Stop it before another one is started.")
        elif is_collecting(run) and hand_over(run, complete=False):
            execute_run(run.pk)  # what was pushed before: little to do, and the job waits for it
        else:
            time.sleep(_BETWEEN_S)
    raise PushBusy("The last run is still brought to its end. Try again in a moment.")


def stop_job(*, source_id: int, job_id: int, complete: bool, groups_complete: bool) -> JsonObject:
    """End a job. One that has ended already is only shown.

    `complete`: what was not put since its start is gone. `groups_complete`: the same of groups.

    Raises:
        NotFound: no such job.
        PushRefused: the source is paused.
        PushBusy: a request is still at work on it.
    """
    run = _job(source_id, job_id)
    if is_collecting(run):
        try:
            with turn(source_id, job_id=job_id) as mine:
                hand_over(mine.run, in_turn=True, complete=complete, groups_complete=groups_complete)
        except PushRefused:
            if is_collecting(_job(source_id, job_id)):
                raise
    return job(source_id=source_id, job_id=job_id)


def job(*, source_id: int, job_id: int) -> JsonObject:
    """How far the job is.

    Raises:
        NotFound: no such job.
    """
    run = _job(source_id, job_id)
    if run.state == RunState.PENDING:
        wake(run.pk)
    return shown_job(run)


def shown_job(run: SyncRun) -> JsonObject:
    """The job in an answer. `state` is "open" while documents can be put into it."""
    return {
        "job": run.pk,
        "state": "open" if is_collecting(run) else str(run.state),
        "added": run.added,
        "updated": run.updated,
        "unchanged": run.unchanged,
        "deleted": run.deleted,
        "failed": run.failed,
        "missing": run.missing,
    }


def _job(source_id: int, job_id: int) -> SyncRun:
    source = pushed_source(source_id)
    end_silent(now=timezone.now(), source=source)
    run = SyncRun.objects.filter(pk=job_id, source=source, kind=RunKind.PUSH).first()
    if run is None or not is_job(run):
        raise NotFound("There is no such job.")
    return run
