"""Exact nearest neighbours among the permitted chunks.

A fast pass proposes, a second one decides: float32 products differ in their last
bits with the shape of the matrix, so the pass keeps everything within its error
bound of the best, and those few are scored again in a way that depends on
nothing but the two vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

# One product over a wider range costs less than another call for each gap this narrow.
_NARROW_GAP = 128
_BLOCK = 4096
_FLOAT32_ROUNDING = 2.0**-24


def permitted_ranges(permitted: NDArray[np.bool_], chunk_starts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Ranges of chunks that cover all permitted documents, narrow gaps included.

    `permitted` masks documents, shape (d,); `chunk_starts` has shape (d + 1,).
    """
    padded = np.concatenate(([False], permitted, [False]))
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    begins, ends = chunk_starts[edges[::2]], chunk_starts[edges[1::2]]
    if not len(begins):
        return []
    cuts = np.flatnonzero(begins[1:] - ends[:-1] > _NARROW_GAP)
    first = np.concatenate((begins[:1], begins[cuts + 1]))
    last = np.concatenate((ends[cuts], ends[-1:]))
    return list(zip(first.tolist(), last.tolist(), strict=True))


def scan(
    vectors: NDArray[np.float32],
    query: NDArray[np.float32],
    *,
    ranges: Sequence[tuple[int, int]],
    mask: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Approximate cosines of one segment's chunks, shape (n,); -inf for what is not permitted."""
    import faiss  # noqa: PLC0415 - heavy, and only a search needs it

    found = np.full(len(vectors), -np.inf, dtype=np.float32)
    wanted = np.ascontiguousarray(query, dtype=np.float32)
    for begin, end in ranges:
        # FAISS's kernel on the mapped rows themselves: nothing is copied, and it is two to four times
        # as fast as a matrix product for one question.
        faiss.fvec_inner_products_ny(  # type: ignore[attr-defined]  # the stubs lack the kernels
            faiss.swig_ptr(found[begin:end]),
            faiss.swig_ptr(wanted),
            faiss.swig_ptr(vectors[begin:end]),
            len(wanted),
            end - begin,
        )
    found[~mask] = -np.inf
    return found


def nearest(
    approximate: NDArray[np.float32],
    tables: Sequence[NDArray[np.float32]],
    chunk_ids: NDArray[np.int64],
    query: NDArray[np.float32],
    *,
    count: int,
) -> NDArray[np.int64]:
    """The positions of the `count` nearest permitted chunks, ties by chunk id.

    `approximate` holds the scans of all segments one after another.
    """
    within = np.flatnonzero(np.isfinite(approximate))
    if len(within) > count:
        least = np.partition(approximate[within], -count)[-count]
        slack = 2 * len(query) * _FLOAT32_ROUNDING
        within = within[approximate[within] >= least - slack]
    order = np.lexsort((chunk_ids[within], -cosines(tables, within, query)))
    return within[order[:count]]


def cosines(
    tables: Sequence[NDArray[np.float32]], positions: NDArray[np.int64], query: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The cosine of each position (counted through all tables): the same bits wherever a row lies."""
    found = np.zeros(len(positions), dtype=np.float64)
    wide = query.astype(np.float64)
    bounds = np.concatenate(([0], np.cumsum([len(table) for table in tables])))
    for table, (low, high) in zip(tables, pairwise(bounds), strict=True):
        here = np.flatnonzero((positions >= low) & (positions < high))
        for start in range(0, len(here), _BLOCK):
            some = here[start : start + _BLOCK]
            found[some] = (table[positions[some] - low].astype(np.float64) * wide).sum(axis=1)
    return found
