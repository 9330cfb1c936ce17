"""Where in a document does the reader look?

Pure: from blocks with offsets to blocks in pieces, each plain, read or quoted.
Templates escape every piece; nothing here is markup. All offsets count
characters of the document's whole text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from assistant.documents.reading import TextBlock

Span = tuple[int, int]
PLAIN, READ, QUOTED = "", "read", "quoted"
_ALWAYS_WHOLE = 4_000  # characters: a block at the edge of the window is cut only past this


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text with one kind of mark: PLAIN, READ (the passage) or QUOTED."""

    text: str
    mark: str


Cell = tuple[Piece, ...]
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class DrawnBlock:
    """A block to draw: `pieces`, or `rows` for a table. `place` is set where a new place begins."""

    kind: str
    level: int
    place: str
    pieces: tuple[Piece, ...] = ()
    header: Row = ()
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbouring blocks of one kind: items of one list, or a single block."""

    kind: str
    place: str
    blocks: tuple[DrawnBlock, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is shown of a document. `before` and `after`: more of it lies outside the window."""

    groups: tuple[Group, ...]
    start: int
    end: int
    before: bool
    after: bool


def draw(
    blocks: Sequence[TextBlock], *, passage: Span | None = None, quotes: Sequence[Span] = (), window: Span
) -> Drawing:
    """The blocks that touch `window`, in pieces.

    A table keeps its header row wherever it is cut; other blocks are cut only if they are very long.
    """
    shown = [block for block in blocks if _overlap(block.start, block.end, window)]
    drawn: list[DrawnBlock] = []
    place = ""
    for block in shown:
        new_place = block.place if block.place != place else ""
        place = block.place
        drawn.append(_drawn(block, new_place, passage, quotes, window))
    end = blocks[-1].end if blocks else 0
    start = blocks[0].start if blocks else 0
    return Drawing(
        groups=tuple(_groups(drawn)),
        start=max(start, window[0]),
        end=min(end, window[1]),
        before=start < window[0],
        after=end > window[1],
    )


def window_around(passage: Span | None, *, length: int, text_end: int) -> Span:
    """About `length` characters with the passage in their middle; from the top without one."""
    if text_end <= length or passage is None:
        return (0, min(length, text_end))
    spare = max(0, length - (passage[1] - passage[0])) // 2
    start = max(0, passage[0] - spare)
    return (start, min(text_end, max(start + length, passage[1])))


def part_from(start: int, *, length: int, text_end: int) -> Span:
    """`length` characters from `start`, which is moved into the text if it lies outside."""
    begin = min(max(0, start), max(0, text_end - 1))
    return (begin, min(begin + length, text_end))


def pieces(
    text: str, start: int, *, passage: Span | None, quotes: Sequence[Span], end: int | None = None
) -> tuple[Piece, ...]:
    """`text`, which begins at offset `start`, in stretches of one mark each. Joined they give `text`."""
    stop = start + len(text) if end is None else end
    cuts = {start, stop}
    for span in (*quotes, *((passage,) if passage else ())):
        cuts.update(at for at in span if start < at < stop)
    edges = sorted(cuts)
    return tuple(
        Piece(text[low - start : high - start], _mark(low, high, passage, quotes))
        for low, high in pairwise(edges)
    )


def _mark(low: int, high: int, passage: Span | None, quotes: Sequence[Span]) -> str:
    if any(begin <= low and high <= end for begin, end in quotes):
        return QUOTED
    if passage and passage[0] <= low and high <= passage[1]:
        return READ
    return PLAIN


def _drawn(
    block: TextBlock, place: str, passage: Span | None, quotes: Sequence[Span], window: Span
) -> DrawnBlock:
    if block.kind == "table":
        header, rows = _rows(block, passage, quotes, window)
        return DrawnBlock(kind=block.kind, level=0, place=place, header=header, rows=rows)
    text, start = block.text, block.start
    if len(text) > _ALWAYS_WHOLE:
        low, high = max(0, window[0] - start), max(0, window[1] - start)
        text, start = text[low:high], start + low
    return DrawnBlock(
        kind=block.kind,
        level=block.level,
        place=place,
        pieces=pieces(text, start, passage=passage, quotes=quotes),
    )


def _rows(
    block: TextBlock, passage: Span | None, quotes: Sequence[Span], window: Span
) -> tuple[Row, tuple[Row, ...]]:
    header: Row = ()
    rows: list[Row] = []
    at = block.start
    for number, line in enumerate(block.text.split("\n")):
        if number == 0 or _overlap(at, at + len(line), window):
            row = tuple(_cells(line, at, passage, quotes))
            if number == 0:
                header = row
            else:
                rows.append(row)
        at += len(line) + 1
    return (header, tuple(rows)) if rows or "\n" in block.text else ((), (header,))


def _cells(line: str, start: int, passage: Span | None, quotes: Sequence[Span]) -> Iterator[Cell]:
    at = start
    for cell in line.split("\t"):
        yield pieces(cell, at, passage=passage, quotes=quotes)
        at += len(cell) + 1


def _groups(drawn: Sequence[DrawnBlock]) -> Iterator[Group]:
    """Items that follow each other on one place make one list."""
    number = 0
    numbered: list[tuple[int, DrawnBlock]] = []
    for index, block in enumerate(drawn):
        joins = index > 0 and block.kind == drawn[index - 1].kind == "item" and not block.place
        number += not joins
        numbered.append((number, block))
    for _, group in groupby(numbered, key=lambda entry: entry[0]):
        members = tuple(block for _, block in group)
        yield Group(kind=members[0].kind, place=members[0].place, blocks=members)


def _overlap(start: int, end: int, window: Span) -> bool:
    return start < window[1] and end > window[0]
