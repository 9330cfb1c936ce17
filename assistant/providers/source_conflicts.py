"""Do two sources state different values for the same thing that was asked?

Precise rather than eager: two sentences speak of the same thing only if nearly all their other words agree,
no name is in one alone, and what heads them does not part them ("Rotterdam office", "Budget 2025"). Then one
value of the kind asked for must differ, or one sentence deny what the other affirms. Which of the two is
right is not decided here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from assistant.common.analysis import language_of, normalise, terms
from assistant.providers.contract import Source
from assistant.providers.passage_layout import Part, pieces_of
from assistant.providers.question_type import Kind, Question, Word, question_of
from assistant.providers.sentence_ranking import how_far_held
from assistant.providers.source_versions import marks_of, replaced_by
from assistant.providers.stated_values import (
    COUNT,
    DATE,
    DURATION,
    MONEY,
    PERCENT,
    TIME,
    YEAR,
    Value,
    values_of,
    without_values,
)

_FOUND = 0.67  # share of a word's terms that counts as "the word is there"
_SAME = 0.8  # share of the words of each sentence, by weight, that the other one must hold
_LEAST_WORDS = 2  # telling words that two sentences must share, lest anything fits
_ROUGHLY = "0.1"  # difference that two rough figures may have and mean the same
_LONGEST = 400  # characters: a longer piece says more than one thing

OF_KIND = {
    Kind.DATE: frozenset({DATE, YEAR, TIME, DURATION}),
    Kind.NUMBER: frozenset({COUNT, MONEY, PERCENT, DURATION}),
    Kind.OTHER: frozenset({COUNT, MONEY, PERCENT, DURATION, TIME}),
}
_ABOUT = re.compile(
    r"\b(?:about|approximately|around|nearly|almost|roughly|over|more than|less than|some|estimated)\b"
    r"|약\s|대략|가량|정도|여\s?명"
)
_DENIES = re.compile(
    r"\b(?:not|no|never|none|neither|nor|without|cannot|prohibited|forbidden|banned)\b"
    r"|\b(?:do|does|did|is|are|was|were|ca|wo|should|would|could|has|have|had)n['’ ]?t\b"
    r"|않|없|못\s?하|못한|아니|아닌|금지|불가|(?:^|\s)(?:안|못)\s"
)
_POLAR = re.compile(
    r"\b(?:not|no|never|none|cannot|can|may|do|does|did|is|are|was|were|be|allowed|permitted|prohibited|forbidden|banned)\b"
    r"|\b\w+n['’ ]t\b|않\w*|없\w*|있\w*|아니\w*|아닌|금지\w*|불가\w*|가능\w*|허용\w*|못\s?하\w*|하지|되지"
)
_KINDS_OF_DOCUMENT = re.compile(
    r"\b(?:policy|policies|rules?|guide(?:line)?s?|handbook|manual|faq|notice|summary|overview|page|wiki|note|notes|info"
    r"|information|document|procedure|instructions?|regulations?|version|draft|copy|update|new|old|english|korean)\b"
    r"|규정|지침|안내서?|가이드(?:라인)?|공지|요약|핸드북|매뉴얼|절차서?|문서|사본|개정판?|정책|내규|영문|국문|faq"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """`text[start:end]` of source number `source` (its place, from 0) as one statement, and how it reads."""

    source: int
    start: int
    end: int
    shown: str
    key: str = ""  # of a row: the cells that say what it is of
    is_row: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two statements that cannot both be right."""

    one: Statement
    other: Statement


def statements_of(source: Source, at: int) -> list[Statement]:
    """What the source states: its sentences and rows, without headings and lines about the document."""
    return [
        Statement(at, piece.start, piece.end, piece.shown, piece.key, piece.part is Part.ROW)
        for piece in pieces_of(source.text, source.title, source.heading)
        if piece.part in {Part.PROSE, Part.ROW}
        and len(piece.shown) <= _LONGEST
        and not piece.shown.endswith("?")
    ]


def conflicts(question: str, sources: Sequence[Source], cited: Sequence[Statement]) -> list[Conflict]:
    """For each cited statement the first of another source that contradicts it, by the order of sources."""
    asked = question_of(question, language_of(question))
    found: list[Conflict] = []
    for mine in cited:
        own = sources[mine.source]
        for at, source in enumerate(sources):
            if at == mine.source or not _comparable(own, source):
                continue
            yours = next((one for one in statements_of(source, at) if disagree(asked, mine, one)), None)
            if yours is not None:
                found.append(Conflict(mine, yours))
                break
    return found


