"""Where a position lies that counts the chunks through all segments of a search, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from assistant.index.segment import Segment

Places = NDArray[np.int64]


def first_positions(segments: Sequence[Segment]) -> Places:
    """Where the positions of each segment begin, and where the last one ends."""
    return np.cumsum([0, *(len(segment.columns.chunk_ids) for segment in segments)])


def by_segment(segments: Sequence[Segment], positions: Places) -> Iterator[tuple[Segment, Places, Places]]:
    """Each segment with the places in `positions` that lie in it, and their rows there."""
    for segment, (low, high) in zip(segments, pairwise(first_positions(segments)), strict=True):
        here = np.flatnonzero((positions >= low) & (positions < high))
        yield segment, here, positions[here] - low


def chunk_ids(segments: Sequence[Segment], positions: Places) -> Places:
    """The chunk id at each position."""
    found = np.empty(len(positions), np.int64)
    for segment, here, rows in by_segment(segments, positions):
        found[here] = segment.columns.chunk_ids[rows]
    return found


def documents(segments: Sequence[Segment], positions: Places) -> tuple[Places, Places]:
    """(document ids, versions) at each position."""
    ids, versions = np.empty(len(positions), np.int64), np.empty(len(positions), np.int64)
    for segment, here, rows in by_segment(segments, positions):
        columns = segment.columns
        owners = np.searchsorted(columns.chunk_starts, rows, side="right") - 1
        ids[here], versions[here] = columns.document_ids[owners], columns.versions[owners]
    return ids, versions
