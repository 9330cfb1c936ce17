"""A world of the oracle, laid down in the database by the functions that syncs and pages use.

What happened in the world's past happens here in some order that the world leaves open:
an account is linked before or after the read that reports it, a list names a group
before the group is read, an alias comes before or after the account that carries it.
Decisions that were made and taken back leave no trace in a world, so some are made here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from random import Random
from unittest import mock

import numpy as np
from django.db import transaction
from django.utils import timezone

from assistant.access import visibility
from assistant.access.mask import permitted_versions
from assistant.access.viewer import Viewer, viewer_for
from assistant.access.visibility import may_read, visible_documents
from assistant.accounts import people as people_services
from assistant.accounts.models import Address, Connection, User
from assistant.accounts.principals import replace_membership
from assistant.accounts.revisions import Counter, bump
from assistant.common import acl
from assistant.common.acl import Acl, Clause, Entry, PrincipalRef
from assistant.common.identity import canonical_email
from assistant.documents.acls import intern_acl
from assistant.documents.models import Document, Hidden
from tests.access.oracle import Clauses, Deed, Judge, Move, Name, Paper, Read, Source, World, same_address

Decision = tuple[str, str]  # person, document
Step = Callable[[], object]
HIDDEN_MARKS = (Hidden.PERMISSIONS, Hidden.MISSING, Hidden.REMOVED)
BY = "oracle"
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LaidDown:
    """Rows by the names that the world gives them."""

    viewers: dict[str, Viewer]
    connections: dict[str, Connection]
    documents: dict[str, int]


def lay_down(world: World, *, order: int = 0) -> LaidDown:
    """Write the world, in one of many orders. Must run inside a transaction that is rolled back."""
    random = Random(order)
    people = arrivals(world)
    first = 1 + max((n for n, move in enumerate(world.moves) if move.deed is Deed.ARRIVES), default=-1)
    for move in world.moves[:first]:
        make(move, people)
    connections = {
        name: Connection.objects.get_or_create(name=name, defaults={"kind": "jsonl"})[0]
        for name in world.sources
    }
    documents: dict[str, int] = {}
    names = list(world.papers)
    cut = random.randint(0, len(names))
    streams: list[list[Step]] = [[partial(make, move, people) for move in world.moves[first:]]]
    streams += [told(source, connections[name], people, random) for name, source in world.sources.items()]
    streams += [
        [partial(write_papers, part, world, connections, documents)] for part in (names[:cut], names[cut:])
    ]
    for step in shuffled(streams, random):
        step()
    for name, source in world.sources.items():
        write_ages(connections[name], source)
    return LaidDown(
        viewers={key: settle_person(people[key], active=active) for key, active in world.people.items()},
        connections=connections,
        documents={name: documents[name] for name in names},
    )


def shuffled(streams: list[list[Step]], random: Random) -> Iterable[Step]:
    """One order of all steps in which each stream keeps its own."""
    left = [list(reversed(stream)) for stream in streams if stream]
    while left:
        stream = random.choice(left)
        yield stream.pop()
        left = [other for other in left if other]


def arrivals(world: World) -> dict[str, int]:
    """Accounts of those who were there from the start: person -> id."""
    late = {move.person for move in world.moves if move.deed is Deed.ARRIVES}
    users = [User(email=key, password="!") for key in world.people if key not in late]
    User.objects.bulk_create(users)
    made = User.objects.in_bulk([user.email for user in users], field_name="email")
    Address.objects.bulk_create([Address(address=key, user=user) for key, user in made.items()])
    return {key: user.pk for key, user in made.items()}


def make(move: Move, people: dict[str, int]) -> None:
    """Let it happen."""
    if move.deed is Deed.ARRIVES:
        people[move.person] = User.objects.create_user(move.address).pk
        return
    who = people[move.person]
    if move.deed is Deed.GETS:
        people_services.add_alias(user_id=who, address=move.address, actor=BY)
    elif move.deed is Deed.CONFIRMED:
        people_services.confirm_address(address=move.address, actor=BY)
    elif move.deed is Deed.GIVES_UP:
        people_services.release_address(address=move.address, actor=BY)
    elif move.deed is Deed.RENAMED:
        rename(User.objects.get(pk=who), canonical_email(move.address))
    else:
        people_services.close_account(user_id=who, actor=BY)
        people_services.release_closed_account(user_id=who, actor=BY)


def rename(user: User, address: str) -> None:
    """The person signs in with another address from now on."""
    with transaction.atomic():
        Address.objects.filter(user=user, address=user.email).update(is_alias=True)
        Address.objects.claim(address, user)
        User.objects.filter(pk=user.pk).update(email=address)
        bump(Counter.PERMISSIONS)


def settle_person(user_id: int, *, active: bool) -> Viewer:
    """Open or closed, as the world has it in the end."""
    user = User.objects.get(pk=user_id)
    if user.is_active != active:
        change = people_services.reopen_account if active else people_services.close_account
        change(user_id=user_id, actor=BY)
    return viewer_for(user)


def told(source: Source, connection: Connection, people: dict[str, int], random: Random) -> list[Step]:
    """The reads of a source in their order, and the decisions about its accounts anywhere between."""
    steps: list[Step] = []
    if source.members_confirmed is not None:
        reads = (*source.earlier, Read(source.groups, source.accounts))
        for hours, read in enumerate(reversed(reads)):
            steps.insert(0, partial(write_read, connection, read, source.members_confirmed - hours * HOUR))
    for account, owner in source.links.items():
        where = sorted(random.randint(0, len(steps)) for _ in range(2))
        steps.insert(where[1], partial(link, connection, account, people[owner]))
        if random.random() < 0.3:
            steps.insert(where[0], partial(link, connection, account, random.choice(list(people.values()))))
    for account in {*source.accounts, "a?"} - set(source.links):
        if random.random() < 0.1:
            where = sorted(random.randint(0, len(steps)) for _ in range(2))
            steps.insert(where[1], partial(unlink, connection, account))
            steps.insert(where[0], partial(link, connection, account, random.choice(list(people.values()))))
    return steps


def link(connection: Connection, account: str, user_id: int) -> None:
    """An administrator says whose the account is."""
    people_services.link_account(connection_id=connection.pk, account_id=account, user_id=user_id, actor=BY)


def unlink(connection: Connection, account: str) -> None:
    """And takes it back."""
    people_services.unlink_account(connection_id=connection.pk, account_id=account, actor=BY)


def write_read(connection: Connection, read: Read, now: datetime) -> None:
    """Swap the membership, as read at `now`."""
    replace_membership(
        connection=connection,
        groups={name: tuple(reference(member) for member in inside) for name, inside in read.groups.items()},
        accounts={name: same_address(address) for name, address in read.accounts.items()},
        now=now,
    )


def write_ages(connection: Connection, source: Source) -> None:
    """How old the connection's facts are, and may be."""
    Connection.objects.filter(pk=connection.pk).update(
        max_age_s=int(source.limit.total_seconds()),
        principals_confirmed_at=source.members_confirmed,
        permissions_confirmed_at=source.lists_confirmed,
    )
    connection.refresh_from_db()


