"""What is to be known of the sources of a finished answer: older versions, and sources that disagree.

A note is made of what passed the door for this answer and nothing else, and each of its documents is asked
for again before it is released. It is Mundap's own: no language model is believed with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.access.door import may_still_read
from assistant.chat.events import Note, NotedSource
from assistant.chat.successors import Versions, may_have_newer
from assistant.providers.source_versions import asks_for
from assistant.retrieval.retrieve import Hit

if TYPE_CHECKING:
    from assistant.chat.answering import Answer, Cited

_LOOKED_UP = 3  # cited documents for which a newer one is looked for


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


def _may_be_told(said: Said, *hits: Hit) -> bool:
    """Whether all of them may be read at this moment: before a note gives any of them a number."""
    return may_still_read(said.versions.viewer, {hit.passage.document_id for hit in hits})


def _noted(said: Said, hit: Hit, number: int) -> NotedSource:
    dates = said.versions.source(hit).standing.dates
    return NotedSource(number, hit.passage.document_id, dates.day, dates.dated.value, dates.until)


def _first(hits: tuple[Hit, ...]) -> Hit | None:
    return hits[0] if hits else None
