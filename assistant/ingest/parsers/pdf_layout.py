"""From the lines of PDF pages to headings, paragraphs, list items and tables.

PDF knows no paragraphs. A line goes on in the next one where it fills its column:
where the next line's first word would still have fitted, the writer ended it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from assistant.ingest.parsers.blocks import BlockList
from assistant.ingest.parsers.pdf_joining import HYPHEN, Joiner, Part

_CELL_GAP = 1.6  # in heights of a line: wider gaps part table cells
_SAME_SIZE = 0.12
_PARAGRAPH_PITCH = 1.3  # of the usual distance between lines
_LARGEST_PITCH = 2.6  # in heights of a line
_INDENT = 0.7
_FULL = 1.3  # heights of a line that a full one may miss of the right edge
_HEADING_PITCH = 2.0
_HEADING_SIZE = 1.13
_HEADING_LENGTH = 120
_BOLD_HEADING_LENGTH = 80
_MOST_BOLD = 0.3
_TABLE_ROWS = 3
_MARGIN = 0.1  # of the page's height
_REPEATS = 0.4  # of the pages
_MIN_REPEATS = 3
_SIZE_LEVELS = 3

_MARKER = re.compile(
    r"(?:[•◦▪■□●○◆◇▶►▷※✓✔‣·∙][\s]*|[-–—*][ ]+|\(?\d{1,2}[.)]\s"
    r"|\(?[a-zA-Z가나다라마바사아자차카타파하][.)]\s|\([0-9a-z가-하]{1,2}\)\s?"
    r"|[①-⑳㉠-㉭])"
)
_NUMBERED = re.compile(r"\d{1,2}(?:\.\d{1,2})*\.?\s")
_ARTICLE = re.compile(r"제\s?\d+\s?[조장절관편](?:의\s?\d+)?[\s(]")
_BULLET = re.compile(r"(?:[•◦▪■□●○◆◇▶►▷✓✔‣·∙]|[-–—*](?= ))\s*")
_PAGE_NUMBER = re.compile(
    r"\W*(?:page|페이지|쪽)?\s*\d{1,4}\s*(?:(?:/|of|중)\s*\d{1,4})?\s*(?:페이지|쪽)?\W*", re.IGNORECASE
)
_DIGITS = re.compile(r"\d+")
_ENDS_SENTENCE = (".", ",", ";", ":", "다", "요", "。")


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character and its box in page coordinates, upwards from the bottom left."""

    text: str
    left: float
    right: float
    bottom: float
    top: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page. `cells` has more than one part where wide gaps split it."""

    cells: tuple[str, ...]
    left: float
    right: float
    middle: float
    size: float
    first_word: float  # width
    bold: bool
    spaced: bool  # a space is written at its end
    hyphenated: bool
    in_margin: bool

    @property
    def text(self) -> str:
        """The line as it reads."""
        return " ".join(self.cells)


def line_of(glyphs: Sequence[Glyph], *, bold: bool, page_height: float) -> Line | None:
    """The line that these characters make, or None for white space."""
    hyphenated = bool(glyphs) and glyphs[-1].text == HYPHEN
    if hyphenated:
        glyphs = glyphs[:-1]
    inked = [glyph for glyph in glyphs if not glyph.text.isspace()]
    if not inked:
        return None
    size = median(glyph.top - glyph.bottom for glyph in inked) or 1.0
    middle = median((glyph.top + glyph.bottom) / 2 for glyph in inked)
    word_end = inked[0].right
    for glyph in glyphs[glyphs.index(inked[0]) :]:
        if glyph.text.isspace():
            break
        word_end = glyph.right
    return Line(
        cells=tuple(_cells(glyphs, size)),
        left=inked[0].left,
        right=inked[-1].right,
        middle=middle,
        size=size,
        first_word=max(word_end - inked[0].left, 0.0),
        bold=bold,
        spaced=glyphs[-1].text.isspace(),
        hyphenated=hyphenated,
        in_margin=not _MARGIN * page_height < middle < (1 - _MARGIN) * page_height,
    )


def _cells(glyphs: Sequence[Glyph], size: float) -> Iterator[str]:
    cell, last_right = "", None
    for glyph in glyphs:
        if not glyph.text.isspace():
            gap = 0.0 if last_right is None else glyph.left - last_right
            if gap > _CELL_GAP * size and cell.strip() and not _MARKER.fullmatch(cell.strip() + " "):
                yield cell.strip()
                cell = ""
            last_right = glyph.right
        cell += glyph.text
    if cell.strip():
        yield cell.strip()


def add_pages(blocks: BlockList, pages: Sequence[Sequence[Line]]) -> None:
    """Append the blocks of all pages; lines that repeat in the margins are left out."""
    kept = _without_furniture(pages)
    kept = kept if any(kept) else [list(page) for page in pages]
    lines = [line for page in kept for line in page]
    if not lines:
        return
    headings = _Headings(lines)
    joiner = Joiner(line.text for line in lines)
    runs = [(str(number), run) for number, page in enumerate(kept, start=1) for run in _runs(page, headings)]
    for _, run in runs:
        for paragraph in _paragraphs(run):
            joiner.learn(_parts(paragraph, run))
    for place, run in runs:
        _add_run(blocks, run, place, headings, joiner)


def _without_furniture(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Pages without running heads, feet and page numbers."""
    seen = Counter(key for page in pages for key in {_key(line) for line in page if line.in_margin})
    often = max(_MIN_REPEATS, len(pages) * _REPEATS)
    return [
        [
            line
            for line in page
            if not (line.in_margin and seen[_key(line)] >= often)
            and not ((line.in_margin or line in (page[0], page[-1])) and _PAGE_NUMBER.fullmatch(line.text))
        ]
        for page in pages
    ]


