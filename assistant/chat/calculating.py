"""Does a table that the viewer may read hold what a question wants added up, counted or looked up?

Every table is read whole, through the door, and by the guardrails as any passage is: one of which a rule
hides a part is not calculated with. Where no table or more than one fits, the question is answered as any
other, and where one was clearly meant it is noted why nothing was calculated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django.utils import timezone

from assistant.access.door import Passage, open_document, surroundings
from assistant.access.viewer import Viewer
from assistant.chat.gathering import Gathered, Reading, Search, Uncalculated
from assistant.chat.planning import TurnPlan
from assistant.chat.stretches import PassageVerdicts, Stretch
from assistant.chat.tables.answering import Figure, Refused, Why, figure_of
from assistant.chat.tables.asking import Asked, asked_of
from assistant.chat.tables.asking_words import Wanted
from assistant.chat.tables.grid import Table, tables_of
from assistant.common.errors import NotFound
from assistant.guardrails.masking import Masked
from assistant.providers.contract import AnswerSentence, Quote
from assistant.providers.wishes import Task
from assistant.retrieval.context import Context
from assistant.retrieval.retrieve import Hit, Plan, retrieve

_SEARCHED = 24  # passages among which tables are looked for
_MOST_DOCUMENTS = 8
_MOST_NOTED = 2  # tables that a note on what was not calculated names
_LONGEST_DOCUMENT = 400_000  # characters
# A table on a page may go on overleaf; what a page shows of it is no whole.
_IN_PAGES = "page"


@dataclass(frozen=True, slots=True)
class _TableRead:
    """A table with the passage that cites it. `texts`: all that is read of it, its title among them."""

    table: Table
    hit: Hit
    passage: Passage
    texts: tuple[str, ...]


def calculated(
    question: str, plan: TurnPlan, search: Search, evidence: Gathered, *, writes: bool
) -> Gathered:
    """The evidence with the calculated answer and the table it comes from, or as it was.

    `writes`: a language model would answer. A figure that stands in a table is left to it; what must be
    calculated is not.

    Raises:
        IndexDamaged, ModelUnavailable: as `gathered`.
    """
    if plan.task not in {Task.ANSWER, Task.COMPARE}:
        return evidence
    asked = asked_of(question, today=timezone.localdate())
    if asked is None or (writes and asked.wanted is Wanted.CELL):
        return evidence
    hits = _found(question, asked, search, evidence)
    read = _read(search.viewer, hits, in_pages=False)
    figure = figure_of(asked, [one.table for one in read])
    if isinstance(figure, Refused) and figure.may_be_in_parts and asked.wanted is not Wanted.CELL:
        read = _read(search.viewer, hits, in_pages=True)
        figure = figure_of(asked, [one.table for one in read])
    meant = [read[at] for at in ([figure.table] if isinstance(figure, Figure) else figure.tables)]
    hidden = [one for one in meant if _is_hidden(one.texts, search.verdicts)]
    if hidden:
        return evidence if asked.wanted is Wanted.CELL else _noting(evidence, Why.MASKED, hidden)
    if isinstance(figure, Figure):
        return _with(evidence, meant[0], figure)
    return evidence if figure.told is None else _noting(evidence, figure.told, meant, figure.columns)


def _found(question: str, asked: Asked, search: Search, evidence: Gathered) -> list[Hit]:
    """The passages whose documents are looked into, best first."""
    if asked.wanted is Wanted.CELL or search.files.files:
        return list(evidence.hits)
    wanted = Plan(k=_SEARCHED, filters=search.filters, fold=True)
    return list(retrieve(question, viewer=search.viewer, plan=wanted).hits)


def _read(viewer: Viewer, hits: Sequence[Hit], *, in_pages: bool) -> list[_TableRead]:
    """The tables of the hits' documents: of those in pages, or of the others."""
    best: dict[int, Hit] = {}
    for hit in hits:
        if "\t" in hit.passage.text and (hit.passage.place_kind == _IN_PAGES) is in_pages:
            best.setdefault(hit.passage.document_id, hit)
    chosen = list(best.values())[:_MOST_DOCUMENTS]
    chunks = _chunks(viewer, chosen)
    return [one for hit in chosen for one in _tables(viewer, hit, chunks[hit.passage.document_id])]


