"""The loops over vectors, compiled by Numba: they touch every permitted chunk.

They let go of the interpreter's lock, so that threads share the work (`parallel`).
Numba's own threads are not used: its portable pool must not be entered by two threads
at once. Compiled code is kept beside this file, or in Numba's cache folder where that
cannot be written, so only the very first search waits for the compiler.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from assistant.index.codes import CodedQuery

Floats = NDArray[np.float32]
Wide = NDArray[np.float64]
Places = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Halves = Bytes  # two numbers of four bits to a byte, see `codes`
Small = NDArray[np.int16]

_BLOCK = 1024  # rows at a time, so that what is between two loops stays in the nearest cache
# Numba works in 64 bits unless it is told that less is enough, and then the compiler takes more at once.
_LOW, _SHIFT = np.uint8(15), np.uint8(4)

_compiled = numba.njit(nogil=True, cache=True)


@_compiled
def scan_coarse(
    coarse: Halves,
    scales: Floats,
    begins: Places,
    ends: Places,
    asked: CodedQuery,
    scores: Floats,
    kept_scores: Wide,
    kept_rows: Places,
) -> int:
    """Approximate products of the rows in the ranges by the upper half of their codes, and the best rows.

    scores (n,) receives the products; the true ones differ by at most coarse_errors[i] + slack (see
    `codes`). kept_* (k,) become a heap of rows with the highest ones, worst first; returns how many it holds.
    """
    low, high = asked.low, asked.high
    sums = np.empty(_BLOCK, np.int32)
    held = 0
    for r in range(len(begins)):
        for begin in range(begins[r], ends[r], _BLOCK):
            end = min(begin + _BLOCK, ends[r])
            # Loops of a form that the compiler turns into vector instructions.
            for i in range(begin, end):
                row = coarse[i]
                product = np.int32(0)
                for j in range(row.shape[0]):
                    product += np.int32(np.int16(row[j] & _LOW)) * np.int32(low[j]) + np.int32(
                        np.int16(row[j] >> _SHIFT)
                    ) * np.int32(high[j])
                sums[i - begin] = np.int32(product)
            for i in range(begin, end):
                scores[i] = (16.0 * sums[i - begin] - 120.5 * asked.total) * (scales[i] * asked.unit)
            highest = np.float32(-np.inf)
            for i in range(begin, end):
                highest = max(highest, scores[i])
            if held == len(kept_scores) and highest <= kept_scores[0]:
                continue
            for i in range(begin, end):
                if held < len(kept_scores) or scores[i] > kept_scores[0]:
                    held = _keep(kept_scores, kept_rows, held, scores[i], i)
    return held


@_compiled
def scores_by_codes(
    coarse: Halves,
    fine: Halves,
    scales: Floats,
    rows: Places,
    asked: CodedQuery,
    scores: Wide,
) -> None:
    """Approximate products of the rows by both halves, wrong by at most fine_errors[row] + slack."""
    for i in range(len(rows)):
        scores[i] = _by_codes(coarse, fine, scales, rows[i], asked)


@_compiled
def near_best(
    fine: Halves,
    scales: Floats,
    coarse_errors: Floats,
    fine_errors: Floats,
    begins: Places,
    ends: Places,
    asked: CodedQuery,
    least: float,
    scores: Floats,
    found: Places,
    found_scores: Wide,
) -> int:
    """Rows of the ranges whose product may reach `least`; returns how many there are, or fit.

    `scores` are those of `scan_coarse`; only where they leave it open is the other half read.
    """
    count = 0
    for r in range(len(begins)):
        for i in range(begins[r], ends[r]):
            if scores[i] + coarse_errors[i] + asked.slack < least:
                continue
            lower = _product(fine[i], asked.low, asked.high) - 7.5 * asked.total
            score = scores[i] + lower * (scales[i] * asked.unit)
            if score + fine_errors[i] + asked.slack >= least:
                found[count] = i
                found_scores[count] = score
                count += 1
                if count == len(found):
                    return count
    return count


@_compiled
def _product(row: Halves, low: Small, high: Small) -> int:
    """The sum of products of the half bytes of a row with a question."""
    product = np.int32(0)
    for j in range(row.shape[0]):
        product += np.int32(np.int16(row[j] & _LOW)) * np.int32(low[j]) + np.int32(
            np.int16(row[j] >> _SHIFT)
        ) * np.int32(high[j])
    return int(np.int32(product))


@_compiled
def _by_codes(coarse: Halves, fine: Halves, scales: Floats, i: int, asked: CodedQuery) -> float:
    upper, lower = _product(coarse[i], asked.low, asked.high), _product(fine[i], asked.low, asked.high)
    return (16 * upper + lower - 128 * asked.total) * (scales[i] * asked.unit)


@_compiled
def _keep(scores: Wide, rows: Places, held: int, score: float, row: int) -> int:
    """Put a row into the heap in place of the worst one, or beside the others while there is room."""
    place = held
    if held < len(scores):
        while place > 0 and scores[(place - 1) // 2] > score:
            scores[place], rows[place] = scores[(place - 1) // 2], rows[(place - 1) // 2]
            place = (place - 1) // 2
        scores[place], rows[place] = score, row
        return held + 1
    place = 0
    while True:
        child = 2 * place + 1
        if child >= held:
            break
        if child + 1 < held and scores[child + 1] < scores[child]:
            child += 1
        if scores[child] >= score:
            break
        scores[place], rows[place] = scores[child], rows[child]
        place = child
    scores[place], rows[place] = score, row
    return held
