"""The rule of `visibility` over arrays: for every document id the version that a person may read.

Each process keeps two tables of the database, documents and access list entries,
and before each use loads what changed since (see `accounts.revisions`). The index
is filtered with the result; what it then proposes still passes the door.
"""

from __future__ import annotations

import threading
from datetime import datetime

import numpy as np
from django.db import connection as database
from django.utils import timezone
from numpy.typing import NDArray

from assistant.access.viewer import Viewer
from assistant.access.visibility import principals_of
from assistant.accounts.models import Connection
from assistant.accounts.principals import Held, unknown_groups
from assistant.accounts.revisions import Counter, current
from assistant.documents.models import Acl, AclEntry, Document, Hidden

_NEVER = np.inf
_NOT_LOADED = -1


class _DocumentTable:
    """Columns by document id. A version of 0 stands for anything that nobody may read."""

    def __init__(self) -> None:
        self.revision = 0
        self.versions = np.zeros(0, np.int32)
        self.acls = np.zeros(0, np.int64)
        self.connections = np.zeros(0, np.int64)
        self.confirmed = np.zeros(0, np.float64)
        self.stale = np.zeros(0, np.bool_)

    def refresh(self) -> None:
        revision = current(Counter.DOCUMENTS)
        if revision == self.revision:
            return
        if revision < self.revision:  # another database, or one restored from a backup
            self.__init__()  # type: ignore[misc]  # start anew, in place
        rows = Document.objects.filter(revision__gt=self.revision).values_list(
            "pk", "version", "hidden", "acl_id", "connection_id", "acl_confirmed_at", "acl_stale"
        )
        # Read after the counter: rows newer than `revision` are merely read again next time.
        for pk, version, hidden, acl, connection_id, confirmed, stale in rows.iterator(chunk_size=5000):
            self._reserve(pk)
            readable = hidden == Hidden.NO and acl is not None
            self.versions[pk] = version if readable else 0
            self.acls[pk] = acl or 0
            self.connections[pk] = connection_id
            self.confirmed[pk] = confirmed.timestamp() if confirmed else -_NEVER
            self.stale[pk] = stale
        self.revision = revision

    def _reserve(self, pk: int) -> None:
        if pk < len(self.versions):
            return
        more = max(pk + 1, 2 * len(self.versions), 1024) - len(self.versions)
        self.versions = np.concatenate([self.versions, np.zeros(more, np.int32)])
        self.acls = np.concatenate([self.acls, np.zeros(more, np.int64)])
        self.connections = np.concatenate([self.connections, np.zeros(more, np.int64)])
        self.confirmed = np.concatenate([self.confirmed, np.full(more, -_NEVER)])
        self.stale = np.concatenate([self.stale, np.ones(more, np.bool_)])


