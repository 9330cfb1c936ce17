"""A small world that was made once is laid down again: its rows as they were, its files as they were.

Making it takes a whole sync, which hundreds of tests would each wait for. What is laid down
again differs from the first in its moments, which move on to now, and in its folder; what is signed stays
as it was. Where the database does not stand as it stood then, or a setting differs, the world is made anew.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management.color import no_style
from django.db import connection, transaction
from django.utils import timezone

from assistant.audit.models import AuditEvent

_SIGNED = frozenset({AuditEvent._meta.db_table})  # rows that no longer verify where a byte of them changes
Value = bool | int | float | Decimal | str | bytes | datetime | None
Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    """`was`: its rows before the world was made."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    was: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class _Laying:
    """A statement that lays down all rows of a table, and the places of the values that differ each time."""

    statement: str
    values: tuple[Value, ...]
    moments: tuple[int, ...]
    paths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Made:
    """Made until `done`, in `folder`. `tables`: those that it changed, whole. `counting`: see `_counting`."""

    done: datetime
    folder: Path
    tables: tuple[_Table, ...]
    layings: tuple[_Laying, ...]
    counting: tuple[str, ...]


_KEPT: dict[str, _Made] = {}  # by what the database and the settings were like


def made_once(make: Callable[[], None], *, folder: Path, kept_in: Callable[[], Path]) -> None:
    """Have in the database and in `folder` what `make` makes there; `kept_in` gives a folder to keep it."""
    state = _state(folder)
    made = _KEPT.get(state)
    if made is not None and all(_table(each.name).rows == each.was for each in made.tables if each.was):
        _lay_again(made, folder)
        return
    begun, there, files = timezone.now(), [_table(name) for name in _names()], set(folder.iterdir())
    make()
    if made is None:
        _KEPT[state] = _kept(
            begun, there, [path for path in folder.iterdir() if path not in files], kept_in()
        )


def _kept(begun: datetime, there: Sequence[_Table], files: Sequence[Path], copy: Path) -> _Made:
    """What was made since `begun`: rows beside those that were `there`, and these files of one folder."""
    done = timezone.now()
    for path in files:
        if path.is_dir():
            shutil.copytree(path, copy / path.name)
        else:
            shutil.copy2(path, copy)
    now = ((_table(was.name), was) for was in there)
    tables = tuple(
        replace(_elsewhere(table, files[0].parent, copy), was=was.rows)
        for table, was in now
        if table.rows != was.rows
    )
    layings = tuple(_laying(table, since=begun, folder=copy) for table in tables if table.rows)
    return _Made(done, copy, tables, layings, tuple(_counting({table.name for table in tables})))


def _laying(table: _Table, *, since: datetime, folder: Path) -> _Laying:
    """How to lay it down: moments from `since` on and paths in `folder` differ each time, if not signed."""
    marks = f"({', '.join(['%s'] * len(table.columns))})"
    columns = ", ".join(map(_quoted, table.columns))
    values = tuple(value for row in table.rows for value in row)
    differ = [] if table.name in _SIGNED else list(enumerate(values))
    return _Laying(
        f"INSERT INTO {_quoted(table.name)} ({columns}) VALUES {', '.join([marks] * len(table.rows))}",
        values,
        tuple(place for place, value in differ if isinstance(value, datetime) and _utc(value) >= since),
        tuple(place for place, value in differ if _in_folder(value, folder, folder / "elsewhere") != value),
    )


def _state(folder: Path) -> str:
    """How many rows each table has, and every setting of ours. In the test's own folder, all are alike."""
    names = _names()
    counts = ", ".join(f"(SELECT count(*) FROM {_quoted(name)})" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}")
        [numbers] = cursor.fetchall()
    ours = {name: getattr(settings, name) for name in dir(settings) if name.startswith("MUNDAP_")}
    return repr((connection.alias, names, numbers, ours)).replace(str(folder), "")


def _names() -> list[str]:
    return sorted(set(connection.introspection.django_table_names()) - {"django_migrations"})


def _table(name: str) -> _Table:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {_quoted(name)}")
        columns = tuple(column[0] for column in cursor.description)
        return _Table(name, columns, tuple(sorted(cursor.fetchall(), key=repr)))


def _lay_again(made: _Made, folder: Path) -> None:
    later = timezone.now() - made.done
    shutil.copytree(made.folder, folder, dirs_exist_ok=True)
    with transaction.atomic(), connection.cursor() as cursor:
        for table in made.tables:
            cursor.execute(f"DELETE FROM {_quoted(table.name)}")
        for laying in made.layings:
            values = list(laying.values)
            for place in laying.paths:
                values[place] = _in_folder(values[place], made.folder, folder)
            for place in laying.moments:
                moment = values[place]
                assert isinstance(moment, datetime)
                values[place] = moment + later  # a moment since the world was begun becomes one of now
            cursor.execute(laying.statement, values)
        for statement in made.counting:
            cursor.execute(statement)


def _counting(names: set[str]) -> list[str]:
    """Rows that come after get numbers behind those laid down: PostgreSQL counts apart from the rows."""
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.db_table in names]
    return list(connection.ops.sequence_reset_sql(no_style(), models))


def _utc(moment: datetime) -> datetime:
    """SQLite gives moments without their zone, UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _elsewhere(table: _Table, old: Path, new: Path) -> _Table:
    """The table with the paths of one folder in the place of another's, in JSON too."""
    if table.name in _SIGNED:
        return table
    rows = tuple(tuple(_in_folder(value, old, new) for value in row) for row in table.rows)
    return replace(table, rows=rows)


def _in_folder(value: Value, old: Path, new: Path) -> Value:
    if not isinstance(value, str):
        return value
    in_json = value.replace(json.dumps(str(old))[1:-1], json.dumps(str(new))[1:-1])
    return in_json if value[:1] in "{[" else value.replace(str(old), str(new))


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
