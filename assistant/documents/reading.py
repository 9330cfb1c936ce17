"""A document as a reader sees it, after the door. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TextBlock:
    """One block of the text; `start` and `end` count characters of the whole text.

    `kind` is heading, paragraph, item, table (rows by line, cells by tab) or code.
    """

    kind: str
    text: str
    start: int
    end: int
    level: int
    place: str


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """A document that the viewer may read now."""

    id: int
    external_id: str
    title: str
    source: str
    url: str
    media_type: str
    modified_at: datetime | None
    synced_at: datetime
    version: int
    place_kind: str
    blocks: tuple[TextBlock, ...]
