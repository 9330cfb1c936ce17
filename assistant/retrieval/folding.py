"""Which of the passages found stand for others?

A copy is folded under the passage that says all it says, and an older version of a document under the newer
one, unless the question asks for the older. Pure, over passages that have passed the door: what the viewer
may not read takes no part and leaves no trace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType

from assistant.access.door import Passage
from assistant.common.analysis import normalise
from assistant.providers.contract import Source
from assistant.providers.source_dates import UNKNOWN_STANDING, Standing
from assistant.providers.source_versions import Replacement, replacements, version_fit
from assistant.retrieval.same_words import Wording, covers, likeness, says_the_same, wording

SPARE = 16  # candidates beyond those asked for, so that folding leaves enough
# Share of common shingles from which two sections of versions speak of the same: a little more than unrelated
# passages have (see `same_words`), since where figures and clauses changed, little else may have stayed.
_SAME_SECTION = 0.15
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Reason(StrEnum):
    """Why a passage is folded."""

    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Folded:
    """A passage that another one stands for."""

    passage: Passage
    reason: Reason


@dataclass(frozen=True, slots=True)
class Kept:
    """Passage number `at` with what is folded under it; `place` is the best one among all of these."""

    at: int
    place: int
    folded: tuple[Folded, ...]


@dataclass(slots=True)
class _Group:
    at: int
    place: int
    folded: dict[int, Reason] = field(default_factory=dict)


def fold(
    question: str, passages: Sequence[Passage], standings: Mapping[int, Standing] = MappingProxyType({})
) -> list[Kept]:
    """The passages that remain of `passages`, which come best first, in the order of their places.

    `standings` says by document id when the documents hold, as far as they say so.
    """
    sources = [source_of(passage, standings) for passage in passages]
    words = [wording(passage.text) for passage in passages]
    fits = version_fit(question, sources).tolist()
    older = _older(replacements(question, sources), passages, words)
    groups: list[_Group] = []
    for at in range(len(passages)):
        if at in older:
            continue
        for group in groups:
            stands = _stands_for(passages, words, group.at, at, fits)
            if stands is not None:
                loser = at if stands == group.at else group.at
                group.at = stands
                group.folded[loser] = Reason.DUPLICATE
                break
        else:
            groups.append(_Group(at, at))
    for at, target in older.items():
        group = next(one for one in groups if target == one.at or target in one.folded)
        group.folded[at] = Reason.SUPERSEDED
        if likeness(words[at], words[target]) >= _SAME_SECTION:
            group.place = min(group.place, at)
    return [
        Kept(
            at=group.at,
            place=group.place,
            folded=tuple(Folded(passages[at], group.folded[at]) for at in sorted(group.folded)),
        )
        for group in sorted(groups, key=lambda one: one.place)
    ]


def _stands_for(
    passages: Sequence[Passage], words: Sequence[Wording], better: int, worse: int, fits: Sequence[float]
) -> int | None:
    """Which of two passages stands for both; None if each says something of its own."""
    one, other = words[better], words[worse]
    if says_the_same(one, other):
        newer = _modified(passages[worse]) > _modified(passages[better])
        wanted = fits[worse] - fits[better]
        return worse if wanted > 0 or (wanted == 0 and newer) else better
    known = " ".join(part for at in (better, worse) for part in (passages[at].title, passages[at].headings))
    if fits[better] >= fits[worse] and covers(one, other, known=known):
        return better
    return worse if fits[worse] >= fits[better] and covers(other, one, known=known) else None


def _older(
    found: Sequence[Sequence[Replacement]], passages: Sequence[Passage], words: Sequence[Wording]
) -> dict[int, int]:
    """Passages of older versions, each with the passage of a newer one that is most like it."""
    older: dict[int, int] = {}
    for at, newer in enumerate(found):
        fitting = [one.at for one in newer if one.certain or _same_section(passages, words, at, one.at)]
        if fitting:
            older[at] = max(fitting, key=lambda other: (likeness(words[at], words[other]), -other))
    return older


def _same_section(passages: Sequence[Passage], words: Sequence[Wording], one: int, other: int) -> bool:
    mine, yours = _heading(passages[one]), _heading(passages[other])
    return mine == yours != "" or likeness(words[one], words[other]) >= _SAME_SECTION


def _heading(passage: Passage) -> str:
    """The nearest heading above a passage; the first of them is often the title with its version."""
    return normalise(passage.headings.rpartition("›")[2]).strip()


def _modified(passage: Passage) -> datetime:
    return passage.modified_at or _LONG_AGO


def source_of(passage: Passage, standings: Mapping[int, Standing]) -> Source:
    """The passage as versions are told apart by."""
    return Source(
        n=0,
        title=passage.title,
        heading=passage.headings,
        text=passage.text,
        standing=standings.get(passage.document_id, UNKNOWN_STANDING),
    )
