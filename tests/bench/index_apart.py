"""Runs one measurement in a process of its own: nothing else counts as its memory, and it may die alone."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class Died(Exception):
    """The process ended without a result; the text says how."""


def apart(
    call: Callable[_Given, _Result], *given: _Given.args, minutes: float = 0.0, **named: _Given.kwargs
) -> _Result:
    """The result of a call in a new process (not a fork). `minutes` is the longest it may take, 0 for ever.

    Raises:
        Died: it raised, was killed, or took too long.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(theirs, call, given, named))
    process.start()
    theirs.close()
    try:
        if not ours.poll(60 * minutes if minutes else None):
            raise Died(f"not done after {minutes:g} minutes")
        outcome: tuple[bool, _Result] = ours.recv()
    except EOFError:
        process.join()
        raise Died(f"the process ended with status {process.exitcode}") from None
    finally:
        process.terminate()
        process.join()
    done, result = outcome
    if not done:
        raise Died(str(result))
    return result


def _report(
    pipe: Connection,
    call: Callable[..., object],
    given: tuple[object, ...],
    named: dict[str, object],
) -> None:
    try:
        pipe.send((True, call(*given, **named)))
    except Exception as error:  # noqa: BLE001 - the edge of a process: the parent tells what happened
        pipe.send((False, f"{type(error).__name__}: {error}"))
