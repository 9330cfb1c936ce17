"""A text as the detectors of personal data read it: characters unified, digits in groups, words at hand.

`text` and `figures` are equally long, so one set of offsets serves both. In `figures`,
letters that stand for digits are digits too ("O1O-1234-5678"); addresses and codes that
hold real letters are looked for in `text`.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property

from assistant.guardrails.checks.aligned import Aligned, aligned
from assistant.guardrails.checks.finding import Finding

STRONG = 0.95  # a form that hardly anything else has
LIKELY = 0.8  # a form that few other things have
IN_CONTEXT = 0.6  # only the words around it say so

_WINDOW = 5  # groups of digits that one number is written in
_SPELLED = 7  # single digits in a row from which they are one number written apart
_LONGEST = 19  # digits of the longest number that any detector knows

_JOINER = re.compile(r" {1,3}| ?[-._·] ?| ?-?[()][ -]?|-\n")
_TIGHT = re.compile(r"[-._·]")
_GROUP = re.compile(r"[0-9]+")
_LIKE_ZERO = "OoОоΟοㅇᄋ○◯〇"
_LIKE_ONE = "lI"  # not the bar, which parts the cells of tables
_FIGURES = re.compile(f"(?<![A-Za-z])[0-9{_LIKE_ZERO}{_LIKE_ONE}]{{2,40}}(?![A-Za-z])")
_TO_DIGIT = str.maketrans(_LIKE_ZERO + _LIKE_ONE, "0" * len(_LIKE_ZERO) + "1" * len(_LIKE_ONE))


_LAST_DIGITS = 0x1FFFF  # no decimal digits, dashes or blanks lie beyond


def _unified() -> dict[int, str]:
    """One sign for all dashes, blanks, dots and digits that look alike; each stays one character."""
    table = dict.fromkeys(map(ord, "−ーᅳ"), "-") | dict.fromkeys(map(ord, "・•∙‧ᆞ"), "·") | {0x3002: "."}
    for code in range(0x80, _LAST_DIGITS + 1):
        category = unicodedata.category(chr(code))
        if category == "Pd":
            table[code] = "-"
        elif category == "Zs":
            table[code] = " "
        elif category == "Nd":
            table[code] = str(unicodedata.decimal(chr(code)))
    return table


_UNIFY = _unified()


@dataclass(frozen=True, slots=True)
class Figures:
    """Digits that may be one number: groups of the text with what joins them.

    `shape` holds the lengths of the groups, () for digits written one by one.
    """

    digits: str
    shape: tuple[int, ...]
    start: int
    end: int
    joints: tuple[str, ...] = ()
    in_row: bool = False  # other digits stand right before or after, with a blank between

    @property
    def evenly_joined(self) -> bool:
        """Whether all groups are joined by the same sign."""
        return len(set(self.joints)) <= 1

    @property
    def hyphened(self) -> bool:
        """Whether every joint is a hyphen."""
        return bool(self.joints) and all("-" in joint for joint in self.joints)


class Reading:
    """One text, read once for all detectors."""

    def __init__(self, given: str) -> None:
        self._aligned: Aligned = aligned(given)
        self.text = self._aligned.text
        if not self.text.isascii():
            self.text = self.text.translate(_UNIFY)
        self.figures = _FIGURES.sub(_as_digits, self.text)
        self._places: dict[re.Pattern[str], tuple[list[int], list[int]]] = {}

    def finding(self, kind: str, start: int, end: int, score: float) -> Finding:
        """A finding at `text[start:end]`, in the offsets of the text as it was given."""
        begin, finish = self._aligned.span(start, end)
        return Finding(kind, begin, finish, score)

    def follows(self, at: int, words: re.Pattern[str], *, within: int) -> bool:
        """Whether one of the words ends at most `within` characters before `at`."""
        _, ends = self._where(words)
        place = bisect_left(ends, at - within)
        return place < len(ends) and ends[place] <= at

    def precedes(self, at: int, words: re.Pattern[str], *, within: int) -> bool:
        """Whether one of the words begins at most `within` characters after `at`."""
        starts, _ = self._where(words)
        place = bisect_left(starts, at)
        return place < len(starts) and starts[place] <= at + within

    def near(self, start: int, end: int, words: re.Pattern[str], *, within: int = 40) -> bool:
        """Whether one of the words stands before `start` or, half as far, after `end`."""
        return self.follows(start, words, within=within) or self.precedes(end, words, within=within // 2)

    def in_word(self, window: Figures) -> bool:
        """Whether Latin letters touch the digits: then they belong to an identifier."""
        around = self.text[max(0, window.start - 1) : window.start] + self.text[window.end : window.end + 1]
        return any(char.isascii() and (char.isalpha() or char == "_") for char in around)

    def _where(self, words: re.Pattern[str]) -> tuple[list[int], list[int]]:
        if words not in self._places:
            spans = [match.span() for match in words.finditer(self.text)]
            self._places[words] = ([start for start, _ in spans], [end for _, end in spans])
        return self._places[words]

    def windows_of(self, *lengths: int) -> list[Figures]:
        """The windows that hold so many digits."""
        return [window for length in lengths for window in self._by_length.get(length, ())]

    @cached_property
    def _by_length(self) -> dict[int, list[Figures]]:
        found: dict[int, list[Figures]] = {}
        for window in self.windows:
            found.setdefault(len(window.digits), []).append(window)
        return found

    @cached_property
    def has_digits(self) -> bool:
        """Whether there is any digit at all: most questions hold none."""
        return _GROUP.search(self.figures) is not None

    @cached_property
    def windows(self) -> list[Figures]:
        """All sequences of up to five groups that are not a part of something longer, 6 to 19 digits."""
        groups = _groups(self.figures)
        found: list[Figures] = []
        for first, begin in enumerate(groups):
            if first and _is_tight(groups[first - 1], begin, self.figures):
                continue
            digits, shape, joints = "", [], []
            row = first > 0 and _joint(groups[first - 1], begin, self.figures) is not None
            for last in range(first, min(first + _WINDOW, len(groups))):
                group = groups[last]
                if last > first:
                    joint = _joint(groups[last - 1], group, self.figures)
                    if joint is None:
                        break
                    joints.append(joint)
                digits += group.digits
                if len(digits) > _LONGEST:
                    break
                shape.append(len(group.digits))
                if len(digits) < 6 or (  # noqa: PLR2004 - no number known here is shorter
                    last + 1 < len(groups) and _is_tight(group, groups[last + 1], self.figures)
                ):
                    continue
                goes_on = last + 1 < len(groups) and (
                    _joint(group, groups[last + 1], self.figures) is not None
                )
                kept = () if len(shape) == 1 and group.shape == () else tuple(shape)
                found.append(Figures(digits, kept, begin.start, group.end, tuple(joints), row or goes_on))
        return found


def _as_digits(match: re.Match[str]) -> str:
    run = match.group()
    return run.translate(_TO_DIGIT) if any(char.isdecimal() for char in run) else run


def _groups(figures: str) -> list[Figures]:
    """The runs of digits; many single digits in a row, evenly joined, count as one group."""
    groups: list[Figures] = []
    singles: list[Figures] = []
    for match in _GROUP.finditer(figures):
        group = Figures(match.group(), (len(match.group()),), *match.span())
        if len(group.digits) == 1:
            if singles and _joint(singles[-1], group, figures) is None:
                groups += _gathered(singles)
                singles = []
            singles.append(group)
            continue
        groups += _gathered(singles)
        singles = []
        groups.append(group)
    return groups + _gathered(singles)


def _gathered(singles: list[Figures]) -> list[Figures]:
    if not _SPELLED <= len(singles) <= _LONGEST:
        return singles
    digits = "".join(single.digits for single in singles)
    return [Figures(digits, (), singles[0].start, singles[-1].end)]


def _joint(before: Figures, after: Figures, figures: str) -> str | None:
    """What joins two groups to one number; None if something else stands between them."""
    if after.start - before.end > 3:  # noqa: PLR2004 - the longest joint
        return None
    between = figures[before.end : after.start]
    return between.strip() or " " if _JOINER.fullmatch(between) else None


def _is_tight(before: Figures, after: Figures, figures: str) -> bool:
    """Whether two groups are bound to each other by a sign without a blank."""
    return after.start - before.end == 1 and _TIGHT.match(figures, before.end) is not None
