"""Measures over a question set: pure functions of what was found and said.

Retrieval measures are means over the answerable questions that name gold documents.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.common.analysis import normalise
from assistant.common.types import Json

_RANKS = 10


@dataclass(frozen=True, slots=True)
class Question:
    """One line of a question set."""

    id: str
    question: str
    gold: tuple[str, ...]
    answers: tuple[str, ...]
    answerable: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one question. `ranked`: external ids, best first. Answer fields stay None for a search."""

    question: Question
    ranked: tuple[str, ...]
    ms: float
    refused: bool | None = None
    quotes: tuple[str, ...] = ()
    quotes_right: int = 0  # quotes found verbatim at their offsets in a document that may be read


def report(results: Sequence[Result]) -> dict[str, Json]:
    """All measures; None where nothing was there to measure."""
    ranked = [result for result in results if result.question.answerable and result.question.gold]
    answered = [result for result in results if result.refused is not None]
    return {
        "n": len(results),
        "recall@1": _mean([_recall(result, 1) for result in ranked]),
        "recall@5": _mean([_recall(result, 5) for result in ranked]),
        "recall@10": _mean([_recall(result, 10) for result in ranked]),
        "mrr@10": _mean([_reciprocal_rank(result) for result in ranked]),
        "ndcg@10": _mean([_ndcg(result) for result in ranked]),
        **_answer_measures(answered),
        "p50_ms": _percentile([result.ms for result in results], 50),
        "p95_ms": _percentile([result.ms for result in results], 95),
    }


def _answer_measures(results: Sequence[Result]) -> dict[str, Json]:
    answerable = [r for r in results if r.question.answerable and r.question.answers]
    refused = [r for r in results if r.refused]
    unanswerable = [r for r in results if not r.question.answerable]
    quotes = sum(len(r.quotes) for r in results)
    return {
        "answer_hit": _mean([float(_hits(r)) for r in answerable]),
        "citation_precision": round(sum(r.quotes_right for r in results) / quotes, 4) if quotes else None,
        "refusal_precision": _mean([float(not r.question.answerable) for r in refused]),
        "refusal_recall": _mean([float(bool(r.refused)) for r in unanswerable]),
    }


def _recall(result: Result, k: int) -> float:
    gold = set(result.question.gold)
    return len(gold & set(result.ranked[:k])) / len(gold)


def _reciprocal_rank(result: Result) -> float:
    gold = set(result.question.gold)
    ranks = (rank for rank, name in enumerate(result.ranked[:_RANKS], start=1) if name in gold)
    return 1.0 / next(ranks, math.inf)


def _ndcg(result: Result) -> float:
    gold = set(result.question.gold)
    gain = sum(
        1.0 / math.log2(rank + 1) for rank, name in enumerate(result.ranked[:_RANKS], start=1) if name in gold
    )
    return gain / sum(1.0 / math.log2(rank + 1) for rank in range(1, min(len(gold), _RANKS) + 1))


def _hits(result: Result) -> bool:
    said = _compared(" ".join(result.quotes))
    return any(_compared(answer) in said for answer in result.question.answers if _compared(answer))


def _compared(text: str) -> str:
    return re.sub(r"\s+", " ", normalise(text)).strip()


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _percentile(values: Sequence[float], percent: int) -> float | None:
    """Nearest rank."""
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)], 2)
