"""Which of several versions of a document does a question mean?

A version is what the title, the heading or the file name says: a year, "v2", "폐지", "deprecated". No
clock is read: "last year" is the year before the newest one among the sources.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import normalise, terms
from assistant.providers.contract import Source

_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_EDITION = re.compile(
    r"(?<![a-z\d])(?:v|ver\.?|version|버전|판)\s?(\d{1,2})(?!\d)|(?<!\d)(\d{1,2})\s?(?:판|버전)"
)
_RETIRED = re.compile(
    r"폐지|만료|구버전|구\s?규정|이전\s?(?:버전|판)|까지\)|deprecated|obsolete|superseded|retired|replaced|archived?"
    r"|withdrawn|outdated"
)
_CURRENT = re.compile(r"현행|최신|\bcurrent\b|in force")
_ASKS_FOR_OLD = re.compile(
    r"예전|이전|옛날?|구\s?(?:버전|규정)|폐지된|\bold(?:er)?\b|\bformer\b|previous|deprecated|obsolete"
)
_LAST_YEAR = re.compile(r"작년|지난해|전년|last year(?:'s)?\b")
_ALIKE = 0.5  # share of common title terms that makes two titles versions of one document
_OPENING = 200  # characters of a passage in which it may say that it is no longer valid


_REVISED = re.compile(
    r"(?:개정|신규|최종|수정)[판안본]?|\d{0,4}\s?년(?:도|판)?"
    r"|\b(?:new|revis(?:ed|ion)|edition|updated?|final|as of)\b"
)  # words of a title that only say that it is a version
# Share of common title terms that makes a retired document an older form of one that is not.
_MOSTLY = 0.65


@dataclass(frozen=True, slots=True)
class Marks:
    """What a text says about a version: years, edition numbers, and whether it is retired or current."""

    years: frozenset[int]
    editions: frozenset[int]
    retired: bool
    current: bool


def marks_of(text: str) -> Marks:
    """The version marks of a title or a question."""
    folded = normalise(text).replace("_", " ")
    editions = (int(one or other) for one, other in _EDITION.findall(folded))
    return Marks(
        frozenset(map(int, _YEAR.findall(folded))),
        frozenset(editions),
        _RETIRED.search(folded) is not None,
        _CURRENT.search(folded) is not None,
    )


@dataclass(frozen=True, slots=True)
class Replacement:
    """Source number `at` (its place, from 0) is a newer version. `certain`: the older one says itself that
    it ended.

    Years alone also number things that stand beside each other, such as minutes.
    """

    at: int
    certain: bool


def version_fit(question: str, sources: Sequence[Source]) -> NDArray[np.float64]:
    """+1 for a source of the version asked for, -1 for another version of what is at hand, else 0."""
    marks = [_marks_of_source(source) for source in sources]
    asked = _asked(question, marks)
    fits = np.zeros(len(sources))
    for at, own in enumerate(marks):
        rivals = [marks[other] for other in range(len(sources)) if _are_versions(sources[at], sources[other])]
        fits[at] = _fit(asked, own, rivals)
    return fits


def replacements(question: str, sources: Sequence[Source]) -> list[tuple[Replacement, ...]]:
    """For each source the newer versions of its document among the sources, in their order.

    None for a version that the question asks for, and none that is not itself of the version meant. Where the
    question names a version that no source is of, none stands for another.
    """
    fits = version_fit(question, sources)
    marks = [_marks_of_title(source) for source in sources]
    asked = marks_of(question).editions
    if asked and not any(asked & own.editions for own in marks):
        return [()] * len(sources)
    found: list[tuple[Replacement, ...]] = []
    for at, source in enumerate(sources):
        newer: list[Replacement] = []
        for other, rival in enumerate(sources):
            if fits[at] >= 0 or fits[other] < 0 or rival.title == source.title:
                continue
            certain = marks[at].retired and not marks[other].retired
            if (
                _is_retired_form(source, rival)
                if certain
                else _is_older_form(source, rival, marks, at, other)
            ):
                newer.append(Replacement(other, certain=certain))
        found.append(tuple(newer))
    return found


def _is_retired_form(old: Source, new: Source) -> bool:
    mine, yours = _bare_subject(old.title), _bare_subject(new.title)
    nested = mine <= yours or yours <= mine
    return bool(mine and yours) and nested and len(mine & yours) / len(mine | yours) >= _MOSTLY


def _is_older_form(old: Source, new: Source, marks: Sequence[Marks], at: int, other: int) -> bool:
    subject = _bare_subject(old.title)
    return bool(subject) and subject == _bare_subject(new.title) and _is_newer(marks[other], marks[at])


def _marks_of_title(source: Source) -> Marks:
    """The marks of the whole document: a heading's year is that of a section."""
    return _marks_of_source(replace(source, heading=""))


@lru_cache(maxsize=2048)
def _bare_subject(title: str) -> frozenset[str]:
    return _subject(_REVISED.sub(" ", normalise(title)))


def _marks_of_source(source: Source) -> Marks:
    titled = marks_of(f"{source.title} {source.heading}")
    status = re.search(r"(?im)^\W*(?:status|상태)\W.*$", source.text[:_OPENING])
    retired = titled.retired or (status is not None and marks_of(status.group()).retired)
    return Marks(titled.years, titled.editions, retired, titled.current)


def _asked(question: str, marks: Sequence[Marks]) -> Marks:
    folded = normalise(question)
    asked = marks_of(folded)
    known = frozenset[int]().union(*(own.years for own in marks))
    years = asked.years | ({max(known) - 1} if known and _LAST_YEAR.search(folded) else frozenset())
    return Marks(years, asked.editions, _ASKS_FOR_OLD.search(folded) is not None, asked.current)


def _fit(asked: Marks, own: Marks, rivals: Sequence[Marks]) -> float:
    """A version that was named decides; else what is retired or older than a rival stands back."""
    for named, held, other in (
        (asked.editions, own.editions, [rival.editions for rival in rivals]),
        (asked.years, own.years, [rival.years for rival in rivals]),
    ):
        if named and held & named:
            return 1.0
        if named and held and any(named & rival for rival in other):
            return -1.0
    if asked.retired:
        return float(own.retired) - float(own.current or any(rival.retired for rival in rivals))
    return -1.0 if own.retired or any(_is_newer(rival, own) for rival in rivals) else 0.0


def _is_newer(one: Marks, other: Marks) -> bool:
    for new, old in ((one.years, other.years), (one.editions, other.editions)):
        if new and old and max(new) != max(old):
            return max(new) > max(old)
    return one.current and not other.current


def _are_versions(one: Source, other: Source) -> bool:
    if one.title == other.title:
        return False
    mine, yours = _subject(one.title), _subject(other.title)
    return bool(mine and yours) and len(mine & yours) / len(mine | yours) >= _ALIKE


@lru_cache(maxsize=2048)
def _subject(title: str) -> frozenset[str]:
    """The terms of a title without its version."""
    bare = _RETIRED.sub(" ", normalise(title).replace("_", " "))
    bare = _CURRENT.sub(" ", _EDITION.sub(" ", _YEAR.sub(" ", bare)))
    return frozenset(term for term in terms(bare) if not term.isdecimal())
