"""A world as large as a big company's: a million documents, 50,000 access lists, 20,000 nested groups.

Written with bulk inserts into the default database, which must be migrated and empty.
Documents have rows as wide as real ones and no bodies. Groups form a graph of ten
levels without cycles. The people to ask about are in exactly `groups_of_each` groups,
some directly and the others through nesting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from random import Random

from django.db import connection, models, transaction

from assistant.accounts.models import Address, Connection, GroupEdge, Principal, Revision, User
from assistant.accounts.revisions import Counter
from assistant.common.acl import PrincipalKind
from assistant.documents.models import Acl, AclEntry, Document, Hidden

EVERYONE = 1
_BATCH = 250  # documents that one transaction of a sync writes
_ROWS_AT_ONCE = 10_000

Value = str | int | datetime | None
Row = tuple[Value, ...]
Entry = tuple[int, int, bool, int, timedelta | None]  # clause, position, allow, principal, expires after


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything. `entries` is the most that one access list has."""

    documents: int = 1_000_000
    lists: int = 50_000
    entries: int = 12
    groups: int = 20_000
    levels: int = 10
    people: int = 5_000
    asked: int = 40
    groups_of_each: int = 1_000
    connections: int = 4

    def connection_of(self, number: int) -> int:
        """Groups, lists and documents are dealt out to the connections by turns."""
        return number % self.connections + 1

    def group(self, number: int) -> int:
        """The principal's id of a group; people and everyone come before them."""
        return EVERYONE + self.people + 1 + number


