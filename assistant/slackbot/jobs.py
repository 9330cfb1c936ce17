"""What came in, to be done once: the queue of record.

Slack delivers at least once, and its own key makes one row of it. A row is claimed by a compare-and-swap and
kept by a lease; whose lease ran out is taken over. Whoever lost a row writes nothing to it any more.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from assistant.common.sealing import seal, unseal
from assistant.common.types import JsonObject
from assistant.slackbot.failures import plain_code
from assistant.slackbot.models import Job, JobState, Workspace

log = logging.getLogger(__name__)

LEASE_S: Final = 15
MOST_ATTEMPTS: Final = 8
# After the first, second, ... attempt that failed: Slack may be out of reach for half an hour.
PAUSES_S: Final = (2, 8, 30, 120, 300, 600, 900)
KEPT: Final = timedelta(days=2)  # finished rows, so that a late delivery is known
_LONGEST_PAUSE_S: Final = 3_600.0
_LOOKED_AT: Final = 16
_TOKEN = uuid4().hex[:12]

_FINISHED = (JobState.DONE, JobState.FAILED)
_wakers: list[Callable[[], None]] = []


def owner_of_this_process() -> str:
    """Names this process among all: host, process id, and a token against ids that come again."""
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{_TOKEN}"


def take_in(
    workspace: Workspace, *, kind: str, key: str, payload: JsonObject, after_s: float = 0.0
) -> Job | None:
    """Write down what came in. None: it was there already.

    After the commit the runner of this process is woken. `key` is Slack's own name for the occasion;
    `after_s`: nobody claims it before.
    """
    job = Job(workspace=workspace, kind=kind, key=key)
    job.due_at = timezone.now() + timedelta(seconds=after_s)
    job.sealed_payload = seal(
        # Only what stands under "secrets" is kept in mind as such, and a message is none.
        json.dumps({"secrets": {}, "payload": payload}),
        key=settings.SECRET_KEY,
        purpose=_purpose(job.pk),
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        if Job.objects.filter(workspace=workspace, key=key).exists():
            return None
        raise
    transaction.on_commit(_wake)
    return job


def payload_of(job: Job) -> JsonObject:
    """What it says; nothing once it is finished.

    Raises:
        MundapError: it was sealed with another secret key.
    """
    if not job.sealed_payload:
        return {}
    found = unseal(
        bytes(job.sealed_payload),
        key=settings.SECRET_KEY,
        older=settings.SECRET_KEY_FALLBACKS,
        purpose=_purpose(job.pk),
    )
    payload: JsonObject = json.loads(found)["payload"]
    return payload


def claim(owner: str) -> Job | None:
    """Take what has been due longest, or what somebody died over. None: there is nothing for `owner` to do.

    What has been tried too often fails here, so that a job that kills its process cannot do so for ever.
    """
    while True:
        found = list(
            Job.objects.filter(_free(timezone.now()))
            .order_by("due_at", "created_at")
            .values_list("pk", "state", "attempts")[:_LOOKED_AT]
        )
        for job_id, state, attempts in found:
            if attempts >= MOST_ATTEMPTS:
                _settle(
                    Job.objects.filter(pk=job_id, state=state, attempts=attempts), JobState.FAILED, "gave_up"
                )
            elif _take(job_id, state, attempts, owner):
                return Job.objects.select_related("workspace").get(pk=job_id)
        if not found:
            return None


def renew(job: Job) -> bool:
    """Keep it for another while. False: somebody else has it by now."""
    return bool(_ours(job).update(lease_until=timezone.now() + timedelta(seconds=LEASE_S)))


def is_ours(job: Job) -> bool:
    """Whether nobody has taken it over: to be asked before something is sent that cannot be taken back.

    A lease that ran out unnoticed begins anew, if nobody else came meanwhile.
    """
    return _ours(job).filter(lease_until__gt=timezone.now()).exists() or renew(job)


def done(job: Job) -> bool:
    """It is carried out. False: it was no longer ours, and is somebody else's to finish."""
    return _settle(_ours(job), JobState.DONE, "")


def fail(job: Job, code: str) -> bool:
    """It cannot be carried out. False: see `done`."""
    return _settle(_ours(job), JobState.FAILED, plain_code(code))


def later(job: Job, after_s: float = 0.0, *, code: str = "busy") -> bool:
    """Try it again after the pause of its attempt, and not before `after_s`; after the last one it failed.

    False: see `done`.
    """
    if job.attempts >= MOST_ATTEMPTS:
        return fail(job, code)
    pause = max(min(after_s, _LONGEST_PAUSE_S), PAUSES_S[max(job.attempts - 1, 0)])
    return bool(
        _ours(job).update(
            state=JobState.PENDING,
            due_at=timezone.now() + timedelta(seconds=pause),
            owner="",
            lease_until=None,
            failure=plain_code(code),
        )
    )


def sweep() -> int:
    """Remove what was finished days ago. How many rows that were."""
    removed, _ = Job.objects.filter(state__in=_FINISHED, finished_at__lt=timezone.now() - KEPT).delete()
    return removed


def is_anything_open() -> bool:
    """Whether some workspace may give or have work."""
    return Workspace.objects.filter(is_open=True).exists()


def wakes(waker: Callable[[], None]) -> Callable[[], None]:
    """Have `waker` called after each job that this process takes in. What it gives ends that."""
    _wakers.append(waker)
    return lambda: _wakers.remove(waker)


def _wake() -> None:
    for waker in _wakers:
        waker()


def _free(now: datetime) -> Q:
    waiting = Q(state=JobState.PENDING, due_at__lte=now)
    orphaned = Q(state=JobState.RUNNING, lease_until__lt=now)
    # What a workspace's end asks for is done although the workspace is closed.
    workable = Q(workspace__is_open=True, workspace__failure="") | Q(kind="closed")
    return (waiting | orphaned) & workable


def _take(job_id: UUID, state: str, attempts: int, owner: str) -> bool:
    now = timezone.now()
    still = Q(state=JobState.PENDING) | Q(state=JobState.RUNNING, lease_until__lt=now)
    return bool(
        Job.objects.filter(still, pk=job_id, state=state, attempts=attempts).update(
            state=JobState.RUNNING,
            owner=owner,
            lease_until=now + timedelta(seconds=LEASE_S),
            attempts=F("attempts") + 1,
        )
    )


def _ours(job: Job) -> QuerySet[Job]:
    """The row as long as it is this claim's: the next one is another's, be it in this process."""
    return Job.objects.filter(pk=job.pk, state=JobState.RUNNING, owner=job.owner, attempts=job.attempts)


def _settle(jobs: QuerySet[Job], state: JobState, failure: str) -> bool:
    return bool(
        jobs.update(
            state=state,
            failure=failure,
            sealed_payload=b"",
            lease_until=None,
            finished_at=timezone.now(),
        )
    )


def _purpose(job_id: UUID) -> str:
    return f"slack job {job_id}"
