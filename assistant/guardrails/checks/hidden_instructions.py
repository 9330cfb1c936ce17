"""Does a passage speak to the machine that reads it, or hide characters from the person who does?

Each sentence is judged by a linear model (`linear.py`), so a policy can leave out the sentences that are
found, or the whole passage. A sentence that merely asks another question ("What is the capital of Brazil?")
cannot be told from the questions that documents ask, and is not found: it stays a quotation, and no model
here has tools.
"""

from __future__ import annotations

from assistant.guardrails.checks.finding import Finding
from assistant.guardrails.checks.invisible import invisible_spans
from assistant.guardrails.checks.learnt import HIDDEN_INSTRUCTIONS
from assistant.guardrails.checks.linear import STRENGTHS
from assistant.guardrails.checks.pieces import pieces_of

KINDS = (
    ("hidden_instruction", "Instruction to the assistant"),
    ("invisible_text", "Invisible text"),
)

THRESHOLDS = STRENGTHS
_SHORTEST = 8  # characters


def findings(text: str) -> list[Finding]:
    """The sentences that instruct, scored at least the lowest threshold, and the spans that hide something.

    A sentence that holds hidden characters is one finding with them.

    Raises:
        ModelUnavailable: the file of weights is missing or altered.
    """
    spans = pieces_of(text, shortest=_SHORTEST)
    scores = HIDDEN_INSTRUCTIONS.scores([text[start:end] for start, end in spans]).tolist()
    least = min(THRESHOLDS.values())
    found = [
        Finding("hidden_instruction", start, end, score)
        for (start, end), score in zip(spans, scores, strict=True)
        if score >= least
    ]
    found += [Finding("invisible_text", start, end, 1.0) for start, end in invisible_spans(text)]
    return _joined(sorted(found, key=lambda one: (one.start, one.end)))


def _joined(found: list[Finding]) -> list[Finding]:
    """Overlapping findings as one that covers them all and is as sure as the surest."""
    apart: list[Finding] = []
    for one in found:
        if apart and one.start < apart[-1].end:
            last = apart.pop()
            kind = last.kind if last.kind == one.kind else "hidden_instruction"
            apart.append(Finding(kind, last.start, max(last.end, one.end), max(last.score, one.score)))
        else:
            apart.append(one)
    return apart