def lay_down(size: Size, *, now: datetime, seed: int = 1) -> list[int]:
    """Write the world; returns the ids of the people who are in `groups_of_each` groups."""
    random = Random(seed)
    above = _nesting(size, random)
    with transaction.atomic():
        _write_sources(size, now)
        _write_people(size, now)
        _write(
            GroupEdge, ("connection_id", "generation", "group_id", "member_id"), _edges(size, above, random)
        )
        _write_lists(size, now, random)
        _write(Document, tuple(_document(size, 0, now, random)), _documents(size, now, random))
        revisions = [(Counter.PERMISSIONS.value, 1), (Counter.DOCUMENTS.value, size.documents // _BATCH + 1)]
        _write(Revision, ("name", "value"), revisions)
    return list(range(1, size.asked + 1))


def _write(model: type[models.Model], fields: tuple[str, ...], rows: Iterable[Row]) -> None:
    """Insert rows in the order of their keys."""
    named = [
        next(str(field.column) for field in model._meta.fields if field.attname == name) for name in fields
    ]
    statement = (
        f"INSERT INTO {model._meta.db_table} ({', '.join(named)}) VALUES ({', '.join(['%s'] * len(named))})"
    )
    iterator = iter(rows)
    with connection.cursor() as cursor:
        while part := list(islice(iterator, _ROWS_AT_ONCE)):
            cursor.executemany(statement, [tuple(_adapted(value) for value in row) for row in part])


def _adapted(value: Value) -> Value:
    if isinstance(value, datetime):
        adapted: Value = connection.ops.adapt_datetimefield_value(value)
        return adapted
    return value


def _nesting(size: Size, random: Random) -> list[list[int]]:
    """For each group the groups directly around it: one or two of its connection, one level up."""
    by_place: dict[tuple[int, int], list[int]] = {}
    for number in range(size.groups):
        by_place.setdefault((size.connection_of(number), number * size.levels // size.groups), []).append(
            number
        )
    above: list[list[int]] = []
    for number in range(size.groups):
        place = (size.connection_of(number), number * size.levels // size.groups + 1)
        some = by_place.get(place, [])
        above.append(random.sample(some, k=min(len(some), random.choice((1, 1, 2)))))
    return above


def _direct_groups(size: Size, above: list[list[int]], random: Random) -> list[int]:
    """Direct memberships that nest into exactly `groups_of_each` groups."""
    direct: list[int] = []
    reached: set[int] = set()
    while len(reached) < size.groups_of_each:
        candidate = random.randrange(size.groups)
        found, waiting = {candidate}, [candidate]
        while waiting:
            fresh = set(above[waiting.pop()]) - found
            found |= fresh
            waiting.extend(fresh)
        if candidate not in reached and len(reached | found) <= size.groups_of_each:
            direct.append(candidate)
            reached |= found
    return direct


def _edges(size: Size, above: list[list[int]], random: Random) -> Iterator[Row]:
    for number, around in enumerate(above):
        for group in around:
            yield size.connection_of(number), 1, size.group(group), size.group(number)
    for person in range(1, size.people + 1):
        asked = person <= size.asked
        direct = _direct_groups(size, above, random) if asked else random.sample(range(size.groups), k=3)
        for number in direct:
            yield size.connection_of(number), 1, size.group(number), EVERYONE + person


def _write_sources(size: Size, now: datetime) -> None:
    """The last connection has not ended its first run: each document's own confirmation counts there."""
    read, week = now - timedelta(hours=1), 7 * 24 * 3600
    numbers = range(1, size.connections + 1)
    _write(
        Connection,
        ("id", "name", "kind", "created_at", "generation", "principals_confirmed_at",
         "permissions_confirmed_at", "max_age_s"),
        ((n, f"source {n}", "jsonl", now, 1, read, read if n < size.connections else None, week)
         for n in numbers),
    )  # fmt: skip


def _write_people(size: Size, now: datetime) -> None:
    people = range(1, size.people + 1)
    _write(
        User,
        ("id", "password", "is_superuser", "email", "name", "role", "language", "is_active", "kind",
         "contact", "created_at"),
        ((n, "!", False, f"p{n}@example.com", f"Person {n}", "employee", "", True, "person", "", now)
         for n in people),
    )  # fmt: skip
    _write(
        Address,
        ("address", "user_id", "is_alias", "confirmed", "since"),
        ((f"p{n}@example.com", n, False, True, now) for n in people),
    )
    fields = ("id", "kind", "connection_id", "external_id", "settled_in")
    _write(Principal, fields, [(EVERYONE, PrincipalKind.EVERYONE.value, None, "", None)])
    _write(
        Principal,
        fields,
        ((EVERYONE + n, PrincipalKind.USER.value, None, f"p{n}@example.com", None) for n in people),
    )
    groups = range(size.groups)
    _write(
        Principal,
        fields,
        (
            (size.group(n), PrincipalKind.GROUP.value, size.connection_of(n), f"group-{n:05}", 1)
            for n in groups
        ),
    )


def _write_lists(size: Size, now: datetime, random: Random) -> None:
    lists = [_entries(size, number, random) for number in range(size.lists)]
    _write(
        Acl,
        ("id", "digest", "clause_count"),
        ((n, sha256(str(n).encode()).hexdigest(), rows[-1][0] + 1) for n, rows in enumerate(lists, 1)),
    )
    _write(
        AclEntry,
        ("acl_id", "clause", "position", "allow", "principal_id", "expires_at"),
        (
            (n, clause, position, allow, principal, now + after if after else None)
            for n, rows in enumerate(lists, 1)
            for clause, position, allow, principal, after in rows
        ),
    )


def _entries(size: Size, number: int, random: Random) -> list[Entry]:
    """One list in eight has two clauses; some clauses begin with a deny, few entries expire."""
    count = random.randint(1, size.entries)
    clauses = 2 if count > 1 and random.random() < 0.125 else 1
    entries: list[Entry] = []
    for clause in range(clauses):
        part = count // clauses
        denies = random.choice((0, 0, 0, 1)) if part > 1 else 0
        for position in range(part):
            after = timedelta(hours=random.randint(-240, 720)) if random.random() < 0.03 else None
            entries.append((clause, position, position >= denies, _named(size, number, random), after))
    return entries


def _named(size: Size, number: int, random: Random) -> int:
    kind = random.random()
    if kind < 0.01:
        return EVERYONE
    if kind < 0.15:
        return EVERYONE + random.randint(1, size.people)
    return size.group(random.randrange(number % size.connections, size.groups, size.connections))


def _documents(size: Size, now: datetime, random: Random) -> Iterator[Row]:
    for number in range(size.documents):
        yield tuple(_document(size, number, now, random).values())


def _document(size: Size, number: int, now: datetime, random: Random) -> dict[str, Value]:
    batch = number // _BATCH
    first = number < size.lists
    source = size.connection_of(number)
    chosen = number if first else random.randrange(number % size.connections, size.lists, size.connections)
    written = (
        now - timedelta(days=2) + timedelta(seconds=2 * (batch % 40_000), microseconds=batch * 7919 % 10**6)
    )
    fate = random.random()
    return {
        "id": number + 1,
        "connection_id": source,
        "external_id": f"space-{number % 97:02}/2026/reports/{number:08}-{number * 40503 % 2**31:x}.docx",
        "title": f"Report {number} on the state of project {number % 4001}",
        "name": f"{number:08}.docx",
        "url": f"https://docs.example.com/space-{number % 97:02}/2026/reports/{number:08}?view=default",
        "media_type": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "attributes": f'{{"author": "Person {number % size.people}", "labels": ["report", "2026"]}}',
        "language": "en",
        "modified_at": written,
        "synced_at": written,
        "version": 0 if fate < 0.005 else 1,
        "source_version": f"{number * 40503 % 2**31:010}",
        "content_digest": sha256(str(number).encode()).hexdigest(),
        "hidden": Hidden.REMOVED.value if 0.005 <= fate < 0.01 else Hidden.NO.value,
        "failure_code": "",
        "acl_id": chosen + 1,
        "acl_confirmed_at": written,
        "acl_stale": 0.01 <= fate < 0.015,
        "seen_in_run": 1,
        "acl_seen_in_run": 1,
        "asked_in_run": 0,
        "revision": batch + 1,
    }
