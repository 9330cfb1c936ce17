"""Carrying jobs out: in threads of the web process, apart from the requests that brought them.

Nothing is remembered here that a row does not hold: whoever dies is followed by whoever finds the lease run
out. `carry_out` is looked up when the first job comes, so that starting the server loads no answering.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

from django.db import DatabaseError, connections

from assistant.common.errors import MundapError
from assistant.slackbot import jobs
from assistant.slackbot.failures import SlackBusy, SlackClosed, SlackRefused
from assistant.slackbot.models import Job

log = logging.getLogger(__name__)

THREADS = 4  # as many as turns run at once: more would only keep requests of Slack waiting
LOOKED_EVERY_S = 2.0
RENEWED_EVERY_S = 4.0
_IDLE_S = 15.0  # where no workspace is connected
_SWEPT_EVERY_S = 3_600.0

CarryOut = Callable[[Job], None]


class Runner:
    """Claims and carries out what is due until it is stopped.

    `carry_out` (`carrying_out.carry_out` where nothing is given) returns when the job is done, and raises one
    of `failures` or anything else when it is not; it may also have settled the job with `jobs` by itself.
    """

    def __init__(self, carry_out: CarryOut | None = None, *, threads: int = THREADS, owner: str = "") -> None:
        self._given = carry_out
        self._owner = owner or jobs.owner_of_this_process()
        self._free = threading.Semaphore(threads)
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="slack-job")
        self._held: dict[object, Job] = {}
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._loops = (
            threading.Thread(target=self._look, name="slack-jobs", daemon=True),
            threading.Thread(target=self._renew, name="slack-leases", daemon=True),
        )
        self._forget: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin; returns at once."""
        self._forget = jobs.wakes(self._woken.set)
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """Claim nothing more, and wait for what is being carried out."""
        self._forget()
        self._stopping.set()
        self._woken.set()
        self._loops[0].join()
        self._threads.shutdown(wait=True)
        self._loops[1].join()

    def is_idle(self) -> bool:
        """Whether nothing is being carried out here."""
        with self._lock:
            return not self._held

    @cached_property
    def _carry_out(self) -> CarryOut:
        if self._given is not None:
            return self._given
        from assistant.slackbot.carrying_out import carry_out  # noqa: PLC0415 - loads the answering

        return carry_out

    def _look(self) -> None:
        """Claim what is due as long as a thread is free."""
        swept = time.monotonic()
        try:
            while not self._stopping.is_set():
                pause = LOOKED_EVERY_S
                try:
                    if jobs.is_anything_open():
                        self._claim_all()
                    else:
                        pause = _IDLE_S
                    if time.monotonic() - swept > _SWEPT_EVERY_S:
                        swept = time.monotonic()
                        jobs.sweep()
                except DatabaseError as error:
                    log.warning("slack jobs: the database does not answer (%s)", type(error).__name__)
                    connections.close_all()
                self._woken.wait(pause)
                self._woken.clear()
        finally:
            connections.close_all()

    def _claim_all(self) -> None:
        while not self._stopping.is_set() and self._free.acquire(blocking=False):
            job = None
            try:
                job = jobs.claim(self._owner)
            finally:
                if job is None:
                    self._free.release()
            if job is None:
                return
            with self._lock:
                self._held[job.pk, job.attempts] = job
            self._threads.submit(self._carry, job)

    def _carry(self, job: Job) -> None:
        try:
            self._carried(job)
        except DatabaseError as error:
            # Its lease runs out, and somebody begins it anew.
            log.warning("slack job %s: the database does not answer (%s)", job.pk, type(error).__name__)
        finally:
            with self._lock:
                self._held.pop((job.pk, job.attempts), None)
            connections.close_all()
            self._free.release()
            self._woken.set()  # a thread is free

    def _carried(self, job: Job) -> None:
        try:
            self._carry_out(job)
        except SlackBusy as error:
            jobs.later(job, error.after_s)
        except (SlackRefused, SlackClosed) as error:
            log.warning("slack job %s (%s): %s", job.pk, job.kind, error.code)
            jobs.fail(job, error.code)
        except DatabaseError:
            raise
        except MundapError as error:
            log.warning("slack job %s (%s) failed: %s", job.pk, job.kind, type(error).__name__)
            jobs.later(job, code="failed")
        except Exception as error:  # noqa: BLE001 - the edge of a thread; the words may hold what was asked
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error(
                "slack job %s (%s) failed: %s in %s:%s",
                job.pk,
                job.kind,
                type(error).__name__,
                place.filename,
                place.lineno,
            )
            jobs.later(job, code="internal")
        else:
            jobs.done(job)

    def _renew(self) -> None:
        """Keep what is being carried out, in one thread for all."""
        try:
            while not (self._stopping.is_set() and self.is_idle()):
                self._stopping.wait(RENEWED_EVERY_S) if not self._stopping.is_set() else time.sleep(0.05)
                with self._lock:
                    held = list(self._held.values())
                try:
                    for job in held:
                        jobs.renew(job)
                except DatabaseError as error:
                    log.warning("slack leases: the database does not answer (%s)", type(error).__name__)
                    connections.close_all()
        finally:
            connections.close_all()
