"""What one process keeps of one database to make masks of: columns, holdings, and the last masks."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from assistant.access import snapshot
from assistant.access.document_columns import DocumentColumns, Span
from assistant.access.list_columns import Ids, ListColumns, read_changes
from assistant.access.standing import SourceFacts, Standing
from assistant.accounts.revisions import Counter, current

MASKS_BYTES = 96 << 20  # 24 masks of a million documents
HOLDINGS_BYTES = 16 << 20

Mask = NDArray[np.int32]
Key = tuple[bytes, bytes]
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Basis:
    """What a holding was made from: a revision, the membership that counts, the principals ever named."""

    permissions: int
    fresh: tuple[tuple[int, int], ...]
    epoch: int


@dataclass(frozen=True, slots=True)
class Holding:
    """The principals that a person holds and those in doubt, as far as access lists name them."""

    basis: Basis
    held: Ids
    doubtful: Ids

    @property
    def key(self) -> Key:
        """Equal for people who hold the same."""
        return self.held.tobytes(), self.doubtful.tobytes()

    @property
    def size(self) -> int:
        """Bytes."""
        return self.held.nbytes + self.doubtful.nbytes


def common_key(holdings: Sequence[Holding]) -> Hashable:
    """Under which the mask of some people is kept: of one, or of several who hold the same, as of one."""
    keys = frozenset(holding.key for holding in holdings)
    return next(iter(keys)) if len(keys) == 1 else keys


@dataclass(frozen=True, slots=True)
class KeptMask:
    """A mask with the revision and the facts that it was made from, and the moments for which it holds."""

    documents: int
    sources: tuple[SourceFacts, ...]
    span: Span
    versions: Mask

    def fits(self, standing: Standing, now: int) -> bool:
        """Whether it is what would be made now."""
        return (
            self.documents == standing.documents and self.sources == standing.sources and self.span.holds(now)
        )


class LastUsed(Generic[Kept]):
    """Values by key; what was not used for longest goes once all together have too many bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: OrderedDict[Hashable, tuple[Kept, int]] = OrderedDict()
        self.size = 0

    def get(self, key: Hashable) -> Kept | None:
        """The value, which is then the one used last."""
        if key not in self._items:
            return None
        self._items.move_to_end(key)
        return self._items[key][0]

    def put(self, key: Hashable, value: Kept, size: int) -> None:
        """Keep a value of so many bytes, in place of an older one."""
        if key in self._items:
            self.size -= self._items.pop(key)[1]
        self._items[key] = (value, size)
        self.size += size
        while self.size > self._limit and len(self._items) > 1:
            self.size -= self._items.popitem(last=False)[1][1]


class Tables:
    """Everything is read and written under `lock`. Arrays that leave it are never changed again."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.loads = 0  # how often columns were read from the database
        self._start_anew()

    def _start_anew(self) -> None:
        self.loads += 1
        self.documents = DocumentColumns()
        self.lists = ListColumns()
        self.permissions = 0
        self.in_doubt: tuple[Basis, Ids] | None = None  # the same for everybody
        self.holdings: LastUsed[Holding] = LastUsed(HOLDINGS_BYTES)
        self.masks: LastUsed[KeptMask] = LastUsed(MASKS_BYTES)
        self._recent: tuple[int, tuple[SourceFacts, ...], Span, Mask] | None = None

    @property
    def size(self) -> int:
        """Bytes of all that is kept."""
        return self.documents.size + self.lists.size + self.holdings.size + self.masks.size

    def follow(self, standing: Standing) -> None:
        """Read what changed, up to the standing's revision or further."""
        if self._is_of_another_past(standing):
            self._start_anew()
        self.permissions = max(self.permissions, standing.permissions)
        if self.documents.revision >= standing.documents:
            return
        self.loads += 1
        if not self.documents.revision and (found := snapshot.load(newest=standing.documents)) is not None:
            self.documents, self.lists = found
        read_changes(self.documents, self.lists, revision=standing.documents)

    def _is_of_another_past(self, standing: Standing) -> bool:
        """Counters only rise, so lower ones are those of a database that was restored from a backup."""
        if standing.documents >= self.documents.revision and standing.permissions >= self.permissions:
            return False
        # Or another thread has asked later than this one, and was here first: so ask again.
        return current(Counter.DOCUMENTS) < self.documents.revision or (
            current(Counter.PERMISSIONS) < self.permissions
        )

    def basis(self, standing: Standing, now: int) -> Basis:
        """What a holding must be made from to count now."""
        return Basis(standing.permissions, standing.fresh(now), self.lists.epoch)

    def mask(self, holding: Holding, standing: Standing, now: int) -> KeptMask:
        """The mask of those who hold this: the one that is kept, or a new one."""
        kept = self.masks.get(holding.key)
        if kept is not None and kept.fits(standing, now):
            return kept
        open_lists, by_expiry = self.lists.open_to(holding.held, holding.doubtful, now)
        return self._of_open(open_lists, by_expiry, standing, now)

    def common_mask(self, holdings: Sequence[Holding], standing: Standing, now: int) -> KeptMask:
        """What is in the mask of each of several people: kept by who they are to the lists, or new."""
        distinct = {holding.key: holding for holding in holdings}
        if len(distinct) == 1:
            return self.mask(holdings[0], standing, now)
        kept = self.masks.get(frozenset(distinct))
        if kept is not None and kept.fits(standing, now):
            return kept
        lists, span = self.lists, Span()
        open_lists = np.zeros(0, np.int32)
        for holding in sorted(distinct.values(), key=lambda one: one.size):
            open_lists, by_expiry = lists.open_to(holding.held, holding.doubtful, now)
            span = span.within(by_expiry)
            lists = lists.only(open_lists)  # what is closed to one is looked at for nobody else
        return self._of_open(open_lists, span, standing, now)

    def _of_open(self, open_lists: Ids, by_expiry: Span, standing: Standing, now: int) -> KeptMask:
        recent, by_age = self._recent_documents(standing, now)
        versions = open_lists.take(self.documents.lists)
        np.bitwise_and(versions, recent, out=versions)
        versions.setflags(write=False)
        return KeptMask(standing.documents, standing.sources, by_expiry.within(by_age), versions)

    def _recent_documents(self, standing: Standing, now: int) -> tuple[Mask, Span]:
        if self._recent is not None:
            revision, sources, span, recent = self._recent
            if (revision, sources) == (self.documents.revision, standing.sources) and span.holds(now):
                return recent, span
        recent, span = self.documents.recent(standing.sources, now)
        self._recent = (self.documents.revision, standing.sources, span, recent)
        return recent, span
