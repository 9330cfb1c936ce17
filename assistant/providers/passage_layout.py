"""Which lines of a passage say something, and which only name, date or head what does?

A title, a heading or a question of an FAQ is never an answer: it is the context of the lines below it. The
line that says whose document it is and since when it holds answers only questions about just that. The row
that heads a table gives its words to the rows below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from assistant.common.analysis import normalise
from assistant.common.sentences import Span, split_sentences
from assistant.providers.contract import Source

_TRAIL = " › "  # between the headings of a source
_LONGEST_HEADING = 60  # characters
_MOST_HEADING_WORDS = 9
_LONGEST_COLUMN_NAME = 30
_METADATA_LINES = 6  # a passage names its owner and date in its first lines or not at all

_NUMBERING = re.compile(
    r"^(?:#+\s*|제\s?\d+\s?[조장절항]\s*|\d{1,3}(?:\.\d{1,3})*[.)]?\s+|[가-하ivx]{1,3}[.)]\s+|[(（]\d+[)）]\s*)+"
)
_BULLET = re.compile(r"^\s*(?:[-*+•▪◦‣●■○□·※→>]|\d{1,3}[.)]\s|[①-⑳])")
_ENDED = re.compile(r"(?:[.!。…:;,]|[다요죠음]\W{0,3})[\"'”’)\]」』]*$")
_ASKS = re.compile(r"[?？][\"'”’)\]」』]*$")
_BRACKETED = re.compile(r"^[\[【〔<＜][^\[\]]{1,40}[\]】〕>＞]$")
_FACT = re.compile(r"\d|[,:;=@]")
_LABELS = re.compile(
    r"문서\s?번호|시행일|개정|담당|소관|소유|작성자?|검토|게시|수정|관리|부서|대외비|버전|판\s?번호"
    r"|\b(?:document (?:no|number|id)|effective|valid|owner|owned by|author|version|revision|revised|updated?"
    r"|last update|approved by|classification|status|from|to|cc|date|subject|sent)\b",
    re.IGNORECASE,
)
_DATE = re.compile(r"(?:19|20)\d\d(?:\s?년|[-./]\d)|\b\d{1,2} [A-Z][a-z]+ (?:19|20)\d\d\b")
_MAIL_HEADER = re.compile(
    r"^(?:from|to|cc|bcc|date|subject|sent|보낸 사람|받는 사람|참조|제목|날짜):\s", re.IGNORECASE
)
_LINE = re.compile(r"\S[^\n]*\S|\S")
_FIELD = re.compile(r"(?P<record>[\w.]+\[\d+\])?[\w.\[\]]+:(?:\s|$)")
_FOOTER = re.compile(r"^[^.!?]{2,40} · \d{1,4}$")  # the firm's name and the page number


class Part(Enum):
    """What a line of a passage is."""

    HEADING = "heading"  # a title or heading that the source names, or a question over its answer
    CAPTION = "caption"  # a short line that looks like a heading
    METADATA = "metadata"  # owner, date, number: about the document, not from it
    COLUMNS = "columns"  # the row that heads a table
    ROW = "row"
    PROSE = "prose"


@dataclass(frozen=True, slots=True)
class Piece:
    """`text[start:end]` of the passage. `shown` reads well; `section` is the heading above it, or ""."""

    start: int
    end: int
    part: Part
    shown: str
    section: str
    key: str  # the first cells of a row, up to its first number; "" for anything else


@lru_cache(maxsize=2048)
def pieces_of(text: str, title: str, heading: str) -> tuple[Piece, ...]:
    """The sentences, rows and headings of one passage, in order."""
    named = frozenset(map(_bare, (title, *heading.split(_TRAIL)))) - {""}
    columns: list[str] = []
    in_table, section, found = False, "", list[Piece]()
    spans = [part for span in split_sentences(text) for part in _fields(text, *span)]
    for at, (start, end) in enumerate(spans):
        cells = [" ".join(cell.split()) for cell in text[start:end].split("\t")]
        if len(cells) > 1:
            opens = not in_table and _names_columns(cells)
            columns = cells if opens else columns if in_table else []
            in_table = True
            found.append(_row((start, end), cells, columns, section, opens=opens))
            continue
        in_table = False
        part = _part_of(text, (start, end), named, at=at, last=at == len(spans) - 1)
        section = cells[0] if part in {Part.HEADING, Part.CAPTION} else section
        found.append(Piece(start, end, part, cells[0], "" if section == cells[0] else section, ""))
    return tuple(found)


def _fields(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The records of a run of lines like "rooms[0].seats: 12", each as one; any other span as it is."""
    lines = [(line.start() + start, line.end() + start) for line in _LINE.finditer(text[start:end])]
    names = [_FIELD.match(text[begin:finish]) for begin, finish in lines]
    if len(lines) < 2 or not all(names):  # noqa: PLR2004 - one line is one field
        return [(start, end)]
    parts: list[tuple[int, int]] = []
    before = ""
    for (begin, finish), name in zip(lines, names, strict=True):
        record = name["record"] or "" if name else ""
        if record and record == before:
            parts[-1] = (parts[-1][0], finish)
        else:
            parts.append((begin, finish))
        before = record
    return parts


