"""From a question to candidates, over open segments and nothing but permitted chunks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.common.errors import UsageError
from assistant.index.contract import Candidate, IndexQuery, PermittedVersions
from assistant.index.dense import cosines, nearest, permitted_ranges, scan
from assistant.index.fusion import fused
from assistant.index.lexical import View, bm25
from assistant.index.segment import Columns, Segment

LEAST_PROPOSALS = 100  # of each leg
PROPOSALS_PER_RESULT = 10


def search(
    segments: Sequence[Segment], query: IndexQuery, *, permitted: PermittedVersions
) -> list[Candidate]:
    """The best `query.k` permitted chunks, best first; ties by chunk id.

    Each leg proposes its best, then both legs score all proposals exactly.
    """
    if not 0.0 <= query.dense_weight <= 1.0:
        raise UsageError(f"The dense weight must lie between 0 and 1, not at {query.dense_weight}.")
    if query.vector is None and query.dense_weight > 0:
        raise UsageError("A question without a vector needs a dense weight of 0.")
    documents = [permitted_documents(segment.columns, permitted) for segment in segments]
    if query.k < 1 or not any(allowed.any() for allowed in documents):
        return []
    views = [
        View(segment.columns, np.repeat(allowed, np.diff(segment.columns.chunk_starts)))
        for segment, allowed in zip(segments, documents, strict=True)
    ]
    chunk_ids = np.concatenate([segment.columns.chunk_ids for segment in segments])
    tables = [segment.vectors for segment in segments]
    count = max(LEAST_PROPOSALS, PROPOSALS_PER_RESULT * query.k)
    lexical = bm25(query.text, views)
    proposals = [_highest(lexical, chunk_ids, count=count)] if query.dense_weight < 1 else []
    if query.vector is not None and query.dense_weight > 0:
        scans = [
            scan(
                segment.vectors,
                query.vector,
                ranges=permitted_ranges(allowed, segment.columns.chunk_starts),
                mask=view.mask,
            )
            for segment, view, allowed in zip(segments, views, documents, strict=True)
        ]
        proposals.append(nearest(np.concatenate(scans), tables, chunk_ids, query.vector, count=count))
    positions = np.unique(np.concatenate(proposals))
    dense = np.zeros(len(positions)) if query.vector is None else cosines(tables, positions, query.vector)
    scores = fused(dense, lexical[positions], dense_weight=query.dense_weight)
    return _best(segments, query, _Scored(positions, chunk_ids[positions], scores, dense, lexical[positions]))


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


def permitted_documents(columns: Columns, permitted: PermittedVersions) -> NDArray[np.bool_]:
    """Which documents of a segment are of the permitted version, shape (d,)."""
    known = columns.document_ids < len(permitted)
    allowed = np.zeros(len(known), dtype=np.bool_)
    allowed[known] = permitted[columns.document_ids[known]] == columns.versions[known]
    return allowed


def _highest(scores: NDArray[np.float64], chunk_ids: NDArray[np.int64], *, count: int) -> NDArray[np.int64]:
    """The positions of the `count` highest scores above 0, ties by chunk id."""
    within = np.flatnonzero(scores > 0)
    if len(within) > count:
        least = np.partition(scores[within], -count)[-count]
        within = within[scores[within] >= least]
    order = np.lexsort((chunk_ids[within], -scores[within]))
    return within[order[:count]]


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
