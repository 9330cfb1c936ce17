"""Ties a process to its parent, so that no orphan is left when the parent is killed.

    python -m assistant.config.tether PARENT_PID PROGRAM [ARGUMENT ...]

The kernel sends the signal, so it works after `kill -9` of the parent too; the
setting survives `exec`. Linux only: elsewhere the program runs untied, and the
leases in the database keep a leftover worker from doing harm.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process as soon as its parent is gone."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it went before the setting took hold
        os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: list[str]) -> None:
    """Tie this process to the parent named first, then become the program."""
    die_with(int(arguments[0]))
    os.execv(arguments[1], arguments[1:])  # noqa: S606 - the supervisor's own command, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
