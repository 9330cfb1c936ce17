"""Who works on a run: claims by compare-and-swap, kept by a lease with its own heartbeat."""

from __future__ import annotations

import os
import socket
import threading
from datetime import timedelta
from types import TracebackType
from uuid import uuid4

from django.db import connection, connections
from django.db.models import Q
from django.utils import timezone

from assistant.common.errors import MundapError
from assistant.sync.models import RunState, SyncRun

LEASE_S = 30
HEARTBEAT_S = 2
_TOKEN = uuid4().hex[:12]


class LostLease(MundapError):
    """Another process has taken the run over: this one must stop at once and write nothing more."""


def owner_of_this_process() -> str:
    """Names this process among all workers: host, process id, and a token against reused ids."""
    return f"{socket.gethostname()}:{os.getpid()}:{_TOKEN}"


def claim(run_id: int) -> SyncRun | None:
    """Take a run that is pending, or running with a lease that has ended. None if somebody else has it."""
    now = timezone.now()
    free = Q(state=RunState.PENDING, not_before__lte=now) | Q(state=RunState.RUNNING, lease_until__lt=now)
    taken = SyncRun.objects.filter(free, pk=run_id).update(
        state=RunState.RUNNING,
        owner=owner_of_this_process(),
        lease_until=now + timedelta(seconds=LEASE_S),
        heartbeat_at=now,
    )
    if not taken:
        return None
    SyncRun.objects.filter(pk=run_id, started_at=None).update(started_at=now)
    return SyncRun.objects.select_related("source__connection").get(pk=run_id)


def hold(run_id: int) -> None:
    """Lock the run's row inside the caller's transaction.

    Raises:
        LostLease: the run is no longer ours; the transaction rolls back.
    """
    ours = SyncRun.objects.filter(pk=run_id, owner=owner_of_this_process(), state=RunState.RUNNING)
    if not ours.update(lease_until=timezone.now() + timedelta(seconds=LEASE_S)):
        raise LostLease(f"Run {run_id} has been taken over by another worker.")


def release_dead() -> list[int]:
    """Make runs of processes that died on this host claimable at once; returns their ids."""
    released = []
    prefix = f"{socket.gethostname()}:"
    for run in SyncRun.objects.filter(state=RunState.RUNNING, owner__startswith=prefix):
        if _is_alive(run.owner):
            continue
        freed = SyncRun.objects.filter(pk=run.pk, owner=run.owner, state=RunState.RUNNING).update(
            lease_until=timezone.now() - timedelta(seconds=1)
        )
        released.extend([run.pk] if freed else [])
    return released


def _is_alive(owner: str) -> bool:
    _, pid, token = owner.rsplit(":", 2)
    if int(pid) == os.getpid():
        return token == _TOKEN
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class Heartbeat:
    """Renews the lease from a thread of its own while the run works, and notices a request to cancel."""

    def __init__(self, run_id: int) -> None:
        self._run_id = run_id
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{run_id}", daemon=True)
        self.cancelled = threading.Event()
        self.lost = threading.Event()

    def __enter__(self) -> Heartbeat:
        if connection.in_atomic_block:  # a test's transaction: another connection would not see the row
            return self
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=HEARTBEAT_S)

    def _beat(self) -> None:
        try:
            while not self._stop.wait(HEARTBEAT_S):
                now = timezone.now()
                ours = SyncRun.objects.filter(
                    pk=self._run_id, owner=owner_of_this_process(), state=RunState.RUNNING
                )
                if not ours.update(heartbeat_at=now, lease_until=now + timedelta(seconds=LEASE_S)):
                    self.lost.set()
                    return
                if ours.filter(cancel_requested=True).exists():
                    self.cancelled.set()
        finally:
            connections.close_all()