def _key(line: Line) -> str:
    return _DIGITS.sub("#", line.text)


class _Headings:
    """Which lines are headings: larger than the body, or short and bold among light text."""

    def __init__(self, lines: Sequence[Line]) -> None:
        weights: Counter[float] = Counter()
        for line in lines:
            weights[_rounded(line.size)] += len(line.text)
        self._body = weights.most_common(1)[0][0]
        sizes = {
            _rounded(line.size)
            for line in lines
            if line.size > self._body * _HEADING_SIZE and _may_head(line)
        }
        self._levels = {
            size: min(level, _SIZE_LEVELS) for level, size in enumerate(sorted(sizes, reverse=True), 1)
        }
        self._bold_level = max(len(set(self._levels.values())) + 1, 2)
        bold = sum(1 for line in lines if line.bold)
        self._bold_counts = bold <= len(lines) * _MOST_BOLD

    def level(self, line: Line) -> int:
        """1 to 4, or 0 for what is no heading."""
        if len(line.cells) > 1 or not _may_head(line):
            return 0
        level = self._levels.get(_rounded(line.size), 0)
        if level or not self._bold_counts or not line.bold or line.size < self._body * (1 - _SAME_SIZE):
            return level
        return (
            0
            if len(line.text) > _BOLD_HEADING_LENGTH or line.text.endswith(_ENDS_SENTENCE)
            else self._bold_level
        )


def _rounded(size: float) -> float:
    return round(size * 2) / 2


def _may_head(line: Line) -> bool:
    return len(line.text) <= _HEADING_LENGTH and any(character.isalpha() for character in line.text)


def _runs(page: Sequence[Line], headings: _Headings) -> Iterator[list[Line]]:
    """Lines that follow each other at the usual distance, in one size and role."""
    pitches = [
        above.middle - below.middle
        for above, below in pairwise(page)
        if 0 < above.middle - below.middle < _LARGEST_PITCH * above.size and _same_size(above, below)
    ]
    usual = median(pitches) if pitches else 0.0
    run: list[Line] = []
    for line in page:
        if run and not _follows(run[-1], line, usual, headings):
            yield run
            run = []
        run.append(line)
    if run:
        yield run


