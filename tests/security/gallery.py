"""One document for each thing that permission code gets wrong, and who may read it.

Four people with open accounts, one with a closed one; groups that nest, run in circles,
hold everyone, nobody or something unknown; ids that differ in case or only in their
connection; accounts that are linked, shared, recycled or unclear; lists and memberships
exactly as old as the limit allows and a microsecond older.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction
from django.utils import timezone

from assistant.access.mask import permitted_versions
from assistant.access.viewer import Viewer, viewer_for
from assistant.access.visibility import may_read, visible_documents
from assistant.accounts.models import Address, Connection, GroupEdge, Principal, User
from assistant.accounts.people import add_alias, close_account, link_account
from assistant.accounts.principals import replace_membership
from assistant.accounts.revisions import Counter, bump
from assistant.common.acl import parse_acl, parse_principal
from assistant.common.types import Json
from assistant.documents.acls import intern_acl
from assistant.documents.models import Body, Chunk, Document, Hidden
from tests.access.laid_down import nothing_changes

LIMIT = timedelta(hours=6)
TICK = timedelta(microseconds=1)
OPEN_ACCOUNTS = ("ann", "bob", "dee", "eve")
EVERYBODY = frozenset(OPEN_ACCOUNTS)
ALL: Json = {"allow": ["everyone"]}


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A document. `acl` None: it has none. `until` puts its expiry, counted from now, for "until"."""

    name: str
    acl: Json
    readers: frozenset[str]
    source: str = "north"
    until: timedelta | None = None
    age: timedelta | None = timedelta(0)  # of its own confirmation; None: never confirmed by itself
    stale: bool = False
    hidden: Hidden = Hidden.NO
    version: int = 1
    steady: bool = True  # the answer is the same a minute later


def _for(*readers: str) -> frozenset[str]:
    return frozenset(readers)


def _deny(principal: str) -> Json:
    return {"deny": [principal], "allow": ["everyone"]}


ANN, BOB, EVE = "user:ann@example.com", "user:bob@example.com", "user:eve@example.com"
NOBODY: frozenset[str] = frozenset()
EXHIBITS: tuple[Exhibit, ...] = (
    Exhibit("everyone", ALL, EVERYBODY),
    Exhibit("no-list", None, NOBODY),
    Exhibit("no-clause", {"all": []}, NOBODY),
    Exhibit("no-entry", {"allow": []}, NOBODY),
    Exhibit("person", {"allow": ["user:Ann@Example.com"]}, _for("ann")),
    Exhibit("alias", {"allow": ["user:ann.kim@example.com"]}, _for("ann")),
    # Groups.
    Exhibit("nested", {"allow": ["group:staff"]}, _for("ann", "bob")),
    Exhibit("deepest", {"allow": ["group:deep"]}, _for("bob")),
    Exhibit("other-case", {"allow": ["group:STAFF"]}, _for("eve")),
    Exhibit("group-of-everyone", {"allow": ["group:world"]}, EVERYBODY),
    Exhibit("denied-group-of-everyone", {"deny": ["group:world"], "allow": [ANN]}, NOBODY),
    Exhibit("denied-empty-group", _deny("group:empty"), EVERYBODY),
    Exhibit("denied-unknown-group", _deny("group:ghost"), NOBODY),
    Exhibit("denied-around-unknown", _deny("group:hazy"), NOBODY),
    Exhibit("unknown-group", {"allow": ["group:ghost"]}, NOBODY),
    Exhibit("same-group-elsewhere", {"allow": ["group:staff"]}, _for("eve"), source="east", steady=False),
    Exhibit("outdated-group", {"allow": ["group:staff"]}, NOBODY, source="south"),
    Exhibit("denied-outdated-group", _deny("group:empty"), NOBODY, source="south"),
    # Order, clauses, expiry. Pairs that differ in one thing only, so that no two may share a row.
    Exhibit("deny-first", {"deny": [ANN], "allow": ["everyone"]}, EVERYBODY - {"ann"}),
    Exhibit("deny-nested", {"deny": ["group:staff"], "allow": ["everyone"]}, _for("dee", "eve")),
    Exhibit("allow-first", {"entries": [["allow", ANN], ["deny", "everyone"]]}, _for("ann")),
    Exhibit("allow-second", {"entries": [["deny", "everyone"], ["allow", ANN]]}, NOBODY),
    Exhibit("one-clause", {"allow": [ANN, BOB, BOB, EVE]}, _for("ann", "bob", "eve")),
    Exhibit("two-clauses", {"all": [{"allow": [ANN, BOB]}, {"allow": [BOB, EVE]}]}, _for("bob")),
    Exhibit("second-denies", {"all": [ALL, {"deny": [BOB], "allow": ["everyone"]}]}, EVERYBODY - {"bob"}),
    Exhibit("allows-bob", {"allow": [BOB]}, _for("bob")),
    Exhibit("denies-bob", {"deny": [BOB]}, NOBODY),
    Exhibit("over", {"entries": [["allow", BOB, "until"]]}, NOBODY, until=timedelta(days=-1)),
    Exhibit("ends-now", {"entries": [["allow", ANN, "until"]]}, NOBODY, until=timedelta(0)),
    Exhibit("ends-next", {"entries": [["allow", ANN, "until"]]}, _for("ann"), until=TICK, steady=False),
    Exhibit(
        "deny-ends-now",
        {"entries": [["deny", ANN, "until"], ["allow", ANN]]},
        _for("ann"),
        until=timedelta(0),
    ),
    Exhibit(
        "deny-ends-next",
        {"entries": [["deny", ANN, "until"], ["allow", ANN]]},
        NOBODY,
        until=TICK,
        steady=False,
    ),
    # Accounts of the source.
    Exhibit("account", {"allow": ["account:a-ann"]}, _for("ann")),
    Exhibit("account-in-group", {"allow": ["group:accounts"]}, _for("ann")),
    Exhibit("recycled-account", {"allow": ["account:a-bob-2"]}, NOBODY),
    Exhibit("denied-recycled-account", _deny("account:a-bob-2"), NOBODY),
    Exhibit("twin-account", {"allow": ["account:a-twin-1"]}, NOBODY),
    Exhibit("denied-twin-group", _deny("group:twins"), NOBODY),
    Exhibit("linked-account", {"allow": ["account:a-linked"]}, _for("eve")),
    Exhibit("denied-linked-account", _deny("account:a-linked"), EVERYBODY - {"eve"}),
    Exhibit("denied-account-without-address", _deny("account:a-none"), NOBODY),
    Exhibit("denied-account-never-reported", _deny("account:a-ghost"), NOBODY),
    Exhibit("outdated-account", {"allow": ["account:a-ann"]}, NOBODY, source="south"),
    Exhibit("outdated-link", {"allow": ["account:a-linked"]}, NOBODY, source="south"),
    # An address that somebody had before dee.
    Exhibit("unconfirmed-address", {"allow": ["user:old@example.com"]}, NOBODY),
    Exhibit("denied-unconfirmed-address", _deny("user:old@example.com"), EVERYBODY - {"dee"}),
    # Ages and marks. Nothing but its own list confirms a document of west; of dusk only the run does.
    Exhibit("at-the-limit", ALL, EVERYBODY, source="west", age=LIMIT, steady=False),
    Exhibit("past-the-limit", ALL, NOBODY, source="west", age=LIMIT + TICK),
    Exhibit("never-confirmed", ALL, NOBODY, source="west", age=None),
    Exhibit("run-at-the-limit", ALL, EVERYBODY, source="dusk", age=None, steady=False),
    Exhibit("run-past-the-limit", ALL, NOBODY, source="dark", age=None),
    Exhibit("stale", ALL, NOBODY, age=LIMIT + TICK, stale=True),
    Exhibit("young-and-stale", ALL, EVERYBODY, age=timedelta(minutes=5), stale=True),
    Exhibit("in-doubt", ALL, NOBODY, hidden=Hidden.PERMISSIONS),
    Exhibit("missing", ALL, NOBODY, hidden=Hidden.MISSING),
    Exhibit("removed", ALL, NOBODY, hidden=Hidden.REMOVED),
    Exhibit("no-text", ALL, NOBODY, version=0),
)  # fmt: skip