def _row(span: Span, cells: list[str], columns: list[str], section: str, *, opens: bool) -> Piece:
    shown = _in_words([] if opens else columns, cells)
    part = Part.COLUMNS if opens else Part.ROW
    return Piece(*span, part, shown, section, "" if opens else " ".join(_key_cells(cells)))


def _names_columns(cells: Sequence[str]) -> bool:
    """The first row of a table heads it unless a cell is missing, long or begins with a number."""
    return all(cell and not cell[0].isdigit() and len(cell) <= _LONGEST_COLUMN_NAME for cell in cells)


def _key_cells(cells: Sequence[str]) -> Iterator[str]:
    for cell in cells[:-1]:
        if cell[:1].isdigit():
            return
        yield cell


def _in_words(columns: Sequence[str], cells: Sequence[str]) -> str:
    """ "Grade: Manager, Limit: 500" of a row under the row "Grade, Limit"."""
    if len(columns) != len(cells):
        return " | ".join(filter(None, cells))
    named = zip(columns, cells, strict=True)
    return ", ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)


def _bare(line: str) -> str:
    """A heading without its number, for comparison."""
    folded = normalise(" ".join(line.split()))
    return _NUMBERING.sub("", folded) or folded


def _part_of(text: str, span: Span, named: frozenset[str], *, at: int, last: bool) -> Part:
    start, end = span
    line = " ".join(text[start:end].split())
    alone = _begins_line(text, start) and _ends_line(text, end)
    if not alone:
        return Part.PROSE
    if _bare(line) in named:
        return Part.HEADING
    if _ASKS.search(line) and not last and len(line) <= 2 * _LONGEST_HEADING and not _BULLET.match(line):
        return Part.HEADING
    if _MAIL_HEADER.match(line) or _FOOTER.match(line) or (at < _METADATA_LINES and _is_metadata(line)):
        return Part.METADATA
    return Part.CAPTION if not last and _looks_like_heading(line) else Part.PROSE


def _begins_line(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \t")
    return not before or before[-1] in "\n\r"


def _ends_line(text: str, end: int) -> bool:
    after = text[end:].lstrip(" \t")
    return not after or after[0] in "\n\r"


def _is_metadata(line: str) -> bool:
    """Several facts about the document in a row, or one that is a label and a date or name."""
    labels = len(_LABELS.findall(line))
    parted = sum(line.count(mark) for mark in (" · ", " | ", " / "))
    dated = _DATE.search(line) is not None
    if parted:
        return labels + dated + (parted > 1) > 1 or (labels > 0 and not _ENDED.search(line))
    opens = _LABELS.match(line)
    return opens is not None and not _ENDED.search(line) and line[opens.end() :].lstrip()[:1] == ":"


def _looks_like_heading(line: str) -> bool:
    if _BRACKETED.match(line):
        return True
    if _BULLET.match(line) and not re.match(r"^\d{1,3}\.\s", line):
        return False
    bare = _NUMBERING.sub("", line)
    short = len(line) <= _LONGEST_HEADING and len(bare.split()) <= _MOST_HEADING_WORDS
    return bool(bare) and short and not _ENDED.search(bare) and not _FACT.search(bare)


def context_of(source: Source, piece: Piece) -> str:
    """The title and the headings that a piece stands under: the source's end where a new one begins."""
    trail = source.heading.split(_TRAIL)
    if piece.section and _bare(piece.section) not in map(_bare, trail):
        trail = [*trail[:-1], piece.section]
    return " ".join((source.title, *trail))


def asks_about_the_document(question: str, line: str) -> bool:
    """Does the question ask for what a line of metadata says: its owner, date or number?"""
    asked = normalise(question)
    return any(normalise(label.group()) in asked for label in _LABELS.finditer(line))
