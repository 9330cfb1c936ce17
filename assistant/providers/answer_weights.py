"""How much each feature counts. Learnt, not chosen: do not edit by hand.

Written by `python -m tests.bench.answer_quality --fit` from public question sets (English: squad2-dev,
tydiqa-en-train, covidqa; Korean: tydiqa-ko-train, kobest-boolq), the half of the questions whose SHA-256 of
the id begins with an even byte. The ranking is a softmax over the sentences of a question, the doubt a
logistic regression of answerable questions against questions without an answer: written to look answerable,
of another set, or with their document removed. `threshold` refuses one in twenty of the answerable ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.providers.sentence_ranking import DOUBT_FEATURES, FEATURES


@dataclass(frozen=True, slots=True)
class Weights:
    """`ranking` has one number for each of FEATURES, `doubt` one for each of DOUBT_FEATURES."""

    ranking: NDArray[np.float64]
    doubt: NDArray[np.float64]
    doubt_bias: float
    threshold: float


def weights_for(language: str, *, dense: bool) -> Weights:
    """Those for questions in `language` ("ko" or "en"), with or without cosines among the features."""
    return _WEIGHTS["ko" if language == "ko" else "en+dense" if dense else "en"]


def _weights(ranking: dict[str, float], doubt: dict[str, float], *, bias: float, threshold: float) -> Weights:
    return Weights(
        np.array([ranking[name] for name in FEATURES]),
        np.array([doubt[name] for name in DOUBT_FEATURES]),
        bias,
        threshold,
    )


_WEIGHTS = {
    "en": _weights(
        {
            "coverage": -1.162,
            "coverage_plain": 0.172,
            "coverage_titled": 2.169,
            "coverage_near": 5.083,
            "coverage_passage": -2.099,
            "names": 0.381,
            "pairs": 1.975,
            "predicate": 0.569,
            "focus": 0.866,
            "about": 1.433,
            "subject": 0.671,
            "defines": 0.513,
            "density": 1.063,
            "person": 0.718,
            "date": 1.731,
            "number": 1.433,
            "place": 0.335,
            "reason": -0.697,
            "length": 1.221,
            "short": -2.353,
            "asks": -1.680,
            "opens": 0.601,
            "row": 0.000,
            "rank": 0.554,
            "score": 7.540,
            "other_language": 0.000,
            "cosine": 0.000,
        },
        {
            "best_score": 0.318,
            "margin": -0.102,
            "coverage": -2.415,
            "coverage_titled": 3.225,
            "coverage_near": 1.352,
            "coverage_passage": -0.043,
            "names": 0.604,
            "pairs": -0.159,
            "predicate": 0.007,
            "focus": 0.046,
            "about": 1.592,
            "subject": 0.681,
            "of_kind": -0.180,
            "unknown": -0.810,
            "missing_names": -1.522,
            "missing_plain": -0.084,
            "weakest": -0.722,
            "weak_squares": -1.229,
            "cosine": 0.000,
            "best_cosine": 0.000,
            "rank": 0.733,
            "few_words": -1.146,
            "no_words": 0.000,
        },
        bias=-5.973,
        threshold=0.183,
    ),
    "en+dense": _weights(
        {
            "coverage": -1.232,
            "coverage_plain": -1.725,
            "coverage_titled": 3.327,
            "coverage_near": 4.971,
            "coverage_passage": -0.911,
            "names": -0.069,
            "pairs": 2.062,
            "predicate": 0.615,
            "focus": 0.835,
            "about": 1.427,
            "subject": 0.055,
            "defines": 0.687,
            "density": -1.373,
            "person": 0.786,
            "date": 1.643,
            "number": 1.471,
            "place": 0.278,
            "reason": -0.705,
            "length": 1.517,
            "short": -1.700,
            "asks": -2.560,
            "opens": 0.415,
            "row": 0.000,
            "rank": 0.515,
            "score": 5.099,
            "other_language": 0.000,
            "cosine": 6.924,
        },
        {
            "best_score": 0.271,
            "margin": -0.037,
            "coverage": -2.362,
            "coverage_titled": 2.239,
            "coverage_near": 1.525,
            "coverage_passage": 0.312,
            "names": 0.497,
            "pairs": -0.266,
            "predicate": 0.058,
            "focus": -0.103,
            "about": 1.069,
            "subject": 0.410,
            "of_kind": -0.159,
            "unknown": -0.474,
            "missing_names": -0.856,
            "missing_plain": -0.095,
            "weakest": -0.394,
            "weak_squares": 0.200,
            "cosine": -0.446,
            "best_cosine": 5.369,
            "rank": 0.282,
            "few_words": 0.194,
            "no_words": 0.000,
        },
        bias=-8.606,
        threshold=0.213,
    ),
    "ko": _weights(
        {
            "coverage": 0.631,
            "coverage_plain": 0.894,
            "coverage_titled": 2.477,
            "coverage_near": 0.617,
            "coverage_passage": -1.016,
            "names": 1.214,
            "pairs": 0.706,
            "predicate": -0.200,
            "focus": 1.025,
            "about": 2.280,
            "subject": 0.154,
            "defines": 0.504,
            "density": -1.376,
            "person": 0.021,
            "date": 1.776,
            "number": 1.884,
            "place": 0.022,
            "reason": 1.272,
            "length": 0.332,
            "short": 0.862,
            "asks": 0.000,
            "opens": 0.575,
            "row": 0.000,
            "rank": 0.419,
            "score": 3.956,
            "other_language": -3.268,
            "cosine": 0.000,
        },
        {
            "best_score": -0.097,
            "margin": -0.039,
            "coverage": -0.478,
            "coverage_titled": 2.415,
            "coverage_near": 0.177,
            "coverage_passage": 2.016,
            "names": 0.411,
            "pairs": 0.079,
            "predicate": -0.958,
            "focus": -0.711,
            "about": 2.060,
            "subject": 1.293,
            "of_kind": 0.484,
            "unknown": -0.532,
            "missing_names": -0.818,
            "missing_plain": -2.418,
            "weakest": -1.227,
            "weak_squares": -2.490,
            "cosine": 0.000,
            "best_cosine": 0.000,
            "rank": 1.064,
            "few_words": -3.211,
            "no_words": 0.000,
        },
        bias=0.192,
        threshold=0.182,
    ),
}
