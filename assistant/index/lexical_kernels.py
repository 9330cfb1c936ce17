"""The loops over postings, compiled by Numba as those over vectors are (`kernels`)."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Wide = NDArray[np.float64]
Places = NDArray[np.int64]
Bytes = NDArray[np.uint8]

_compiled = numba.njit(nogil=True, cache=True)


@_compiled
def permitted_counts(
    posting_chunks: NDArray[np.int32],
    starts: Places,
    stops: Places,
    begins: Places,
    ends: Places,
    mask: NDArray[np.bool_],
    counts: Places,
) -> None:
    """For each term (postings starts[t] to stops[t]) how many of its chunks are permitted."""
    for t in range(len(starts)):
        low, stop = starts[t], stops[t]
        count = 0
        if (stop - low) > 16 * len(begins):
            for r in range(len(begins)):
                low = _at_least(posting_chunks, low, stop, begins[r])
                high = _at_least(posting_chunks, low, stop, ends[r])
                count += high - low
                low = high
        else:
            for p in range(low, stop):
                count += mask[posting_chunks[p]]
        counts[t] = count


@_compiled
def best_by_words(
    posting_chunks: NDArray[np.int32],
    posting_counts: Bytes,
    starts: Places,
    stops: Places,
    rarity: Wide,
    lengths: NDArray[np.int32],
    table: NDArray[np.float64],
    norms: Wide,
    begins: Places,
    ends: Places,
    mask: NDArray[np.bool_],
    chunk_ids: Places,
    kept_scores: Wide,
    kept_rows: Places,
) -> int:
    """The rows of the units with the highest sums of rarity * table[count, length], ties by chunk id.

    Units (begins, ends) are narrow and may hold gaps, which the mask tells. Terms are added in
    the order given, so that equal chunks have equal sums. kept_* (k,) become a heap, worst first;
    returns how many it holds.
    """
    sums = np.zeros(_widest(begins, ends))
    at = starts.copy()
    held = 0
    for u in range(len(begins)):
        begin, end = begins[u], ends[u]
        touched = False
        for t in range(len(starts)):
            p = _gallop(posting_chunks, at[t], stops[t], begin)
            weight = rarity[t]
            while p < stops[t] and posting_chunks[p] < end:
                row = posting_chunks[p]
                if mask[row]:
                    sums[row - begin] += weight * _part(posting_counts[p], lengths[row], table, norms)
                    touched = True
                p += 1
            at[t] = p
        if not touched:
            continue
        for i in range(end - begin):
            if sums[i] > 0.0:
                held = _offer(kept_scores, kept_rows, chunk_ids, held, sums[i], begin + i)
                sums[i] = 0.0
    return held


@_compiled
def scores_by_words(
    posting_chunks: NDArray[np.int32],
    posting_counts: Bytes,
    starts: Places,
    stops: Places,
    rarity: Wide,
    lengths: NDArray[np.int32],
    table: NDArray[np.float64],
    norms: Wide,
    rows: Places,
    scores: Wide,
) -> None:
    """The same sums for the rows given, in any order, into scores."""
    for i in range(len(rows)):
        row = rows[i]
        total = 0.0
        for t in range(len(starts)):
            p = _at_least(posting_chunks, starts[t], stops[t], row)
            if p < stops[t] and posting_chunks[p] == row:
                total += rarity[t] * _part(posting_counts[p], lengths[row], table, norms)
        scores[i] = total


@_compiled
def _widest(begins: Places, ends: Places) -> int:
    width = 0
    for u in range(len(begins)):
        width = max(width, ends[u] - begins[u])
    return width


@_compiled
def _part(count: int, length: int, table: NDArray[np.float64], norms: Wide) -> float:
    """table[count, length] where it reaches; norms holds (k1 + 1, k1 * (1 - b), k1 * b / average) beyond."""
    if count < table.shape[0] and length < table.shape[1]:
        return table[count, length]
    return count * norms[0] / (count + norms[1] + norms[2] * length)


@_compiled
def _at_least(values: NDArray[np.int32], low: int, high: int, wanted: int) -> int:
    """The first place from low to high whose value is not below `wanted`."""
    while low < high:
        middle = (low + high) // 2
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@_compiled
def _gallop(values: NDArray[np.int32], low: int, high: int, wanted: int) -> int:
    """As `_at_least`, fast where the place is near `low`."""
    step = 1
    while low + step < high and values[low + step] < wanted:
        low += step
        step *= 2
    return _at_least(values, low, min(high, low + step + 1), wanted)


@_compiled
def _is_worse(score: float, chunk_id: int, other: float, other_id: int) -> bool:
    return score < other or (score == other and chunk_id > other_id)


@_compiled
def _offer(scores: Wide, rows: Places, ids: Places, held: int, score: float, row: int) -> int:
    """Put a row into the heap if there is room or it is better than the worst one there."""
    if held < len(scores):
        return _push(scores, rows, ids, held, score, row)
    if _is_worse(scores[0], ids[rows[0]], score, ids[row]):
        _sink(scores, rows, ids, held, score, row)
    return held


@_compiled
def _push(scores: Wide, rows: Places, ids: Places, held: int, score: float, row: int) -> int:
    place = held
    while place > 0:
        parent = (place - 1) // 2
        if not _is_worse(score, ids[row], scores[parent], ids[rows[parent]]):
            break
        scores[place], rows[place] = scores[parent], rows[parent]
        place = parent
    scores[place], rows[place] = score, row
    return held + 1


@_compiled
def _sink(scores: Wide, rows: Places, ids: Places, held: int, score: float, row: int) -> None:
    place = 0
    while True:
        child = 2 * place + 1
        if child >= held:
            break
        right = child + 1
        if right < held and _is_worse(scores[right], ids[rows[right]], scores[child], ids[rows[child]]):
            child = right
        if not _is_worse(scores[child], ids[rows[child]], score, ids[row]):
            break
        scores[place], rows[place] = scores[child], rows[child]
        place = child
    scores[place], rows[place] = score, row