GROUPS: dict[str, list[str]] = {
    "staff": [ANN, "group:inner"],
    "inner": ["group:deep"],
    "deep": [BOB, "group:inner"],
    "STAFF": [EVE],
    "world": ["everyone"],
    "hazy": ["group:ghost"],
    "accounts": ["account:a-ann"],
    "twins": ["account:a-twin-1"],
    "empty": [],
}
ACCOUNTS_BEFORE = {"a-ann": "ann@example.com", "a-bob": "bob@example.com"}
ACCOUNTS = {
    "a-ann": "ann@example.com",
    "a-bob-2": "bob@example.com",
    "a-twin-1": "eve@example.com",
    "a-twin-2": "eve@example.com",
    "a-linked": "ann.kim@example.com",
    "a-none": "",
}


@dataclass(slots=True)
class Gallery:
    """Rows by the names of the exhibits, and the moment at which all of it is true."""

    now: datetime
    viewers: dict[str, Viewer]
    connections: dict[str, Connection]
    documents: dict[str, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)


def laid_out(exhibits: Iterable[Exhibit] = EXHIBITS) -> Gallery:
    """The gallery in the database. Must run inside a transaction that is rolled back."""
    now = timezone.now()
    people = {name: User.objects.create_user(f"{name}@example.com") for name in (*OPEN_ACCOUNTS, "cho")}
    add_alias(user_id=people["ann"].pk, address="Ann.Kim@example.com", actor="test")
    Address.objects.create(address="old@example.com", user=None, confirmed=False)
    add_alias(user_id=people["dee"].pk, address="old@example.com", actor="test")
    close_account(user_id=people["cho"].pk, actor="test")
    gallery = Gallery(
        now, {name: viewer_for(user) for name, user in people.items()}, _connections(now, people)
    )
    for exhibit in exhibits:
        hang(gallery, exhibit)
    return gallery


