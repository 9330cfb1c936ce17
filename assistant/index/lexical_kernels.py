"""The loops over postings, compiled by Numba as those over vectors are (`dense_kernels`).

What is passed over cannot be among the best by a bound that errs upwards, and what is kept is
summed term by term in the order given: equal chunks have equal sums, to the last bit.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Wide = NDArray[np.float64]
Places = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Rows = NDArray[np.int32]
Mask = NDArray[np.bool_]

_FEW = 16  # postings to a range: with fewer it is quicker to look at the mask of each than to find the ranges
_LOOK_UP = 32  # postings that can be read while one is searched for
_WIDE_TERM = 1024  # postings; narrower ones are counted again each time

# Numba looks at each signed place for one that counts from the end, which takes as long as the rest.
_ONE = np.uint64(1)

_compiled = numba.njit(nogil=True, cache=True)


@_compiled
def find_terms(
    term_bytes: Bytes,
    term_starts: Places,
    posting_starts: Places,
    asked: Bytes,
    asked_starts: Places,
    numbers: Places,
    starts: Places,
    stops: Places,
) -> None:
    """The number of each asked term among the sorted ones and where its postings start and stop.

    An unknown one gets an empty span.
    """
    for t in range(len(numbers)):
        begin, end = asked_starts[t], asked_starts[t + 1]
        low, high = 0, len(term_starts) - 1
        numbers[t] = starts[t] = stops[t] = 0
        while low < high:
            middle = (low + high) // 2
            order = _compared(term_bytes, term_starts[middle], term_starts[middle + 1], asked, begin, end)
            if order == 0:
                numbers[t] = middle
                starts[t], stops[t] = posting_starts[middle], posting_starts[middle + 1]
                break
            if order < 0:
                low = middle + 1
            else:
                high = middle


@_compiled
def permitted_counts(
    posting_chunks: Rows,
    starts: Places,
    stops: Places,
    numbers: Places,
    begins: Places,
    ends: Places,
    mask: Mask,
    known: Places,
    counts: Places,
) -> None:
    """Add to counts[t] how many chunks of term t (postings starts[t] to stops[t]) are permitted.

    `known` remembers wide terms, in a place that follows from their number and that others may take: the
    number above, the count below, both in one word, so that threads can share it.
    """
    whole = len(begins) == 1 and ends[0] - begins[0] == len(mask)
    for t in range(len(starts)):
        if whole:
            counts[t] += stops[t] - starts[t]
            continue
        if stops[t] - starts[t] < _WIDE_TERM:
            counts[t] += _count(posting_chunks, starts[t], stops[t], begins, ends, mask)
            continue
        place = numbers[t] % len(known)
        word = known[place]
        if word >> 32 != numbers[t] + 1:
            count = _count(posting_chunks, starts[t], stops[t], begins, ends, mask)
            word = ((numbers[t] + 1) << 32) | count
            known[place] = word
        counts[t] += word & 0xFFFFFFFF


@_compiled
def best_by_words(
    posting_chunks: Rows,
    posting_counts: Bytes,
    starts: Places,
    stops: Places,
    rarity: Wide,
    leading: Mask,
    others: Places,
    above: Wide,
    lengths: Rows,
    norms: Wide,
    begins: Places,
    ends: Places,
    mask: Mask,
    chunk_ids: Places,
    first: int,
    least: float,
    slack: float,
    kept_scores: Wide,
    kept_ids: Places,
    kept_positions: Places,
) -> int:
    """The rows of the units with the highest sums of rarity * `_part` that reach `least`, ties by chunk id.

    Units (begins, ends) are narrow and may hold gaps, which the mask tells. The leading terms are summed
    window by window; the others can only add above[0] to that, from others[i] on only above[i], so they are
    added to the few rows that may then be among the best (MaxScore: H. Turtle and J. Flood, "Query
    evaluation: strategies and optimizations", 1995). Bounds err upwards by `slack`. kept_* (k,) become a
    heap, worst first; the first row has position `first`. Returns how many the heap holds.
    """
    width = _widest(begins, ends)
    sums, touched = np.zeros(width), np.empty(width + 1, np.int32)
    lows, highs = starts.copy(), starts.copy()
    held, u = 0, 0
    while u < len(begins):
        if ends[u] <= _next_row(posting_chunks, highs, stops, leading, ends[-1]):
            u += 1
            continue
        base, last = begins[u], _last_unit(begins, ends, u, width)
        found = 0
        for t in range(len(starts)):
            if not leading[t]:
                continue
            lows[t] = highs[t]
            if lows[t] < stops[t] and posting_chunks[lows[t]] < ends[last - 1]:
                highs[t], found = _add(
                    posting_chunks, posting_counts, highs[t], stops[t], rarity[t], lengths, norms,
                    begins, ends, u, last, mask, sums, touched, found,
                )  # fmt: skip
        if len(others) > 0:
            found = _add_others(
                posting_chunks, posting_counts, stops, rarity, others, above, lengths, norms,
                base, ends[last - 1], least - slack, sums, touched, found, lows, highs,
            )  # fmt: skip
        for i in range(found):
            row, score = base + touched[i], sums[touched[i]]
            sums[touched[i]] = 0.0
            if len(others) > 0:
                score = _whole(posting_chunks, posting_counts, lows, highs, rarity, row, lengths[row], norms)
            if score >= least:
                held = _offer(kept_scores, kept_ids, kept_positions, held, score, chunk_ids[row], first + row)
                least = _least(kept_scores, held, least)
        u = last
    return held


@_compiled
def scores_by_words(
    posting_chunks: Rows,
    posting_counts: Bytes,
    starts: Places,
    stops: Places,
    rarity: Wide,
    lengths: Rows,
    norms: Wide,
    first: int,
    positions: Places,
    scores: Wide,
) -> None:
    """The same sums for those positions, in any order, whose rows are here, into scores."""
    for i in range(len(positions)):
        row = positions[i] - first
        if row < 0 or row >= len(lengths):
            continue
        scores[i] = _whole(posting_chunks, posting_counts, starts, stops, rarity, row, lengths[row], norms)


@_compiled
def _compared(one: Bytes, begin: int, end: int, other: Bytes, other_begin: int, other_end: int) -> int:
    """Below 0 if the first run of bytes sorts before the second one, 0 if they are equal."""
    for i in range(min(end - begin, other_end - other_begin)):
        difference = np.int64(one[begin + i]) - np.int64(other[other_begin + i])
        if difference != 0:
            return int(difference)
    return int((end - begin) - (other_end - other_begin))


@_compiled
def _count(posting_chunks: Rows, low: int, stop: int, begins: Places, ends: Places, mask: Mask) -> int:
    count = 0
    if stop - low > _FEW * len(begins):
        for r in range(len(begins)):
            low = _gallop(posting_chunks, low, stop, begins[r])
            high = _gallop(posting_chunks, low, stop, ends[r])
            count += high - low
            low = high
    else:
        for p in range(np.uint64(low), np.uint64(stop)):
            count += mask[np.uint64(posting_chunks[p])]
    return count


@_compiled
def _next_row(posting_chunks: Rows, at: Places, stops: Places, leading: Mask, end: int) -> int:
    """The first row that a leading term has from at[t] on, `end` if there is none."""
    for t in range(len(at)):
        if leading[t] and at[t] < stops[t]:
            end = min(end, posting_chunks[at[t]])
    return end


@_compiled
def _last_unit(begins: Places, ends: Places, u: int, width: int) -> int:
    """Past the last unit of the window that begins with unit u."""
    last = u + 1
    while last < len(begins) and ends[last] - begins[u] <= width:
        last += 1
    return last


@_compiled
def _least(kept_scores: Wide, held: int, least: float) -> float:
    """What a row must reach, by what was known and by the heap."""
    return max(least, kept_scores[0]) if held == len(kept_scores) else least


@_compiled
def _add(
    posting_chunks: Rows,
    posting_counts: Bytes,
    p: int,
    stop: int,
    weight: float,
    lengths: Rows,
    norms: Wide,
    begins: Places,
    ends: Places,
    u: int,
    last: int,
    mask: Mask,
    sums: Wide,
    touched: Rows,
    found: int,
) -> tuple[int, int]:
    """Add a term to the sums of a window (units u to last), and rows that had none to the touched ones.

    Returns the first posting (from `p` on) past the window, and how many rows are touched.
    """
    base, past = np.uint64(begins[u]), np.uint64(stop)
    top, least, slope = norms[0], norms[1], norms[2]
    for unit in range(u, last):
        at, end = np.uint64(_gallop(posting_chunks, p, stop, begins[unit])), ends[unit]
        while at < past and posting_chunks[at] < end:
            row = np.uint64(posting_chunks[at])
            if mask[row]:
                i = row - base
                touched[np.uint64(found)] = i
                found += sums[i] == 0.0
                sums[i] += weight * _part(posting_counts[at], lengths[row], top, least, slope)
            at += _ONE
        p = int(np.int64(at))
    return p, found


@_compiled
def _add_others(
    posting_chunks: Rows,
    posting_counts: Bytes,
    stops: Places,
    rarity: Wide,
    others: Places,
    above: Wide,
    lengths: Rows,
    norms: Wide,
    base: int,
    end: int,
    least: float,
    sums: Wide,
    touched: Rows,
    found: int,
    lows: Places,
    highs: Places,
) -> int:
    """Add the others, term by term, to the touched rows that may still reach `least`; returns how many do.

    Then the postings in the window from base to end lie from lows[t] to highs[t], if any row does.
    """
    top, low, slope = norms[0], norms[1], norms[2]
    found = _dropped(sums, touched, found, least - above[0])
    for i in range(len(others)):
        if found == 0:
            break
        t = others[i]
        lows[t] = _gallop(posting_chunks, highs[t], stops[t], base)
        highs[t] = _gallop(posting_chunks, lows[t], stops[t], end)
        if highs[t] - lows[t] > _LOOK_UP * found:
            for c in range(found):
                row = base + touched[c]
                p = _at_least(posting_chunks, lows[t], highs[t], row)
                if p < highs[t] and posting_chunks[p] == row:
                    sums[touched[c]] += rarity[t] * _part(posting_counts[p], lengths[row], top, low, slope)
        else:
            for at in range(np.uint64(lows[t]), np.uint64(highs[t])):
                place = np.uint64(posting_chunks[at]) - np.uint64(base)
                if sums[place] > 0.0:
                    length = lengths[np.uint64(posting_chunks[at])]
                    sums[place] += rarity[t] * _part(posting_counts[at], length, top, low, slope)
        found = _dropped(sums, touched, found, least - above[i + 1])
    return found


@_compiled
def _dropped(sums: Wide, touched: Rows, found: int, least: float) -> int:
    """Forget the touched rows below `least`; returns how many stay."""
    kept = 0
    for c in range(found):
        i = np.uint64(touched[c])
        if sums[i] < least:
            sums[i] = 0.0
        else:
            touched[kept] = i
            kept += 1
    return kept


@_compiled
def _whole(
    posting_chunks: Rows,
    posting_counts: Bytes,
    lows: Places,
    highs: Places,
    rarity: Wide,
    row: int,
    length: int,
    norms: Wide,
) -> float:
    """The sum of a row over all terms in the order given, whose postings lie from lows[t] to highs[t]."""
    total = 0.0
    for t in range(len(lows)):
        p = _at_least(posting_chunks, lows[t], highs[t], row)
        if p < highs[t] and posting_chunks[p] == row:
            total += rarity[t] * _part(posting_counts[p], length, norms[0], norms[1], norms[2])
    return total


@_compiled
def _widest(begins: Places, ends: Places) -> int:
    width = 0
    for u in range(len(begins)):
        width = max(width, ends[u] - begins[u])
    return width


@_compiled
def _part(count: int, length: int, top: float, least: float, slope: float) -> float:
    """What BM25 multiplies with the rarity: of k1 + 1, k1 * (1 - b) and k1 * b / average."""
    return count * top / (count + (least + slope * length))


@_compiled
def _at_least(values: Rows, low: int, high: int, wanted: int) -> int:
    """The first place from low to high whose value is not below `wanted`."""
    at, end = np.uint64(low), np.uint64(high)
    while at < end:
        middle = (at + end) >> _ONE
        if values[middle] < wanted:
            at = middle + _ONE
        else:
            end = middle
    return int(np.int64(at))


@_compiled
def _gallop(values: Rows, low: int, high: int, wanted: int) -> int:
    """As `_at_least`, fast where the place is near `low`."""
    at, end, step = np.uint64(low), np.uint64(high), _ONE
    while at + step < end and values[at + step] < wanted:
        at += step
        step <<= _ONE
    return _at_least(values, int(np.int64(at)), int(np.int64(min(end, at + step + _ONE))), wanted)


@_compiled
def _is_worse(score: float, chunk_id: int, other: float, other_id: int) -> bool:
    return score < other or (score == other and chunk_id > other_id)


@_compiled
def _offer(
    scores: Wide, ids: Places, positions: Places, held: int, score: float, chunk_id: int, position: int
) -> int:
    """Put a row into the heap if there is room or it is better than the worst one there."""
    if held < len(scores):
        place = held
        while place > 0:
            parent = (place - 1) // 2
            if not _is_worse(score, chunk_id, scores[parent], ids[parent]):
                break
            _move(scores, ids, positions, parent, place)
            place = parent
        scores[place], ids[place], positions[place] = score, chunk_id, position
        return held + 1
    if _is_worse(scores[0], ids[0], score, chunk_id):
        _sink(scores, ids, positions, held, score, chunk_id, position)
    return held


@_compiled
def _sink(
    scores: Wide, ids: Places, positions: Places, held: int, score: float, chunk_id: int, position: int
) -> None:
    place = 0
    while True:
        child = 2 * place + 1
        if child >= held:
            break
        right = child + 1
        if right < held and _is_worse(scores[right], ids[right], scores[child], ids[child]):
            child = right
        if not _is_worse(scores[child], ids[child], score, chunk_id):
            break
        _move(scores, ids, positions, child, place)
        place = child
    scores[place], ids[place], positions[place] = score, chunk_id, position


@_compiled
def _move(scores: Wide, ids: Places, positions: Places, source: int, target: int) -> None:
    scores[target], ids[target], positions[target] = scores[source], ids[source], positions[source]
