"""How much each feature counts. Learnt, not chosen: do not edit by hand.

Written by `python -m tests.bench.answer_quality --fit all` from public question sets (English: squad2-dev,
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
            "best_score": 0.162,
            "margin": -0.057,
            "coverage": -2.263,
            "coverage_titled": 2.271,
            "coverage_near": 1.642,
            "coverage_passage": 0.322,
            "names": 0.472,
            "pairs": 0.309,
            "predicate": 0.303,
            "focus": 0.041,
            "about": 0.870,
            "subject": 0.558,
            "of_kind": -0.101,
            "unknown": -0.764,
            "missing_names": -0.270,
            "missing_plain": 2.372,
            "weakest": -0.332,
            "weak_squares": -2.666,
            "cosine": 0.000,
            "best_cosine": 0.000,
            "rank": -0.811,
            "few_words": 0.242,
            "top_score": 8.125,
            "lead": 1.057,
            "apart": 0.750,
            "key": 0.000,
        },
        bias=-9.199,
        threshold=0.213,
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
            "best_score": 0.221,
            "margin": -0.023,
            "coverage": -2.311,
            "coverage_titled": 1.262,
            "coverage_near": 1.447,
            "coverage_passage": 0.413,
            "names": 0.512,
            "pairs": 0.054,
            "predicate": 0.254,
            "focus": -0.028,
            "about": 0.936,
            "subject": 0.450,
            "of_kind": -0.063,
            "unknown": -0.755,
            "missing_names": 0.001,
            "missing_plain": 2.311,
            "weakest": -0.176,
            "weak_squares": -2.323,
            "cosine": -0.568,
            "best_cosine": 4.957,
            "rank": -0.470,
            "few_words": 0.704,
            "top_score": 1.379,
            "lead": 1.514,
            "apart": -0.212,
            "key": 0.000,
        },
        bias=-7.893,
        threshold=0.228,
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
            "best_score": -0.073,
            "margin": 0.051,
            "coverage": -1.445,
            "coverage_titled": 1.902,
            "coverage_near": 0.689,
            "coverage_passage": 1.300,
            "names": 0.467,
            "pairs": -0.255,
            "predicate": -0.576,
            "focus": -0.765,
            "about": 2.147,
            "subject": 1.052,
            "of_kind": 0.582,
            "unknown": -0.489,
            "missing_names": -1.668,
            "missing_plain": -3.230,
            "weakest": -0.990,
            "weak_squares": -1.904,
            "cosine": 0.000,
            "best_cosine": 0.000,
            "rank": -0.400,
            "few_words": -1.521,
            "top_score": 1.760,
            "lead": 3.278,
            "apart": -1.270,
            "key": 0.000,
        },
        bias=-0.942,
        threshold=0.194,
    ),
}
