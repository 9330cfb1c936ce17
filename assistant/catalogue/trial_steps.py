"""How a trial of a model is carried out, and how far it came.

The server may be slow, wrong or hostile, and somebody waits for the page. So a trial has some seconds and
one of few places: who does not answer is told to stop and left behind in its thread, whose place stays
taken until it ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from assistant.common.errors import MundapError
from assistant.common.told import told
from assistant.providers.contract import Outcome

_T = TypeVar("_T")
_AT_ONCE = 4  # places for trials in one process
_places = threading.BoundedSemaphore(_AT_ONCE)


class TooManyTrials(MundapError):
    """All places for trials are taken."""


class Step(StrEnum):
    """What is tried, in this order."""

    REACHED = "reached"  # the server
    SIGNED_IN = "signed_in"  # with the key
    KNOWN = "known"  # the model, to its server
    ANSWERED = "answered"  # the whole message came


class State(StrEnum):
    """How a step went."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"  # it did not come to that, or the server's answer does not tell


@dataclass(frozen=True, slots=True)
class TrialStep:
    """One step and how it went."""

    step: Step
    state: State


ALL_STEPS = len(Step)
# How far a call came that ended so: the steps that went well, and whether the next one is known to have
# failed.
_HOW_FAR: dict[str, tuple[int, bool]] = {
    Outcome.DONE: (ALL_STEPS, False),
    Outcome.UNREACHABLE: (0, True),
    Outcome.KEY_REFUSED: (1, True),
    Outcome.MODEL_UNKNOWN: (2, True),
    Outcome.CUT: (3, True),
    Outcome.ENDLESS: (3, True),
    Outcome.DECLINED: (3, True),
    Outcome.BUSY: (1, False),
    Outcome.BROKEN: (1, False),
    Outcome.REFUSED: (1, False),
}


def how_far(outcome: str) -> tuple[int, bool]:
    """How many steps went well in a call that ended so, and whether the next one is known to have failed."""
    return _HOW_FAR.get(outcome, (0, False))


def within(seconds: float, ask: Callable[[Callable[[], bool]], _T | None]) -> _T | None:
    """What `ask` finds in a thread of its own; None if it took longer, and then it is told to stop.

    This wait decides, not that of a provider.

    Raises:
        TooManyTrials: no place is free.
    """
    if not _places.acquire(blocking=False):
        raise TooManyTrials(told("Several tests are running already. Try again in half a minute."))
    over = threading.Event()
    found: list[_T | None] = []

    def run() -> None:
        try:
            found.append(ask(over.is_set))
        finally:
            _places.release()

    thread = threading.Thread(target=run, name="model trial", daemon=True)
    thread.start()
    thread.join(seconds)
    over.set()
    return found[0] if found else None


def steps_of(good: int, *, known_bad: bool) -> tuple[TrialStep, ...]:
    """The first `good` steps went well; the next one failed if that is known; of the rest nothing is."""
    states = [State.GOOD] * good + [State.BAD if known_bad else State.UNKNOWN] + [State.UNKNOWN] * ALL_STEPS
    return tuple(TrialStep(step, state) for step, state in zip(Step, states, strict=False))
