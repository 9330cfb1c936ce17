"""In which order do the best passages come, if a model reads each beside the question?

Only with a model that an administrator has configured, and over passages that have passed the door. One
that cannot be loaded stops the search with its reason: nothing falls back to another order in silence.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from assistant.access.door import Passage
from assistant.providers.contract import Reranker
from assistant.providers.registry import reranker

MOST_RERANKED = 32  # pairs; each costs a pass through the model


def configured_reranker() -> Reranker | None:
    """The reranker that the environment names, one a process; none unless it names one."""
    model = settings.MUNDAP_RERANKER_MODEL
    return reranker("cross-encoder", model=model) if model else None


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
