"""The entries of all access lists that documents name, as columns: which lists open to some principals?

Lists never change, so only those not loaded yet are read. They are asked for by id:
ids are given before their transactions end, so a lower one may appear later.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
from django.db import connection as database
from numpy.typing import NDArray

from assistant.access.document_columns import DocumentColumns, Span, span_around
from assistant.access.standing import AFTER_ALL, microseconds
from assistant.documents.models import Acl, AclEntry

Ids = NDArray[np.int32]
Row = tuple[int, int, int, int, int, str | None]

_NOT_LOADED = -1
_LISTS_AT_ONCE = 5_000
_LARGEST_ID = np.iinfo(np.int32).max
_STATEMENT = f"""
    SELECT acl_id, clause, position, CASE WHEN allow THEN 1 ELSE 0 END, principal_id, CAST(expires_at AS text)
    FROM {AclEntry._meta.db_table} WHERE acl_id IN ({{}})
"""  # noqa: S608 - the model's own name


class ListColumns:
    """Entries lie in the order (list, clause, position) within each reading; clauses are numbered through."""

    def __init__(self) -> None:
        self.clause_counts = np.full(1, _NOT_LOADED, np.int32)  # by list id
        self.lists = np.zeros(0, np.int32)
        self.clauses = np.zeros(0, np.int32)
        self.allow = np.zeros(0, np.bool_)
        self.principals = np.zeros(0, np.int64)  # as wide as an index, or each use would widen it
        self.expires = np.zeros(0, np.int64)
        self.named = np.zeros(1, np.bool_)  # by principal: does an entry name it?
        self.epoch = 0  # rises when a principal is named for the first time

    def refresh(self, lists: NDArray[np.int64]) -> None:
        """Load those of the lists that are missing; 0 stands for none."""
        if not lists.size:
            return
        self._reserve(int(lists.max()) + 1)
        missing = np.unique(lists[(self.clause_counts[lists] == _NOT_LOADED) & (lists > 0)])
        if not missing.size:
            return
        for start in range(0, len(missing), _LISTS_AT_ONCE):
            part: list[int] = missing[start : start + _LISTS_AT_ONCE].tolist()
            entries = _entries(part)
            counts = dict(Acl.objects.filter(pk__in=part).values_list("pk", "clause_count"))
            self._append(entries)  # only once nothing can fail any more
            self.clause_counts[part] = [counts.get(pk, _NOT_LOADED) for pk in part]

    @property
    def size(self) -> int:
        """Bytes of all columns."""
        entries = (self.lists, self.clauses, self.allow, self.principals, self.expires)
        return sum(column.nbytes for column in (*entries, self.clause_counts, self.named))

    def relevant(self, principals: Ids) -> Ids:
        """Those of the principals that any entry names."""
        known = principals[principals < len(self.named)]
        return known[self.named[known]]

    def open_to(self, held: Ids, doubtful: Ids, now: int) -> tuple[NDArray[np.int32], Span]:
        """By list id -1 (all bits) if each clause opens by its first counting entry, else 0; and when."""
        is_held, is_doubtful = np.zeros(len(self.named), np.bool_), np.zeros(len(self.named), np.bool_)
        is_held[held] = True
        is_doubtful[doubtful] = True
        matches = is_held.take(self.principals)
        if doubtful.size:
            denies = np.flatnonzero(~self.allow)
            matches[denies] |= is_doubtful[self.principals[denies]]
        matching = np.flatnonzero(matches)
        expires = self.expires[matching]
        counting = matching[expires > now]
        clauses = self.clauses[counting]
        first = np.ones(len(counting), np.bool_)
        first[1:] = clauses[1:] != clauses[:-1]
        deciding = counting[first]
        opened = np.bincount(self.lists[deciding[self.allow[deciding]]], minlength=len(self.clause_counts))
        is_open = (opened == self.clause_counts) & (self.clause_counts > 0)
        return -is_open.astype(np.int32), span_around(now, expires)

    def only(self, open_lists: NDArray[np.int32]) -> ListColumns:
        """The entries of the lists that are not 0 here, by list id; all other lists let nobody in."""
        kept = np.flatnonzero(open_lists.take(self.lists))
        part = ListColumns()
        part.clause_counts, part.named = self.clause_counts, self.named
        part.lists, part.clauses = self.lists[kept], self.clauses[kept]
        part.allow, part.principals = self.allow[kept], self.principals[kept]
        part.expires = self.expires[kept]
        return part

    def _reserve(self, size: int) -> None:
        more = max(size - len(self.clause_counts), 0)
        self.clause_counts = np.concatenate([self.clause_counts, np.full(more, _NOT_LOADED, np.int32)])

    def _append(self, rows: NDArray[np.int64]) -> None:
        if not len(rows):
            return
        if rows[:, [0, 4]].max() > _LARGEST_ID:
            raise OverflowError("An access list or a principal has an id that needs more than 32 bits.")
        rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
        lists, clauses = rows[:, 0], rows[:, 1]
        starts = np.ones(len(rows), np.int64)
        starts[1:] = (lists[1:] != lists[:-1]) | (clauses[1:] != clauses[:-1])
        numbered = int(self.clauses.max(initial=0)) + np.cumsum(starts)
        self.lists = np.concatenate([self.lists, lists.astype(np.int32)])
        self.clauses = np.concatenate([self.clauses, numbered.astype(np.int32)])
        self.allow = np.concatenate([self.allow, rows[:, 3] == 1])
        self.principals = np.concatenate([self.principals, rows[:, 4]])
        self.expires = np.concatenate([self.expires, rows[:, 5]])
        self._name(rows[:, 4])

    def _name(self, principals: NDArray[np.int64]) -> None:
        more = max(int(principals.max()) + 1 - len(self.named), 0)
        self.named = np.concatenate([self.named, np.zeros(more, np.bool_)])
        if not self.named[principals].all():
            self.named[principals] = True
            self.epoch += 1


def read_changes(documents: DocumentColumns, lists: ListColumns, *, revision: int) -> None:
    """Bring both up to the document counter `revision`, which was read before; they may then be newer."""
    documents.refresh()
    # After the documents, so that every list they name is there.
    lists.refresh(documents.lists)
    documents.revision = revision


def _entries(lists: list[int]) -> NDArray[np.int64]:
    """Rows (list, clause, position, allow, principal, expiry) of the lists."""
    with database.cursor() as cursor:
        cursor.execute(_STATEMENT.format(", ".join(["%s"] * len(lists))), lists)
        rows: list[Row] = cursor.fetchall()
    if not rows:
        return np.zeros((0, 6), np.int64)
    *columns, expires = zip(*rows, strict=True)
    return np.array([*columns, [_moment(text) for text in expires]], np.int64).T


def _moment(text: str | None) -> int:
    if text is None:
        return AFTER_ALL
    return microseconds(datetime.fromisoformat(text))