def _connections(now: datetime, people: dict[str, User]) -> dict[str, Connection]:
    """north is young, east exactly at its limit, south past it; west, dusk and dark have no groups."""
    moments = {
        "north": (now, now),
        "east": (now - LIMIT, now),
        "south": (now - LIMIT - TICK, now),
        "west": (now, None),
        "dusk": (now, now - LIMIT),
        "dark": (now, now - LIMIT - TICK),
    }
    made: dict[str, Connection] = {}
    for name, (members, lists) in moments.items():
        connection = Connection.objects.create(name=name, kind="jsonl", max_age_s=int(LIMIT.total_seconds()))
        _read(connection, name, now)
        if name in ("north", "south"):
            link_account(
                connection_id=connection.pk, account_id="a-linked", user_id=people["eve"].pk, actor="test"
            )
        Connection.objects.filter(pk=connection.pk).update(
            principals_confirmed_at=members, permissions_confirmed_at=lists
        )
        connection.refresh_from_db()
        made[name] = connection
    _leave_old_edge(made["north"])
    return made


def _read(connection: Connection, name: str, now: datetime) -> None:
    """Two reads of the groups and accounts, so that there is a history."""
    groups = {"staff": [EVE]} if name == "east" else GROUPS
    if name == "south":
        groups = {"staff": [ANN], "empty": []}
    members = {group: tuple(parse_principal(who) for who in inside) for group, inside in groups.items()}
    replace_membership(connection=connection, groups={}, accounts=ACCOUNTS_BEFORE, now=now)
    replace_membership(connection=connection, groups=members, accounts=ACCOUNTS, now=now)
    connection.refresh_from_db()


def _leave_old_edge(north: Connection) -> None:
    """An edge of a generation that is over, as a broken clean-up would leave it."""
    dee = Principal.objects.create(kind="user", external_id="dee@example.com")
    deep = Principal.objects.get(connection=north, external_id="deep")
    GroupEdge.objects.create(connection=north, generation=north.generation - 1, group=deep, member=dee)


def hang(gallery: Gallery, exhibit: Exhibit) -> None:
    """Make the document, or give the one of this name another list and state, as a sync commits it."""
    connection = gallery.connections[exhibit.source]
    until = (gallery.now + exhibit.until).isoformat() if exhibit.until is not None else None
    acl = _dated(exhibit.acl, until)
    with transaction.atomic():
        row, new = Document.objects.update_or_create(
            connection=connection,
            external_id=exhibit.name,
            defaults={
                "title": exhibit.name,
                "version": exhibit.version,
                "hidden": exhibit.hidden,
                "acl_id": None if acl is None else intern_acl(parse_acl(acl), connection=connection),
                "acl_confirmed_at": None if exhibit.age is None else gallery.now - exhibit.age,
                "acl_stale": exhibit.stale,
                "revision": bump(Counter.DOCUMENTS),
            },
        )
        if new:
            _write_text(row)
    gallery.documents[exhibit.name] = row.pk
    gallery.names[row.pk] = exhibit.name


def _write_text(row: Document) -> None:
    text = f"This is about {row.external_id}."
    blocks = [["paragraph", 0, len(text), 0, ""]]
    Body.objects.create(document=row, version=row.version, text=text, blocks=blocks)
    Chunk.objects.create(
        document=row, version=row.version, ordinal=0, start=0, end=len(text), text=text, digest=str(row.pk)
    )


def _dated(acl: Json, until: str | None) -> Json:
    """The list with the moment put where it says "until"."""
    if isinstance(acl, dict) and "entries" in acl:
        entries: list[Json] = [
            [until if part == "until" else part for part in entry] for entry in acl["entries"]
        ]
        return {"entries": entries}
    return acl


Form = Callable[[Gallery, str], set[str]]


def by_queryset(gallery: Gallery, person: str) -> set[str]:
    """What the queryset form lets a person read."""
    rows = visible_documents(gallery.viewers[person], now=gallery.now)
    return {gallery.names[pk] for pk in rows.values_list("pk", flat=True)}


def by_object(gallery: Gallery, person: str) -> set[str]:
    """What the object form lets a person read."""
    rows = Document.objects.select_related("connection", "acl")
    viewer = gallery.viewers[person]
    with nothing_changes():
        return {gallery.names[row.pk] for row in rows if may_read(viewer, row, now=gallery.now)}


def by_mask(gallery: Gallery, person: str) -> set[str]:
    """What the mask form lets a person read."""
    permitted = permitted_versions(gallery.viewers[person], now=gallery.now)
    return {gallery.names[pk] for pk in np.flatnonzero(permitted).tolist()}


def differences(
    gallery: Gallery, form: Form, *, people: Iterable[str] = (*OPEN_ACCOUNTS, "cho")
) -> list[str]:
    """Each decision of the form that is not the one written above."""
    wrong: list[str] = []
    for person in people:
        expected = {exhibit.name for exhibit in EXHIBITS if person in exhibit.readers}
        shown = form(gallery, person) & {exhibit.name for exhibit in EXHIBITS}
        wrong += [f"{person} must not see {name}" for name in sorted(shown - expected)]
        wrong += [f"{person} must see {name}" for name in sorted(expected - shown)]
    return wrong
