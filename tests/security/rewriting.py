"""Swaps a piece of a real function's source for another one, for as long as a block lasts.

The function object stays the same, so that everybody who imported it by name runs the
changed body too. A piece that is not there, or there twice, is an error: a mutant that
fits no more proves nothing.
"""

from __future__ import annotations
import __future__

import inspect
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import cast


class DoesNotFitError(Exception):
    """The function's source has changed since the mutant was written: write the mutant anew."""


@contextmanager
def rewritten(function: Callable[..., object], changes: Sequence[tuple[str, str]]) -> Iterator[None]:
    """The function with each (old, new) piece of its source exchanged.

    Raises:
        DoesNotFitError: an old piece does not stand in the source exactly once.
    """
    real = cast(FunctionType, inspect.unwrap(function))
    kept = real.__code__
    real.__code__ = _compiled(real, _changed(real, changes))
    try:
        yield
    finally:
        real.__code__ = kept


def _changed(function: FunctionType, changes: Sequence[tuple[str, str]]) -> str:
    source = textwrap.dedent(inspect.getsource(function))
    for old, new in changes:
        if source.count(old) != 1:
            raise DoesNotFitError(
                f"{function.__module__}.{function.__qualname__} holds {old!r} {source.count(old)} times."
            )
        source = source.replace(old, new)
    return source


def _compiled(function: FunctionType, source: str) -> CodeType:
    module = compile(
        source,
        f"<mutant of {function.__qualname__}>",
        "exec",
        flags=__future__.annotations.compiler_flag,
        dont_inherit=True,
    )
    found = [
        part
        for part in module.co_consts
        if isinstance(part, CodeType) and part.co_name == function.__name__ and not part.co_freevars
    ]
    if len(found) != 1:
        raise DoesNotFitError(f"{function.__qualname__} cannot be compiled on its own.")
    return found[0]
