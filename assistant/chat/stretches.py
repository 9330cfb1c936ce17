"""What is a chat model given of the passages that were found?

Each passage in its context where it has one, and every piece of text has passed the guardrails: a context
in which anything is blocked is left out, and its passages are given alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.access.viewer import Viewer
from assistant.guardrails.inspect import inspect
from assistant.guardrails.verdict import Stage
from assistant.retrieval.context import Context, alone, shared_headings
from assistant.retrieval.retrieve import Hit


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a document with what heads it, and how well the best passage in it fits."""

    title: str
    heading: str
    fit: float
    span: Context


def stretches_of(hits: Sequence[Hit], *, viewer: Viewer) -> list[Stretch]:
    """The hits, which may be used, as a model reads them, best first; no text comes twice.

    Raises:
        ModelUnavailable: the embedder that topics are judged with cannot be reached.
    """
    usable: dict[tuple[int, int], bool] = {}
    found: list[Stretch] = []
    for hit in hits:
        span = hit.context or alone(hit.passage)
        key = (span.document_id, span.start)
        if usable.get(key):
            continue
        if key not in usable:
            texts = (span.text, *(part.text for part in span.parts))
            usable[key] = hit.context is None or all(may_be_used(text, viewer=viewer) for text in texts)
        if not usable[key]:
            span = alone(hit.passage)
        found.append(Stretch(hit.passage.title, shared_headings(span.parts), hit.fit, span))
    return found


def may_be_used(text: str, *, viewer: Viewer) -> bool:
    """Whether a model may be given the text.

    Raises:
        ModelUnavailable: the embedder that topics are judged with cannot be reached.
    """
    return not inspect(text, stage=Stage.PASSAGE, viewer=viewer).blocked
