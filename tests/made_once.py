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
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
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
class _Made:
    """Made from `begun` to `done`, in `folder`. `tables`: those that it changed, whole."""

    begun: datetime
    done: datetime
    folder: Path
    tables: tuple[_Table, ...]


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
    folder = files[0].parent
    now = ((_table(was.name), was) for was in there)
    return _Made(
        begun,
        done,
        copy,
        tuple(
            replace(_elsewhere(table, folder, copy), was=was.rows)
            for table, was in now
            if table.rows != was.rows
        ),
    )


def _state(folder: Path) -> str:
    """How many rows each table has, and every setting of ours. In the test's own folder, all are alike."""
    names = _names()
    counts = ", ".join(f"(SELECT count(*) FROM {_quoted(name)})" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}")
        [numbers] = cursor.fetchall()
    ours = {
        name: repr(getattr(settings, name)).replace(str(folder), "")
        for name in dir(settings)
        if name.startswith("MUNDAP_")
    }
    return repr((connection.alias, list(zip(names, numbers, strict=True)), ours))


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
        for table in made.tables:
            if table.rows:
                rows = _elsewhere(table, made.folder, folder).rows
                marks = f"({', '.join(['%s'] * len(table.columns))})"
                columns = ", ".join(map(_quoted, table.columns))
                statement = f"INSERT INTO {_quoted(table.name)} ({columns}) VALUES "
                values = [value for row in rows for value in row]
                if table.name not in _SIGNED:
                    values = [_moved(value, made.begun, later) for value in values]
                cursor.execute(statement + ", ".join([marks] * len(rows)), values)
        _count_on(cursor, {table.name for table in made.tables})


def _count_on(cursor: CursorWrapper, names: set[str]) -> None:
    """Rows that come after get numbers behind those laid down: PostgreSQL counts apart from the rows."""
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.db_table in names]
    for statement in connection.ops.sequence_reset_sql(no_style(), models):
        cursor.execute(statement)


def _moved(value: Value, since: datetime, later: timedelta) -> Value:
    """A moment since the world was begun becomes one of now. SQLite gives moments without their zone, UTC."""
    if isinstance(value, datetime) and (value if value.tzinfo else value.replace(tzinfo=UTC)) >= since:
        return value + later
    return value


def _elsewhere(table: _Table, old: Path, new: Path) -> _Table:
    """The table with the paths of one folder in the place of another's, in JSON too."""
    if table.name in _SIGNED:
        return table

    def there(value: Value) -> Value:
        if not isinstance(value, str):
            return value
        in_json = value.replace(json.dumps(str(old))[1:-1], json.dumps(str(new))[1:-1])
        return in_json if value[:1] in "{[" else value.replace(str(old), str(new))

    return replace(table, rows=tuple(tuple(map(there, row)) for row in table.rows))


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
