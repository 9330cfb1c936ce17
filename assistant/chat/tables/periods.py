"""Which year, quarter, month or day does a text name? In English and in Korean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from assistant.common.analysis import normalise

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_EDGE, _END = r"(?<![\w.,-])", r"(?![\d]|[.,]\d)"
_PATTERNS = tuple(
    re.compile(_EDGE + pattern + _END)
    for pattern in (
        rf"{_YEAR}\s?[-./]\s?(?P<month>0?[1-9]|1[0-2])(?:\s?[-./]\s?(?P<day>0?[1-9]|[12]\d|3[01])\.?)?(?![-\w])",
        rf"{_YEAR}\s?년(?:도)?\s?(?P<month>0?[1-9]|1[0-2])\s?월(?:\s?(?P<day>[0-3]?\d)\s?일)?",
        rf"{_YEAR}\s?년?(?:도)?\s?(?:제\s?)?(?P<quarter>[1-4])\s?(?:/4\s?)?분기",
        rf"{_YEAR}[\s-]?q(?P<quarter>[1-4])(?!\w)",
        rf"q(?P<quarter>[1-4])(?:\s(?:of\s)?{_YEAR})?(?!\w)",
        rf"(?:the )?(?P<ordinal>first|second|third|fourth) quarter(?: (?:of )?{_YEAR})?(?!\w)",
        rf"{_MONTH_NAME}(?:\s(?P<day>[0-3]?\d)(?:st|nd|rd|th)?,)?(?:\s(?:of\s)?{_YEAR})(?!\w)",
        rf"(?P<day>[0-3]?\d) {_MONTH_NAME} {_YEAR}(?!\w)",
        rf"{_MONTH_NAME}(?!\w)",
        r"(?:제\s?)?(?P<quarter>[1-4])\s?(?:/4\s?)?분기",
        r"(?P<month>0?[1-9]|1[0-2])\s?월(?:\s?(?P<day>[0-3]?\d)\s?일)?(?![가-힣]{2})",
        rf"{_YEAR}\s?(?:년도?|fy)?(?![-\w]*\d)",
        rf"fy\s?{_YEAR}",
    )
)
_ORDINALS = ("first", "second", "third", "fourth")
# What is meant depends on the day on which it is asked.
_RELATIVE = (
    (re.compile(r"올해|금년|\bthis year(?:['’]s)?\b"), 0),
    (re.compile(r"작년|지난\s?해|전년|\blast year(?:['’]s)?\b"), -1),
    (re.compile(r"내년|다음\s?해|\bnext year(?:['’]s)?\b"), 1),
)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time as far as it is named; 0 is what is not named."""

    year: int = 0
    quarter: int = 0
    month: int = 0
    day: int = 0

    @property
    def quarter_of(self) -> int:
        """The quarter that is named or that the month lies in."""
        return self.quarter or (self.month + 2) // 3

    def holds(self, other: Period) -> bool:
        """Whether the other one certainly lies in this one, years apart where either names none."""
        return (
            (not self.year or not other.year or self.year == other.year)
            and (not self.quarter or self.quarter == other.quarter_of)
            and (not self.month or self.month == other.month)
            and (not self.day or self.day == other.day)
        )


@dataclass(frozen=True, slots=True)
class Named:
    """A period with where the text names it."""

    period: Period
    start: int
    end: int
    text: str


def named_periods(text: str, *, today: date | None = None) -> tuple[Named, ...]:
    """The periods that a text names, in order; "this year" only where it is known which day it is."""
    folded = normalise(text)
    if len(folded) != len(text):
        folded = text.casefold() if len(text.casefold()) == len(text) else text
    found: list[Named] = []
    for one in _candidates(folded, today):
        if all(one.end <= other.start or one.start >= other.end for other in found):
            found.append(one)
    return tuple(sorted(found, key=lambda one: one.start))


def _candidates(text: str, today: date | None) -> Iterator[Named]:
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            yield Named(_period(match.groupdict()), *match.span(), match.group().strip())
    for pattern, years in _RELATIVE if today is not None else ():
        for match in pattern.finditer(text):
            year = (today or date.min).year + years
            yield Named(Period(year=year), *match.span(), str(year))


def _period(groups: dict[str, str | None]) -> Period:
    month = int(groups.get("month") or 0)
    if name := groups.get("name"):
        month = _MONTHS.index(name[:3]) + 1
    quarter = int(groups.get("quarter") or 0)
    if ordinal := groups.get("ordinal"):
        quarter = _ORDINALS.index(ordinal) + 1
    return Period(int(groups.get("year") or 0), quarter, month, int(groups.get("day") or 0))


def period_of(cell: str) -> Period | None:
    """The period that the whole text is, or None."""
    text = cell.strip()
    found = named_periods(text)
    if len(found) == 1 and (found[0].start, found[0].end) == (0, len(text)):
        return found[0].period
    return None
