"""Does a question attack the assistant: make it drop its orders, show them, or play somebody without any?

Judged by a linear model over n-grams and notions (`linear.py`): each sentence, because an attack may follow a
harmless question, and the text as a whole, because an attack may be spread over sentences.
"""

from __future__ import annotations

from assistant.common.sentences import Span
from assistant.guardrails.checks.finding import Finding
from assistant.guardrails.checks.learnt import PROMPT_ATTACKS
from assistant.guardrails.checks.linear import STRENGTHS
from assistant.guardrails.checks.pieces import pieces_of

KINDS = (("prompt_attack", "Prompt attack"),)
THRESHOLDS = STRENGTHS

_LONGEST_WHOLE = 1200  # characters of a text that is judged as a whole, too
_SHORTEST = 4  # characters


def judged(text: str) -> list[Span]:
    """The sentences, and last the text as a whole if it has several and is not too long."""
    spans = pieces_of(text, shortest=_SHORTEST)
    if len(spans) > 1 and spans[-1][1] - spans[0][0] <= _LONGEST_WHOLE:
        spans.append((spans[0][0], spans[-1][1]))
    return spans


def findings(text: str) -> list[Finding]:
    """The sentences that attack, with a score of at least the lowest threshold; the text if that is surer.

    Raises:
        ModelUnavailable: the file of weights is missing or altered.
    """
    spans = judged(text)
    scores = PROMPT_ATTACKS.scores([text[start:end] for start, end in spans]).tolist()
    found = [
        Finding("prompt_attack", start, end, score)
        for (start, end), score in zip(spans, scores, strict=True)
        if score >= min(THRESHOLDS.values())
    ]
    best = max(found, key=lambda one: one.score, default=None)
    if best is not None and (best.start, best.end) == (spans[0][0], spans[-1][1]):
        return [best]
    return [one for one in found if (one.start, one.end) != (spans[0][0], spans[-1][1])]