class _AclTable:
    """The entries of all lists that documents name, each list's in the order (clause, position).

    Lists never change, so only those not loaded yet are read. They are asked for by
    id: ids are given before their transactions end, so a lower one may appear later.
    """

    def __init__(self) -> None:
        self.revision = 0  # of the documents whose lists are loaded
        self.clause_counts = np.full(1, _NOT_LOADED, np.int64)  # by list id
        self.acls = np.zeros(0, np.int64)
        self.clauses = np.zeros(0, np.int64)  # numbered through all lists
        self.allow = np.zeros(0, np.bool_)
        self.principals = np.zeros(0, np.int64)
        self.expires = np.zeros(0, np.float64)
        self._clause_total = 0

    def refresh(self, named: NDArray[np.int64], *, revision: int) -> None:
        """Load those lists among `named` (by the documents of `revision`) that are missing; 0 names none."""
        if revision == self.revision:
            return
        if revision < self.revision:
            self.__init__()  # type: ignore[misc]  # ids of another database: start anew, in place
        self._load_missing(named)
        self.revision = revision

    def _load_missing(self, named: NDArray[np.int64]) -> None:
        self._reserve(int(named.max(initial=0)) + 1)
        missing = np.unique(named[(named > 0) & (self.clause_counts[named] == _NOT_LOADED)])
        if not missing.size:
            return
        wanted = set(missing.tolist())
        first, last = int(missing[0]), int(missing[-1])
        counts = dict(Acl.objects.filter(pk__gte=first, pk__lte=last).values_list("pk", "clause_count"))
        rows = AclEntry.objects.filter(acl_id__gte=first, acl_id__lte=last)
        self._append(
            [
                row
                for row in rows.order_by("acl_id", "clause", "position").values_list(
                    "acl_id", "clause", "allow", "principal_id", "expires_at"
                )
                if row[0] in wanted
            ]
        )
        self.clause_counts[missing] = [counts.get(pk, _NOT_LOADED) for pk in missing.tolist()]

    def _reserve(self, size: int) -> None:
        more = max(size - len(self.clause_counts), 0)
        self.clause_counts = np.concatenate([self.clause_counts, np.full(more, _NOT_LOADED, np.int64)])

    def _append(self, rows: list[tuple[int, int, bool, int, datetime | None]]) -> None:
        if not rows:
            return
        acls = np.array([row[0] for row in rows], np.int64)
        clauses = np.array([row[1] for row in rows], np.int64)
        starts = np.ones(len(rows), np.int64)
        starts[1:] = (acls[1:] != acls[:-1]) | (clauses[1:] != clauses[:-1])
        numbered = self._clause_total + np.cumsum(starts)
        self._clause_total = int(numbered[-1])
        self.acls = np.concatenate([self.acls, acls])
        self.clauses = np.concatenate([self.clauses, numbered])
        self.allow = np.concatenate([self.allow, np.array([row[2] for row in rows], np.bool_)])
        self.principals = np.concatenate([self.principals, np.array([row[3] for row in rows], np.int64)])
        expires = np.array([row[4].timestamp() if row[4] else _NEVER for row in rows], np.float64)
        self.expires = np.concatenate([self.expires, expires])

    def open_for(self, held: Held, unknown: set[int], now: float) -> NDArray[np.bool_]:
        """By list id: does the first counting entry of every clause allow?"""
        size = int(max(self.principals.max(initial=0), max(held.ids, default=0), max(unknown, default=0))) + 1
        is_held, is_unknown = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
        is_held[list(held.ids)] = True
        is_unknown[list(unknown)] = True
        counts = is_held[self.principals] | (~self.allow & is_unknown[self.principals])
        counting = np.flatnonzero(counts & (self.expires > now))
        # np.unique gives the first position of each clause, and positions are in order.
        _, first = np.unique(self.clauses[counting], return_index=True)
        deciding = counting[first]
        opened = np.bincount(self.acls[deciding[self.allow[deciding]]], minlength=len(self.clause_counts))
        result: NDArray[np.bool_] = (opened == self.clause_counts) & (self.clause_counts > 0)
        return result


_lock = threading.Lock()
_tables: dict[str, tuple[_DocumentTable, _AclTable]] = {}


def permitted_versions(viewer: Viewer, *, now: datetime | None = None) -> NDArray[np.int32]:
    """`result[document_id]` is the version that the viewer may read now, 0 for none."""
    now = now or timezone.now()
    held = principals_of(viewer, now=now)
    if not held.ids:
        return np.zeros(0, np.int32)
    unknown = set(unknown_groups(now).values_list("pk", flat=True))
    with _lock:
        documents, acls = _refreshed()
        open_acls = acls.open_for(held, unknown, now.timestamp())
        known = np.minimum(documents.acls, len(open_acls) - 1)
        permitted = open_acls[known] & (documents.acls == known) & _recent(documents, now)
        return np.where(permitted, documents.versions, 0).astype(np.int32)


def forget() -> None:
    """Drop this process's tables (after the database was replaced, and between tests)."""
    with _lock:
        _tables.clear()


def _refreshed() -> tuple[_DocumentTable, _AclTable]:
    key = str(database.settings_dict["NAME"])
    documents, acls = _tables.setdefault(key, (_DocumentTable(), _AclTable()))
    documents.refresh()
    # After the documents, so that every list they name is there.
    acls.refresh(documents.acls, revision=documents.revision)
    return documents, acls


def _recent(documents: _DocumentTable, now: datetime) -> NDArray[np.bool_]:
    rows = list(Connection.objects.values_list("pk", "max_age_s", "permissions_confirmed_at"))
    size = max([int(documents.connections.max(initial=0)), *(pk for pk, _, _ in rows)], default=0) + 1
    oldest, by_run = np.full(size, _NEVER), np.zeros(size, np.bool_)
    for pk, max_age_s, confirmed in rows:
        oldest[pk] = now.timestamp() - max_age_s
        by_run[pk] = confirmed is not None and confirmed.timestamp() >= oldest[pk]
    own = documents.confirmed >= oldest[documents.connections]
    return own | (by_run[documents.connections] & ~documents.stale)