def write_papers(
    names: Sequence[str], world: World, connections: dict[str, Connection], documents: dict[str, int]
) -> None:
    """Make many documents, as a sync's transaction does."""
    with transaction.atomic():
        revision = bump(Counter.DOCUMENTS)
        rows = [
            Document(external_id=name, revision=revision, **fields(name, world.papers[name], connections))
            for name in names
        ]
        Document.objects.bulk_create(rows, batch_size=500)
    documents.update({row.external_id: row.pk for row in rows})


def write_paper(name: str, paper: Paper, connections: dict[str, Connection]) -> int:
    """Make or change one document."""
    with transaction.atomic():
        row, _ = Document.objects.update_or_create(
            external_id=name,
            defaults={**fields(name, paper, connections), "revision": bump(Counter.DOCUMENTS)},
        )
    return row.pk


def fields(name: str, paper: Paper, connections: dict[str, Connection]) -> dict[str, object]:
    """The columns of a document that permissions care about."""
    connection = connections[paper.source]
    return {
        "connection": connection,
        "version": paper.version,
        "hidden": HIDDEN_MARKS[len(name) % len(HIDDEN_MARKS)] if paper.hidden else Hidden.NO,
        "acl_id": write_list(paper.clauses, connection),
        "acl_confirmed_at": paper.confirmed,
        "acl_stale": paper.stale,
    }


def write_list(clauses: Clauses | None, connection: Connection) -> int | None:
    """The id of the interned access list."""
    if clauses is None:
        return None
    value = Acl(
        tuple(
            Clause(tuple(Entry(line.allow, reference(line.who), line.expires) for line in clause))
            for clause in clauses
        )
    )
    return intern_acl(value, connection=connection)


def reference(name: Name) -> PrincipalRef:
    """The principal that a connector would report."""
    kind, _, external_id = name
    if kind == "everyone":
        return acl.EVERYONE
    return {"user": acl.user, "account": acl.account, "group": acl.group}[kind](external_id)


def expected(world: World) -> set[Decision]:
    """Every (person, document) that the oracle allows."""
    judge = Judge(world)
    return {
        (key, name)
        for key in world.people
        for name, paper in world.papers.items()
        if judge.may_read(key, paper)
    }


def by_queryset(laid: LaidDown, now: datetime) -> set[Decision]:
    """What the queryset form allows."""
    return {
        (email, name)
        for email, viewer in laid.viewers.items()
        for name in visible_documents(viewer, now=now).values_list("external_id", flat=True)
    }


@contextmanager
def nothing_changes() -> Iterator[None]:
    """The object form asks anew for each document what a person holds. Within the block, once is enough."""
    with mock.patch.object(visibility, "principals_of", cache(visibility.principals_of)):
        yield


def by_object(laid: LaidDown, now: datetime) -> set[Decision]:
    """What the object form allows."""
    rows = Document.objects.select_related("connection", "acl").in_bulk(list(laid.documents.values()))
    with nothing_changes():
        return {
            (email, name)
            for email, viewer in laid.viewers.items()
            for name, pk in laid.documents.items()
            if may_read(viewer, rows[pk], now=now)
        }


def by_mask(laid: LaidDown, now: datetime) -> set[Decision]:
    """What the mask form allows; each version must be the document's own."""
    versions = dict(Document.objects.values_list("pk", "version"))
    names = {pk: name for name, pk in laid.documents.items()}
    allowed: set[Decision] = set()
    for email, viewer in laid.viewers.items():
        mask = permitted_versions(viewer, now=now)
        for pk in np.flatnonzero(mask).tolist():
            assert mask[pk] == versions[pk], f"document {pk}: version {mask[pk]} instead of {versions[pk]}"
            allowed.add((email, names[pk]))
    return allowed


def readable_by(viewer: Viewer) -> set[str]:
    """What a person may read now; all three forms must say the same."""
    rows = Document.objects.select_related("connection", "acl").in_bulk()
    mask = permitted_versions(viewer)
    by_each_mask = {row.external_id for pk, row in rows.items() if pk < len(mask) and mask[pk]}
    now = timezone.now()
    with nothing_changes():
        by_each_row = {row.external_id for row in rows.values() if may_read(viewer, row, now=now)}
    by_one_query = set(visible_documents(viewer).values_list("external_id", flat=True))
    assert by_each_mask == by_each_row == by_one_query
    return by_one_query
