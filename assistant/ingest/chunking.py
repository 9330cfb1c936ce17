"""Cuts a document into the passages that are searched, quoted and cited.

A chunk is an exact slice of the document's text. Chunks never overlap, and every
character that is not white space lies in exactly one of them.

Lengths are weights: a character counts one, a Hangul syllable or an ideograph two, because
embedding models read so much more out of them. The default target is about 950
characters of English or 550 of Korean.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from assistant.common.sentences import split_sentences
from assistant.ingest.parsers.contract import BLOCK_SEPARATOR, Block, BlockKind, Parsed, PlaceKind

TARGET = 950
LIMIT = 1_520
HEADING_JOINT = " › "

_SECTION_LEVEL = 3  # headings up to this level begin a section
_SMALL = 0.35  # of the target: smaller sections may join a neighbour
_TINY = 0.2  # of the target: no chunk of its own if that can be helped
_SEAM = 0.65  # of the aim: from here on the next heading of any level ends a chunk
_WHOLE = 1.25  # of the target: a section up to this stays whole
_MAX_HEADING = 120
_ANNOUNCEMENT = 80  # characters of a line that may introduce the next block
_MAX_CONTEXT = 300
_HEAVY = re.compile("[\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff]")
_LINE = re.compile(r"[^\n]*\S[^\n]*")
_WORDS = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage: `text == parsed.text[start:end]`.

    `headings` is the path of headings it stands under, `place` that of its first
    block, `context` words worth finding it by that stand elsewhere, such as the
    header row of a table it continues.
    """

    ordinal: int
    start: int
    end: int
    text: str
    headings: str
    place: str
    context: str


@dataclass(frozen=True, slots=True)
class _Unit:
    """A block or a part of one that no chunk boundary crosses."""

    start: int
    end: int
    weight: int
    block: Block
    path: tuple[str, ...]
    context: str = ""

    @property
    def is_heading(self) -> bool:
        return self.block.kind is BlockKind.HEADING


def chunk(parsed: Parsed, *, target: int = TARGET, limit: int = LIMIT) -> tuple[Chunk, ...]:
    """The document's chunks in reading order, each of a weight of at most `limit`."""
    text = parsed.text
    units = [
        part
        for unit in _with_list_intros(_units(parsed))
        for part in ([unit] if unit.weight <= limit else _split(text, unit, target, limit))
    ]
    apart = parsed.place_kind in {PlaceKind.SLIDE, PlaceKind.SHEET}
    if not apart and sum(unit.weight for unit in units) <= target:
        groups: Iterable[list[_Unit]] = [units] if units else []
    else:
        sections = _merged(list(_sections(units, apart=apart)), target, apart=apart)
        groups = (group for section in sections for group in _packed(text, section, target, limit))
    return tuple(_chunk(text, ordinal, group) for ordinal, group in enumerate(groups))


def weight(text: str) -> int:
    """The length of a text for an embedding model."""
    return len(text) if text.isascii() else len(text) + len(_HEAVY.findall(text))


def _units(parsed: Parsed) -> Iterator[_Unit]:
    path: list[tuple[int, str]] = []
    start = 0
    for block in parsed.blocks:
        if block.kind is BlockKind.HEADING:
            path = [(level, text) for level, text in path if level < block.level]
            path.append((block.level, " ".join(block.text.split())[:_MAX_HEADING]))
        end = start + len(block.text)
        if block.text.strip():
            yield _Unit(start, end, weight(block.text), block, tuple(text for _, text in path))
        start = end + len(BLOCK_SEPARATOR)


def _with_list_intros(units: Iterable[_Unit]) -> Iterator[_Unit]:
    """List items carry the sentence that introduces their list as context."""
    intro = ""
    for unit in units:
        if unit.block.kind is BlockKind.ITEM:
            yield replace(unit, context=intro)
            continue
        introduces = unit.block.kind is BlockKind.PARAGRAPH and len(unit.block.text) <= _MAX_CONTEXT
        intro = unit.block.text if introduces else ""
        yield unit


def _sections(units: Sequence[_Unit], *, apart: bool) -> Iterator[list[_Unit]]:
    """Units from one section heading to the next; headings directly after each other stay together."""
    section: list[_Unit] = []
    for unit in units:
        begins = (
            unit.is_heading and unit.block.level <= _SECTION_LEVEL and not all(u.is_heading for u in section)
        )
        if section and (begins or (apart and unit.block.place != section[-1].block.place)):
            yield section
            section = []
        section.append(unit)
    if section:
        yield section


def _merged(sections: list[list[_Unit]], target: int, *, apart: bool) -> Iterator[list[_Unit]]:
    """Small sections joined with the next one, unless that one stands above them."""
    small = _SMALL * target
    held: list[_Unit] = []
    for section in sections:
        if held:
            first, after = _weight_of(held), _weight_of(section)
            step = _rank(section) - _rank(held)
            little = min(first, after) < small if step > 0 else max(first, after) < small
            joins = step >= 0 and little and first + after <= target
            leads = step > 0 and first < _TINY * target
            if apart or not (joins or leads):
                yield held
                held = []
        held = held + section
    if held:
        yield held


def _rank(section: list[_Unit]) -> int:
    """The level of the section's heading; 1 for text before any heading."""
    return section[0].block.level if section[0].is_heading else 1


def _weight_of(units: Iterable[_Unit]) -> int:
    return sum(unit.weight + len(BLOCK_SEPARATOR) for unit in units)


