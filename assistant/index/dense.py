"""Which permitted chunks are near a question, proven by codes, and how near exactly.

A pass over one half of the codes (`codes`) gives each permitted row bounds; rows that these leave
open are looked at again with both halves. What can then still matter is scored in a way
that depends on nothing but the two vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.index.codes import CodedQuery
from assistant.index.parallel import by_worker, run_all, split, threads
from assistant.index.positions import by_segment, first_positions
from assistant.index.segment import Segment
from assistant.index.view import View

Places = NDArray[np.int64]
Scores = NDArray[np.float64]

_BLOCK = 4096
_LEAST_ROWS = 20_000  # fewer are not worth another thread
_ROOM = 4096
_GROWTH = 8
_MANY = 2_000  # to have scored by words as well


@dataclass(frozen=True, slots=True)
class Reach:
    """Positions, counted through the segments, with what their cosines are at least and at most."""

    positions: Places
    lowest: Scores
    highest: Scores

    def of(self, chosen: NDArray[np.bool_]) -> Reach:
        """Those chosen by a mask."""
        return Reach(self.positions[chosen], self.lowest[chosen], self.highest[chosen])

    def and_also(self, other: Reach) -> Reach:
        """These and then the others."""
        return Reach(
            np.concatenate([self.positions, other.positions]),
            np.concatenate([self.lowest, other.lowest]),
            np.concatenate([self.highest, other.highest]),
        )


def within_reach(
    views: Sequence[View], asked: CodedQuery, *, count: int, least: float
) -> tuple[Reach, float]:
    """The permitted chunks whose cosine may reach `least`: all, or if they are many, the `count` nearest.

    Also returns what the cosines of all others stay below: `least`, or more.
    """
    parts = _parts(views, count)
    run_all(by_worker([partial(part.scan, asked) for part in parts]))
    cut = _last([part.lowest for part in parts], count)
    if least < cut and not (least > -np.inf and _closer(parts, asked, least, most=_MANY)):
        _closer(parts, asked, cut)
        least = max(cut, _last([part.lowest for part in parts], count))
    elif least >= cut:
        _closer(parts, asked, least)
    starts = first_positions([view.segment for view in views])
    found = Reach(
        np.concatenate([starts[part.number] + part.rows for part in parts]),
        np.concatenate([part.lowest for part in parts]),
        np.concatenate([part.highest for part in parts]),
    )
    return found.of(found.highest >= least), least


def _closer(parts: Sequence[_Part], asked: CodedQuery, least: float, *, most: int | None = None) -> bool:
    """Have each part find the rows that may reach `least`. False if they are more than `most`."""
    run_all(by_worker([partial(part.look_closer, asked, least, most) for part in parts]))
    return most is None or sum(len(part.rows) for part in parts) <= most


def bounds(segments: Sequence[Segment], positions: Places, asked: CodedQuery) -> Reach:
    """What the cosines of these positions are at least and at most."""
    from assistant.index import dense_kernels  # noqa: PLC0415 - loads the compiler, as only a search may

    scores, errors = np.empty(len(positions)), np.empty(len(positions))
    for segment, here, rows in by_segment(segments, positions):
        table, close = segment.codes, np.empty(len(here))
        dense_kernels.scores_by_codes(
            table.coarse, table.fine, table.scales, rows,
            asked, close,
        )  # fmt: skip
        scores[here], errors[here] = close, table.fine_errors[rows]
    errors += asked.slack
    return Reach(positions, scores - errors, scores + errors)


def _last(bounds: Sequence[Scores], count: int) -> float:
    """What the last of the best `count` reaches at least."""
    known = np.concatenate(bounds)
    return float(np.partition(known, -count)[-count]) if len(known) >= count else -np.inf


class Rows(Protocol):
    """Vectors by their place: an array, or a file (`segment.StoredRows`)."""

    def __len__(self) -> int: ...
    def __getitem__(self, places: Places, /) -> NDArray[np.float32]: ...


def cosines(tables: Sequence[Rows], positions: Places, query: NDArray[np.float32]) -> NDArray[np.float64]:
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


@dataclass(slots=True)
class _Part:
    """What one thread scans of a view, and what it finds: rows with bounds by both halves."""

    number: int
    view: View
    ranges: tuple[Places, Places]
    scores: NDArray[np.float32]  # of the whole view, by one half
    count: int
    rows: Places = field(default_factory=lambda: np.empty(0, np.int64))
    lowest: Scores = field(default_factory=lambda: np.empty(0))
    highest: Scores = field(default_factory=lambda: np.empty(0))

    def scan(self, asked: CodedQuery) -> None:
        """Fill `scores` within the ranges; the rows found are the best by them."""
        from assistant.index import dense_kernels  # noqa: PLC0415 - loads the compiler, as only a search may

        table = self.view.segment.codes
        kept, rows = np.empty(self.count), np.empty(self.count, np.int64)
        held = dense_kernels.scan_coarse(
            table.coarse, table.scales, *self.ranges,
            asked, self.scores, kept, rows,
        )  # fmt: skip
        close = np.empty(held)
        dense_kernels.scores_by_codes(
            table.coarse, table.fine, table.scales, rows[:held],
            asked, close,
        )  # fmt: skip
        self._found(rows[:held], close, asked.slack)

    def look_closer(self, asked: CodedQuery, least: float, most: int | None = None) -> None:
        """Find the rows whose product may reach `least`, or any `most` + 1 of them."""
        from assistant.index.dense_kernels import near_best  # noqa: PLC0415 - as above

        table, room = self.view.segment.codes, _ROOM if most is None else most + 1
        while True:
            rows, close = np.empty(room, np.int64), np.empty(room)
            found = near_best(
                table.fine, table.scales, table.coarse_errors, table.fine_errors, *self.ranges,
                asked, least, self.scores, rows, close,
            )  # fmt: skip
            if found < room or most is not None:
                break
            room *= _GROWTH
        self._found(rows[:found], close[:found], asked.slack)

    def _found(self, rows: Places, close: Scores, slack: float) -> None:
        errors = self.view.segment.codes.fine_errors[rows].astype(np.float64) + slack
        self.rows, self.lowest, self.highest = rows, close - errors, close + errors


def _parts(views: Sequence[View], count: int) -> list[_Part]:
    found: list[_Part] = []
    for number, view in enumerate(views):
        scores = np.empty(len(view.mask), np.float32)
        pieces = split(*view.ranges, parts=threads(), least=_LEAST_ROWS)
        found += [_Part(number, view, piece, scores, count) for piece in pieces]
    return found
