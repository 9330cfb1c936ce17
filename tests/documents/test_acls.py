"""Equal access lists are one row; lists that differ in anything are two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from assistant.accounts.models import Connection
from assistant.common.acl import EVERYONE, NOBODY, Acl, Clause, Entry, group, user
from assistant.documents.acls import intern_acl
from assistant.documents.models import Acl as AclRow
from assistant.documents.models import AclEntry

ANN, STAFF = user("ann@example.com"), group("staff")
NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)


@pytest.fixture
def north(db: None) -> Connection:
    """A connection."""
    return Connection.objects.create(name="north", kind="jsonl")


def _one(*entries: Entry) -> Acl:
    return Acl((Clause(entries),))


def test_equal_lists_share_a_row(north: Connection) -> None:
    seoul = NOON.astimezone(timezone(timedelta(hours=9)))
    first = intern_acl(_one(Entry(True, ANN, NOON), Entry(False, STAFF)), connection=north)
    again = intern_acl(_one(Entry(True, ANN, seoul), Entry(False, STAFF)), connection=north)
    assert first == again
    assert (AclRow.objects.count(), AclEntry.objects.count()) == (1, 2)


def test_lists_that_differ_in_anything_are_apart(north: Connection) -> None:
    allow, deny = Entry(True, ANN), Entry(False, STAFF)
    lists = (
        NOBODY,
        Acl((Clause(()),)),
        Acl((Clause(()), Clause(()))),
        _one(allow, deny),
        _one(deny, allow),
        Acl((Clause((allow,)), Clause((deny,)))),
        _one(Entry(False, ANN), deny),
        _one(Entry(True, ANN, NOON), deny),
        _one(Entry(True, ANN, NOON + timedelta(microseconds=1)), deny),
        _one(Entry(True, EVERYONE), deny),
        _one(allow, deny, deny),
    )
    assert len({intern_acl(value, connection=north) for value in lists}) == len(lists)


def test_the_same_words_in_two_connections_name_two_groups(north: Connection) -> None:
    south = Connection.objects.create(name="south", kind="jsonl")
    value = _one(Entry(True, STAFF))
    assert intern_acl(value, connection=north) != intern_acl(value, connection=south)


def test_what_was_written_is_what_was_said(north: Connection) -> None:
    value = Acl((Clause((Entry(False, STAFF), Entry(True, ANN, NOON))), Clause(())))
    row = AclRow.objects.get(pk=intern_acl(value, connection=north))
    entries = row.entries.order_by("clause", "position").values_list(
        "clause", "position", "allow", "expires_at"
    )
    assert row.clause_count == 2
    assert list(entries) == [(0, 0, False, None), (0, 1, True, NOON)]
