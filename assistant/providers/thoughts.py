"""What a model says aloud. Some write their thoughts before their answer, between marks of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

_OPENS, _CLOSES = "<think>", "</think>"


def spoken(pieces: Iterable[str], *, thinking: bool = False) -> Iterator[str]:
    """The message without the thoughts before it. `thinking`: they were begun for it, so no mark opens them.

    A mark that stands anywhere else is text like any other. Of thoughts without an end nothing is said.
    """
    rest = iter(pieces)
    begin = ""
    if not thinking:
        for piece in rest:
            begin += piece
            text = begin.lstrip()
            thinking = text.startswith(_OPENS)
            if thinking or not _OPENS.startswith(text):
                break
    if thinking:
        begin = _after_thoughts(chain([begin], rest))
    if begin:
        yield begin
    yield from rest


def _after_thoughts(pieces: Iterator[str]) -> str:
    """Reads on to the end of the thoughts; what came with it."""
    end = ""
    for piece in pieces:
        end += piece
        _, closed, after = end.partition(_CLOSES)
        if closed:
            return after
        end = end[1 - len(_CLOSES) :]
    return ""
