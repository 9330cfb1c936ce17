"""After a test that commits, the tables that have rows are emptied, in one transaction.

Django would empty all tables and have the types of content and their permissions written anew, which takes
ten times as long. They stay here, as long as they are those that were written first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase

Rows = list[list[tuple[object, ...]]]
_STAY = (ContentType, Permission)


@contextmanager
def emptied_quickly() -> Iterator[None]:
    """Have tests that commit leave an empty database in this way, as long as the context lasts."""
    as_django_does = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]  # the stubs leave it out
    first: list[Rows] = []

    def empty(case: TransactionTestCase) -> None:
        if not first or _written_by_migrating() != first[0]:
            as_django_does(case)
            first[:] = [_written_by_migrating()]
            return
        _empty()

    with mock.patch.object(TransactionTestCase, "_fixture_teardown", empty):
        yield


def _empty() -> None:
    stay = {model._meta.db_table for model in _STAY}
    names = sorted(set(connection.introspection.django_table_names(only_existing=True)) - stay)
    quoted = [connection.ops.quote_name(name) for name in names]
    any_rows = ", ".join(f"EXISTS (SELECT 1 FROM {name})" for name in quoted)
    with transaction.atomic(), connection.cursor() as cursor:  # references are looked at when it ends
        if connection.vendor == "postgresql":
            # As TRUNCATE does: a thread that the test left behind may be about to commit.
            cursor.execute(f"LOCK TABLE {', '.join(quoted)} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(f"SELECT {any_rows}")
        [found] = cursor.fetchall()
        for name, has_rows in zip(quoted, found, strict=True):
            if has_rows:
                cursor.execute(f"DELETE FROM {name}")


def _written_by_migrating() -> Rows:
    return [sorted(model._base_manager.values_list()) for model in _STAY]
