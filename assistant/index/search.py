"""From a question to candidates, over open segments and nothing but permitted chunks.

Exact: the best of all permitted chunks by their fused scores, by the threshold algorithm (Fagin, Lotem
and Naor 2001). Each leg proposes its best; what neither proposes cannot exceed the fusion of
the legs' last scores; while that could still be among the best, the legs are asked for more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.common.errors import UsageError
from assistant.index.codes import CodedQuery, coded_query
from assistant.index.contract import Candidate, IndexQuery
from assistant.index.dense import Reach, bounds, cosines, within_reach
from assistant.index.fusion import fused, least_cosine
from assistant.index.lexical import Words, best, scores_at, words_of
from assistant.index.positions import chunk_ids, documents
from assistant.index.segment import Segment
from assistant.index.view import View

Places = NDArray[np.int64]
Scores = NDArray[np.float64]

FIRST_PROPOSALS = 100  # of each leg
PROPOSALS_PER_RESULT = 10
_MORE = 4  # times as many proposals, where the first ones prove nothing


def search(
    segments: Sequence[Segment], query: IndexQuery, *, seen: Callable[[Segment], View]
) -> list[Candidate]:
    """The best `query.k` permitted chunks, best first; ties by chunk id. `seen` tells what is permitted."""
    if not 0.0 <= query.dense_weight <= 1.0:
        raise UsageError(f"The dense weight must lie between 0 and 1, not at {query.dense_weight}.")
    if query.vector is None and query.dense_weight > 0:
        raise UsageError("A question without a vector needs a dense weight of 0.")
    views = [view for segment in segments if (view := seen(segment)).total]
    if query.k < 1 or not views:
        return []
    asked = _Asked(
        query,
        views,
        words_of(query.text, views) if query.dense_weight < 1 else None,
        coded_query(query.vector) if query.vector is not None else None,
    )
    total = sum(view.total for view in views)
    depth = _first_depth(query)
    while True:
        proposed, others = _proposed(asked, depth)
        scored = _scored(asked, proposed)
        last = asked.last_of_best(scored.scores, scored.positions)
        proven = others < last or others == -np.inf or depth >= total
        # Where the question says nothing about the last of the best, others like it will not do better.
        if proven or 0.0 >= last > -np.inf:
            return _best(asked, scored)
        depth = min(total, _MORE * depth)


def _first_depth(query: IndexQuery) -> int:
    """How many proposals of each leg most likely prove which are the best."""
    one_leg = query.dense_weight in (0.0, 1.0)
    if one_leg and not query.one_per_document:
        return query.k
    return max(FIRST_PROPOSALS, PROPOSALS_PER_RESULT * query.k)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question under a permission."""

    query: IndexQuery
    views: list[View]
    words: Words | None
    coded: CodedQuery | None

    @property
    def segments(self) -> list[Segment]:
        return [view.segment for view in self.views]

    @property
    def most(self) -> float:
        return 0.0 if self.words is None else self.words.most

    def fused(self, dense: Scores, lexical: Scores) -> Scores:
        return fused(dense, lexical, dense_weight=self.query.dense_weight, most=self.most)

    def reached_by(self, cosine: float, lexical: float) -> float:
        return float(self.fused(np.array([cosine]), np.array([lexical]))[0])

    def last_of_best(self, scores: Scores, positions: Places) -> float:
        """The score of the last that a search would return; -inf where there are too few."""
        if self.query.one_per_document:
            ids, _ = documents(self.segments, positions)
            order = np.argsort(-scores)
            scores = scores[order[np.unique(ids[order], return_index=True)[1]]]
        if len(scores) < self.query.k:
            return -np.inf
        return float(np.partition(scores, -self.query.k)[-self.query.k])


@dataclass(frozen=True, slots=True)
class _Proposals:
    """What the legs propose: bounds of the cosines, and BM25."""

    reach: Reach
    lexical: Scores


@dataclass(frozen=True, slots=True)
class _Scored:
    """Proposals with all their scores, column by column."""

    positions: Places
    scores: Scores
    dense: Scores
    lexical: Scores


def _proposed(asked: _Asked, depth: int) -> tuple[_Proposals, float]:
    """The chunks that may be among the best, and a score that no other chunk exceeds; -inf if none may be."""
    words, lexical = asked.words, np.empty(0)
    known = Reach(np.empty(0, np.int64), np.empty(0), np.empty(0))
    if words is not None:
        positions, lexical = best(words, asked.views, count=depth)
        known = Reach(positions, np.zeros(len(positions)), np.zeros(len(positions)))
    rest = float(lexical[-1]) if len(lexical) == depth else 0.0
    if asked.coded is None or asked.query.dense_weight == 0:
        # Ties with the last one are decided already, by chunk id.
        more = asked.query.one_per_document and rest > 0
        return _Proposals(known, lexical), asked.reached_by(0.0, rest) if more else -np.inf
    known = bounds(asked.segments, known.positions, asked.coded)
    least = least_cosine(
        asked.last_of_best(asked.fused(known.lowest, lexical), known.positions),
        lexical=rest, dense_weight=asked.query.dense_weight, most=asked.most,
    )  # fmt: skip
    if least > 1:
        return _Proposals(known, lexical), -np.inf
    near, below = within_reach(asked.views, asked.coded, count=depth, least=least)
    fresh = near.of(np.isin(near.positions, known.positions, assume_unique=True, invert=True))
    by_words = np.zeros(len(fresh.positions))
    if words is not None:
        by_words = scores_at(words, asked.views, fresh.positions)
    found = _Proposals(known.and_also(fresh), np.concatenate([lexical, by_words]))
    return found, asked.reached_by(below, rest) if below > least else -np.inf


def _scored(asked: _Asked, proposed: _Proposals) -> _Scored:
    """Those proposals that their bounds allow among the best, with their exact scores, best first."""
    reach, lexical = proposed.reach, proposed.lexical
    last = asked.last_of_best(asked.fused(reach.lowest, lexical), reach.positions)
    kept = asked.fused(reach.highest, lexical) >= last
    positions, lexical = reach.positions[kept], lexical[kept]
    dense = np.zeros(len(positions))
    if asked.query.vector is not None:
        dense = cosines([segment.rows for segment in asked.segments], positions, asked.query.vector)
    scores = asked.fused(dense, lexical)
    order = np.lexsort((chunk_ids(asked.segments, positions), -scores))
    return _Scored(positions[order], scores[order], dense[order], lexical[order])


def _best(asked: _Asked, scored: _Scored) -> list[Candidate]:
    owners, versions = documents(asked.segments, scored.positions)
    chosen = np.arange(len(owners))
    if asked.query.one_per_document:
        chosen = np.sort(np.unique(owners, return_index=True)[1])
    chosen = chosen[: asked.query.k]
    columns = (
        chunk_ids(asked.segments, scored.positions[chosen]), owners[chosen], versions[chosen],
        scored.scores[chosen], scored.dense[chosen], scored.lexical[chosen],
    )  # fmt: skip
    return [Candidate(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
