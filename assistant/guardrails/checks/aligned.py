"""The legible form of a text, with the place of each of its characters in the text as it was given.

Detectors judge what a person sees (`legible`), and masks must cover what was written: all
characters between, the invisible ones too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.guardrails.checks.legible import is_visible

# What NFKC leaves as it is and nothing composes with, unless something of the rest follows it.
_PLAIN = "\n\r\t -~\u00c0-\u00ff\u2018\u2019\u201c\u201d\u2013\u2014\u00b7\uac00-\ud7a3"
_ODD = re.compile(f"[{_PLAIN}]?[^{_PLAIN}]+")


@dataclass(frozen=True, slots=True)
class Aligned:
    """`text[i]` was read from `given[starts[i]:ends[i]]`. Both are ascending."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]` stands in the text as it was given; `start < end`."""
        return self.starts[start], self.ends[end - 1]


def aligned(given: str) -> Aligned:
    """The same characters as `legible(given)`, each with its place."""
    made = _Made(given)
    last = 0
    for odd in _ODD.finditer(given):
        made.take_plain(last, odd.start())
        made.take_odd(odd.start(), odd.end())
        last = odd.end()
    if not last:
        return Aligned(given, range(len(given)), range(1, len(given) + 1))
    made.take_plain(last, len(given))
    return Aligned("".join(made.text), made.starts, made.ends)


class _Made:
    """What was read of the text so far."""

    def __init__(self, given: str) -> None:
        self.given = given
        self.text: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []

    def take_plain(self, start: int, end: int) -> None:
        """Take characters as they are."""
        self.text.append(self.given[start:end])
        self.starts.extend(range(start, end))
        self.ends.extend(range(start + 1, end + 1))

    def take_odd(self, start: int, end: int) -> None:
        """Normalise piece by piece; a piece is a character with all that may compose with it."""
        piece, first, after = "", start, start
        for at in range(start, end):
            char = self.given[at]
            if not is_visible(char):
                continue
            if piece and not _joins(char):
                self._take_piece(piece, first, after)
                piece = ""
            if not piece:
                first = at
            piece += char
            after = at + 1
        self._take_piece(piece, first, after)

    def _take_piece(self, piece: str, start: int, end: int) -> None:
        for char in unicodedata.normalize("NFKC", piece):
            if not unicodedata.category(char).startswith("M"):
                self.text.append(char)
                self.starts.append(start)
                self.ends.append(end)


def _joins(char: str) -> bool:
    """Whether the character may compose with the one before: marks, and vowels and finals of Hangul."""
    if unicodedata.category(char).startswith("M"):
        return True
    head = unicodedata.normalize("NFKD", char)[0]
    return "\u1160" <= head <= "\u11ff" or unicodedata.combining(head) != 0
