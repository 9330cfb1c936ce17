"""Runs several programs as one: starts, restarts, logs and stops them together.

A program that dies is started again after a pause that doubles; one that keeps
dying at once stops everything, because a half-running system misleads. Every
program leads its own process group, so Ctrl-C reaches only the supervisor, which
then stops all of them within `grace_s` seconds. See `tether` for `kill -9`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from logging import INFO, LogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import FrameType

QUICK_DEATH_S = 10.0
MAX_QUICK_DEATHS = 5
LONGEST_PAUSE_S = 30.0
ROUND_S = 0.1
LOG_BYTES, LOG_FILES = 10 * 1024 * 1024, 3
LAST_LINES = 8
REPEAT_AFTER_S = 60.0

_TROUBLE = re.compile(r"\b(?:WARNING|ERROR|CRITICAL)\b")
_TIMESTAMP = re.compile(r"^[\[\d][\d\-:, .T\]]*")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Program:
    """One program to keep running. All that it prints goes to `log`; `stop_signal` asks it to end."""

    name: str
    command: tuple[str, ...]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM


def pause_before_restart(quick_deaths: int) -> float:
    """Seconds to wait: one after a death in the middle of work, doubling while it dies at once."""
    return min(2.0 ** max(0, quick_deaths - 1), LONGEST_PAUSE_S)


class Thinner:
    """Decides which lines of a program reach the terminal: trouble only, and none twice a minute."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shown: dict[str, float] = {}

    def shows(self, line: str) -> bool:
        """Whether a person should see this line now."""
        text = _TIMESTAMP.sub("", line)
        if not _TROUBLE.search(text[:100]):
            return False
        now = self._clock()
        self._shown = {seen: at for seen, at in self._shown.items() if now - at < REPEAT_AFTER_S}
        if text in self._shown:
            return False
        self._shown[text] = now
        return True


@dataclass(slots=True)
class _Child:
    """One program and its present process. Started from the main thread only (see `tether`)."""

    program: Program
    say: Say
    process: subprocess.Popen[str] | None = None
    started_at: float = 0.0
    start_at: float = 0.0  # when to start it (again)
    quick_deaths: int = 0
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))

    def start(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            [sys.executable, "-m", "assistant.config.tether", str(os.getpid()), *self.program.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            env=_environment(),
        )
        self.started_at = time.monotonic()
        threading.Thread(target=self._copy_output, args=(self.process,), daemon=True).start()

    def signal(self, number: signal.Signals) -> None:
        """Signal the program itself, or its whole group if it is to be killed."""
        if self.process is None:
            return
        try:
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            elif self.process.poll() is None:
                self.process.send_signal(number)
        except ProcessLookupError:
            pass  # gone in the meantime, which is what we want

    def _copy_output(self, process: subprocess.Popen[str]) -> None:
        self.program.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # for its owner alone
        file = RotatingFileHandler(
            self.program.log, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8"
        )
        thinner = Thinner()
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                text = line.rstrip("\n")
                self.last_lines.append(text)
                file.emit(LogRecord(self.program.name, INFO, "", 0, text.replace("%", "%%"), (), None))
                if thinner.shows(text):
                    self.say(f"{self.program.name} | {text}")
        file.close()


class Supervisor:
    """Keeps `programs` running until it is told to stop.

    Args:
        say: prints one line for a person; called from several threads.
        grace_s: how long a program may take to stop before it is killed.
    """

    def __init__(self, programs: Sequence[Program], *, say: Say, grace_s: float = 5.0) -> None:
        self._children = [_Child(program, say) for program in programs]
        self._say = say
        self._grace_s = grace_s
        self._stop_requests = 0

    def run(self, *, each_round: Callable[[], None] = lambda: None) -> int:
        """Start all and return when all have stopped: 0 after a signal, 1 if a program kept dying.

        `each_round` is called about ten times a second, from the main thread.
        """
        previous = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        hopeless: _Child | None = None
        try:
            while not self._stop_requests:
                hopeless = self._look_after_children()
                if hopeless is not None:
                    break
                each_round()
                time.sleep(ROUND_S)
        finally:
            self._stop_all()
            for number, handler in previous.items():
                signal.signal(number, handler)
        return 0 if hopeless is None else 1

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - signal's shape
        self._stop_requests += 1

    def _look_after_children(self) -> _Child | None:
        """Start what should run; return a program that keeps dying, if there is one."""
        now = time.monotonic()
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                self._bury(child, now)
            if child.quick_deaths >= MAX_QUICK_DEATHS:
                self._say_hopeless(child)
                return child
            if child.process is None and now >= child.start_at:
                child.start()
        return None

    def _bury(self, child: _Child, now: float) -> None:
        assert child.process is not None
        child.signal(signal.SIGKILL)  # what it left behind in its group
        lived = now - child.started_at
        child.quick_deaths = child.quick_deaths + 1 if lived < QUICK_DEATH_S else 0
        pause = pause_before_restart(child.quick_deaths)
        child.start_at = now + pause
        if child.quick_deaths < MAX_QUICK_DEATHS:
            self._say(
                f"{child.program.name} stopped by itself ({_manner(child.process.returncode)}); "
                f"starting it again in {pause:.0f} s. See {child.program.log}."
            )
        child.process = None

    def _say_hopeless(self, child: _Child) -> None:
        self._say(f"{child.program.name} keeps stopping at once; its last lines:")
        for line in child.last_lines:
            self._say(f"    {line}")
        self._say(f"Everything is stopped now. The whole log is in {child.program.log}.")

    def _stop_all(self) -> None:
        """Ask every program to stop; kill what is left after the grace time or a second request."""
        requests = self._stop_requests
        for child in self._children:
            child.signal(child.program.stop_signal)
        deadline = time.monotonic() + self._grace_s
        while self._running() and time.monotonic() < deadline and self._stop_requests <= max(requests, 1):
            time.sleep(ROUND_S)
        for child in self._children:
            child.signal(signal.SIGKILL)
        for child in self._children:
            if child.process is not None:
                child.process.wait()

    def _running(self) -> bool:
        return any(child.process is not None and child.process.poll() is None for child in self._children)


def _environment() -> dict[str, str]:
    """Ours, with the repository importable: relative paths in settings must go on meaning the same folder."""
    path = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    joined = os.pathsep.join(part for part in path if part)
    return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": joined}


def _manner(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
