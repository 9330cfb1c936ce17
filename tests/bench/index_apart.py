"""Runs one measurement in a process of its own: nothing else counts as its memory, and it may die alone."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

_Result = TypeVar("_Result")


_FAREWELL_S = 60  # for what a measurement started to end in good order


class Died(Exception):
    """The process ended without a result; the text says how."""


def apart(call: Callable[[], _Result], *, minutes: float = 0.0) -> _Result:
    """The result of a call in a new process (not a fork). It may take so many minutes, 0 for any number.

    A `functools.partial` of a module's function can be sent to the process, and so can its arguments.

    Raises:
        Died: it raised, was killed, or took too long.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(theirs, call))
    process.start()
    theirs.close()
    try:
        if not ours.poll(60 * minutes if minutes else None):
            raise Died(f"not done after {minutes:g} minutes")
        outcome: tuple[bool, _Result] = ours.recv()
    except EOFError:
        process.join()
        raise Died(f"the process ended with status {process.exitcode}") from None
    else:
        process.join(_FAREWELL_S)
    finally:
        process.terminate()
        process.join(_FAREWELL_S)
        process.kill()
        process.join()
    done, result = outcome
    if not done:
        raise Died(str(result))
    return result


def _report(pipe: Connection, call: Callable[[], object]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started ends with us, not after us
    try:
        pipe.send((True, call()))
    except Exception as error:  # noqa: BLE001 - the edge of a process: the parent tells what happened
        pipe.send((False, f"{type(error).__name__}: {error}"))
