"""Rate limits by tier, and failures on demand."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum
from math import ceil
from typing import Final

from tests.slackbot.simulator.methods import A_MINUTE, Method
from tests.slackbot.simulator.state import Clock

MINUTE: Final = 60.0
POSTS: Final = (1, 1.0)  # chat.postMessage: one a second in each channel


class RateLimits:
    """Counts calls in a sliding minute when `on`. Off at first: most tests are faster than any tier."""

    def __init__(self, clock: Clock) -> None:
        self.on = False
        self._clock = clock
        self._seen: dict[Hashable, deque[float]] = {}

    def wait(self, method: Method, app_id: str, team_id: str | None, channel: str) -> int:
        """Seconds to wait before the call counts, 0 when it counts now."""
        if not self.on:
            return 0
        if method.name == "chat.postMessage":
            return self._count((method.name, app_id, channel), *POSTS)
        if method.tier == 0:
            return 0
        return self._count((method.name, app_id, team_id), A_MINUTE[method.tier], MINUTE)

    def _count(self, key: Hashable, most: int, span: float) -> int:
        now, seen = self._clock.now(), self._seen.setdefault(key, deque())
        while seen and now - seen[0] >= span:
            seen.popleft()
        if len(seen) >= most:
            return max(1, ceil(seen[0] + span - now))
        seen.append(now)
        return 0


class Trouble(Enum):
    """What can go wrong with a call. All but the last two happen before the call has an effect."""

    SERVER_ERROR = "500 without JSON"
    RATE_LIMITED = "429 with Retry-After"
    HANGS = "no answer for `seconds`, then the connection ends"
    RESET = "the connection is reset"
    ERROR = "ok: false with `error`"
    SLOW = "the right answer, `seconds` later"
    RESET_AFTER = "the call has its effect, then the connection is reset instead of an answer"


@dataclass(frozen=True, slots=True)
class Failure:
    trouble: Trouble
    error: str = ""
    seconds: float = 1.0


@dataclass(slots=True)
class Failures:
    """Failures to come, by method. `*` stands for every method."""

    _waiting: dict[str, deque[Failure]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, method: str, failure: Failure, times: int) -> None:
        with self._lock:
            self._waiting.setdefault(method, deque()).extend([failure] * times)

    def take(self, method: str) -> Failure | None:
        with self._lock:
            for name in (method, "*"):
                if waiting := self._waiting.get(name):
                    return waiting.popleft()
        return None

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
