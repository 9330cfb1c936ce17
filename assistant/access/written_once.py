"""Statements that are written once and asked often.

Django takes several times longer to write a nested statement than the database to answer it. Here one is kept
as text, with marks where the moment and a narrower choice come in. Only text is kept: what it finds is asked
anew each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connections
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

# Stands in a statement for the moment at which it will be asked: one that nothing here could mean.
MOMENT = datetime(1971, 3, 5, 7, 11, 13, 171_923, tzinfo=UTC)
_CHOICE = object()


def choice() -> RawSQL:
    """The mark for the values among which is chosen: a statement that gives one column."""
    return RawSQL("%s", (_CHOICE,))


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement cut at its choices into text and parameters; `moment`: `MOMENT` as it stands there."""

    database: str
    parts: tuple[tuple[str, tuple[object, ...]], ...]
    moment: object

    def at(self, now: datetime, *, chosen: QuerySet | None = None) -> RawSQL:  # type: ignore[type-arg]  # any rows
        """The statement for this moment, among what `chosen` gives where it has a choice."""
        told = _told(self.database, now)
        inner, values = ("", ()) if chosen is None else chosen.query.sql_with_params()
        sql: list[str] = []
        params: list[object] = []
        for place, (text, own) in enumerate(self.parts):
            if place:
                params += values
            sql.append(text)
            params += (told if value == self.moment else value for value in own)
        return RawSQL(inner.join(sql), params)  # noqa: S611 - both texts are Django's


def written(rows: QuerySet) -> Statement:  # type: ignore[type-arg]  # any rows
    """The statement that asks for `rows`, in which `MOMENT` and `choice()` stand for what comes later.

    Raises:
        EmptyResultSet: Django knows without asking that there are none.
    """
    sql, params = rows.query.get_compiler(rows.db).as_sql()
    first, *pieces = sql.split("%s")
    parts: list[tuple[str, tuple[object, ...]]] = []
    text, own = first, list[object]()
    for piece, value in zip(pieces, params, strict=True):
        if value is _CHOICE:
            parts.append((text, tuple(own)))
            text, own = piece, []
        else:
            text += f"%s{piece}"
            own.append(value)
    return Statement(rows.db, (*parts, (text, tuple(own))), _told(rows.db, MOMENT))


def _told(database: str, moment: datetime) -> object:
    return connections[database].ops.adapt_datetimefield_value(moment)
