"""What came in, to be done once: the queue of record.

Slack delivers at least once, and its own key makes one row of it. A row is claimed by a compare-and-swap and
kept by a lease; whose lease ran out is taken over. Whoever lost a row writes nothing to it any more.

What failed for good is no silence: a question that did leaves a job behind that tells whoever asked
(`apologising`), and answers that were to be judged are judged by the task of each minute.
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

from assistant.common.errors import MundapError
from assistant.common.sealing import seal, unseal
from assistant.common.types import JsonObject
from assistant.slackbot.failures import plain_code
from assistant.slackbot.models import LONG_AGO, SHOWN, Job, JobState, JoinLink, Post, Workspace

log = logging.getLogger(__name__)

LEASE_S: Final = 15
MOST_ATTEMPTS: Final = 8
# After the first, second, ... attempt that failed: Slack may be out of reach for half an hour.
PAUSES_S: Final = (2, 8, 30, 120, 300, 600, 900)
KEPT: Final = timedelta(days=2)  # finished rows, so that a late delivery is known
# What came in waits that long for a workspace that is closed: addresses for replies count for half an hour.
MOST_WAIT: Final = timedelta(minutes=25)
ANSWERING: Final = ("question", "again")
APOLOGY, WAITED = "apology", "workspace_closed"
# The question, or our message, was deleted while it was answered: they want none, and are told nothing.
TAKEN_AWAY: Final = frozenset({"gone", "message_not_found", "thread_not_found"})
_ALWAYS: Final = ("closed", APOLOGY)  # done although the workspace is closed
_TOLD_BY = ("via", "channel", "user", "ts", "thread_ts", "response_url")
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
                _over(Job.objects.filter(pk=job_id, state=state, attempts=attempts), "gave_up")
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
    """It cannot be carried out, and whoever asked is told soon. False: see `done`."""
    return _over(_ours(job), plain_code(code))


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


def end_waiting() -> int:
    """End what has waited too long for a workspace that is closed, or lets the app in no more. How many."""
    before = timezone.now() - MOST_WAIT
    closed = Q(workspace__is_open=False) | ~Q(workspace__failure="")
    waiting = Job.objects.filter(closed & _unheld(timezone.now()), created_at__lt=before)
    ids = list(waiting.exclude(kind__in=_ALWAYS).values_list("pk", "state", "attempts"))
    return sum(_over(Job.objects.filter(pk=pk, state=state, attempts=n), WAITED) for pk, state, n in ids)


def sweep() -> int:
    """Remove what was finished days ago, and links that count no more. How many jobs that were."""
    JoinLink.objects.filter(expires_at__lte=timezone.now()).delete()
    removed, _ = Job.objects.filter(state__in=_FINISHED, finished_at__lt=timezone.now() - KEPT).delete()
    return removed


def is_anything_open() -> bool:
    """Whether some workspace may give or have work, or there is some that needs no open one."""
    left = Job.objects.filter(kind__in=_ALWAYS, state__in=(JobState.PENDING, JobState.RUNNING))
    return Workspace.objects.filter(is_open=True).exists() or left.exists()


def wakes(waker: Callable[[], None]) -> Callable[[], None]:
    """Have `waker` called after each job that this process takes in. What it gives ends that."""
    _wakers.append(waker)
    return lambda: _wakers.remove(waker)


def _wake() -> None:
    for waker in _wakers:
        waker()


def _free(now: datetime) -> Q:
    due = Q(state=JobState.RUNNING) | Q(due_at__lte=now)
    workable = Q(workspace__is_open=True, workspace__failure="") | Q(kind__in=_ALWAYS)
    return _unheld(now) & due & workable


def _unheld(now: datetime) -> Q:
    """What nobody carries out at the moment."""
    return Q(state=JobState.PENDING) | Q(state=JobState.RUNNING, lease_until__lt=now)


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


def _over(jobs: QuerySet[Job], code: str) -> bool:
    """It failed for good, unless it is somebody else's by now."""
    with transaction.atomic():
        job = jobs.select_related("workspace").first()
        if job is None or not _settle(jobs, JobState.FAILED, code):
            return False
        payload = _readable(job)
        if job.kind in ANSWERING and code not in TAKEN_AWAY:
            told: JsonObject = {name: payload[name] for name in _TOLD_BY if name in payload}
            take_in(
                job.workspace,
                kind=APOLOGY,
                key=f"e:{job.pk}",
                payload={**told, "job": str(job.pk), "code": code},
            )
        elif job.kind == "recheck":
            posts = Post.objects.filter(workspace=job.workspace, state__in=SHOWN)
            channel = payload.get("channel")
            (posts.filter(channel_id=channel) if channel else posts).update(judged_at=LONG_AGO)
    return True


def _readable(job: Job) -> JsonObject:
    """What it says; nothing where that was sealed with another secret key."""
    try:
        return payload_of(job)
    except MundapError:
        return {}


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
