"""In which order do the best passages come, if a model reads each beside the question?

Only with a model that an administrator has configured, and over passages that have passed the door. One
that cannot be loaded stops the search with its reason: nothing falls back to another order in silence.
"""

from __future__ import annotations

from collections.abc import Sequence

from assistant.access.door import Passage
from assistant.documents import search_models
from assistant.providers.contract import Reranker

MOST_RERANKED = 32  # pairs; each costs a pass through the model


def configured_reranker() -> Reranker | None:
    """The reranker that the environment or the console names, one a process; none unless one does.

    Raises:
        ModelUnavailable: the settings of its server are gone, or their key cannot be opened.
    """
    return search_models.configured_reranker()


def reranked(question: str, passages: Sequence[Passage], *, by: Reranker) -> list[int]:
    """The places of the passages, best first: the first 32 by the model's score, the others as they stood.

    Passages of equal score keep their order.

    Raises:
        ModelUnavailable: the model cannot be loaded or reached.
    """
    first = passages[:MOST_RERANKED]
    scores = by.scores(question, [_read_as(passage) for passage in first])
    order = sorted(range(len(first)), key=lambda at: -scores[at])
    return [*order, *range(len(first), len(passages))]


def _read_as(passage: Passage) -> str:
    """The passage under its title and headings, which often hold the word that it speaks of."""
    return "\n".join(part for part in (passage.title, passage.headings, passage.text) if part)
