"""How far a run is: what it has found, how fast it goes, and whether too much of it fails."""

from __future__ import annotations

import time

from assistant.common.errors import MundapError
from assistant.common.told import told
from assistant.sync.models import RunFailure, SyncRun
from assistant.sync.plan import LASTING_FAILURES

_WRITTEN_EVERY_S = 1.0
_REMEMBERED_S = 20.0  # the rate is that of about so many seconds
_FEWEST_FAILURES = 25  # a handful says nothing about the source


class OverBudget(MundapError):
    """So many documents failed that something is wrong with the whole source."""


class Progress:
    """Notes how far a run is, at most once a second."""

    def __init__(self, run: SyncRun) -> None:
        self._run = run
        self._written_at = 0.0
        self._counted_at = time.monotonic()
        self._rate = 0.0
        self._checked_at = 0.0

    def note(self, *, found: int, whole: bool, now: bool = False) -> None:
        """The listing has named so many documents, and `whole`: they are all."""
        moment = time.monotonic()
        if not now and moment - self._written_at < _WRITTEN_EVERY_S:
            return
        self._written_at = moment
        known = {"found": found, "total": found} if whole else {"found": found}
        SyncRun.objects.filter(pk=self._run.pk).update(**known)

    def rate(self, documents: int) -> float:
        """Documents a second lately, with these that were just dealt with."""
        moment = time.monotonic()
        elapsed = max(moment - self._counted_at, 1e-3)
        self._counted_at = moment
        weight = min(1.0, elapsed / _REMEMBERED_S) if self._rate else 1.0
        self._rate += weight * (documents / elapsed - self._rate)
        return self._rate

    def check_budget(self, *, now: bool = False) -> None:
        """Give up where more documents fail than the source's settings bear.

        What can never be read (pictures, passwords, unknown formats) says nothing about the source.

        Raises:
            OverBudget: says how many.
        """
        moment = time.monotonic()
        if not now and moment - self._checked_at < _WRITTEN_EVERY_S:
            return
        self._checked_at = moment
        failed = RunFailure.objects.filter(run=self._run).exclude(code__in=LASTING_FAILURES).count()
        if failed < _FEWEST_FAILURES:
            return
        run = SyncRun.objects.get(pk=self._run.pk)
        if failed * 100 > run.done * self._run.source.error_budget_percent:
            raise OverBudget(told("{failed} of {done} documents failed.", failed=failed, done=run.done))
