"""Does a text insult, hate, speak of sex, threaten, or ask how to do wrong?

Insults are judged by words and, in Korean, by a model learnt from comments (`linear.py`). The other kinds go
by words alone: an exact slur counts fully; violence, misconduct and calls for discrimination take an act, a
target and words of somebody who wants it in one sentence, which words of those who guard against it
("report", "prevent") clear. Stereotypes without a slur are not found: the public sets tell them from
harmless sentences by more than words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assistant.common.analysis import language_of
from assistant.guardrails.checks.finding import Finding
from assistant.guardrails.checks.grams import folded
from assistant.guardrails.checks.learnt import INSULTS
from assistant.guardrails.checks.linear import STRENGTHS
from assistant.guardrails.checks.notions import notions
from assistant.guardrails.checks.pieces import pieces_of

KINDS = (
    ("insult", "Insults and profanity"),
    ("hate", "Hate"),
    ("sexual", "Sexual content"),
    ("violence", "Violence"),
    ("misconduct", "Misconduct"),
)

THRESHOLDS = STRENGTHS
_ACTED = ("hate", "violence", "misconduct")  # kinds that somebody may want to do: an act and its target
_WANTED = 0.92  # how sure that is
_SHORTEST = 2  # characters


def findings(text: str) -> list[Finding]:
    """One finding a sentence, of the kind that is surest, with a score of at least the lowest threshold.

    Raises:
        ModelUnavailable: the file of weights is missing or altered.
    """
    spans = pieces_of(text, shortest=_SHORTEST)
    pieces = [text[start:end] for start, end in spans]
    words = [_words(piece) for piece in pieces]
    scores = [_by_words(names) for names in words]
    for number, score in _learnt_insults(pieces):
        if "insult not" not in words[number]:
            scores[number]["insult"] = max(scores[number].get("insult", 0.0), score)
    found = []
    for (start, end), by_kind in zip(spans, scores, strict=True):
        kind = max(by_kind, key=by_kind.__getitem__, default="")
        if kind and by_kind[kind] >= min(THRESHOLDS.values()):
            found.append(Finding(kind, start, end, by_kind[kind]))
    return found


def _learnt_insults(pieces: Sequence[str]) -> Iterable[tuple[int, float]]:
    korean = [number for number, piece in enumerate(pieces) if language_of(piece) == "ko"]
    return zip(korean, INSULTS.scores([pieces[number] for number in korean]).tolist(), strict=True)


def _words(piece: str) -> set[str]:
    """The names of the notions that the piece speaks of."""
    known = notions("harm.txt")
    return {known.names[number] for number in known.found(folded(piece))}


def _by_words(names: set[str]) -> dict[str, float]:
    """How sure each kind is by its words."""
    scores: dict[str, float] = {}
    for name in names:
        kind, _, how = name.partition(" ")
        if how[:1].isdigit():
            scores[kind] = max(scores.get(kind, 0.0), float(how))
    if "wanted" not in names or "guarded" in names:
        return scores
    for kind in _ACTED:
        if {f"{kind} act", f"{kind} target"} <= names or f"{kind} crime" in names:
            scores[kind] = max(scores.get(kind, 0.0), _WANTED)
    return scores
