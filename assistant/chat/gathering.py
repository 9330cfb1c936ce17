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
from assistant.chat.planning import TurnPlan
from assistant.chat.stretches import PassageVerdicts, Stretch, may_be_used, stretches_of
from assistant.common.analysis import query_terms, terms
from assistant.providers.contract import AnswerSentence, ContextWanted, Source
from assistant.providers.wishes import Task
from assistant.retrieval.filters import Filters
from assistant.retrieval.retrieve import Hit, Plan, retrieve

_PASSAGES = 8
_PASSAGES_OF_A_PART = 6
_LISTED = 30  # documents of which a list is made at most
_MOST_CHUNKS = 40  # of a document that is read from its beginning
_WHOLE = 1 << 30  # characters: any document is read whole
_TITLE_SHARE = 0.5  # of a title's terms that must be named


@dataclass(frozen=True, slots=True)
class Reading:
    """A stretch with the number of the part that it was found for, from 1; 0 where a plan has one part."""

    stretch: Stretch
    part: int


@dataclass(frozen=True, slots=True)
class Gathered:
    """All hits, once each, and the stretches in the order in which a model reads them.

    `calculated`: the answer, where it follows from a table and no model is asked.
    """

    hits: tuple[Hit, ...]
    readings: tuple[Reading, ...]
    calculated: tuple[AnswerSentence, ...] = ()

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
            )
            for number, one in enumerate(self.readings, start=1)
        )


@dataclass(frozen=True, slots=True)
class Search:
    """For whom is searched, among what, with what around each passage, and what guardrails say of it."""

    viewer: Viewer
    filters: Filters
    context: ContextWanted
    verdicts: PassageVerdicts


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
    found = [_hits(plan.task, part.question, search, wanted) for part in plan.parts]
    columns = [
        [
            Reading(stretch, 0 if single else number)
            for stretch in stretches_of(hits, viewer=search.viewer, verdicts=search.verdicts)
        ]
        for number, hits in enumerate(found, start=1)
    ]
    once = {hit.passage.chunk_id: hit for hits in found for hit in hits}
    readings = (one for row in zip_longest(*columns) for one in row if one is not None)
    return Gathered(tuple(once.values()), tuple(readings))


def _hits(task: Task, question: str, search: Search, wanted: Plan) -> list[Hit]:
    """What is found; nothing for an empty question, which is how a draft asks for no documents."""
    viewer, verdicts = search.viewer, search.verdicts
    hits = list(retrieve(question, viewer=viewer, plan=wanted).hits) if question else []
    if task in (Task.SUMMARISE, Task.COMPARE) and (named := _named(question, hits)) is not None:
        hits = _from_the_beginning(viewer, named)
    return [hit for hit in hits if may_be_used(hit.passage.text, viewer=viewer, verdicts=verdicts)]


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
