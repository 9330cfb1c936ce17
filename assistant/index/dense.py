"""Exact nearest neighbours among the permitted chunks.

A pass over the codes (`codes`) gives each permitted row bounds; only rows whose upper
bound reaches the k-th highest lower bound can be among the best, and those few are
scored again in a way that depends on nothing but the two vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.index.codes import CodedQuery, coded_query
from assistant.index.parallel import by_worker, run_all, split, threads
from assistant.index.segment import Segment
from assistant.index.view import View

Places = NDArray[np.int64]

_BLOCK = 4096
_LEAST_ROWS = 20_000  # fewer are not worth another thread
_ROOM = 4096


def nearest(views: Sequence[View], query: NDArray[np.float32], *, count: int) -> Places:
    """Positions (counted through the segments) of the `count` nearest permitted chunks, ties by chunk id."""
    asked = coded_query(query)
    parts = _parts(views, count)
    run_all(by_worker([partial(part.scan, asked) for part in parts]))
    bounds = np.concatenate([part.lowest[: part.held] for part in parts])
    least = float(np.partition(bounds, -count)[-count]) if len(bounds) >= count else -np.inf
    starts = first_positions([view.segment for view in views])
    within = np.concatenate([starts[part.number] + part.candidates(asked, least) for part in parts])
    segments = [view.segment for view in views]
    exact = cosines([segment.rows for segment in segments], within, query)
    order = np.lexsort((chunk_ids(segments, within), -exact))
    return within[order[:count]]


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


def chunk_ids(segments: Sequence[Segment], positions: Places) -> Places:
    """The chunk id at each position."""
    found = np.empty(len(positions), np.int64)
    for segment, (low, high) in zip(segments, pairwise(first_positions(segments)), strict=True):
        here = (positions >= low) & (positions < high)
        found[here] = segment.columns.chunk_ids[positions[here] - low]
    return found


def first_positions(segments: Sequence[Segment]) -> Places:
    """Where the positions of each segment begin, and where the last one ends."""
    return np.cumsum([0, *(len(segment.columns.chunk_ids) for segment in segments)])


@dataclass(slots=True)
class _Part:
    """What one thread scans of a view, and what it finds: approximate products, and the best lower bounds."""

    number: int
    view: View
    ranges: tuple[Places, Places]
    scores: NDArray[np.float32]  # of the whole view
    lowest: NDArray[np.float64]
    held: int = 0

    def scan(self, asked: CodedQuery) -> None:
        """Fill `scores` within the ranges, and `lowest`."""
        from assistant.index.kernels import scan_codes  # noqa: PLC0415 - loads the compiler, as only a search may

        table = self.view.segment.codes
        self.held = scan_codes(
            table.codes, table.scales, table.errors, *self.ranges,
            asked.components, asked.unit, asked.slack, self.scores, self.lowest,
        )  # fmt: skip

    def candidates(self, asked: CodedQuery, least: float) -> Places:
        """Rows whose product may reach `least`."""
        from assistant.index.kernels import near_best  # noqa: PLC0415 - as above

        room, errors = _ROOM, self.view.segment.codes.errors
        while True:
            found = np.empty(room, np.int64)
            count = near_best(self.scores, errors, *self.ranges, asked.slack, least, found)
            if count <= room:
                return found[:count]
            room = count


def _parts(views: Sequence[View], count: int) -> list[_Part]:
    found: list[_Part] = []
    for number, view in enumerate(views):
        scores = np.empty(len(view.mask), np.float32)
        pieces = split(*view.ranges, parts=threads(), least=_LEAST_ROWS)
        found += [_Part(number, view, piece, scores, np.empty(count)) for piece in pieces]
    return found
