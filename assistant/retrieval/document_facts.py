"""What is known of each document that a search can be narrowed by: columns by document id.

Kept by each process and brought up to the database's document counter before each use, by reading the rows
that changed since. They say nothing of permissions: what is narrowed with them is what a person may read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

import numpy as np
from django.db import connection as database
from numpy.typing import NDArray

from assistant.access.standing import BEFORE_ALL, microseconds
from assistant.common.analysis import normalise
from assistant.common.formats import FORMATS, declared_format, extension_of
from assistant.common.types import Json
from assistant.documents.models import Document

Which = NDArray[np.bool_]

_ROWS_AT_ONCE = 20_000
_TABLE = Document._meta.db_table
# Read without the ORM, which would make a million objects and datetimes.
_FACTS = f"""
    SELECT id, connection_id, name, media_type, CAST({{moment}} AS text)
    FROM {_TABLE} WHERE {{column}} > %s AND owner_id IS NULL
"""  # noqa: S608 - the model's own name
_ATTRIBUTES = f"""
    SELECT id, CAST(attributes AS text) FROM {_TABLE} WHERE {{column}} > %s AND owner_id IS NULL
"""  # noqa: S608 - as above

_FORMAT_NUMBERS = {name: number for number, name in enumerate(FORMATS)}
_OTHER_FORMAT = len(FORMATS)
_UNDATED = BEFORE_ALL
_WORTH_PACKING = 100_000  # pairs of former versions


class FactColumns:
    """Source, format and date of each document. Every row up to `revision` is known."""

    def __init__(self) -> None:
        self.revision = 0
        self.sources = np.zeros(0, np.int32)
        self.formats = np.zeros(0, np.int8)
        self.modified = np.zeros(0, np.int64)

    def follow(self, revision: int) -> None:
        """Read what changed up to this value of the counter."""
        if self.revision >= revision:
            return
        for part in _changed_since(self.revision, _FACTS):
            ids, sources, names, media_types, moments = zip(*part, strict=True)
            places = np.array(ids, np.int64)
            self._reserve(int(places.max()) + 1)
            self.sources[places] = sources
            self.formats[places] = [
                _format_number(extension_of(name), kind)
                for name, kind in zip(names, media_types, strict=True)
            ]
            self.modified[places] = _moments(moments)
        self.revision = revision

    def of_sources(self, ids: Sequence[int]) -> Which:
        """Documents of one of these connections."""
        return np.isin(self.sources, np.array(ids, np.int32))

    def of_formats(self, names: Sequence[str]) -> Which:
        """Documents of one of these formats."""
        wanted = np.zeros(_OTHER_FORMAT + 1, np.bool_)
        wanted[[_FORMAT_NUMBERS[name] for name in names]] = True
        return wanted[self.formats]

    def changed_within(self, begin: datetime | None, end: datetime | None) -> Which:
        """Documents that were last changed at `begin` or later and before `end`; none without a date."""
        found = self.modified > _UNDATED
        if begin is not None:
            found &= self.modified >= microseconds(begin)
        if end is not None:
            found &= self.modified < microseconds(end)
        return found

    def _reserve(self, size: int) -> None:
        if size <= len(self.sources):
            return
        more = max(size, len(self.sources) * 5 // 4) - len(self.sources)
        self.sources = np.concatenate([self.sources, np.zeros(more, np.int32)])
        self.formats = np.concatenate([self.formats, np.full(more, _OTHER_FORMAT, np.int8)])
        self.modified = np.concatenate([self.modified, np.full(more, _UNDATED, np.int64)])


class AttributeColumns:
    """Which document has which value under which name. Every row up to `revision` is known.

    A pair is kept as a 64-bit hash that differs from process to process, with its document and the reading
    that brought it: a document that is read again leaves its former pairs behind, which then count no more.
    Two pairs of a million have the same hash once in thirty million installations.
    """

    def __init__(self) -> None:
        self.revision = 0
        self._reading = 0
        self._latest = np.zeros(0, np.int32)  # by document, the reading that counts
        self._pairs = np.zeros(0, np.int64)
        self._documents = np.zeros(0, np.int32)
        self._readings = np.zeros(0, np.int32)

    def follow(self, revision: int) -> None:
        """Read what changed up to this value of the counter."""
        if self.revision >= revision:
            return
        for part in _changed_since(self.revision, _ATTRIBUTES):
            self._take(part)
        stale = self._readings != self._latest[self._documents]
        if int(stale.sum()) > max(_WORTH_PACKING, len(stale) // 2):
            self._pairs, self._documents = self._pairs[~stale], self._documents[~stale]
            self._readings = self._readings[~stale]
        self.revision = revision

    def with_one_of(self, pairs: Sequence[tuple[str, str]]) -> Which:
        """Documents that have one of these (name, value) pairs, all of them normalised."""
        found = np.zeros(len(self._latest), np.bool_)
        rows = np.flatnonzero(np.isin(self._pairs, np.array([hash(pair) for pair in pairs], np.int64)))
        documents = self._documents[rows]
        found[documents[self._readings[rows] == self._latest[documents]]] = True
        return found

    def _take(self, part: Sequence[tuple[int, str]]) -> None:
        self._reading += 1
        places = np.array([row[0] for row in part], np.int64)
        size = int(places.max()) + 1
        if size > len(self._latest):
            more = max(size, len(self._latest) * 5 // 4) - len(self._latest)
            self._latest = np.concatenate([self._latest, np.zeros(more, np.int32)])
        self._latest[places] = self._reading
        hashes: list[int] = []
        documents: list[int] = []
        for document, text in part:
            here = _hashes(text)
            hashes += here
            documents += [document] * len(here)
        self._pairs = np.concatenate([self._pairs, np.array(hashes, np.int64)])
        self._documents = np.concatenate([self._documents, np.array(documents, np.int32)])
        self._readings = np.concatenate([self._readings, np.full(len(hashes), self._reading, np.int32)])


def _hashes(text: str) -> list[int]:
    attributes = json.loads(text) if len(text) > len("{}") else {}
    found: list[int] = []
    for name, listed in attributes.items():
        key = _normalised(name)
        found += [hash((key, value)) for value in comparable(listed)]
    return found


def comparable(value: Json) -> tuple[str, ...]:
    """An attribute's values as they are compared: text, numbers, truth, or a list of these."""
    match value:
        case str():
            return (_normalised(value),)
        case bool():
            return ("true" if value else "false",)
        case int() | float():
            return (str(value),)
        case Mapping() | None:
            return ()
    return tuple(part for item in value for part in comparable(item))


