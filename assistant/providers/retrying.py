"""Asking again: what is busy or does not answer, as long as nothing was written yet."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from assistant.common.pace import wait
from assistant.providers.call_failed import CallFailed
from assistant.providers.contract import CountingCompletions, Message, Tokens, never, uncounted

_LONGEST_PAUSE_S = 8.0  # somebody waits
_FIRST_PAUSE_S = 0.5
_SPREAD_S = 0.5
LOOK_UP_S = 0.1  # how often whoever waits is asked whether they still want to


class Retrying:
    """A language model that is asked up to `attempts` times. A half-written message is never begun anew."""

    def __init__(self, completions: CountingCompletions, *, attempts: int) -> None:
        self._completions = completions
        self._attempts = attempts

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
            CallFailed: at the last attempt, after the first piece, or where asking again would not help.
            Stopped: while it waited to ask again.
        """
        for attempt in range(1, self._attempts + 1):
            begun = False
            try:
                for piece in self._completions.complete(messages, stop=stop, counted=counted):
                    begun = True
                    yield piece
                return
            except CallFailed as error:
                pause = pause_before(attempt, error)
                if begun or attempt == self._attempts or pause is None:
                    raise
            wait(pause, stopped=stop, step_s=LOOK_UP_S)


def pause_before(attempt: int, error: CallFailed) -> float | None:
    """Seconds to wait after the failed `attempt` (1, 2, …) before the next; None: there is to be none.

    Full jitter, so that those who failed together do not come back together; never sooner than the
    server asked for, and not at all if it asked for longer than a person waits.
    """
    if error.after is None or error.after > _LONGEST_PAUSE_S:
        return None
    if error.asked:
        return error.after + random.uniform(0, _SPREAD_S)  # noqa: S311 - no secret
    return random.uniform(0, min(_LONGEST_PAUSE_S, max(error.after, _FIRST_PAUSE_S) * 2.0**attempt))  # noqa: S311
