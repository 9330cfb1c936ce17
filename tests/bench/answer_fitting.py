"""Learns the weights of the extractive answerer and writes `assistant/providers/answer_weights.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from assistant.providers.sentence_ranking import DOUBT_FEATURES, FEATURES, Evidence, doubt_features

Floats = NDArray[np.float64]

_HEAD = '''"""How much each feature counts. Learnt, not chosen: do not edit by hand.

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


'''


@dataclass(frozen=True, slots=True)
class Example:
    """The features of one question. `right` marks sentences that answer; `weight` is for the doubt only."""

    evidence: Evidence
    table: Floats
    prior: Floats
    right: NDArray[np.bool_]
    answerable: bool
    weight: float


@dataclass(frozen=True, slots=True)
class Learnt:
    ranking: Floats
    doubt: Floats
    bias: float
    threshold: float


def learn(examples: Sequence[Example], *, kept: Floats | None = None, false_refusals: float = 0.05) -> Learnt:
    """Fit the ranking on the examples that have a right sentence (or take the `kept` one), then the doubt."""
    ranking = kept if kept is not None else _ranking([one for one in examples if one.right.any()])
    rows = np.array(
        [doubt_features(one.evidence, one.table, one.table @ ranking + one.prior) for one in examples]
    )
    truth = np.array([one.answerable for one in examples])
    weight = np.array([one.weight for one in examples])
    doubt, bias = _logistic(rows, truth, weight)
    chance = 1 / (1 + np.exp(-(rows @ doubt + bias)))
    return Learnt(ranking, doubt, bias, float(np.quantile(chance[truth], false_refusals)))


def _ranking(examples: Sequence[Example], penalty: float = 1.0) -> Floats:
    """Listwise: the log of the share that the right sentences have in the softmax of their question."""
    table = np.vstack([one.table for one in examples])
    scale = np.maximum(table.std(axis=0), 0.05)
    table = table / scale
    sizes = [len(one.table) for one in examples]
    owner = np.repeat(np.arange(len(examples)), sizes)
    begins = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    right = np.concatenate([one.right for one in examples]).astype(float)
    prior = np.concatenate([one.prior for one in examples])

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = table @ weights + prior
        odds = np.exp(scores - np.maximum.reduceat(scores, begins)[owner])
        total, good = np.add.reduceat(odds, begins), np.add.reduceat(odds * right, begins) + 1e-12
        slope = table.T @ (odds / total[owner] - odds * right / good[owner])
        return float(
            (np.log(total) - np.log(good)).sum() + penalty * weights @ weights
        ), slope + 2 * penalty * weights

    found = minimize(loss, np.zeros(table.shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(found.x / scale)


def _logistic(
    rows: Floats, truth: NDArray[np.bool_], weight: Floats, penalty: float = 1.0
) -> tuple[Floats, float]:
    mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 0.05)
    inputs = np.hstack([(rows - mean) / scale, np.ones((len(rows), 1))])
    sign = np.where(truth, 1.0, -1.0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = sign * (inputs @ weights)
        slope = -(weight * sign / (1 + np.exp(margin))) @ inputs
        free = np.append(weights[:-1], 0.0)
        return float(
            (weight * np.logaddexp(0, -margin)).sum() + penalty * free @ free
        ), slope + 2 * penalty * free

    found = minimize(loss, np.zeros(inputs.shape[1]), jac=True, method="L-BFGS-B")
    doubt = found.x[:-1] / scale
    return doubt, float(found.x[-1] - doubt @ mean)


def module_text(learnt: dict[str, Learnt]) -> str:
    """The source of `answer_weights.py`."""
    lines = [_HEAD, "_WEIGHTS = {\n"]
    for name, one in learnt.items():
        lines.append(f'    "{name}": _weights(\n')
        for names, values in ((FEATURES, one.ranking), (DOUBT_FEATURES, one.doubt)):
            lines.append("        {\n")
            lines += [
                f'            "{key}": {value:.3f},\n' for key, value in zip(names, values, strict=True)
            ]
            lines.append("        },\n")
        lines.append(f"        bias={one.bias:.3f},\n        threshold={one.threshold:.3f},\n    ),\n")
    return "".join([*lines, "}\n"])
