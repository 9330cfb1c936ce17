"""Does one stretch of the best sentence answer by itself? It is shown only where that is nearly certain.

The stretches that could answer are weighed by a logistic regression over what is counted in the sentence and
the question: how sure the sentence is, how many stretches compete, whether the unit asked for follows, how
near
the words asked about stand. Weights and threshold are learnt and measured by `tests/bench/short_answers.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import normalise
from assistant.providers.question_type import Question, Word
from assistant.providers.short_spans import Sort, Span, sort_of, spans_of

Floats = NDArray[np.float64]

_CLAUSE = re.compile(r"[,;:()\[\]–—]|(?<=[고며서])\s|\b(?:and|but|while|who|which)\b")
_LIFE = re.compile(r"[~–-]\s*\)|\d{4}[^()]{0,12}[~–-][^()]{0,20}\d{4}[^()]{0,12}\)|\bborn\b")
_LONGEST_PREFIX = 6
_INFLECTED = 5  # letters of an English word from which its last one may be an ending
_FAR = 200.0
FEATURES = (
    *("sure", "only one", "one of two", "one of many", "unit", "no unit", "near", "nearest", "in brackets"),
    *("digits", "first", "held in clause", "held", "all held", "long", "alone and sure", "born or died"),
    *(sort.value for sort in Sort),
    "korean",
)
THRESHOLD = 0.65  # belief from which a stretch is shown
# Learnt on one half of the documents of squad2-dev, tydiqa-en-train and tydiqa-ko-train.
_LEARNT: dict[str, float] = {
    "sure": 0.1251,
    "only one": 0.8466,
    "one of two": 0.5375,
    "one of many": -0.4080,
    "unit": 0.7298,
    "no unit": -1.1252,
    "near": -0.0573,
    "nearest": 0.2991,
    "in brackets": -0.4718,
    "digits": -0.0679,
    "first": 0.2719,
    "held in clause": 0.5686,
    "held": 0.0226,
    "all held": 0.1459,
    "long": 0.3041,
    "alone and sure": 0.5101,
    "born or died": 0.2208,
    "year": 0.4022,
    "date": 0.1599,
    "time": 0.0000,
    "duration": 0.2141,
    "money": -0.6688,
    "percent": 0.0915,
    "count": 0.0975,
    "number": 0.5222,
    "person": -0.6446,
    "place": 0.0954,
    "korean": -0.2804,
    "constant": -1.7725,
}
WEIGHTS: Floats = np.array([_LEARNT.get(name, 0.0) for name in (*FEATURES, "constant")])


def short_answer(question: Question, text: str, share: float) -> tuple[int, int] | None:
    """From where to before where the sentence answers by itself; None where that is not nearly certain.

    `share`: the belief in the sentence among all, 0..1.
    """
    sort = sort_of(question)
    spans = spans_of(question, sort, text) if sort is not None else []
    if sort is None or not spans:
        return None
    scores = belief(features(question, sort, text, spans, share), WEIGHTS)
    best = int(scores.argmax())
    return (spans[best].start, spans[best].end) if scores[best] >= THRESHOLD else None


def belief(table: Floats, weights: Floats) -> Floats:
    """How likely each stretch is the answer, 0..1: shape (stretches,). The constant stands last."""
    result: Floats = 1.0 / (1.0 + np.exp(-(table @ weights[:-1] + weights[-1])))
    return result


def features(question: Question, sort: Sort, text: str, spans: Sequence[Span], share: float) -> Floats:
    """What speaks for each span: shape (spans, features)."""
    folded = normalise(text)
    folded = folded if len(folded) == len(text) else text.casefold()
    places = [place for word in question.words if (place := _places(word, folded))]
    held = len(places) / max(1, len(question.words))
    distances = [_distance(span, places) for span in spans]
    sure = math.log(max(share, 1e-3) / max(1 - share, 1e-3))
    rows = []
    for span, distance in zip(spans, distances, strict=True):
        shown = text[span.start : span.end]
        clause = _clause(text, span)
        inside = sum(any(clause[0] <= at < clause[1] for at in at_all) for at_all in places)
        before = text[: span.start]
        rows.append(
            [
                sure,
                float(len(spans) == 1),
                float(len(spans) == 2),  # noqa: PLR2004 - two
                float(len(spans) > 4),  # noqa: PLR2004 - many
                float(span.fits),
                float(not span.fits and any(one.fits for one in spans)),
                math.log1p(distance),
                float(distance == min(distances)),
                float(before.count("(") > before.count(")")),
                float(any(character.isdigit() for character in shown)),
                float(span is spans[0]),
                inside / max(1, len(question.words)),
                held,
                float(held == 1.0),
                math.log1p(len(shown)),
                sure * (len(spans) == 1),
                float(_LIFE.search(text[max(0, span.start - 30) : span.end + 8]) is not None),
                *(float(sort is one) for one in Sort),
                float(question.language == "ko"),
            ]
        )
    return np.array(rows, dtype=np.float64).reshape(-1, len(FEATURES))


def _places(word: Word, folded: str) -> list[int]:
    """Where the text holds the word, by its beginning."""
    inflected = word.stem.isascii() and len(word.stem) >= _INFLECTED
    prefix = word.stem[: min(_LONGEST_PREFIX, len(word.stem) - inflected)]
    pattern = rf"\b{re.escape(prefix)}" if prefix.isascii() else re.escape(prefix)
    return [match.start() for match in re.finditer(pattern, folded)]


def _distance(span: Span, places: Sequence[Sequence[int]]) -> float:
    """The mean distance in characters to the two nearest words that were asked about."""
    every = sorted(
        min(span.start - at if at < span.start else max(0, at - span.end) for at in at_all)
        for at_all in places
    )
    return sum(every[:2]) / len(every[:2]) if every else _FAR


def _clause(text: str, span: Span) -> tuple[int, int]:
    """From where to where the clause of the span goes."""
    start = max((match.end() for match in _CLAUSE.finditer(text, 0, span.start)), default=0)
    after = _CLAUSE.search(text, span.end)
    return start, after.start() if after else len(text)
