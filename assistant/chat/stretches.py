"""What is a chat model given of the passages that were found?

Each passage in its context where it has one, and every piece of text has passed the guardrails: a context
in which anything is blocked is left out, and its passages are given alone. What rules mask, no model sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.access.viewer import Viewer
from assistant.guardrails.inspect import inspect
from assistant.guardrails.masking import Masked
from assistant.guardrails.tally import Tally
from assistant.guardrails.verdict import Stage, Verdict
from assistant.retrieval.context import Context, alone, shared_headings
from assistant.retrieval.retrieve import Hit


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a document with what heads it, and how well the best passage in it fits.

    `shown` is what the model reads of `span.text`.
    """

    title: str
    heading: str
    fit: float
    span: Context
    shown: Masked


class PassageVerdicts:
    """What the guardrails say of each text that one turn reads, judged once and counted once."""

    def __init__(self, viewer: Viewer, tally: Tally | None = None) -> None:
        self._viewer = viewer
        self._tally = tally
        self._known: dict[str, Verdict] = {}

    def of(self, text: str) -> Verdict:
        """The verdict on a text.

        Raises:
            ModelUnavailable: the embedder that topics are judged with cannot be reached.
        """
        if text not in self._known:
            verdict = self._known[text] = inspect(text, stage=Stage.PASSAGE, viewer=self._viewer)
            if self._tally is not None:
                self._tally.add(Stage.PASSAGE, verdict.hits)
        return self._known[text]


def stretches_of(
    hits: Sequence[Hit], *, viewer: Viewer, verdicts: PassageVerdicts | None = None
) -> list[Stretch]:
    """The hits, which may be used, as a model reads them, best first; no text comes twice.

    Raises:
        ModelUnavailable: the embedder that topics are judged with cannot be reached.
    """
    verdicts = verdicts or PassageVerdicts(viewer)
    usable: dict[tuple[int, int], bool] = {}
    found: list[Stretch] = []
    for hit in hits:
        span = hit.context or alone(hit.passage)
        key = (span.document_id, span.start)
        if usable.get(key):
            continue
        if key not in usable:
            texts = (span.text, *(part.text for part in span.parts))
            usable[key] = hit.context is None or not any(verdicts.of(text).blocked for text in texts)
        if not usable[key]:
            span = alone(hit.passage)
        title, heading = hit.passage.title, shared_headings(span.parts)
        found.append(
            Stretch(
                verdicts.of(title).text,
                verdicts.of(heading).text,
                hit.fit,
                span,
                verdicts.of(span.text).shown,
            )
        )
    return found


def may_be_used(text: str, *, viewer: Viewer, verdicts: PassageVerdicts | None = None) -> bool:
    """Whether a model may be given the text.

    Raises:
        ModelUnavailable: the embedder that topics are judged with cannot be reached.
    """
    return not (verdicts or PassageVerdicts(viewer)).of(text).blocked
