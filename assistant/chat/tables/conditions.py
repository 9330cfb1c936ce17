"""By which groups, above or below which amount, from when to when does a question want its figure?

Only what is said in one of a few plain ways is taken; all else stays a word that no table accounts for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from assistant.chat.tables.amounts import Amount, amount_of
from assistant.chat.tables.periods import Named, Period
from assistant.common.sentences import Span


class Sense(StrEnum):
    """On which side of an amount."""

    AT_LEAST = "≥"
    ABOVE = ">"
    AT_MOST = "≤"
    BELOW = "<"


@dataclass(frozen=True, slots=True)
class Bound:
    """Amounts on one side of a given one."""

    sense: Sense
    amount: Amount

    def holds(self, value: Decimal) -> bool:
        """Whether the value, in the bound's unit, lies on that side."""
        limit = self.amount.value
        if self.sense in {Sense.AT_LEAST, Sense.ABOVE}:
            return value > limit or (value == limit and self.sense is Sense.AT_LEAST)
        return value < limit or (value == limit and self.sense is Sense.AT_MOST)


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one period to another of the same length, both counted; with years or without, in both alike."""

    first: Period
    last: Period
    text: str

    @property
    def places(self) -> range:
        """The numbers of all periods of this length in it."""
        return range(self.place_of(self.first), self.place_of(self.last) + 1)

    def place_of(self, period: Period) -> int:
        """The number that a period of this length, or a shorter one in it, has among those of all years."""
        if self.first.day:
            return (period.year * 12 + period.month) * 31 + period.day
        if self.first.month:
            return period.year * 12 + period.month
        return period.year * 4 + period.quarter_of if self.first.quarter else period.year


_AMOUNT = (
    r"(?P<amount>[$€£¥₩]?\s?\d[\d,]*(?:\.\d+)?(?:\s?(?:조|억|천만|백만|만|천)(?:\s?\d[\d,]*)?)*"
    r"\s?(?:(?:thousand|million|billion)\b\s?)?"
    r"(?:원|달러|유로|엔|%|퍼센트|명|개월|개|건|대|회|일|시간|분|년|점"
    r"|(?:won|krw|usd|eur|gbp|dollars?|euros?|percent|days?|hours?|minutes?|months?|years?)\b)?)"
)
_BOUNDS = tuple(
    (sense, re.compile(pattern))
    for sense, pattern in (
        (Sense.AT_LEAST, rf"{_AMOUNT}\s*이상(?:인|의|되는|은|이)?(?=\s|$)"),
        (Sense.AT_MOST, rf"{_AMOUNT}\s*이하(?:인|의|되는|는|가)?(?=\s|$)"),
        (Sense.ABOVE, rf"{_AMOUNT}[을를]?\s*초과(?:인|의|하는|한|는)?(?=\s|$)"),
        (Sense.ABOVE, rf"{_AMOUNT}(?:[을를이가]?\s*넘[는은]|보다\s*(?:큰|많은|높은|비싼))(?=\s|$)"),
        (Sense.BELOW, rf"{_AMOUNT}(?:\s*미만(?:인|의|은|이)?|보다\s*(?:작은|적은|낮은|싼|저렴한))(?=\s|$)"),
        (Sense.AT_LEAST, rf"\b(?:at least|(?:no|not) (?:less|fewer) than) {_AMOUNT}"),
        (Sense.AT_LEAST, rf"{_AMOUNT} or (?:more|above|over)\b"),
        (Sense.AT_MOST, rf"\b(?:at most|(?:no|not) more than|up to) {_AMOUNT}"),
        (Sense.AT_MOST, rf"{_AMOUNT} or (?:less|fewer|below|under)\b"),
        (Sense.ABOVE, rf"\b(?:(?:more|greater|higher|larger) than|over|above|exceed(?:ing|s)?) {_AMOUNT}"),
        (Sense.BELOW, rf"\b(?:(?:less|fewer|lower|smaller|cheaper) than|under|below) {_AMOUNT}"),
    )
)
_BETWEEN = re.compile(r"\s*(?:부터|에서|~|–|to|through|until|and)\s*")
_AFTER = re.compile(r"\s*까지(?:의|는)?(?![가-힣])")
_BEFORE = re.compile(r"\b(?P<word>between|from)\s*$")
# "3~6월": the first month without its word.
_MONTHS = re.compile(r"(?<![\d.,-])(?P<first>1[0-2]|[1-9])\s?월?\s?[~–]\s?(?P<last>(?:1[0-2]|[1-9])\s?월)")
_ENDS = re.compile(r"(\d\s?(?:월|분기|년도?|일))(부터|까지)")
_BY = (
    re.compile(r"(?P<by>[가-힣A-Za-z]+)별(?:로|\s|$)"),
    re.compile(r"\b(?:per|by|(?:for|in|of) each|(?:for|in|of) every|each) (?P<by>[a-z]+)"),
)
# What 별 ends without grouping, and units that figures are given by.
_NO_GROUPS = frozenset(
    "특 개 구 차 식 판 선 성 이 second minute hour day night person head request unit of the a an".split()  # noqa: SIM905
)


def spelled_out(text: str) -> str:
    """The text with stretches of months as words name them, and what follows a period apart from it."""
    return _ENDS.sub(r"\1 \2", _MONTHS.sub(r"\g<first>월부터 \g<last>까지", text))


def bounds_in(text: str) -> Iterator[tuple[Bound, Span]]:
    """The bounds that the text names; of those that overlap the first of the list."""
    taken: list[Span] = []
    for sense, pattern in _BOUNDS:
        for match in pattern.finditer(text):
            amount = amount_of(match["amount"])
            if amount is None or any(match.start() < end and start < match.end() for start, end in taken):
                continue
            taken.append(match.span())
            yield Bound(sense, amount), match.span()


def stretch_in(text: str, named: Sequence[Named]) -> tuple[Stretch, Span] | None:
    """The stretch between the only two periods that the text names, with where it is said."""
    if len(named) != 2:  # noqa: PLR2004 - from one to the other
        return None
    first, last = named
    joint = text[first.end : last.start]
    before, after = _BEFORE.search(text[: first.start]), _AFTER.match(text[last.end :])
    if not _BETWEEN.fullmatch(joint):
        return None
    word = joint.strip()
    if word == "and" and not (before and before["word"] == "between"):
        return None
    if word in {"부터", "에서"} and not after:
        return None
    year = first.period.year or last.period.year
    ends = [replace(one.period, year=one.period.year or year) for one in named]
    if _length(ends[0]) != _length(ends[1]):
        return None
    stretch = Stretch(ends[0], ends[1], f"{first.text} – {last.text}")
    if len(stretch.places) < 2:  # noqa: PLR2004 - the wrong way round, or no stretch
        return None
    return stretch, (before.start() if before else first.start, last.end + (after.end() if after else 0))


def _length(period: Period) -> tuple[bool, bool, bool]:
    return bool(period.quarter), bool(period.month), bool(period.day)


def groups_in(text: str) -> Iterator[tuple[str, int, tuple[Span, ...]]]:
    """The words that the figure is to be grouped by, where they begin, and what says so around them."""
    for pattern in _BY:
        for match in pattern.finditer(text):
            if match["by"] not in _NO_GROUPS:
                start, end = match.span("by")
                yield match["by"], start, ((match.start(), start), (end, match.end()))