def disagree(asked: Question, one: Statement, other: Statement) -> bool:
    """Whether two statements state different values of the kind asked for, in otherwise the same words."""
    if one.is_row != other.is_row or normalise(one.key) != normalise(other.key):
        return False
    if language_of(one.shown) != language_of(other.shown) or one.shown == other.shown:
        return False
    mine, yours = values_of(one.shown), values_of(other.shown)
    denied = _denies(one.shown) != _denies(other.shown)
    if not denied and mine == yours:
        return False
    roughly = _ABOUT.search(normalise(f"{one.shown} {other.shown}")) is not None
    if not denied and not _values_differ(asked, mine, yours, roughly=roughly):
        return False
    if denied and Counter(map(_told, mine)) != Counter(map(_told, yours)):
        return False
    return _same_words(one.shown, other.shown, polar=denied)


def _values_differ(asked: Question, mine: Sequence[Value], yours: Sequence[Value], *, roughly: bool) -> bool:
    """Whether the same slots hold different values, all of the kind asked for."""
    if [value.slot for value in mine] != [value.slot for value in yours]:
        return False
    wanted = OF_KIND.get(asked.kind, OF_KIND[Kind.OTHER])
    changed = [(a, b) for a, b in zip(mine, yours, strict=True) if a.amount != b.amount]
    if not changed or any(a.kind not in wanted for a, _ in changed):
        return False
    return not roughly or all(_far_apart(a, b) for a, b in changed)


def _far_apart(one: Value, other: Value) -> bool:
    """Whether two rough figures mean different amounts."""
    larger = max(abs(one.amount), abs(other.amount))
    return one.kind not in {DATE, YEAR, TIME} and abs(one.amount - other.amount) > larger * Decimal(_ROUGHLY)


def _told(value: Value) -> tuple[str, str, str]:
    return value.kind, value.unit, str(value.amount.normalize())


def _denies(text: str) -> bool:
    return len(_DENIES.findall(normalise(text))) % 2 == 1


def _same_words(one: str, other: str, *, polar: bool) -> bool:
    mine, yours = _telling(one, polar), _telling(other, polar)
    return _held(mine, other) and _held(yours, one) and min(len(mine), len(yours)) >= _LEAST_WORDS


@lru_cache(maxsize=4096)
def _telling(text: str, polar: bool) -> tuple[Word, ...]:  # noqa: FBT001 - positional for the cache
    """The words that tell, without values; where one may deny the other, without what affirms or denies."""
    bare = _blanked(text)
    if polar:
        bare = _POLAR.sub(" ", bare)
    return question_of(bare, language_of(text)).words


def _blanked(text: str) -> str:
    """The text with its values blanked and its capitals kept, where normalising keeps its length."""
    bare = without_values(text)
    if len(bare) != len(text):
        return bare
    return "".join(" " if blank == " " else kept for blank, kept in zip(bare, text, strict=True))


def _held(words: Sequence[Word], text: str) -> bool:
    """Whether the text holds nearly all of the words, and every name among them."""
    folded = normalise(text)
    held = how_far_held(words, frozenset(terms(text)), "".join(folded.split()))
    weights = [word.weight for word in words]
    whole = sum(weights)
    there = sum(weight for weight, share in zip(weights, held.tolist(), strict=True) if share >= _FOUND)
    names = all(share >= _FOUND for word, share in zip(words, held.tolist(), strict=True) if word.is_name)
    return bool(whole) and names and there / whole >= _SAME


def _comparable(one: Source, other: Source) -> bool:
    """Whether the sources may be held against each other: neither is over or replaced, nothing parts them."""
    if any(source.standing.ended or source.standing.coming for source in (one, other)):
        return False
    if replaced_by(one, other) is not None or replaced_by(other, one) is not None:
        return False
    mine, yours = marks_of(f"{one.title} {one.heading}"), marks_of(f"{other.title} {other.heading}")
    apart = bool(mine.years and yours.years and mine.years.isdisjoint(yours.years))
    apart = apart or bool(mine.editions and yours.editions and mine.editions.isdisjoint(yours.editions))
    return not apart and not (mine.retired or yours.retired) and not _parallel(one.title, other.title)


@lru_cache(maxsize=4096)
def _parallel(one: str, other: str) -> bool:
    """Whether two titles name two things of one form: "Office guide Rotterdam", "Office guide Seoul"."""
    mine, yours = _subject(one), _subject(other)
    return bool(mine & yours) and bool(mine - yours) and bool(yours - mine)


def _subject(title: str) -> frozenset[str]:
    bare = _KINDS_OF_DOCUMENT.sub(" ", normalise(title).replace("_", " "))
    return frozenset(word.stem for word in question_of(bare, language_of(title)).words if not word.is_number)
