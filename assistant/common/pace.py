"""How fast may one source be asked? A token bucket that threads share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Stopped(Exception):
    """Waiting was given up because the work was asked to stop."""


def wait(seconds: float, *, stopped: Callable[[], bool], step_s: float = 0.2) -> None:
    """Sleep, but notice within `step_s` that the work was asked to stop.

    Raises:
        Stopped: it was.
    """
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if stopped():
            raise Stopped
        time.sleep(min(left, step_s))
    if stopped():
        raise Stopped


class Pace:
    """Lets through at most `per_second` calls, one after the other and none saved up. 0: as many as come."""

    def __init__(self, per_second: float = 0.0) -> None:
        self._interval = 1.0 / per_second if per_second > 0 else 0.0
        self._lock = threading.Lock()
        self._next = 0.0

    def turn(self, *, stopped: Callable[[], bool] = lambda: False) -> None:
        """Wait for the next free moment.

        Raises:
            Stopped: the work was asked to end meanwhile.
        """
        with self._lock:
            at = max(self._next, time.monotonic())
            self._next = at + self._interval
        wait(at - time.monotonic(), stopped=stopped)

    def hold(self, seconds: float) -> None:
        """Let nobody through for so long: the source has asked one of us for patience, and means all."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)
