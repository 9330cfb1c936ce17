"""A circuit breaker: a model that fails again and again is left in peace for a while.

Who asks meanwhile is told at once instead of waiting for another time-out. After the rest one call
tries whether it is back; the others go on being told until that one has an answer.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from assistant.common.told import told
from assistant.providers.call_failed import CallFailed
from assistant.providers.contract import CountingCompletions, Message, Outcome, Tokens, never, uncounted

# What says that the server is not well. One that is busy, or refuses what was asked, is.
_UNWELL = frozenset({Outcome.UNREACHABLE, Outcome.BROKEN})


class Circuit:
    """How one model has been doing in this process. Threads share it."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0  # in a row
        self._rests_until: float | None = None
        self._probing = False

    def entered(self) -> tuple[float, bool]:
        """Seconds of rest that are left, and whether the caller is the one who tries if it is over.

        With 0 seconds the call may be made, and `left` must be told how it ended.
        """
        with self._lock:
            if self._rests_until is None:
                return 0.0, False
            rest = self._rests_until - self._clock()
            if rest > 0 or self._probing:
                return max(rest, 1.0), False
            self._probing = True
            return 0.0, True

    def left(self, outcome: Outcome, *, probe: bool, failures: int, rest_s: float) -> None:
        """A call ended so. After `failures` in a row, or a failed probe, nobody asks for `rest_s`."""
        with self._lock:
            if probe:
                self._probing = False
            if outcome is Outcome.STOPPED:
                return  # that says nothing about the model
            if outcome not in _UNWELL:
                self._failed, self._rests_until = 0, None
                return
            self._failed += 1
            if probe or (self._rests_until is None and self._failed >= failures):
                self._rests_until = self._clock() + rest_s


class Resting:
    """A language model that is not asked while its circuit is open."""

    def __init__(
        self, completions: CountingCompletions, circuit: Circuit, *, failures: int, rest_s: float
    ) -> None:
        self._completions = completions
        self._circuit = circuit
        self._failures = failures
        self._rest_s = rest_s

    @property
    def name(self) -> str:
        """The language model's name."""
        return self._completions.name

    def complete(
        self,
        messages: Sequence[Message],
        *,
        stop: Callable[[], bool] = never,
        counted: Callable[[Tokens], None] = uncounted,
    ) -> Iterator[str]:
        """See `CountingCompletions`.

        Raises:
            CallFailed: it rests, or the call failed.
            Stopped: while it was waited for.
        """
        rest, probe = self._circuit.entered()
        if rest:
            raise resting(self.name, rest)
        outcome = Outcome.STOPPED
        try:
            yield from self._completions.complete(messages, stop=stop, counted=counted)
            outcome = Outcome.DONE
        except CallFailed as error:
            outcome = error.outcome
            raise
        finally:
            self._circuit.left(outcome, probe=probe, failures=self._failures, rest_s=self._rest_s)


def resting(model: str, rest_s: float) -> CallFailed:
    """What to tell whoever asks meanwhile."""
    return CallFailed(
        told(
            "The model '{model}' failed several times in a row and is asked again in {seconds} s.",
            model=model,
            seconds=math.ceil(rest_s),
        ),
        Outcome.RESTING,
    )
