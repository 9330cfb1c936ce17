"""How do the documents that were found stand today: since when, until when, replaced by what?

Read through the door at that moment, so that it depends on nothing that the viewer may not read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from django.utils import timezone

from assistant.access.door import DocumentOpening, openings
from assistant.access.viewer import Viewer
from assistant.common.types import Json
from assistant.providers.source_dates import DocumentHead, Standing, standing_of


def today() -> date:
    """The day in the time zone of the installation."""
    return timezone.localdate()


def standings(viewer: Viewer, document_ids: Collection[int]) -> dict[int, Standing]:
    """How those of the documents stand today that the viewer may read, by id."""
    if not document_ids:
        return {}
    day = today()
    found = openings(viewer, document_ids)
    return {pk: standing_of(_head(opening), today=day) for pk, opening in found.items()}


def _head(opening: DocumentOpening) -> DocumentHead:
    changed = opening.modified_at
    return DocumentHead(
        title=opening.title,
        name=opening.name,
        opening=opening.opening,
        ending=opening.ending,
        attributes=_texts(opening.attributes),
        changed=timezone.localtime(changed).date().isoformat() if changed else "",
    )


def _texts(attributes: Mapping[str, Json]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in attributes.items() if isinstance(value, str))