def _chunks(viewer: Viewer, hits: Sequence[Hit]) -> dict[int, list[Passage]]:
    """All chunks of the documents that are not too long, by document; of a longer one not all."""
    limits = {hit.passage.document_id: _LONGEST_DOCUMENT for hit in hits}
    found: dict[int, list[Passage]] = defaultdict(list)
    if limits:
        near = surroundings(viewer, [hit.passage.chunk_id for hit in hits], neighbours=0, whole_up_to=limits)
        for one in sorted(near, key=lambda each: each.ordinal):
            found[one.passage.document_id].append(one.passage)
    return found


def _tables(viewer: Viewer, hit: Hit, chunks: Sequence[Passage]) -> Iterator[_TableRead]:
    """The tables of one document of which every row was read."""
    if not chunks or chunks[0].start > hit.passage.start:
        return
    try:
        document = open_document(viewer=viewer, document_id=hit.passage.document_id)
    except NotFound:  # revoked since the search
        return
    if any(chunk.version != document.version for chunk in chunks):
        return
    for table in tables_of(document.blocks, document.title):
        over = [chunk for chunk in chunks if chunk.start < table.end and table.start < chunk.end]
        if sum(min(chunk.end, table.end) - max(chunk.start, table.start) for chunk in over) < _said(table):
            continue
        passage = replace(
            hit.passage,
            chunk_id=over[0].chunk_id,
            start=table.start,
            end=table.end,
            text=table.text,
            headings=over[0].headings,
            place=table.place,
        )
        texts = (document.title, *(chunk.text for chunk in over), *table.around)
        is_whole = table.is_whole and hit.passage.place_kind != _IN_PAGES
        yield _TableRead(replace(table, is_whole=is_whole), hit, passage, texts)


def _said(table: Table) -> int:
    """How many characters of the table lie in chunks: all but the line breaks between its rows."""
    return len(table.text) - table.text.count("\n")


def _is_hidden(texts: Sequence[str], verdicts: PassageVerdicts) -> bool:
    """Whether a rule blocks or masks any part of it."""
    return any(verdict.blocked or verdict.shown.changed for verdict in map(verdicts.of, texts))


def _noting(
    evidence: Gathered, why: Why, meant: Sequence[_TableRead], columns: tuple[str, ...] = ()
) -> Gathered:
    """The evidence with why nothing is calculated. Tables of one document are told by the first of them."""
    once: dict[int, Hit] = {}
    for one in meant:
        once.setdefault(one.passage.document_id, replace(one.hit, passage=one.passage, context=None))
    return replace(evidence, uncalculated=Uncalculated(why, tuple(once.values())[:_MOST_NOTED], columns))


def _with(evidence: Gathered, read: _TableRead, figure: Figure) -> Gathered:
    table, passage = read.table, read.passage
    span = Context(passage.document_id, passage.version, table.start, table.end, table.text, parts=(passage,))
    stretch = Stretch(passage.title, passage.headings, read.hit.fit, span, Masked(table.text))
    number = len(evidence.readings) + 1
    quotes = tuple(Quote(number, start - table.start, end - table.start) for start, end in figure.spans)
    sentence = AnswerSentence(
        figure.sentence, quotes, calculated=figure.result.wanted.value, short=figure.short
    )
    evidence.versions.learn([read.hit])
    return replace(
        evidence,
        hits=(*evidence.hits, replace(read.hit, passage=passage, context=None)),
        readings=(*evidence.readings, Reading(stretch, 0)),
        calculated=(sentence,),
    )
