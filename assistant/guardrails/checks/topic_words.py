"""How like a topic is a text, by its words, fields and concepts?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from assistant.guardrails.checks.grams import folded
from assistant.guardrails.checks.likeness import Sparse, centre, cosine, everyday, parts, sparse
from assistant.guardrails.checks.notions import notions

Likenesses = NDArray[np.float64]

FEATURES = (
    "nearest",  # likeness to the nearest shot, and to the one after it
    "second",
    "middle",  # to the middle of all shots
    "everyday",  # to the nearest everyday question
    "everyday_few",  # to the nearest few on average
    "field_nearest",
    "field_middle",
    "concept_nearest",
    "concept_middle",
    "word_nearest",
    "word_middle",
    "procedure",  # 1 where the text wants something done and no shot does
    "asks_otherwise",  # the share of shots that ask for something else; 0 where it asks for nothing
    "spread",  # how alike the shots are, each to its nearest
    "has_field",
    "has_concept",
)
EVERYDAY_NEAREST = 5
USUAL_SPREAD = 0.36  # how alike the shots of a topic are, where there is one alone
OWN_GROUND = 0.6  # an everyday question this near to the topic belongs to it and does not count


@dataclass(frozen=True, slots=True)
class _View:
    """What is needed of a text, whatever topic it is held against."""

    vector: Sparse
    parts: tuple[Sparse, Sparse, Sparse]
    everyday: Likenesses  # to each everyday question
    procedure: bool
    asked: frozenset[int]


class WordLikeness:
    """A topic by shared words and concepts."""

    def __init__(self, shots: Sequence[str]) -> None:
        self._shots = [_view(shot) for shot in shots]
        self.middle = centre(shot.vector for shot in self._shots)
        self._middles = [centre(shot.parts[kind] for shot in self._shots) for kind in range(3)]
        apart = [n for n, one in enumerate(_everyday()) if self._nearest(one) < OWN_GROUND]
        self._apart = np.array(apart or range(len(_everyday())))
        self._procedure = min(1.0, 2 * fmean(shot.procedure for shot in self._shots))
        self._asked = [shot.asked for shot in self._shots]
        self._spread = _spread([shot.vector for shot in self._shots])

    def _nearest(self, vector: Sparse) -> float:
        return max(cosine(vector, shot.vector) for shot in self._shots)

    def features(self, text: str) -> list[float]:
        """One number for each of `FEATURES`."""
        view = _view(text)
        shots = sorted((cosine(view.vector, shot.vector) for shot in self._shots), reverse=True)
        common = np.sort(view.everyday[self._apart])[-EVERYDAY_NEAREST:].tolist()
        row = [
            shots[0],
            shots[min(1, len(shots) - 1)],
            cosine(view.vector, self.middle),
            common[-1],
            fmean(common),
        ]
        for kind in range(3):
            row.append(max(cosine(view.parts[kind], shot.parts[kind]) for shot in self._shots))
            row.append(cosine(view.parts[kind], self._middles[kind]))
        fields, concepts, _ = view.parts
        procedure = (1 - self._procedure) * view.procedure
        form = [procedure, self._asks_otherwise(view.asked), self._spread]
        return [*row, *form, float(bool(fields)), float(bool(concepts))]

    def _asks_otherwise(self, asked: frozenset[int]) -> float:
        return 1 - fmean(bool(asked & some) for some in self._asked) if asked else 0.0


def _spread(vectors: Sequence[Sparse]) -> float:
    if len(vectors) == 1:
        return USUAL_SPREAD
    return fmean(max(cosine(a, b) for m, b in enumerate(vectors) if m != n) for n, a in enumerate(vectors))


@lru_cache(maxsize=512)
def _view(text: str) -> _View:
    vector = sparse(text)
    return _View(
        vector,
        parts(vector),
        _everyday_likeness(vector),
        bool(notions("procedures.txt").found(folded(text))),
        frozenset(notions("asked.txt").found(folded(text))),
    )


@cache
def _everyday() -> tuple[Sparse, ...]:
    """The everyday questions of both languages."""
    return tuple(sparse(question) for language in ("ko", "en") for question in everyday(language))


@cache
def _everyday_columns() -> dict[str, Likenesses]:
    """For each feature of any everyday question, its weight in each of them."""
    columns: dict[str, Likenesses] = {}
    for number, vector in enumerate(_everyday()):
        for feature, weight in vector.items():
            columns.setdefault(feature, np.zeros(len(_everyday())))[number] = weight
    return columns


def _everyday_likeness(vector: Sparse) -> Likenesses:
    """The cosine of the vector and each everyday question."""
    columns = _everyday_columns()
    total = np.zeros(len(_everyday()))
    for feature, weight in vector.items():
        if feature in columns:
            total += weight * columns[feature]
    return total
