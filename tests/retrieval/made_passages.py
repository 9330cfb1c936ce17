"""Passages made by hand, as the door would give them."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

from assistant.access.door import Passage

_numbers = count(1)


def made(text: str, *, title: str = "Note", headings: str = "", year: int = 0, document: int = 0) -> Passage:
    """A passage with this text; of a document of its own unless `document` says of which."""
    number = next(_numbers)
    return Passage(
        chunk_id=number,
        document_id=document or number,
        version=1,
        external_id=f"note-{number}",
        title=title,
        source="Notes",
        url="",
        start=0,
        end=len(text),
        text=text,
        headings=headings,
        place="",
        place_kind="",
        modified_at=datetime(year, 1, 1, tzinfo=UTC) if year else None,
        synced_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
