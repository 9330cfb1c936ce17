"""Which segments are worth merging: few stay, and each chunk is rewritten a logarithmic number of times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.index.contract import PermittedVersions
from assistant.index.segment import Columns, Segment
from assistant.index.view import permitted_documents

MAX_SEGMENTS = 8  # after a merge
MOST_SEGMENTS = 16  # between merges: a question looks at each, and each holds files open
MAX_DEAD_SHARE = 0.25


def kept_documents(columns: Columns, live: PermittedVersions) -> NDArray[np.bool_]:
    """Which documents of a segment a merge keeps: those of the live version, shape (d,)."""
    return permitted_documents(columns, live)


def to_merge(
    segments: Sequence[Segment], kept: Mapping[str, NDArray[np.bool_]], *, force: bool
) -> list[Segment]:
    """The segments to rewrite as one, empty if that is not worth it.

    One segment is rewritten alone when a good part of it is dead. When there are
    too many, the smallest go together, and whatever is no larger than they are.
    """
    if force:
        whole = len(segments) == 1 and bool(kept[segments[0].entry.name].all())
        return [] if whole else list(segments)
    sizes = {segment.entry.name: _chunks(segment, kept[segment.entry.name]) for segment in segments}
    decaying = [s for s in segments if sizes[s.entry.name] <= (1 - MAX_DEAD_SHARE) * _weight(s)]
    chosen = decaying
    surplus = len(segments) - MAX_SEGMENTS
    if surplus > 0:
        rising = sorted(segments, key=lambda s: sizes[s.entry.name])
        chosen = rising[: surplus + 1]
        total = sum(sizes[s.entry.name] for s in chosen)
        for segment in rising[surplus + 1 :]:
            if sizes[segment.entry.name] > total:
                break
            chosen.append(segment)
            total += sizes[segment.entry.name]
    return chosen


def _chunks(segment: Segment, kept: NDArray[np.bool_]) -> int:
    """How many chunks stay; a document counts as one more, so that an empty one weighs something."""
    widths = np.diff(segment.columns.chunk_starts)
    return int(widths[kept].sum()) + int(np.count_nonzero(kept))


def _weight(segment: Segment) -> int:
    return segment.entry.chunks + segment.entry.documents
