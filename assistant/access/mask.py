"""The rule of `visibility` over arrays: for every document id the version that a person may read.

Of a viewer with others beside: what each of them may read.

Each process keeps columns of documents and of access lists, what people hold, and the
last masks (`mask_tables`). Before each use one statement says whether the account is
open, which revisions permissions and documents have, and how old the facts of each
connection are (`standing`). What has changed since is read again, and what is kept is
used only for the principals, revisions and moments that it was made for. The index is
filtered with the result; what it then proposes still passes the door.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import connection as database
from django.db.models import QuerySet
from django.utils import timezone

from assistant.access.list_columns import Ids
from assistant.access.mask_tables import Basis, Holding, KeptMask, Mask, Tables, common_key
from assistant.access.standing import Standing, microseconds, standing_of
from assistant.access.viewer import Viewer
from assistant.accounts.freshness import fresh_ids
from assistant.accounts.holding import (
    principals_held,
    principals_in_doubt,
    principals_in_doubt_for_all,
    unconfirmed_addresses,
)
from assistant.accounts.holding_together import held_by_each
from assistant.accounts.models import Principal, User
from assistant.common.errors import MundapError

_TRIES = 10

_Held = tuple[Ids, Ids]  # surely, and in doubt

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
            _keep(tables, made)
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
    """A mask and what everybody holds for whom it was made, by person.

    `sure`: all that it was made from was known to fit together.
    """

    holdings: Mapping[int, Holding]
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
        kept = {person: tables.holdings.get(person) for person in viewer.everybody}
        in_doubt = tables.in_doubt if tables.in_doubt and tables.in_doubt[0] == basis else None
    known = {person: one for person, one in kept.items() if one is not None and one.basis == basis}
    missing = [person for person in viewer.everybody if person not in known]
    asked: dict[int, _Held] = {}
    if missing:
        asked, in_doubt = _ask(missing, basis, in_doubt, now)
    with tables.lock:
        if tables.basis(standing, moment) != basis:
            return None
        sure = not missing and loads == tables.loads and tables.documents.revision == standing.documents
        relevant = tables.lists.relevant
        for person, (held, doubtful) in asked.items():
            known[person] = Holding(basis, relevant(held), relevant(doubtful))
        made = _Made(known, in_doubt, tables.common_mask(list(known.values()), standing, moment), sure)
        if sure:
            _keep_mask(tables, made)
        return made


def _ask(
    people: Sequence[int], basis: Basis, in_doubt: tuple[Basis, Ids] | None, now: datetime
) -> tuple[dict[int, _Held], tuple[Basis, Ids] | None]:
    """What each of the people holds, with what is in doubt for them; and what is in doubt for everybody."""
    if len(people) == 1:
        [person] = people
        held, doubtful, in_doubt = _ask_one(person, basis, in_doubt, now)
        return {person: (held, doubtful)}, in_doubt
    in_doubt = in_doubt or (basis, _ids(principals_in_doubt_for_all(now=now)))
    return {
        person: (_sorted(one.ids), np.union1d(in_doubt[1], _sorted(one.doubtful)))
        for person, one in held_by_each(people, fresh=fresh_ids(now)).items()
    }, in_doubt


def _ask_one(
    person: int, basis: Basis, in_doubt: tuple[Basis, Ids] | None, now: datetime
) -> tuple[Ids, Ids, tuple[Basis, Ids] | None]:
    """What the person holds, what is in doubt for them, and what is in doubt for everybody."""
    user = User(pk=person, is_active=True)  # as `standing_of` says before and after this
    held = _ids(principals_held(user, now=now))
    if unconfirmed_addresses(user.pk).exists():
        return held, _ids(principals_in_doubt(user, now=now)), in_doubt
    in_doubt = in_doubt or (basis, _ids(principals_in_doubt_for_all(now=now)))
    return held, in_doubt[1], in_doubt


def _ids(principals: QuerySet[Principal]) -> Ids:
    return np.fromiter(principals.order_by("pk").values_list("pk", flat=True), np.int32)


def _sorted(principals: Collection[int]) -> Ids:
    return np.sort(np.fromiter(principals, np.int32, len(principals)))


def _keep(tables: Tables, made: _Made) -> None:
    with tables.lock:
        if made.in_doubt is not None:
            tables.in_doubt = made.in_doubt
        for person, holding in made.holdings.items():
            tables.holdings.put(person, holding, holding.size)
        _keep_mask(tables, made)


def _keep_mask(tables: Tables, made: _Made) -> None:
    holdings = list(made.holdings.values())
    named = sum(holding.size for holding in holdings) if len(holdings) > 1 else 0
    tables.masks.put(common_key(holdings), made.mask, made.mask.versions.nbytes + named)
