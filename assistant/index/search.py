"""From a question to candidates, over open segments and nothing but permitted chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.common.errors import UsageError
from assistant.index.contract import Candidate, IndexQuery
from assistant.index.dense import chunk_ids, cosines, nearest
from assistant.index.fusion import fused
from assistant.index.lexical import best, scores_at, words_of
from assistant.index.segment import Segment
from assistant.index.view import View

LEAST_PROPOSALS = 100  # of each leg
PROPOSALS_PER_RESULT = 10


def search(
    segments: Sequence[Segment], query: IndexQuery, *, seen: Callable[[Segment], View]
) -> list[Candidate]:
    """The best `query.k` permitted chunks, best first; ties by chunk id. `seen` tells what is permitted.

    Each leg proposes its best, then both legs score all proposals exactly.
    """
    if not 0.0 <= query.dense_weight <= 1.0:
        raise UsageError(f"The dense weight must lie between 0 and 1, not at {query.dense_weight}.")
    if query.vector is None and query.dense_weight > 0:
        raise UsageError("A question without a vector needs a dense weight of 0.")
    views = [view for segment in segments if (view := seen(segment)).total]
    if query.k < 1 or not views:
        return []
    shown = [view.segment for view in views]
    count = max(LEAST_PROPOSALS, PROPOSALS_PER_RESULT * query.k)
    by_words = words_of(query.text, views) if query.dense_weight < 1 else None
    proposals = [best(by_words, views, count=count)[0]] if by_words is not None else []
    near, near_scores = np.empty(0, np.int64), np.empty(0)
    if query.vector is not None and query.dense_weight > 0:
        near, near_scores = nearest(views, query.vector, count=count)
    positions = np.unique(np.concatenate([*proposals, near]))
    dense = np.zeros(len(positions))
    if query.vector is not None:
        known = np.isin(positions, near, assume_unique=True)
        dense[np.searchsorted(positions, near)] = near_scores
        dense[~known] = cosines([segment.rows for segment in shown], positions[~known], query.vector)
    lexical = np.zeros(len(positions)) if by_words is None else scores_at(by_words, views, positions)
    most = 0.0 if by_words is None else by_words.most
    scores = fused(dense, lexical, dense_weight=query.dense_weight, most=most)
    return _best(shown, query, _Scored(positions, chunk_ids(shown, positions), scores, dense, lexical))


class _Scored:
    """Proposals with all their scores, column by column, best first."""

    __slots__ = ("chunk_ids", "dense", "lexical", "positions", "scores")

    def __init__(
        self,
        positions: NDArray[np.int64],
        chunk_ids: NDArray[np.int64],
        scores: NDArray[np.float64],
        dense: NDArray[np.float64],
        lexical: NDArray[np.float64],
    ) -> None:
        order = np.lexsort((chunk_ids, -scores))
        self.positions, self.chunk_ids, self.scores = positions[order], chunk_ids[order], scores[order]
        self.dense, self.lexical = dense[order], lexical[order]


def _best(segments: Sequence[Segment], query: IndexQuery, scored: _Scored) -> list[Candidate]:
    starts = np.cumsum([0, *(len(segment.columns.chunk_ids) for segment in segments)])
    found: list[Candidate] = []
    seen: set[int] = set()
    for i, position in enumerate(scored.positions):
        number = int(np.searchsorted(starts, position, side="right")) - 1
        columns = segments[number].columns
        owner = int(np.searchsorted(columns.chunk_starts, position - starts[number], side="right")) - 1
        document = int(columns.document_ids[owner])
        if query.one_per_document and document in seen:
            continue
        seen.add(document)
        found.append(
            Candidate(
                chunk_id=int(scored.chunk_ids[i]),
                document_id=document,
                version=int(columns.versions[owner]),
                score=float(scored.scores[i]),
                dense=float(scored.dense[i]),
                lexical=float(scored.lexical[i]),
            )
        )
        if len(found) == query.k:
            break
    return found
