"""What the person at the terminal is told while the system comes up: progress, then where to go."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import DatabaseError

from assistant.config.terminal import Terminal
from assistant.demo.accounts import SignIn
from assistant.sync.reading import RunView
from assistant.sync.selectors import run_progress

LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Welcome:
    """Where to go and how to sign in."""

    address: str
    sign_ins: Sequence[SignIn] = ()


class Announcer:
    """Follows the first sync and the web server, and announces the address once.

    Args:
        run_id: the run to wait for and to show, if there is one.
        answers: whether the web server answers.
    """

    def __init__(
        self,
        terminal: Terminal,
        welcome: Welcome,
        *,
        run_id: int | None = None,
        answers: Callable[[], bool],
    ) -> None:
        self._terminal = terminal
        self._welcome = welcome
        self._run_id = run_id
        self._answers = answers
        self._next_look = 0.0
        self._announced = False

    def look(self) -> None:
        """Called again and again; cheap, and silent once everything is said."""
        if self._announced or time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_EVERY_S
        if self._run_id is not None:
            self._follow(self._run_id)
        elif self._answers():
            self._announce()

    def _follow(self, run_id: int) -> None:
        try:
            run = run_progress(run_id)
        except DatabaseError:
            return  # busy for a moment; the next look will tell
        if run.is_open:
            self._terminal.show(progress_line(run))
        else:
            self._terminal.say(outcome_line(run))
            self._run_id = None

    def _announce(self) -> None:
        self._announced = True
        lines = ["", f"Mundap is ready:  {self._welcome.address}", ""]
        if self._welcome.sign_ins:
            width = max(len(sign_in.email) for sign_in in self._welcome.sign_ins)
            lines += ["Demo sign-ins (all with this passphrase):  " + self._welcome.sign_ins[0].passphrase]
            lines += [f"    {sign_in.email:<{width}}  {sign_in.part}" for sign_in in self._welcome.sign_ins]
            lines += [""]
        self._terminal.say("\n".join([*lines, "Ctrl-C stops everything."]))


def progress_line(run: RunView) -> str:
    """Where a run stands, in one line."""
    if run.started_at is None:
        return "Waiting for the worker…"
    if run.total is None:
        return f"Reading the demo documents: {run.done} done…"
    return f"Reading {min(run.done + 1, run.total)} of {run.total} documents…"


def outcome_line(run: RunView) -> str:
    """How a run ended, in one line."""
    if run.state in ("failed", "cancelled"):
        return f"The demo documents could not be read ({run.state}): {run.detail or 'see logs/worker.log'}"
    read = run.added + run.updated + run.unchanged
    failed = f"; {run.failed} could not be read (the console says why)" if run.failed else ""
    return f"{read} documents read{failed}."