def _packed(text: str, section: list[_Unit], target: int, limit: int) -> Iterator[list[_Unit]]:
    """The section in pieces of about equal weight; a tiny last piece joins the one before it."""
    before: list[_Unit] = []
    for group in _pieces_of(text, section, target, limit):
        if before and _weight_of(group) < _TINY * target and _weight_of(before + group) <= limit:
            before = before + group
            continue
        if before:
            yield before
        before = group
    if before:
        yield before


def _pieces_of(text: str, section: list[_Unit], target: int, limit: int) -> Iterator[list[_Unit]]:
    total = _weight_of(section)
    pieces = 1 if total <= _WHOLE * target else math.ceil(total / target)
    aim = total / pieces
    waiting = deque(section)
    group: list[_Unit] = []
    while waiting:
        unit = waiting.popleft()
        cost = unit.weight + len(BLOCK_SEPARATOR)
        held = _weight_of(group)
        full = held + cost / 2 > aim or (unit.is_heading and held > _SEAM * aim)
        if group and (held + cost > limit or (pieces > 1 and full)):
            kept = _without_last_lines(group)
            if kept:
                yield kept
                group = group[len(kept) :]
                held = _weight_of(group)
            if held + cost > limit and held * 2 < limit:
                room = limit - held - len(BLOCK_SEPARATOR)
                unit, *rest = _split(text, unit, min(target, room), room)
                waiting.extendleft(reversed(rest))
            elif held + cost > limit:
                yield group
                group = []
        group.append(unit)
    if group:
        yield group


def _without_last_lines(group: list[_Unit]) -> list[_Unit]:
    """The group without the headings at its end, and without a line that announces what follows."""
    end = len(group)
    while end and group[end - 1].is_heading:
        end -= 1
    if end == len(group) > 1 and _announces(group[-1].block):
        end -= 1
        while end and group[end - 1].is_heading:
            end -= 1
    return group[:end]


def _announces(block: Block) -> bool:
    text = block.text.rstrip()
    if block.kind is not BlockKind.PARAGRAPH or len(text) > _ANNOUNCEMENT:
        return False
    return text.endswith((":", "：")) or not text.endswith(
        (".", "!", "?", "다", "요", "음", "함", "임", ")", "”", '"')
    )


def _split(text: str, unit: _Unit, target: int, limit: int) -> Iterator[_Unit]:
    """A unit over the limit in parts at its natural seams: rows, lines, sentences, words."""
    is_table = unit.block.kind is BlockKind.TABLE
    slice_ = text[unit.start : unit.end]
    if is_table or unit.block.kind is BlockKind.CODE:
        spans = [match.span() for match in _LINE.finditer(slice_)]
    else:
        spans = split_sentences(slice_)
    header = slice_[: slice_.find("\n")] if is_table and "\n" in slice_ else ""
    context = " ".join(header.split())[:_MAX_CONTEXT] or unit.context
    seams = [
        (unit.start + a, unit.start + b) for start, end in spans for a, b in _short(slice_, start, end, limit)
    ]
    for start, end in _gathered(text, seams, target, limit):
        first = start == unit.start
        yield replace(
            unit,
            start=start,
            end=end,
            weight=weight(text[start:end]),
            context=unit.context if first else context,
        )


def _gathered(
    text: str, seams: Sequence[tuple[int, int]], target: int, limit: int
) -> Iterator[tuple[int, int]]:
    """Neighbouring spans joined to spans of about equal weight near the target."""
    weights = [weight(text[start:end]) + 1 for start, end in seams]
    left = sum(weights)
    aim = left / max(math.ceil(left / target), 1)
    begun = held = 0
    for index, cost in enumerate(weights):
        gap = weight(text[seams[index - 1][1] : seams[index][0]]) if index > begun else 0
        if index > begun and (held + gap + cost > limit or held + cost / 2 > aim):
            yield seams[begun][0], seams[index - 1][1]
            left -= held
            aim = left / max(math.ceil(left / target), 1)
            begun, held, gap = index, 0, 0
        held += gap + cost
    if seams:
        yield seams[begun][0], seams[-1][1]


def _short(text: str, start: int, end: int, limit: int) -> Iterator[tuple[int, int]]:
    """A span over the limit in parts, at white space where there is any."""
    if weight(text[start:end]) < limit:
        yield start, end
        return
    begun, last = -1, start
    for word in _WORDS.finditer(text, start, end):
        for a, b in _pieces(text, *word.span(), limit):
            if begun >= 0 and weight(text[begun:b]) >= limit:
                yield begun, last
                begun = -1
            begun = a if begun < 0 else begun
            last = b
    if begun >= 0:
        yield begun, last


def _pieces(text: str, start: int, end: int, limit: int) -> Iterator[tuple[int, int]]:
    """A word without end in parts of at most half the limit in characters."""
    if weight(text[start:end]) < limit:
        yield start, end
        return
    step = max((limit - 1) // 2, 1)
    for at in range(start, end, step):
        yield at, min(at + step, end)


def _chunk(text: str, ordinal: int, group: Sequence[_Unit]) -> Chunk:
    leading = next((unit for unit in group if not unit.is_heading), group[-1])
    start, end = group[0].start, group[-1].end
    return Chunk(
        ordinal=ordinal,
        start=start,
        end=end,
        text=text[start:end],
        headings=HEADING_JOINT.join(leading.path),
        place=group[0].block.place,
        context=group[0].context,
    )
