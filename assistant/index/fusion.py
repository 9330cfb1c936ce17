"""One score from two legs: a convex combination, each leg brought to 0..1 first."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-12  # far above what adding up a score may lose

# The share of the dense leg. MRR@10 of the answerable questions with the bundled model (up to 1,300 a set,
# shares as in `tests/bench/retrieval_quality.py`):
#
# | set             | 0.00 | 0.30 | 0.40 | 0.50 | 0.60 | 0.70 | 0.80 | vectors alone |
# |-----------------|------|------|------|------|------|------|------|---------------|
# | squad2-dev      | .883 | .907 | .911 | .912 | .913 | .911 | .899 | .840          |
# | tydiqa-en-train | .831 | .885 | .898 | .906 | .914 | .918 | .922 | .925          |
# | doc2dial-dev    | .421 | .454 | .456 | .458 | .457 | .448 | .428 | .371          |
# | covidqa         | .625 | .649 | .657 | .660 | .661 | .643 | .617 | .488          |
# | northwind-dev   | .487 | .508 | .518 | .510 | .504 | .460 | .436 | .398          |
# | tydiqa-ko-train | .745 | .804 | .816 | .822 | .828 | .832 | .827 | .810          |
# | kobest-boolq    | .958 | .974 | .976 | .976 | .976 | .972 | .968 | .950          |
# | ko-strategyqa   | .976 | .985 | .986 | .985 | .986 | .987 | .985 | .982          |
#
# Best or nearly so on all but the first questions of Wikipedia, whose vectors alone are better than any sum.
DENSE_WEIGHT = 0.6


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
