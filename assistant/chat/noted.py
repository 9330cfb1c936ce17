"""Which notes of an answer may their reader see now? Titles are asked for at that moment, at the door."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.access.door import DocumentCard, readable
from assistant.access.viewer import Viewer
from assistant.chat.events import Note, NotedSource
from assistant.chat.note_words import ShownNote, ShownSource
from assistant.providers.source_dates import last_day
from assistant.retrieval.standing import today


def shown_notes(viewer: Viewer, notes: Sequence[Note]) -> tuple[ShownNote, ...]:
    """The notes of which the viewer may read every source now.

    Of an older version whose newer one is out of reach stays what the older one says of itself.
    """
    documents = {source.document for note in notes for source in note.sources}
    cards = readable(viewer, documents) if documents else {}
    found: list[ShownNote] = []
    for note in notes:
        known = [
            _shown(source, cards[source.document]) for source in note.sources if source.document in cards
        ]
        if len(known) == len(note.sources):
            found.append(ShownNote(note.kind, tuple(known), note.why, note.columns))
        elif note.kind == "superseded" and known and known[0].n == note.sources[0].n and _is_over(known[0]):
            found.append(ShownNote("ended", tuple(known[:1])))
    return tuple(found)


def _is_over(source: ShownSource) -> bool:
    """Whether the source says itself that it ended before today."""
    return bool(source.until) and last_day(source.until) < today()


def _shown(source: NotedSource, card: DocumentCard) -> ShownSource:
    return ShownSource(
        n=source.n,
        document_id=source.document,
        external_id=card.external_id,
        title=card.title,
        day=source.day,
        dated=source.dated,
        until=source.until,
        quote=source.quote,
    )
