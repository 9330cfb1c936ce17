"""What is to be known of the sources of a finished answer: older versions, and sources that disagree.

A note is made of what passed the door for this answer and nothing else, and each of its documents is asked
for again before it is released. It is Mundap's own: no language model is believed with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assistant.access.door import may_still_read
from assistant.chat.events import Note, NotedSource
from assistant.chat.successors import Versions, may_have_newer
from assistant.guardrails.inspect import inspect
from assistant.guardrails.masking import Masked
from assistant.guardrails.verdict import Stage
from assistant.providers.contract import Source
from assistant.providers.source_conflicts import Statement, conflicts, statements_of
from assistant.providers.source_versions import asks_for
from assistant.retrieval.retrieve import Hit

if TYPE_CHECKING:
    from assistant.chat.answering import Answer, Cited
    from assistant.chat.gathering import Uncalculated

_LOOKED_UP = 3  # cited documents for which a newer one is looked for
_COMPARED = 8  # cited statements for which others are looked for that contradict them


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that was given: the question it answers, what was found for it, and what it cites."""

    question: str
    hits: tuple[Hit, ...]
    versions: Versions
    into: Answer


def notes_on(said: Said) -> Iterator[Note]:
    """The notes that may be shown now, of older versions first.

    Raises:
        IndexDamaged, ModelUnavailable: as `retrieve` has it.
    """
    yield from _of_older_versions(said)
    yield from _of_conflicts(said)


def _of_older_versions(said: Said) -> Iterator[Note]:
    cited = _by_document(said)
    for hit, numbered in list(cited.values())[:_LOOKED_UP]:
        source = said.versions.source(hit)
        if asks_for(said.question, source):
            continue
        newer = said.versions.newest(hit, said.hits)
        if newer is None and may_have_newer(hit, said.versions):
            newer = _first(said.versions.look_up(said.question, hit))
        if newer is not None and _may_be_told(said, hit, newer):
            at = cited.get(newer.passage.document_id)
            number = at[1] if at is not None else said.into.number(newer.passage)
            yield Note("superseded", (_noted(said, hit, numbered.n), _noted(said, newer, number.n)))
        elif source.standing.ended and _may_be_told(said, hit):
            yield Note("ended", (_noted(said, hit, numbered.n),))


def note_on_tables(said: Said, found: Uncalculated) -> Iterator[Note]:
    """Why nothing was calculated; nothing where a heading that it names may not be shown as it is."""
    if not _may_be_told(said, *found.hits):
        return
    if any(_released(said, heading) != heading for heading in found.columns):
        return
    said.versions.learn(found.hits)
    noted = [_noted(said, hit, said.into.number(hit.passage).n) for hit in found.hits]
    yield Note("uncalculated", tuple(noted), found.why.value, found.columns)


def is_outdated(said: Said, numbers: Collection[int]) -> bool:
    """Whether one of these citations is of a document that has ended or was replaced by one that was read.

    Not where the question asks for that one.
    """
    hits = {hit.passage.chunk_id: hit for hit in said.hits}
    cited = (hits.get(one.passage.chunk_id) for one in said.into.cited if one.n in numbers)
    for hit in (one for one in cited if one is not None):
        source = said.versions.source(hit)
        over = source.standing.ended or said.versions.newest(hit, said.hits) is not None
        if over and not asks_for(said.question, source):
            return True
    return False


def _by_document(said: Said) -> dict[int, tuple[Hit, Cited]]:
    """The first cited passage of each document of the company that a sentence stands on."""
    hits = {hit.passage.chunk_id: hit for hit in said.hits}
    found: dict[int, tuple[Hit, Cited]] = {}
    for cited in said.into.cited:
        passage = cited.passage
        hit = hits.get(passage.chunk_id) or Hit(passage, 0.0, 0.0, 0.0, 0.0)
        if cited.quotes and not passage.is_private:
            found.setdefault(passage.document_id, (hit, cited))
    said.versions.learn(hit for hit, _ in found.values())
    return found


@dataclass(frozen=True, slots=True)
class _Read:
    """A passage as statements are taken from it: without what rules mask."""

    hit: Hit
    shown: Masked
    source: Source

    def span(self, statement: Statement) -> tuple[int, int]:
        """Where the statement stands in the document's text."""
        first, last = self.shown.original(statement.start, statement.end)
        return self.hit.passage.start + first, self.hit.passage.start + last


def _of_conflicts(said: Said) -> Iterator[Note]:
    """What sentences of the answer quote and another document contradicts: both sides, the newest first."""
    read = [_read(said, hit) for hit in _passages(said)]
    cited = [one for at, each in enumerate(read) for one in _quoted(said, each, at)]
    told: set[frozenset[int]] = set()
    for found in conflicts(said.question, [one.source for one in read], cited[:_COMPARED]):
        sides = [(read[one.source], one) for one in (found.one, found.other)]
        pair = frozenset(side.hit.passage.document_id for side, _ in sides)
        quotes = [_released(said, statement.shown) for _, statement in sides]
        if pair in told or len(pair) == 1 or not all(quotes):
            continue
        if not _may_be_told(said, *(side.hit for side, _ in sides)):
            continue
        told.add(pair)
        noted = []
        for (side, statement), quote in zip(sides, quotes, strict=True):
            numbered = said.into.number(side.hit.passage)
            if (span := side.span(statement)) not in numbered.quotes and statement is found.other:
                numbered.quotes.append(span)
            noted.append(replace(_noted(said, side.hit, numbered.n), quote=quote))
        yield Note("conflict", tuple(sorted(noted, key=lambda source: source.day, reverse=True)))


def _passages(said: Said) -> list[Hit]:
    """What was read, and what is cited beside it, once each."""
    hits = {hit.passage.chunk_id: hit for hit in said.hits}
    for cited in said.into.cited:
        hits.setdefault(cited.passage.chunk_id, Hit(cited.passage, 0.0, 0.0, 0.0, 0.0))
    return list(hits.values())


def _read(said: Said, hit: Hit) -> _Read:
    shown = said.versions.verdicts.of(hit.passage.text).shown
    return _Read(hit, shown, replace(said.versions.source(hit), text=shown.text))


def _quoted(said: Said, read: _Read, at: int) -> list[Statement]:
    """The statements of the passage that a sentence of the answer quotes."""
    chunk = read.hit.passage.chunk_id
    quotes = [quote for cited in said.into.cited if cited.passage.chunk_id == chunk for quote in cited.quotes]
    found: list[Statement] = []
    for statement in statements_of(read.source, at) if quotes else ():
        first, last = read.span(statement)
        if any(start < last and first < end for start, end in quotes):
            found.append(statement)
    return found


def _released(said: Said, quote: str) -> str:
    """The quote as it may be shown in an answer; "" where a rule blocks it."""
    verdict = inspect(quote, stage=Stage.ANSWER, viewer=said.versions.viewer)
    said.into.tally.add(Stage.ANSWER, verdict.hits)
    return "" if verdict.blocked else verdict.text


def _may_be_told(said: Said, *hits: Hit) -> bool:
    """Whether all of them may be read at this moment: before a note gives any of them a number."""
    return may_still_read(said.versions.viewer, {hit.passage.document_id for hit in hits})


def _noted(said: Said, hit: Hit, number: int) -> NotedSource:
    dates = said.versions.source(hit).standing.dates
    return NotedSource(number, hit.passage.document_id, dates.day, dates.dated.value, dates.until)


def _first(hits: tuple[Hit, ...]) -> Hit | None:
    return hits[0] if hits else None
