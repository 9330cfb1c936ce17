"""How like a topic is a text, by the vectors of an embedder?

Likenesses to the shots that show the topic, and to everyday questions, because what is near to everything is
near to nothing. The range is that of the bundled model; the vectors of others are stretched to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.guardrails.checks.contract import Encoder
from assistant.guardrails.checks.likeness import everyday
from assistant.providers.contract import Vectors

Scores = NDArray[np.float64]

FEATURES = (
    "nearest",  # likeness to the nearest shot, and to the two after it
    "second",
    "third",
    "mean",  # to all shots
    "middle",  # to the middle of all shots
    "everyday",  # to the nearest everyday question
    "everyday_few",  # to the nearest few on average
    "spread",  # how alike the shots are, each to its nearest
    "loosest",  # the least of these
    "shots_everyday",  # how near the shots are to everyday questions
)
EVERYDAY_NEAREST = 5
OWN_GROUND = 0.6  # an everyday question this near to the topic belongs to it and does not count
USUAL_SPREAD, USUAL_LOOSEST = 0.37, 0.25  # how alike the shots of a topic are, where there is one alone
_BUNDLED_BASE = 0.063  # mean likeness of two everyday questions to the bundled model


class VectorLikeness:
    """A topic by the embedder's vectors."""

    def __init__(self, shots: Sequence[str], encoder: Encoder) -> None:
        self._encoder = encoder
        self._shots = encoder.vectors(shots)
        common = encoder.vectors([q for language in ("en", "ko") for q in everyday(language)])
        self._base = float((common @ common.T).mean())
        between = self._likeness(self._shots, self._shots)
        np.fill_diagonal(between, -1)
        alike = between.max(axis=1)
        own = (float(alike.mean()), float(alike.min()))
        spread = own if len(shots) > 1 else (USUAL_SPREAD, USUAL_LOOSEST)
        usual = np.sort(self._likeness(self._shots, common), axis=1)[:, -EVERYDAY_NEAREST:]
        self._fixed = [*spread, float(usual.mean())]
        near = self._likeness(common, self._shots).max(axis=1) >= OWN_GROUND
        self._everyday = common if near.all() else common[~near]
        middle = self._shots.mean(axis=0, keepdims=True)
        self._middle = middle / np.linalg.norm(middle)

    def _likeness(self, some: Vectors, others: Vectors) -> Scores:
        # Some models find any two texts alike: stretch what lies above that to the bundled model's range.
        stretch = (1 - _BUNDLED_BASE) / max(1 - self._base, 1e-6)
        return np.asarray((some @ others.T - self._base) * stretch + _BUNDLED_BASE, dtype=np.float64)

    def features(self, texts: Sequence[str]) -> Scores:
        """A row for each text, a column for each of `FEATURES`.

        Raises:
            ModelUnavailable: the model cannot be loaded or reached.
        """
        vectors = self._encoder.vectors(texts)
        shots = self._likeness(vectors, self._shots)
        ranked = np.sort(shots, axis=1)[:, ::-1]
        common = np.sort(self._likeness(vectors, self._everyday), axis=1)[:, -EVERYDAY_NEAREST:]
        last = ranked.shape[1] - 1
        columns = [
            ranked[:, 0],
            ranked[:, min(1, last)],
            ranked[:, min(2, last)],
            shots.mean(axis=1),
            self._likeness(vectors, self._middle)[:, 0],
            common[:, -1],
            common.mean(axis=1),
            *(np.full(len(vectors), value) for value in self._fixed),
        ]
        return np.column_stack(columns)
