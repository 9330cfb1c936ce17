"""What is left of a text when parts of it are replaced by labels, and which part of it each piece was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` of a text, and the label that stands for them."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """`[start, end)` of the original reads `[at, at + length)` of the masked text."""

    start: int
    end: int
    at: int
    length: int


@dataclass(frozen=True, slots=True)
class Masked:
    """A text in which labels stand for some parts. Offsets of both texts count characters."""

    text: str
    pieces: tuple[_Piece, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything is masked."""
        return bool(self.pieces)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where `[start, end)` of the masked text lies in the original; a label counts as a whole."""
        return self._back(start, end=False), self._back(end, end=True)

    def part(self, start: int, end: int) -> str:
        """What `[start, end)` of the original reads as. A mask that it only touches is whole."""
        return self.text[self._forth(start, end=False) : self._forth(end, end=True)]

    def _back(self, place: int, *, end: bool) -> int:
        moved = 0
        for piece in self.pieces:
            after = piece.at + piece.length
            if piece.at < place < after:
                return piece.end if end else piece.start
            if place < after:
                break
            moved = piece.end - after
        return place + moved

    def _forth(self, place: int, *, end: bool) -> int:
        moved = 0
        for piece in self.pieces:
            if piece.start < place < piece.end:
                return piece.at + piece.length if end else piece.at
            if place < piece.end:
                break
            moved = piece.at + piece.length - piece.end
        return place + moved


def mask(text: str, spans: Iterable[Span]) -> Masked:
    """The text with each span replaced; those that overlap together, by the first one's label."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda each: (each.start, -each.end)):
        start, end = max(0, span.start), min(len(text), span.end)
        if start >= end:
            continue
        if joined and start < joined[-1].end:
            last = joined[-1]
            joined[-1] = Span(last.start, max(last.end, end), last.label)
        else:
            joined.append(Span(start, end, span.label))
    parts: list[str] = []
    pieces: list[_Piece] = []
    at = done = 0
    for span in joined:
        parts += (text[done : span.start], span.label)
        at += span.start - done
        pieces.append(_Piece(span.start, span.end, at, len(span.label)))
        at += len(span.label)
        done = span.end
    return Masked("".join((*parts, text[done:])), tuple(pieces))
