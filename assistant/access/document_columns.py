"""The columns of all documents that the rule needs, by document id, kept in step with the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import connection as database
from numpy.typing import NDArray

from assistant.access.standing import AFTER_ALL, BEFORE_ALL, SourceFacts, microseconds
from assistant.documents.models import Document, Hidden

_ROWS_AT_ONCE = 20_000
_TABLE = Document._meta.db_table
# Read without the ORM, which would make a million datetimes; what nobody may read comes as version 0.
_STATEMENT = f"""
    SELECT id,
           CASE WHEN hidden = %s AND acl_id IS NOT NULL THEN version ELSE 0 END,
           COALESCE(acl_id, 0), connection_id, CASE WHEN acl_stale THEN 1 ELSE 0 END,
           CAST(acl_confirmed_at AS text)
    FROM {_TABLE} WHERE {{}} > %s AND owner_id IS NULL
"""  # noqa: S608 - the model's own name

Row = tuple[int, int, int, int, int, str | None]


@dataclass(frozen=True, slots=True)
class Span:
    """Moments `since <= now < until` between which nothing changes by time alone."""

    since: int = BEFORE_ALL
    until: int = AFTER_ALL

    def holds(self, now: int) -> bool:
        """Whether `now` lies between."""
        return self.since <= now < self.until

    def within(self, other: Span) -> Span:
        """The moments of both."""
        return Span(max(self.since, other.since), min(self.until, other.until))


def span_around(now: int, moments: NDArray[np.int64]) -> Span:
    """The span between two of the moments at each of which something changes."""
    passed = moments <= now
    return Span(
        int(moments[passed].max(initial=BEFORE_ALL)),
        int(moments[~passed].min(initial=AFTER_ALL)),
    )


class DocumentColumns:
    """A version of 0 stands for anything that nobody may read. Every row up to `revision` is known."""

    def __init__(self) -> None:
        self.revision = 0
        self.versions = np.zeros(0, np.int32)
        self.lists = np.zeros(0, np.int64)  # as wide as an index, or each use would widen it
        self.connections = np.zeros(0, np.int32)
        self.confirmed = np.zeros(0, np.int64)
        self.stale = np.zeros(0, np.bool_)

    def refresh(self) -> None:
        """Read all rows that are newer than `revision`, which the caller then raises."""
        for part in _changed_since(self.revision):
            ids, versions, lists, connections, stale, confirmed = zip(*part, strict=True)
            places = np.array(ids, np.int64)
            self._reserve(int(places.max()) + 1)
            self.versions[places] = versions
            self.lists[places] = lists
            self.connections[places] = connections
            self.stale[places] = stale
            self.confirmed[places] = _moments(confirmed)

    @property
    def size(self) -> int:
        """Bytes of all columns."""
        columns = (self.versions, self.lists, self.connections, self.confirmed, self.stale)
        return sum(column.nbytes for column in columns)

    def recent(self, sources: Sequence[SourceFacts], now: int) -> tuple[NDArray[np.int32], Span]:
        """By document its version if its permissions are young enough, else 0; and for which moments."""
        known = int(self.connections.max(initial=0)) + 1
        size = max([known, *(source.id + 1 for source in sources)])
        # Documents of a connection that is gone count as confirmed long before any limit.
        max_age, by_run = np.full(size, BEFORE_ALL // 2), np.zeros(size, np.bool_)
        for source in sources:
            max_age[source.id] = source.max_age
            by_run[source.id] = source.lists_until >= now
        covered = by_run[self.connections] & ~self.stale
        others = np.flatnonzero(~covered & (self.versions > 0))
        # A document is still recent at its last moment, and no more a microsecond later.
        ends = self.confirmed[others] + max_age[self.connections[others]] + 1
        covered[others] = ends > now
        by_sources = np.array([source.lists_until + 1 for source in sources], np.int64)
        span = span_around(now, np.concatenate([ends, by_sources]))
        return np.where(covered, self.versions, np.int32(0)), span

    def _reserve(self, size: int) -> None:
        if size <= len(self.versions):
            return
        more = max(size, len(self.versions) * 5 // 4) - len(self.versions)
        self.versions = np.concatenate([self.versions, np.zeros(more, np.int32)])
        self.lists = np.concatenate([self.lists, np.zeros(more, np.int64)])
        self.connections = np.concatenate([self.connections, np.zeros(more, np.int32)])
        self.confirmed = np.concatenate([self.confirmed, np.full(more, BEFORE_ALL)])
        self.stale = np.concatenate([self.stale, np.ones(more, np.bool_)])


def _changed_since(revision: int) -> Iterator[list[Row]]:
    with database.chunked_cursor() as cursor:
        # All rows are read faster in the order in which they lie: the sign keeps the index out of it.
        column = "revision" if revision else "+revision"
        cursor.execute(_STATEMENT.format(column), [Hidden.NO.value, revision])
        while part := cursor.fetchmany(_ROWS_AT_ONCE):
            yield part


def _moments(texts: Sequence[str | None]) -> list[int]:
    """Documents of one transaction share their moment, so few texts are read."""
    known: dict[str | None, int] = {None: BEFORE_ALL}
    for text in texts:
        if text is not None and text not in known:
            known[text] = microseconds(datetime.fromisoformat(text))
    return [known[text] for text in texts]
