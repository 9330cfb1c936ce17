"""Short lines for the person who started the program; on a terminal one of them may change in place."""

from __future__ import annotations

import sys
import threading
import time
from typing import TextIO

# Without a terminal (a log file, CI) a changing line is written again only this often.
PLAIN_EVERY_S = 10.0


class Terminal:
    """Prints whole lines, from any thread."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._lock = threading.Lock()
        self._open = ""  # the changing line that stands at the cursor
        self._plain_at = 0.0

    def say(self, line: str) -> None:
        """One line that stays."""
        with self._lock:
            self._write(f"{self._wiped()}{line}\n")

    def show(self, line: str) -> None:
        """One line that the next call replaces."""
        with self._lock:
            if line == self._open:
                return
            if self._stream.isatty():
                self._write(f"{self._wiped()}{line}")
                self._open = line
            elif time.monotonic() - self._plain_at >= PLAIN_EVERY_S:
                self._write(f"{line}\n")
                self._plain_at = time.monotonic()

    def _wiped(self) -> str:
        wipe = "\r\x1b[2K" if self._open else ""
        self._open = ""
        return wipe

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            pass  # nobody reads any more; the log files still say everything
