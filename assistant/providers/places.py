"""How many calls to one model are under way at once: the others wait in line, not for long."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from assistant.common.pace import Stopped
from assistant.common.told import told
from assistant.providers.call_failed import CallFailed
from assistant.providers.contract import CountingCompletions, Message, Outcome, Tokens, never, uncounted
from assistant.providers.retrying import LOOK_UP_S


class Places:
    """The places of one model in this process, taken in the order in which they were asked for."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._taken = 0
        self._line: deque[object] = deque()

    def enter(self, *, most: int, within_s: float, stop: Callable[[], bool]) -> bool:
        """Take one of `most` places, for which `leave` must be called. False: none became free in time.

        Raises:
            Stopped: while it waited.
        """
        mine, end = object(), time.monotonic() + within_s
        with self._free:
            self._line.append(mine)
            try:
                while self._taken >= most or self._line[0] is not mine:
                    if stop():
                        raise Stopped
                    left = end - time.monotonic()
                    if left <= 0:
                        return False
                    self._free.wait(min(left, LOOK_UP_S))
                self._taken += 1
                return True
            finally:
                self._line.remove(mine)
                self._free.notify_all()

    def leave(self) -> None:
        """Give the place to the next in line. Any thread may do it."""
        with self._free:
            self._taken -= 1
            self._free.notify_all()


class Placed:
    """A language model that is asked by at most `most` callers at once."""

    def __init__(
        self, completions: CountingCompletions, places: Places, *, most: int, within_s: float
    ) -> None:
        self._completions = completions
        self._places = places
        self._most = most
        self._within_s = within_s

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
            CallFailed: no place became free in time, or the call failed.
            Stopped: while it waited for a place or for the model.
        """
        if not self._places.enter(most=self._most, within_s=self._within_s, stop=stop):
            raise full(self.name, self._most)
        try:
            yield from self._completions.complete(messages, stop=stop, counted=counted)
        finally:
            self._places.leave()


def full(model: str, most: int) -> CallFailed:
    """What to tell whoever got no place."""
    return CallFailed(
        told(
            "The model '{model}' is writing {most} answers already, which is as many as it may: try again in "
            "a moment.",
            model=model,
            most=most,
        ),
        Outcome.FULL,
    )
