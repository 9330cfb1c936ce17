"""The rule of `visibility` over arrays: for every document id the version that a person may read.

Each process keeps columns of documents and of access lists, what people hold, and the
last masks (`mask_tables`). Before each use one statement says whether the account is
open, which revisions permissions and documents have, and how old the facts of each
connection are (`standing`). What has changed since is read again, and what is kept is
used only for the principals, revisions and moments that it was made for. The index is
filtered with the result; what it then proposes still passes the door.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import connection as database
from django.db.models import QuerySet
from django.utils import timezone

from assistant.access.list_columns import Ids
from assistant.access.mask_tables import Basis, Holding, KeptMask, Mask, Tables
from assistant.access.standing import Standing, microseconds, standing_of
from assistant.access.viewer import Viewer
from assistant.accounts.holding import (
    principals_held,
    principals_in_doubt,
    principals_in_doubt_for_all,
    unconfirmed_addresses,
)
from assistant.accounts.models import Principal, User
from assistant.common.errors import MundapError

_TRIES = 10

_lock = threading.Lock()
_tables: dict[str, Tables] = {}


def permitted_versions(viewer: Viewer, *, now: datetime | None = None) -> Mask:
    """`result[document_id]` is the version that the viewer may read now, 0 for none. Not to be written to.

    Raises:
        MundapError: who belongs to what changes faster than it can be read.
    """
    now = now or timezone.now()
    tables = _tables_of_database()
    loads, standing = tables.loads, standing_of(viewer)
    for _ in range(_TRIES):
        if standing is None:
            return np.zeros(0, np.int32)
        made = _make(tables, viewer, standing, now, loads=loads)
        if made is not None and made.sure:
            return made.mask.versions
        # Something was read after `standing`. It fits together if the permissions are still those.
        loads, again = tables.loads, standing_of(viewer)
        if made is not None and again is not None and _same_permissions(standing, again):
            _keep(tables, viewer, made)
            return made.mask.versions
        standing = again
    raise MundapError("Permissions are changing faster than they can be read. Ask again in a moment.")


def readable_connections(viewer: Viewer, *, now: datetime | None = None) -> list[int]:
    """Ids of the connections of which the viewer may read at least one document now, rising.

    Raises:
        MundapError: as `permitted_versions`.
    """
    permitted = permitted_versions(viewer, now=now)
    tables = _tables_of_database()
    with tables.lock:
        connections = tables.documents.connections  # of a document it never changes
        common = min(len(permitted), len(connections))
        found = connections[:common][permitted[:common] > 0]
    return [int(connection) for connection in np.flatnonzero(np.bincount(found))]


def forget() -> None:
    """Drop all that this process keeps (after the database was replaced, and between tests)."""
    with _lock:
        _tables.clear()


@dataclass(frozen=True, slots=True)
class _Made:
    """A mask and the holding it was made for. `sure`: all that it was made from was known to fit together."""

    holding: Holding
    in_doubt: tuple[Basis, Ids] | None
    mask: KeptMask
    sure: bool


def _tables_of_database() -> Tables:
    known = database.settings_dict
    with _lock:
        return _tables.setdefault(f"{known['HOST']}:{known['PORT']}/{known['NAME']}", Tables())


def _same_permissions(one: Standing, other: Standing) -> bool:
    return (one.permissions, one.sources) == (other.permissions, other.sources)


def _make(tables: Tables, viewer: Viewer, standing: Standing, now: datetime, *, loads: int) -> _Made | None:
    """What can be made now. None if another thread has meanwhile changed what must be held.

    `loads`: the tables' own number before `standing` was asked.
    """
    moment = microseconds(now)
    with tables.lock:
        tables.follow(standing)
        basis = tables.basis(standing, moment)
        kept = tables.holdings.get(viewer.user_id)
        in_doubt = tables.in_doubt if tables.in_doubt and tables.in_doubt[0] == basis else None
    holding = kept if kept is not None and kept.basis == basis else None
    if holding is None:
        held, doubtful, in_doubt = _ask(viewer, basis, in_doubt, now)
    with tables.lock:
        if tables.basis(standing, moment) != basis:
            return None
        sure = (
            holding is not None and loads == tables.loads and tables.documents.revision == standing.documents
        )
        if holding is None:
            holding = Holding(basis, tables.lists.relevant(held), tables.lists.relevant(doubtful))
        mask = tables.mask(holding, standing, moment)
        if sure:
            tables.masks.put(holding.key, mask, mask.versions.nbytes)
        return _Made(holding, in_doubt, mask, sure)


def _ask(
    viewer: Viewer, basis: Basis, in_doubt: tuple[Basis, Ids] | None, now: datetime
) -> tuple[Ids, Ids, tuple[Basis, Ids] | None]:
    """What the person holds, what is in doubt for them, and what is in doubt for everybody."""
    user = User(pk=viewer.user_id, is_active=True)  # as `standing_of` says before and after this
    held = _ids(principals_held(user, now=now))
    if unconfirmed_addresses(user.pk).exists():
        return held, _ids(principals_in_doubt(user, now=now)), in_doubt
    in_doubt = in_doubt or (basis, _ids(principals_in_doubt_for_all(now=now)))
    return held, in_doubt[1], in_doubt


def _ids(principals: QuerySet[Principal]) -> Ids:
    return np.fromiter(principals.order_by("pk").values_list("pk", flat=True), np.int32)


def _keep(tables: Tables, viewer: Viewer, made: _Made) -> None:
    with tables.lock:
        if made.in_doubt is not None:
            tables.in_doubt = made.in_doubt
        tables.holdings.put(viewer.user_id, made.holding, made.holding.size)
        tables.masks.put(made.holding.key, made.mask, made.mask.versions.nbytes)
