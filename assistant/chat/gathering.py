"""What is read for each part of a plan?

Each part has a search of its own. A part that names a document by its title is read from that document,
from its beginning. Whatever is read has passed the door, and the guardrails as a passage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from assistant.access.door import surroundings
from assistant.access.viewer import Viewer
from assistant.chat.file_scope import NO_FILES, AskedFiles
from assistant.chat.planning import TurnPlan
from assistant.chat.stretches import PassageVerdicts, Stretch, may_be_used, stretches_of
from assistant.chat.successors import Versions, with_newer
from assistant.chat.tables.answering import Why
from assistant.common.analysis import query_terms, terms
from assistant.providers.contract import AnswerSentence, ContextWanted, Source
from assistant.providers.source_dates import UNKNOWN_STANDING
from assistant.providers.wishes import Task
from assistant.retrieval.filters import Filters
from assistant.retrieval.private import from_the_beginning, joined, retrieve_private
from assistant.retrieval.retrieve import Hit, Plan, retrieve

_PASSAGES = 8
_PASSAGES_OF_A_PART = 6
_LISTED = 30  # documents of which a list is made at most
_MOST_CHUNKS = 40  # of a document that is read from its beginning
_WHOLE = 1 << 30  # characters: any document is read whole
_WITH_NEWER = (Task.ANSWER, Task.SEVERAL)
_TITLE_SHARE = 0.5  # of a title's terms that must be named


@dataclass(frozen=True, slots=True)
class Reading:
    """A stretch with the number of the part that it was found for, from 1; 0 where a plan has one part."""

    stretch: Stretch
    part: int


@dataclass(frozen=True, slots=True)
class Uncalculated:
    """Why nothing is calculated from tables that were clearly meant: a hit for each, and which columns."""

    why: Why
    hits: tuple[Hit, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gathered:
    """All hits, once each, and the stretches in the order in which a model reads them.

    `calculated`: the answer, where it follows from a table and no model is asked.
    """

    hits: tuple[Hit, ...]
    readings: tuple[Reading, ...]
    versions: Versions
    calculated: tuple[AnswerSentence, ...] = ()
    uncalculated: Uncalculated | None = None

    @property
    def sources(self) -> tuple[Source, ...]:
        """The stretches as a model sees them, numbered from 1."""
        return tuple(
            Source(
                n=number,
                title=one.stretch.title,
                heading=one.stretch.heading,
                text=one.stretch.shown.text,
                score=one.stretch.fit,
                part=one.part,
                standing=self.versions.standings.get(one.stretch.span.document_id, UNKNOWN_STANDING),
            )
            for number, one in enumerate(self.readings, start=1)
        )


@dataclass(frozen=True, slots=True)
class Search:
    """For whom is searched, among what, with what around each passage, and what guardrails say of it.

    `files`: the conversation's own, which are searched too, or alone.
    """

    viewer: Viewer
    filters: Filters
    context: ContextWanted
    verdicts: PassageVerdicts
    files: AskedFiles = NO_FILES


def gathered(plan: TurnPlan, search: Search) -> Gathered:
    """What is read for the plan: the best of each part first.

    Raises:
        IndexDamaged: an index file is damaged.
        ModelUnavailable: an embedder or the reranker cannot be used.
    """
    single = len(plan.parts) == 1
    wanted = Plan(
        k=_LISTED if plan.task is Task.LIST else _PASSAGES if single else _PASSAGES_OF_A_PART,
        one_per_document=plan.task is Task.LIST,
        filters=search.filters,
        fold=True,
        context=search.context is ContextWanted.NEIGHBOURS and plan.task is not Task.LIST,
    )
    versions = Versions(search.viewer, search.filters, search.verdicts)
    found = [
        _hits(plan.task, (at, part.question), search, wanted, versions)
        for at, part in enumerate(plan.parts, 1)
    ]
    if plan.task in _WITH_NEWER:
        found = [
            with_newer(part.question, hits, versions, context=wanted.context)
            for part, hits in zip(plan.parts, found, strict=True)
        ]
    else:
        versions.learn(hit for hits in found for hit in hits)
    if search.files.files:
        found = [
            _with_files((at, part.question), hits, search, wanted)
            for at, (part, hits) in enumerate(zip(plan.parts, found, strict=True), 1)
        ]
    columns = [
        [
            Reading(stretch, 0 if single else number)
            for stretch in stretches_of(hits, viewer=search.viewer, verdicts=search.verdicts)
        ]
        for number, hits in enumerate(found, start=1)
    ]
    once = {hit.passage.chunk_id: hit for hits in found for hit in hits}
    readings = (one for row in zip_longest(*columns) for one in row if one is not None)
    return Gathered(tuple(once.values()), tuple(readings), versions)


def _hits(task: Task, part: tuple[int, str], search: Search, wanted: Plan, versions: Versions) -> list[Hit]:
    """What is found among the company's documents; nothing where a conversation's files are asked alone.

    Nothing for an empty question either, which is how a draft asks for no documents.
    """
    number, question = part
    if not question or search.files.only or search.files.of_part(number):
        return []
    viewer, verdicts = search.viewer, search.verdicts
    evidence = retrieve(question, viewer=viewer, plan=wanted)
    versions.standings.update(evidence.standings)
    hits = list(evidence.hits)
    if task in (Task.SUMMARISE, Task.COMPARE) and (named := _named(question, hits)) is not None:
        hits = _from_the_beginning(viewer, named)
    return [hit for hit in hits if may_be_used(hit.passage.text, viewer=viewer, verdicts=verdicts)]


def _with_files(part: tuple[int, str], company: Sequence[Hit], search: Search, wanted: Plan) -> list[Hit]:
    """The hits with those of the conversation's files, or what is read of these from their beginning."""
    viewer, verdicts, files = search.viewer, search.verdicts, search.files
    number, question = part
    if read := files.of_part(number):
        hits = from_the_beginning(viewer=viewer, documents=read, most=_MOST_CHUNKS // len(files.read))
    else:
        hits = _in_files(question, search, wanted) if question else []
    usable = [hit for hit in hits if may_be_used(hit.passage.text, viewer=viewer, verdicts=verdicts)]
    if read:
        return usable
    return joined(question, company, usable, k=max(wanted.k, len(company)))


def _in_files(question: str, search: Search, wanted: Plan) -> list[Hit]:
    """The best passages of the conversation's files, or the best of each."""
    hits = retrieve_private(
        question, viewer=search.viewer, documents=search.files.ids, k=wanted.k, context=wanted.context
    )
    if not wanted.one_per_document:
        return hits
    best: dict[int, Hit] = {}
    for hit in hits:
        best.setdefault(hit.passage.document_id, hit)
    return list(best.values())


def _named(words: str, hits: Sequence[Hit]) -> Hit | None:
    """The best passage of the document whose title the words name, if they name one."""
    asked = set(query_terms(words))
    for hit in hits:
        title = set(terms(hit.passage.title))
        if asked and asked <= title and len(asked) >= _TITLE_SHARE * len(title):
            return hit
    return None


def _from_the_beginning(viewer: Viewer, hit: Hit) -> list[Hit]:
    """The first chunks of the hit's document, in their order."""
    whole = {hit.passage.document_id: _WHOLE}
    near = surroundings(viewer, [hit.passage.chunk_id], neighbours=0, whole_up_to=whole)
    ordered = sorted(near, key=lambda one: one.ordinal)[:_MOST_CHUNKS]
    return [Hit(one.passage, hit.score, hit.dense, hit.lexical, hit.fit) for one in ordered]
