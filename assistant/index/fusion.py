"""One score from two legs: a convex combination, each leg brought to 0..1 first."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-12  # far above what adding up a score may lose

DENSE_WEIGHT = 0.5
DENSE_WEIGHT_UNKNOWN_LANGUAGE = 0.05


def dense_weight(query_language: str, embedder_languages: frozenset[str]) -> float:
    """What share the dense leg deserves for a question in this language (ISO 639-1).

    `embedder_languages` as in `Embedder.languages`: empty means any. MRR@10 of the answerable questions with
    the bundled model, by the share of the dense leg (`tests/bench/retrieval_quality.py`):

    | set             | 0.00 | 0.05 | 0.30 | 0.40 | 0.50 | 0.60 | vectors alone |
    |-----------------|------|------|------|------|------|------|---------------|
    | squad2-dev      | .885 |      | .900 | .899 | .896 | .890 | .759          |
    | tydiqa-en-train | .839 |      | .894 | .904 | .912 | .920 | .910          |
    | doc2dial-dev    | .421 |      | .456 | .460 | .458 | .450 | .353          |
    | covidqa         | .625 |      | .645 | .643 | .629 | .616 | .369          |
    | northwind-dev   | .487 |      | .486 | .493 | .491 | .466 | .341          |
    | tydiqa-ko-train | .745 | .744 | .719 | .663 |      |      | .027          |

    Half is the least share that is behind the vectors alone on no English set. The bundled model hardly
    knows Korean, so there it only breaks ties and helps with the English words of a question.
    """
    knows = not embedder_languages or query_language in embedder_languages
    return DENSE_WEIGHT if knows else DENSE_WEIGHT_UNKNOWN_LANGUAGE


def fused(
    dense: NDArray[np.float64], lexical: NDArray[np.float64], *, dense_weight: float, most: float
) -> NDArray[np.float64]:
    """The combined score of each candidate, 0..1.

    Each leg counts by what it could have found, not by the best of what it found (theoretical bounds, as in
    Bruch, Gai and Ingber 2023): BM25 by `most`, its limit for a chunk full of all the question's words, so
    that a question whose words are nowhere leaves the decision to the vectors; a cosine by its square, as
    small ones say next to nothing.
    """
    lexical_part = lexical / most if most > 0 else lexical
    dense_part = np.square(np.clip(dense, 0.0, 1.0))
    return dense_weight * dense_part + (1.0 - dense_weight) * lexical_part


def least_cosine(score: float, *, lexical: float, dense_weight: float, most: float) -> float:
    """The cosine without which a chunk with at most this BM25 stays below this combined score.

    Above 1 if none suffices, -inf if any does. A little too low rather than too high; the
    weight of the dense leg must not be 0.
    """
    missing = (score - (1.0 - dense_weight) * (lexical / most if most > 0 else lexical)) / dense_weight
    return math.sqrt(missing - _ROUNDING) if missing > _ROUNDING else -math.inf


def beside_the_best(
    dense: NDArray[np.float64], lexical: NDArray[np.float64], *, dense_weight: float
) -> NDArray[np.float64]:
    """How well each of some candidates fits beside the best of them by words, 0..1.

    Not for ranking: a question whose words are nowhere is here as well fitted as any. The
    answerer has learnt from it (`tests/bench/answer_learning.py`).
    """
    best = float(lexical.max(initial=0.0))
    lexical_part = lexical / best if best > 0 else lexical
    return dense_weight * np.clip(dense, 0.0, 1.0) + (1.0 - dense_weight) * lexical_part
