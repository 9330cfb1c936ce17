"""Which of several versions of a document does a question mean?

A version is what the title, the heading or the file name says: a year, "v2", "폐지", "deprecated"; and what
a document says of itself: that it ended, what replaced it, what it replaces, its number with a version. No
clock is read: "last year" is the year before the newest one among the sources.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import language_of, normalise, terms
from assistant.providers.contract import Source
from assistant.providers.source_dates import first_day, last_day

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
_ENDED = -1.0 / 3
_LEAST_NAME = 5  # letters and digits of a title or file name that can be told from ordinary words
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
    """+1 for a source of the version asked for, -1 for another version of what is at hand, else 0.

    A document that says that it ended stands back a little, -1/3, where nothing at hand can stand for it.
    """
    marks = [_marks_of_source(source) for source in sources]
    asked = _asked(question, marks)
    fits = np.zeros(len(sources))
    for at, own in enumerate(marks):
        rivals = [marks[other] for other in range(len(sources)) if _are_versions(sources[at], sources[other])]
        fits[at] = _fit(asked, own, rivals, in_force=_years_held(sources[at]))
        if fits[at] == 0 and not asked.retired:
            fits[at] = _fit_by_statement(question, sources[at], sources)
    return fits


def _fit_by_statement(question: str, source: Source, sources: Sequence[Source]) -> float:
    replaced = any(
        says_replaced(source, other) and can_answer_for(question, source, other) for other in sources
    )
    if replaced:
        return -1.0
    return _ENDED if source.standing.ended else 0.0


def replacements(question: str, sources: Sequence[Source]) -> list[tuple[Replacement, ...]]:
    """For each source the newer versions of its document among the sources, in their order.

    None for a version that the question asks for, and none that is not itself of the version meant. Where the
    question names a version that no source is of, none stands for another.
    """
    fits = version_fit(question, sources)
    asked = marks_of(question).editions
    if asked and not any(asked & _marks_of_title(source).editions for source in sources):
        return [()] * len(sources)
    found: list[tuple[Replacement, ...]] = []
    for at, source in enumerate(sources):
        newer: list[Replacement] = []
        for other, rival in enumerate(sources):
            if fits[at] >= 0 or fits[other] < 0 or not can_answer_for(question, source, rival):
                continue
            if (how := replaced_by(source, rival)) is not None:
                newer.append(Replacement(other, certain=how))
        found.append(tuple(newer))
    return found


def replaced_by(old: Source, new: Source) -> bool | None:
    """Whether the second is a newer version of the first's document, and if so, whether that is certain."""
    if says_replaced(old, new):
        return True
    if old.title == new.title or new.standing.coming:
        return None
    mine, yours = _marks_of_title(old), _marks_of_title(new)
    if mine.retired and not yours.retired:
        return True if _is_retired_form(old, new) else None
    return False if _is_older_form(old, new, mine, yours) else None


def says_replaced(old: Source, new: Source) -> bool:
    """Whether one of the two names the other as what replaced it, or as what it replaces.

    A document number counts too: HR-RW-2.0 replaces HR-RW-1.1. What has ended or is yet to come replaces
    nothing.
    """
    mine, yours = old.standing.dates, new.standing.dates
    if not (mine.ended_by or yours.replaces or (mine.numbers and yours.numbers)):
        return False  # most documents say nothing of others
    if new.standing.ended or new.standing.coming or _is_before(yours.day, mine.day):
        return False
    if _names(mine.ended_by, new) and not _names(mine.ended_by, old):
        return True
    if _names(yours.replaces, old) and not _names(yours.replaces, new):
        return True
    return any(
        stem == other and one < two for stem, one in mine.numbers[:1] for other, two in yours.numbers[:1]
    )


def can_answer_for(question: str, old: Source, new: Source) -> bool:
    """Whether what the newer one says can stand for the older one: it must be as readable for the asker."""
    language = language_of(question)
    return language_of(new.text) == language or language_of(old.text) != language


def asks_for(question: str, source: Source) -> bool:
    """Whether the question asks for this version, or for older ones, by a word, a year or a number."""
    folded = normalise(question)
    asked, own = marks_of(folded), _marks_of_source(source)
    by_name = bool(asked.years & (own.years | _years_held(source)) or asked.editions & own.editions)
    return by_name or _ASKS_FOR_OLD.search(folded) is not None or _LAST_YEAR.search(folded) is not None


def bare_title(title: str) -> str:
    """A title without the words that tell its version: what its other versions are called, too."""
    bare = _EDITION.sub(" ", _YEAR.sub(" ", _RETIRED.sub(" ", normalise(title).replace("_", " "))))
    return " ".join(_CURRENT.sub(" ", bare).split())


def _names(said: Sequence[str], source: Source) -> bool:
    """Whether the words name the document: by its title, its file's name, or its number."""
    words = [_joined(text) for text in said]
    stem = source.standing.name.rpartition(".")[0] or source.standing.name
    names = [name for name in map(_joined, (source.title, stem)) if len(name) >= _LEAST_NAME]
    numbers = [
        _joined(f"{one}{'.'.join(map(str, version))}") for one, version in source.standing.dates.numbers[:1]
    ]
    return any(name in text for text in words for name in (*names, *numbers))


@lru_cache(maxsize=2048)
def _joined(text: str) -> str:
    return "".join(character for character in normalise(text) if character.isalnum())


def _is_before(one: str, other: str) -> bool:
    return bool(one and other) and last_day(one) < first_day(other)


def _is_retired_form(old: Source, new: Source) -> bool:
    mine, yours = _bare_subject(old.title), _bare_subject(new.title)
    nested = mine <= yours or yours <= mine
    return bool(mine and yours) and nested and len(mine & yours) / len(mine | yours) >= _MOSTLY


def _is_older_form(old: Source, new: Source, mine: Marks, yours: Marks) -> bool:
    subject = _bare_subject(old.title)
    return bool(subject) and subject == _bare_subject(new.title) and _is_newer(yours, mine)


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


def _years_held(source: Source) -> frozenset[int]:
    """Years in which a document that ended says that it held: a question may mean it by one of them."""
    return source.standing.dates.years_held() if source.standing.ended else frozenset()


def _fit(asked: Marks, own: Marks, rivals: Sequence[Marks], *, in_force: frozenset[int]) -> float:
    """A version that was named decides; else what is retired or older than a rival stands back."""
    if asked.years & in_force:
        return 1.0
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
