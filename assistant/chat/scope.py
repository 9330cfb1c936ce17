"""In which part of the documents was a question asked, as its owner may be told now?

A source is named only while its owner may read something of it; the others, and names that never were a
source's, are only counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from assistant.access.door import readable_sources
from assistant.access.viewer import Viewer
from assistant.common.analysis import normalise
from assistant.retrieval.filters import Filters


@dataclass(frozen=True, slots=True)
class Scope:
    """What a search was narrowed to. `unnamed`: how many chosen sources are not open to the reader now."""

    sources: tuple[str, ...]
    unnamed: int
    filters: Filters


def scope_of(viewer: Viewer, filters: Filters) -> Scope | None:
    """The scope of the viewer's own question; None if all was searched."""
    if filters.none:
        return None
    chosen = {normalise(name) for name in filters.sources}
    offered = readable_sources(viewer) if chosen else ()
    named = tuple(name for name in offered if normalise(name) in chosen)
    return Scope(sources=named, unnamed=len(chosen - {normalise(name) for name in named}), filters=filters)
