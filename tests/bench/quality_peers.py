"""What a user would pick instead, on the same passages: plain BM25, vectors alone, equal rank fusion.

Plain BM25 is bm25s (see requirements.txt beside this file) in its default settings, once with
its own words and English stems, once with our words, so that analysis and ranking are told apart.
Equal rank fusion adds 1 / (60 + rank) over that BM25 and the vectors (Cormack et al. 2009).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import Stemmer
from numpy.typing import NDArray

from assistant.common.analysis import query_terms, terms

if TYPE_CHECKING:
    from tests.bench.retrieval_quality import Passage, Question

Ranking = NDArray[np.int64]  # (questions, depth) numbers of passages, best first; -1 where there are no more

# What a user would build; those on our words only tell where a difference comes from.
PLAIN = ("BM25 (bm25s)", "vectors alone", "equal rank fusion")

_DEEP = 100
_RANK_OFFSET = 60


def is_installed() -> bool:
    """Whether bm25s is there; it is no part of the product."""
    return importlib.util.find_spec("bm25s") is not None


def rankings(
    passages: Sequence[Passage],
    questions: Sequence[Question],
    vectors: NDArray[np.float32],
    asked: NDArray[np.float32],
) -> dict[str, Ranking]:
    """The peers' rankings by name."""
    by_vectors = nearest(vectors, asked)
    found = {"vectors alone": by_vectors}
    if is_installed():
        own_words = _by_bm25s(*_own_words(passages, questions))
        found["BM25 (bm25s)"] = own_words
        found["BM25 (bm25s) on our words"] = _by_bm25s(*_our_words(passages, questions))
        found["equal rank fusion"] = fused([own_words, by_vectors])
        found["equal rank fusion on our words"] = fused([found["BM25 (bm25s) on our words"], by_vectors])
    return found


def nearest(vectors: NDArray[np.float32], asked: NDArray[np.float32]) -> Ranking:
    """By cosine."""
    scores = asked @ vectors.T
    depth = min(_DEEP, scores.shape[1])
    return np.argsort(-scores, axis=1, kind="stable")[:, :depth]


def fused(parts: Sequence[Ranking]) -> Ranking:
    """Equal reciprocal rank fusion."""
    rows: list[list[int]] = []
    for lists in zip(*parts, strict=True):
        points: dict[int, float] = {}
        for ranked in lists:
            for rank, number in enumerate(ranked.tolist(), 1):
                if number >= 0:
                    points[number] = points.get(number, 0.0) + 1 / (_RANK_OFFSET + rank)
        best = sorted(points, key=lambda number: (-points[number], number))[:_DEEP]
        rows.append(best + [-1] * (_DEEP - len(best)))
    return np.array(rows, np.int64)


Tokens = list[list[str]]


def _own_words(passages: Sequence[Passage], questions: Sequence[Question]) -> tuple[Tokens, Tokens]:
    import bm25s  # noqa: PLC0415 - only if it is there

    stemmer = Stemmer.Stemmer("english")

    def cut(texts: list[str]) -> Tokens:
        tokens: Tokens = bm25s.tokenize(texts, stemmer=stemmer, return_ids=False, show_progress=False)
        return tokens

    return cut([f"{p.title}\n{p.text}" for p in passages]), cut([q.text for q in questions])


def _our_words(passages: Sequence[Passage], questions: Sequence[Question]) -> tuple[Tokens, Tokens]:
    return [list(terms(f"{p.title}\n{p.text}")) for p in passages], [
        list(query_terms(q.text)) for q in questions
    ]


def _by_bm25s(corpus: Tokens, asked: Tokens) -> Ranking:
    import bm25s  # noqa: PLC0415 - as above

    index = bm25s.BM25()
    index.index(corpus, show_progress=False)
    depth = min(_DEEP, len(corpus))
    numbers, scores = index.retrieve(asked, k=depth, show_progress=False)
    ranking: Ranking = np.where(np.asarray(scores) > 0, np.asarray(numbers), -1).astype(np.int64)
    return ranking
