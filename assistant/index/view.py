"""What a person may read of a segment: a mask, the ranges that it consists of, and its totals."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assistant.index.contract import PermittedVersions
from assistant.index.segment import Columns, Segment

# The sums of a unit stay in the processor's nearest caches; a narrow gap costs less than finding the next
# unit in the postings.
UNIT = 16_384
_NARROW_GAP = 256
_KEPT = 32
_COUNTED_TERMS = 4096

Places = NDArray[np.int64]


@dataclass(frozen=True)
class View:
    """A segment under a permission. Ranges and units are (begins, ends) of chunks, rising."""

    segment: Segment
    mask: NDArray[np.bool_]  # (n,)
    ranges: tuple[Places, Places]  # exactly the permitted chunks
    units: tuple[Places, Places]  # cover the ranges, with narrow gaps, at most `UNIT` wide
    total: int
    counts: NDArray[np.int64]  # permitted chunks of frequent terms, see `lexical_kernels.permitted_counts`

    @cached_property
    def length(self) -> int:
        """Of all permitted chunks, in weighted terms."""
        return int(self.segment.columns.lengths.sum(where=self.mask, dtype=np.int64))


class Views:
    """Makes views, and keeps the last ones of permissions that can no longer be written to.

    A permission that the caller has made read-only (`access.mask` does) is the same for as
    long as the array lives, so the array itself is the key.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, str], tuple[weakref.ref[PermittedVersions], View]] = OrderedDict()

    def of(self, segment: Segment, permitted: PermittedVersions) -> View:
        """The view of a segment under a permission."""
        key = (id(permitted), segment.entry.name)
        with self._lock:
            known = self._kept.get(key)
            if known is not None and known[0]() is permitted and known[1].segment is segment:
                self._kept.move_to_end(key)
                return known[1]
        made = view(segment, permitted)
        if not permitted.flags.writeable and permitted.base is None:
            with self._lock:
                self._kept[key] = (weakref.ref(permitted), made)
                self._kept.move_to_end(key)
                self._forget()
        return made

    def _forget(self) -> None:
        for key in [key for key, (permitted, _) in self._kept.items() if permitted() is None]:
            del self._kept[key]
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


def view(segment: Segment, permitted: PermittedVersions) -> View:
    """A segment under a permission."""
    columns = segment.columns
    allowed = permitted_documents(columns, permitted)
    mask = np.repeat(allowed, np.diff(columns.chunk_starts))
    ranges = ranges_of(allowed, columns.chunk_starts)
    return View(
        segment=segment,
        mask=mask,
        ranges=ranges,
        units=units_of(*ranges),
        total=int((ranges[1] - ranges[0]).sum()),
        counts=np.zeros(_COUNTED_TERMS, np.int64),
    )


def permitted_documents(columns: Columns, permitted: PermittedVersions) -> NDArray[np.bool_]:
    """Which documents of a segment are of the permitted version, shape (d,)."""
    known = columns.document_ids < len(permitted)
    if known.all():
        every: NDArray[np.bool_] = permitted[columns.document_ids] == columns.versions
        return every
    allowed = np.zeros(len(known), dtype=np.bool_)
    allowed[known] = permitted[columns.document_ids[known]] == columns.versions[known]
    return allowed


def ranges_of(permitted: NDArray[np.bool_], chunk_starts: Places) -> tuple[Places, Places]:
    """The (begins, ends) of the chunks of the permitted documents, neighbours joined, none empty.

    `permitted` masks documents, shape (d,); `chunk_starts` has shape (d + 1,).
    """
    padded = np.concatenate(([False], permitted, [False]))
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    begins, ends = chunk_starts[edges[::2]], chunk_starts[edges[1::2]]
    wide = ends > begins
    return begins[wide], ends[wide]


def units_of(begins: Places, ends: Places) -> tuple[Places, Places]:
    """Wider ranges that cover these, joined over narrow gaps and cut at `UNIT`."""
    if not len(begins):
        return begins, ends
    cuts = np.flatnonzero(begins[1:] - ends[:-1] > _NARROW_GAP)
    low = np.concatenate((begins[:1], begins[cuts + 1]))
    high = np.concatenate((ends[cuts], ends[-1:]))
    pieces = -((low - high) // UNIT)
    place = np.arange(int(pieces.sum())) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    starts = np.repeat(low, pieces) + place * UNIT
    return starts, np.minimum(starts + UNIT, np.repeat(high, pieces))
