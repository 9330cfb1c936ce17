"""A world of the oracle, laid down in the database by the functions that syncs use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import transaction

from assistant.access.mask import permitted_versions
from assistant.access.viewer import Viewer, viewer_for
from assistant.access.visibility import may_read, visible_documents
from assistant.accounts.models import Connection, User
from assistant.accounts.principals import replace_membership
from assistant.accounts.revisions import Counter, bump
from assistant.common.acl import Acl, Clause, Entry, PrincipalKind, PrincipalRef
from assistant.documents.acls import intern_acl
from assistant.documents.models import Document, Hidden
from tests.access.oracle import Clauses, Name, Paper, Source, World

Decision = tuple[str, str]  # e-mail, document
HIDDEN_MARKS = (Hidden.PERMISSIONS, Hidden.MISSING, Hidden.REMOVED)


@dataclass(frozen=True, slots=True)
class LaidDown:
    """Rows by the names that the world gives them."""

    viewers: dict[str, Viewer]
    connections: dict[str, Connection]
    documents: dict[str, int]


def lay_down(world: World) -> LaidDown:
    """Write the world. Must run inside a transaction that is rolled back."""
    User.objects.bulk_create(
        [User(email=email, is_active=active, password="!") for email, active in world.people.items()]
    )
    people = User.objects.in_bulk(list(world.people), field_name="email")
    connections = {name: write_source(name, source) for name, source in world.sources.items()}
    documents = {name: write_paper(name, paper, connections) for name, paper in world.papers.items()}
    return LaidDown(
        viewers={email: viewer_for(user) for email, user in people.items()},
        connections=connections,
        documents=documents,
    )


def write_source(name: str, source: Source) -> Connection:
    """The connection with its membership and the age of its facts."""
    connection, _ = Connection.objects.get_or_create(name=name, defaults={"kind": "jsonl"})
    write_groups(connection, source.groups, now=source.members_confirmed)
    Connection.objects.filter(pk=connection.pk).update(
        max_age_s=int(source.limit.total_seconds()),
        principals_confirmed_at=source.members_confirmed,
        permissions_confirmed_at=source.lists_confirmed,
    )
    connection.refresh_from_db()
    return connection


def write_groups(
    connection: Connection, groups: dict[str, tuple[Name, ...]], *, now: datetime | None
) -> None:
    """Swap the membership, as read at `now`; without a moment it was never read."""
    if now is not None:
        members = {name: tuple(reference(member) for member in inside) for name, inside in groups.items()}
        replace_membership(connection=connection, groups=members, now=now)


def write_paper(name: str, paper: Paper, connections: dict[str, Connection]) -> int:
    """Make or change the document, as a sync's transaction does."""
    with transaction.atomic():
        connection = connections[paper.source]
        mark = HIDDEN_MARKS[len(name) % len(HIDDEN_MARKS)] if paper.hidden else Hidden.NO
        row, _ = Document.objects.update_or_create(
            external_id=name,
            defaults={
                "connection": connection,
                "version": paper.version,
                "hidden": mark,
                "acl_id": write_list(paper.clauses, connection),
                "acl_confirmed_at": paper.confirmed,
                "acl_stale": paper.stale,
                "revision": bump(Counter.DOCUMENTS),
            },
        )
    return row.pk


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
    return PrincipalRef(PrincipalKind(kind), external_id)


def expected(world: World) -> set[Decision]:
    """Every (person, document) that the oracle allows."""
    return {
        (email, name)
        for email in world.people
        for name, paper in world.papers.items()
        if world.may_read(email, paper)
    }


def by_queryset(laid: LaidDown, now: datetime) -> set[Decision]:
    """What the queryset form allows."""
    return {
        (email, name)
        for email, viewer in laid.viewers.items()
        for name in visible_documents(viewer, now=now).values_list("external_id", flat=True)
    }


def by_object(laid: LaidDown, now: datetime) -> set[Decision]:
    """What the object form allows."""
    rows = Document.objects.select_related("connection", "acl").in_bulk(list(laid.documents.values()))
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