def _normalised(text: str) -> str:
    return text.lower() if text.isascii() else normalise(text)  # the same, sooner


@lru_cache(maxsize=4096)
def _format_number(extension: str, media_type: str) -> int:
    format_name = declared_format(name=f"a.{extension}", media_type=media_type)
    return _FORMAT_NUMBERS.get(format_name, _OTHER_FORMAT)


def _moments(texts: Sequence[str | None]) -> NDArray[np.int64]:
    """Microseconds since 1970; read by NumPy, as a million are too many for `datetime`."""
    found = np.array(["NaT" if text is None else text for text in texts], "datetime64[us]")
    moments: NDArray[np.int64] = np.where(np.isnat(found), _UNDATED, found.astype(np.int64))
    return moments


def _changed_since(revision: int, statement: str) -> Iterator[Sequence[tuple[int, str]]]:
    with database.chunked_cursor() as cursor:
        # All rows are read faster in the order in which they lie: the sign keeps the index out of it.
        column = "revision" if revision else "+revision"
        moment = "modified_at AT TIME ZONE 'UTC'" if database.vendor == "postgresql" else "modified_at"
        cursor.execute(statement.format(column=column, moment=moment), [revision])
        while part := cursor.fetchmany(_ROWS_AT_ONCE):
            yield part
