"""How long must the next guess wait? Pure arithmetic on what was counted; no clock and no row is read here.

A `Doubling` rule belongs to one account or one known device: a few mistakes are free, then each wait is
twice the one before, and after `most` failures in a row nothing is tried any more until somebody lifts it.
A `Leaking` rule belongs to what many people share, an address or the installation: mistakes flow off at a
steady rate, so that a busy office is never shut out for longer than one drop takes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

CLOSED = math.inf  # the wait of what stays closed until somebody lifts it


@dataclass(frozen=True, slots=True)
class Count:
    """Failures that count, and when the last one was counted."""

    failures: float
    at: datetime


class Rule(Protocol):
    """What one counter allows."""

    def wait_s(self, count: Count, now: datetime) -> float:
        """Seconds until the next try is let through: 0 now, CLOSED never by itself."""

    def counted(self, count: Count, now: datetime) -> Count:
        """The count with one more try."""

    def is_spent(self, count: Count, now: datetime) -> bool:
        """Whether a counter like this says no more than no counter would."""


@dataclass(frozen=True, slots=True)
class Doubling:
    """`free` tries at once, then waits of `first_s`, twice that, ... up to `longest_s`; `most` in all."""

    free: int
    first_s: float
    longest_s: float
    most: int
    forgotten_s: float

    def wait_s(self, count: Count, now: datetime) -> float:
        """See `Rule`."""
        if count.failures >= self.most:
            return CLOSED
        if count.failures < self.free or self.is_spent(count, now):
            return 0.0
        doublings = min(count.failures - self.free, 64)  # beyond that the longest wait holds anyway
        wait: float = min(self.first_s * 2.0**doublings, self.longest_s)
        return max(0.0, wait - _passed_s(count, now))

    def counted(self, count: Count, now: datetime) -> Count:
        """See `Rule`."""
        before = 0.0 if self.is_spent(count, now) else count.failures
        return Count(before + 1, now)

    def is_spent(self, count: Count, now: datetime) -> bool:
        """Whether the last failure is so old that it is forgotten. What is closed stays so."""
        return count.failures < self.most and _passed_s(count, now) >= self.forgotten_s


@dataclass(frozen=True, slots=True)
class Leaking:
    """`capacity` tries at once, and another one every `each_s`. What weighs more counts as several."""

    capacity: float
    each_s: float

    def wait_s(self, count: Count, now: datetime, weight: float = 1) -> float:
        """See `Rule`. What weighs more than the capacity is never let through: the wait is CLOSED."""
        if weight > self.capacity:
            return CLOSED
        return max(0.0, (self._level(count, now) + weight - self.capacity) * self.each_s)

    def counted(self, count: Count, now: datetime, weight: float = 1) -> Count:
        """See `Rule`."""
        return Count(max(0.0, self._level(count, now) + weight), now)

    def room(self, count: Count, now: datetime) -> float:
        """How much would be let through now."""
        return max(0.0, self.capacity - self._level(count, now))

    def is_spent(self, count: Count, now: datetime) -> bool:
        """Whether everything has flowed off."""
        return self._level(count, now) <= 0

    def _level(self, count: Count, now: datetime) -> float:
        return max(0.0, count.failures - _passed_s(count, now) / self.each_s)


def _passed_s(count: Count, now: datetime) -> float:
    """A clock that was set back lets nobody in earlier."""
    return max(0.0, (now - count.at).total_seconds())
