"""Is there a newer document than one that was found, which the words of the question alone did not find?

A newer version may be in another language, or use other words. Documents that say that they ended, or that
are an earlier one of several versions, are looked up by what they say of themselves: the name of what
replaced them, their title without its version, their number. What is found has passed the door and the
guardrails like any passage.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from assistant.access.viewer import Viewer
from assistant.chat.stretches import PassageVerdicts, may_be_used
from assistant.providers.contract import Source
from assistant.providers.source_dates import Standing, first_day
from assistant.providers.source_versions import bare_title, marks_of, replaced_by
from assistant.retrieval.filters import Filters
from assistant.retrieval.folding import source_of
from assistant.retrieval.retrieve import Hit, Plan, folded, in_context, retrieve
from assistant.retrieval.standing import standings, today

_LOOKED_UP = 3  # documents of one question for which another one is looked for
_CANDIDATES = 12
_TAKEN = 2  # passages of a newer document that are read
_WORDS = 300  # characters of a name to search by
_DATED_WORDS = re.compile(r"\d{1,2}\s?월|\d{1,2}\s?일|\b\d{1,2}\b")


@dataclass(slots=True)
class Versions:
    """What one turn knows of the documents at hand: how they stand, and the best passage of each newer one.

    `by_document` holds a source for each document read or looked up; `newer` says by document id which
    hits belong to what replaced it.
    """

    viewer: Viewer
    filters: Filters
    verdicts: PassageVerdicts
    standings: dict[int, Standing] = field(default_factory=dict)
    newer: dict[int, tuple[Hit, ...]] = field(default_factory=dict)

    def learn(self, hits: Iterable[Hit]) -> None:
        """Read how the documents of the hits stand, those that are not known yet."""
        wanted = {hit.passage.document_id for hit in hits} - self.standings.keys()
        self.standings.update(standings(self.viewer, wanted))

    def source(self, hit: Hit) -> Source:
        """The hit as versions are told apart by."""
        return source_of(hit.passage, self.standings)

    def look_up(self, question: str, hit: Hit) -> tuple[Hit, ...]:
        """The best passages of the newest document that replaces the hit's; none if none does.

        Raises:
            IndexDamaged, ModelUnavailable: as `retrieve` has it.
        """
        known = hit.passage.document_id
        if known not in self.newer:
            found = self._found(question, hit)
            self.newer[known] = found
        return self.newer[known]

    def _found(self, question: str, hit: Hit) -> tuple[Hit, ...]:
        words = self._names(hit)
        plan = Plan(k=_CANDIDATES, filters=self.filters)
        evidence = retrieve(f"{words} {question}", viewer=self.viewer, plan=plan)
        self.standings.update(evidence.standings)
        others = [one for one in evidence.hits if one.passage.document_id != hit.passage.document_id]
        self.learn(others)
        newest = self.newest(hit, others)
        if newest is None:
            return ()
        of_it = [one for one in others if one.passage.document_id == newest.passage.document_id]
        usable = [
            one for one in of_it if may_be_used(one.passage.text, viewer=self.viewer, verdicts=self.verdicts)
        ]
        return tuple(usable[:_TAKEN])

    def newest(self, hit: Hit, others: Sequence[Hit]) -> Hit | None:
        """Of the others the best hit of the newest document that certainly replaces the hit's."""
        old = self.source(hit)
        replacing = [one for one in others if replaced_by(old, self.source(one))]
        return max(replacing, key=lambda one: self.source(one).standing.dates.day, default=None)

    def _names(self, hit: Hit) -> str:
        """What to look for: the words that name another document, the title, the file's name, the number."""
        standing = self.source(hit).standing
        told = " ".join(standing.dates.ended_by)
        numbers = " ".join(stem for stem, _ in standing.dates.numbers[:1])
        stem = standing.name.rpartition(".")[0]
        return f"{_DATED_WORDS.sub(' ', told)} {bare_title(hit.passage.title)} {stem} {numbers}"[:_WORDS]


def with_newer(question: str, hits: Sequence[Hit], versions: Versions, *, context: bool) -> list[Hit]:
    """The hits, with what replaced documents among them behind those, and folded by what all of them say.

    Raises:
        IndexDamaged, ModelUnavailable: as `retrieve` has it.
    """
    versions.learn(hits)
    added: dict[int, tuple[Hit, ...]] = {}
    for hit in hits:
        document = hit.passage.document_id
        if document in added or len(added) == _LOOKED_UP or not _is_one_of_several(hit, versions):
            continue
        if versions.newest(hit, hits) is None:
            added[document] = versions.look_up(question, hit)
    if not any(added.values()):
        return list(hits)
    known = {hit.passage.chunk_id for hit in hits}
    found: list[Hit] = []
    for hit in hits:
        found.append(hit)
        for one in added.pop(hit.passage.document_id, ()):
            if one.passage.chunk_id not in known:
                known.add(one.passage.chunk_id)
                found.extend(in_context(versions.viewer, [one]) if context else [one])
    return folded(question, found, versions.standings)


def may_have_newer(hit: Hit, versions: Versions) -> bool:
    """Whether the document says by title, number or dates that it is a version, and not of this year."""
    standing, marks = versions.source(hit).standing, marks_of(hit.passage.title)
    dates = standing.dates
    if dates.day and first_day(dates.day).year >= today().year and not standing.ended:
        return False
    return _is_one_of_several(hit, versions) or bool(
        marks.years or marks.editions or dates.numbers or dates.since
    )


def _is_one_of_several(hit: Hit, versions: Versions) -> bool:
    """Whether the document says that it ended, or its title that it is the version of an earlier year."""
    standing = versions.source(hit).standing
    marks = marks_of(hit.passage.title)
    earlier = bool(marks.years) and max(marks.years) < today().year
    return standing.ended or bool(standing.dates.ended_by) or marks.retired or earlier