def _follows(above: Line, below: Line, usual: float, headings: _Headings) -> bool:
    pitch = above.middle - below.middle
    level = headings.level(above)
    if level != headings.level(below):
        return False
    limit = max(_PARAGRAPH_PITCH * usual, 1.2 * above.size) if usual else _LARGEST_PITCH * above.size
    if not 0 < pitch <= (_HEADING_PITCH * above.size if level else min(limit, _LARGEST_PITCH * above.size)):
        return False
    overlaps = below.left < above.right and below.right > above.left
    table = len(above.cells) > 1 and len(below.cells) > 1
    return (overlaps or table) and _same_size(above, below)


def _same_size(one: Line, other: Line) -> bool:
    return abs(one.size - other.size) <= _SAME_SIZE * max(one.size, other.size)


def _add_run(blocks: BlockList, run: list[Line], place: str, headings: _Headings, joiner: Joiner) -> None:
    level = headings.level(run[0])
    if level:
        for lines in _headings_apart(run):
            blocks.heading(joiner.join(_parts(lines, run)), level=level, place=place)
        return
    for rows, lines in _tables_apart(run):
        if rows:
            blocks.table([line.cells for line in lines], place=place)
            continue
        for paragraph in _paragraphs(lines):
            text = joiner.join(_parts(paragraph, lines))
            if _MARKER.match(text):
                blocks.item(_BULLET.sub("", text, count=1) if _BULLET.match(text) else text, place=place)
            else:
                blocks.paragraph(text, place=place)


def _headings_apart(run: list[Line]) -> Iterator[list[Line]]:
    """Headings under each other; one that starts with its number is another one."""
    lines: list[Line] = []
    for line in run:
        if lines and (_NUMBERED.match(line.text) or _ARTICLE.match(line.text) or _MARKER.match(line.text)):
            yield lines
            lines = []
        lines.append(line)
    yield lines


def _tables_apart(run: list[Line]) -> Iterator[tuple[bool, list[Line]]]:
    """Stretches of the run: (is a table, lines)."""
    start = 0
    while start < len(run):
        end = start
        wide = len(run[start].cells) > 1
        while end < len(run) and (len(run[end].cells) > 1) is wide:
            end += 1
        yield wide and end - start >= _TABLE_ROWS, run[start:end]
        start = end


def _parts(paragraph: Sequence[Line], run: Sequence[Line]) -> list[Part]:
    edge = max(line.right for line in run)
    return [
        Part(line.text, line.spaced, line.right > edge - _FULL * line.size, line.hyphenated)
        for line in paragraph
    ]


def _paragraphs(run: list[Line]) -> Iterator[list[Line]]:
    right, left = max(line.right for line in run), min(line.left for line in run)
    paragraph: list[Line] = []
    for line in run:
        if paragraph and _starts_anew(paragraph, line, left, right):
            yield paragraph
            paragraph = []
        paragraph.append(line)
    if paragraph:
        yield paragraph


def _starts_anew(paragraph: list[Line], line: Line, left: float, right: float) -> bool:
    last = paragraph[-1]
    if last.hyphenated:
        return False
    if _MARKER.match(line.text) or len(line.cells) > 1 or len(last.cells) > 1:
        return True
    if _ARTICLE.match(line.text) and (
        last.right < right - _FULL * last.size or last.text.endswith(_ENDS_SENTENCE)
    ):
        return True
    if last.right + last.size * 0.3 + line.first_word < right - last.size * 0.5:
        return True
    listed = _MARKER.match(paragraph[0].text) is not None
    indented = line.left > left + _INDENT * line.size and line.left > last.left + _INDENT * line.size
    return indented and not listed and right - left > 10 * line.size
