"""Who works on a run: claims by compare-and-swap, kept by a lease with its own heartbeat."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from django.db import OperationalError, connection, connections
from django.db.models import Q
from django.utils import timezone

from assistant.common.errors import MundapError
from assistant.sync.configuration import settings_changed
from assistant.sync.models import COLLECTING, CONTENT_KINDS, Phase, RunKind, RunState, Source, SyncRun

log = logging.getLogger(__name__)

LEASE_S = 30
HEARTBEAT_S = 2
LONGEST_TURN_S = 2 * 3600  # after which a run gives its worker to the others that wait
_TOKEN = uuid4().hex[:12]


class LostLease(MundapError):
    """Another process has taken the run over: this one must stop at once and write nothing more."""


class Cancelled(Exception):
    """Somebody asked the run to stop."""


class Paused(Exception):
    """Somebody paused the source: the run goes on later from where it is."""


class TurnOver(Exception):
    """The run has had its worker for long: it goes on as soon as one is free again."""


class SettingsChanged(TurnOver):
    """Somebody has changed what is listed or who may see it: the run is taken up anew, by what counts now."""


def owner_of_this_process() -> str:
    """Names this process among all workers: host, process id, and a token against reused ids."""
    return f"{socket.gethostname()}:{os.getpid()}:{_TOKEN}"


def claim(run_id: int) -> SyncRun | None:
    """Take a run that is pending, or running with a lease that has ended. None if somebody else has it.

    A run whose process died on this host is taken at once.
    """
    if not _take(run_id) and not (run_id in release_dead() and _take(run_id)):
        return None
    SyncRun.objects.filter(pk=run_id, started_at=None).update(started_at=timezone.now())
    return SyncRun.objects.select_related("source__connection").get(pk=run_id)


def _take(run_id: int) -> bool:
    now = timezone.now()
    free = Q(state=RunState.PENDING, not_before__lte=now) | Q(state=RunState.RUNNING, lease_until__lt=now)
    free &= Q(source__in=Source.objects.filter(paused=False).values("pk")) & ~COLLECTING
    return bool(
        SyncRun.objects.filter(free, pk=run_id).update(
            state=RunState.RUNNING,
            owner=owner_of_this_process(),
            lease_until=now + timedelta(seconds=LEASE_S),
            heartbeat_at=now,
        )
    )


def hold(run_id: int) -> None:
    """Lock the run's row inside the caller's transaction.

    Raises:
        LostLease: the run is no longer ours; the transaction rolls back.
    """
    ours = SyncRun.objects.filter(pk=run_id, owner=owner_of_this_process(), state=RunState.RUNNING)
    if not ours.update(lease_until=timezone.now() + timedelta(seconds=LEASE_S)):
        raise LostLease(f"Run {run_id} has been taken over by another worker.")


def want_interrupted_lists(run_id: int) -> None:
    """A reading of lists amid the documents that did not come to its end is wanted as before."""
    reading = SyncRun.objects.filter(pk=run_id, kind__in=CONTENT_KINDS, phase=Phase.PERMISSIONS)
    reading.update(permissions_requested=True)


def hold_unchanged(run: SyncRun) -> None:
    """`hold`, for what follows from the source's settings as the run has read them.

    Whoever changes them may store that at any moment; nothing that follows from the old ones is written
    after it. What is pushed is treated by the settings that its request has read.

    Raises:
        LostLease: the run is no longer ours; the transaction rolls back.
        SettingsChanged: they are others now; the transaction rolls back.
    """
    hold(run.pk)
    if run.kind != RunKind.PUSH and settings_changed(run.source):
        raise SettingsChanged


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
    return not _is_zombie(int(pid))


def _is_zombie(pid: int) -> bool:
    """Dead, but not yet buried by its parent; an init that buries nobody is common in containers."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[:1] in (["Z"], ["X"])


class Heartbeat:
    """Renews the lease from a thread of its own while the run works, and notices what somebody asks of it.

    `interrupt` is called, from that thread, as soon as the work should stop.
    """

    def __init__(self, run_id: int) -> None:
        self._run_id = run_id
        self.interrupt: Callable[[], None] = lambda: None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{run_id}", daemon=True)
        self.cancelled = threading.Event()
        self.paused = threading.Event()
        self.lost = threading.Event()
        self.turn_over = threading.Event()
        self._began = time.monotonic()
        self.lists_wanted = threading.Event()  # access lists should be read before the run goes on

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

    def should_stop(self) -> bool:
        """Whether the work should end, for whatever reason. Cheap: asked in every loop."""
        asked = (self.lost, self.cancelled, self.paused, self.turn_over)
        return any(event.is_set() for event in asked)

    def stop_if_asked(self) -> None:
        """Called between two documents.

        Raises:
            LostLease: another worker has the run.
            Cancelled: somebody asked it to stop.
            Paused: somebody paused its source.
            TurnOver: others wait for its worker.
        """
        if self.lost.is_set():
            raise LostLease(f"Run {self._run_id} has been taken over by another worker.")
        if self.cancelled.is_set():
            raise Cancelled
        if self.paused.is_set():
            raise Paused
        if self.turn_over.is_set():
            raise TurnOver

    def _beat(self) -> None:
        try:
            while not self._stop.wait(HEARTBEAT_S) and not self.lost.is_set():
                try:
                    self._renew()
                except OperationalError as error:  # a busy database; the lease outlasts many beats
                    log.warning("no heartbeat of run %s: %s", self._run_id, error)
        finally:
            connections.close_all()

    def _renew(self) -> None:
        now = timezone.now()
        ours = SyncRun.objects.filter(pk=self._run_id, owner=owner_of_this_process(), state=RunState.RUNNING)
        if not ours.update(heartbeat_at=now, lease_until=now + timedelta(seconds=LEASE_S)):
            self.lost.set()
        else:
            self.look()
        if time.monotonic() - self._began > LONGEST_TURN_S:
            self.turn_over.set()
        if self.should_stop():
            self.interrupt()

    def look(self) -> None:
        """See what somebody has asked of the run meanwhile."""
        asked = SyncRun.objects.values_list("cancel_requested", "permissions_requested", "source__paused")
        cancelled, lists_wanted, paused = asked.get(pk=self._run_id)
        for event, wanted in (
            (self.cancelled, cancelled),
            (self.paused, paused),
            (self.lists_wanted, lists_wanted),
        ):
            if wanted:
                event.set()
