"""Which documents fit the filters of a search?

What a person may read is narrowed to them before the index is asked. So word statistics, the best k and
recall are those of a world that holds only what fits, and the door still decides. Which documents fit depends
on no person, and is kept by filters and document revision; what that leaves of one person's permission is
kept as long as the permission's own array lives, which is how the index knows that it may keep its views.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict

import numpy as np
from django.db import connection as database

from assistant.access.door import count_readable
from assistant.access.mask_tables import LastUsed, Mask
from assistant.access.viewer import Viewer
from assistant.accounts.models import Connection
from assistant.accounts.revisions import Counter, current
from assistant.common.analysis import normalise
from assistant.retrieval.document_facts import AttributeColumns, FactColumns, Which
from assistant.retrieval.filters import Filters

_FITTING_BYTES = 32 << 20  # 32 filters over a million documents
_NARROWED = 16  # 4 MB each at a million documents

_lock = threading.Lock()


class _Kept:
    """What one process keeps of one database. Everything is read and written under `lock`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.start_anew()

    def start_anew(self) -> None:
        self.facts = FactColumns()
        self.attributes = AttributeColumns()
        self.fitting: LastUsed[Which] = LastUsed(_FITTING_BYTES)

    def follow(self, revision: int, *, attributes: bool) -> None:
        """Bring the columns up to a value of the document counter, which a backup may have put back."""
        if revision < max(self.facts.revision, self.attributes.revision):
            self.start_anew()
        self.facts.follow(revision)
        if attributes:
            self.attributes.follow(revision)


_kept: dict[str, _Kept] = {}
_narrowed: OrderedDict[tuple[int, int], tuple[weakref.ref[Mask], Which, Mask]] = OrderedDict()


def narrowed(permitted: Mask, filters: Filters) -> Mask:
    """The permitted versions of the documents that fit; 0 for all others. Not to be written to.

    Without filters it is the very array that was given.
    """
    if filters.none:
        return permitted
    fitting = fitting_documents(filters)
    key = (id(permitted), id(fitting))
    with _lock:
        known = _narrowed.get(key)
        if known is not None and known[0]() is permitted and known[1] is fitting:
            _narrowed.move_to_end(key)
            return known[2]
    left = np.zeros(len(permitted), permitted.dtype)
    common = min(len(permitted), len(fitting))
    np.multiply(permitted[:common], fitting[:common], out=left[:common])
    left.setflags(write=False)
    if not permitted.flags.writeable:
        with _lock:
            _narrowed[key] = (weakref.ref(permitted), fitting, left)
            _forget_some()
    return left


def fitting_documents(filters: Filters) -> Which:
    """Which documents fit now, by document id, perhaps not up to the last. Not to be written to."""
    tables = _tables_of_database()
    sources = tuple(_named_sources(filters)) if filters.sources else ()
    attributes = bool(filters.authors or filters.attributes)
    with tables.lock:
        # Asked under the lock, so that no thread takes what another has read since for a database put back.
        revision = current(Counter.DOCUMENTS)
        tables.follow(revision, attributes=attributes)
        key = (filters.key, sources, revision)
        fitting = tables.fitting.get(key)
        if fitting is None:
            fitting = _fitting(tables, filters, sources)
            fitting.setflags(write=False)
            tables.fitting.put(key, fitting, fitting.nbytes)
        return fitting


def read_ahead() -> None:
    """Read what filters by source, format and date look at: seconds at a million documents."""
    tables = _tables_of_database()
    with tables.lock:
        tables.follow(current(Counter.DOCUMENTS), attributes=False)


def count_fitting(viewer: Viewer, filters: Filters) -> int:
    """How many of the documents that the viewer may read fit the filters."""
    among = None if filters.none else fitting_documents(filters)
    return count_readable(viewer, among=among)


def forget() -> None:
    """Drop all that this process keeps (between tests)."""
    with _lock:
        _kept.clear()
        _narrowed.clear()


def _tables_of_database() -> _Kept:
    known = database.settings_dict
    with _lock:
        return _kept.setdefault(f"{known['HOST']}:{known['PORT']}/{known['NAME']}", _Kept())


def _named_sources(filters: Filters) -> list[int]:
    """Ids of the connections that the filters name, whoever may read of them."""
    wanted = {normalise(name) for name in filters.sources}
    rows = Connection.objects.order_by("pk").values_list("pk", "name")
    return [pk for pk, name in rows if normalise(name) in wanted]


def _fitting(tables: _Kept, filters: Filters, sources: tuple[int, ...]) -> Which:
    facts = tables.facts
    found = np.ones(len(facts.sources), np.bool_)
    if filters.sources:
        found &= facts.of_sources(sources)
    if filters.types:
        found &= facts.of_formats(filters.types)
    if filters.modified_from is not None or filters.modified_until is not None:
        found &= facts.changed_within(filters.modified_from, filters.modified_until)
    for alternatives in _pairs_wanted(filters):
        having = tables.attributes.with_one_of(alternatives)
        common = min(len(found), len(having))
        found[:common] &= having[:common]
        found[common:] = False
    return found


def _pairs_wanted(filters: Filters) -> list[list[tuple[str, str]]]:
    """One list of alternatives for the authors and one for each attribute's name."""
    authors = [(name, normalise(value)) for value in filters.authors for name in ("author", "authors")]
    by_name: dict[str, list[tuple[str, str]]] = {}
    for name, value in filters.attributes:
        by_name.setdefault(normalise(name), []).append((normalise(name), normalise(value)))
    return [alternatives for alternatives in (authors, *by_name.values()) if alternatives]


def _forget_some() -> None:
    for key in [key for key, (permitted, _, _) in _narrowed.items() if permitted() is None]:
        del _narrowed[key]
    while len(_narrowed) > _NARROWED:
        _narrowed.popitem(last=False)
