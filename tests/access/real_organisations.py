"""Two real organisations and a real matrix of permissions decide here as their own files say.

The groups are those of Kubernetes and of the Rust project, nested as they are; the matrix
says of 3,477 people and 1,587 permissions who has which. What must come out is computed
from the files in a few lines that share nothing with the product.

The tests ask for one person of each kind (all of a kind are in the same groups, or may read the same) and
for every tenth of the others; `real_decisions.py` asks for everybody.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
import pytest
from django.utils import timezone

from assistant.access.mask import permitted_versions
from assistant.access.viewer import Viewer, viewer_for
from assistant.access.visibility import may_read, visible_documents
from assistant.accounts.holding import held_by
from assistant.accounts.models import Address, Connection, Principal, User
from assistant.accounts.principals import replace_membership
from assistant.accounts.revisions import Counter, bump
from assistant.common import acl
from assistant.common.acl import Acl, Clause, Entry, PrincipalRef
from assistant.documents.acls import intern_acls
from assistant.documents.models import Document

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "acl"
ORGANISATIONS = {"kubernetes-org": (774, 1_509), "rust-lang-team": (165, 402)}
MATRIX = "role-mining-americas-small.json.gz"


class _Group(TypedDict):
    id: str
    members: list[str]
    subgroups: list[str]


class _Person(TypedDict):
    id: str
    email: str


class _Grant(TypedDict):
    resource: str
    group: str
    permission: NotRequired[str]


class _Organisation(TypedDict):
    groups: list[_Group]
    users: list[_Person]
    grants: list[_Grant]


class _Matrix(TypedDict):
    users: list[str]
    permissions: list[str]
    grants: list[tuple[str, str]]


def _found(name: str) -> Path:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"needs {name} of the shared data beside the checkout")
    return path


def read_organisation(name: str) -> _Organisation:
    """The groups, people and grants of its file."""
    organisation: _Organisation = json.loads(_found(f"{name}.json").read_text(encoding="utf-8"))
    return organisation


def _connection() -> Connection:
    """A source that has just told everything."""
    now = timezone.now()
    return Connection.objects.create(
        name="real", kind="jsonl", principals_confirmed_at=now, permissions_confirmed_at=now
    )


def _people(addresses: list[str]) -> dict[str, Viewer]:
    """Accounts for these addresses; nobody can sign in, so that no password is hashed."""
    User.objects.bulk_create([User(email=address, password="!") for address in addresses], batch_size=500)
    rows = {user.email: user for user in User.objects.all()}
    Address.objects.bulk_create(
        [Address(address=address, user=rows[address]) for address in addresses], batch_size=500
    )
    return {address: viewer_for(rows[address]) for address in addresses}


def _documents(connection: Connection, readers: dict[str, list[PrincipalRef]]) -> dict[int, str]:
    """A document for each name, open to those who are named. Row id -> name."""
    lists = {
        name: Acl((Clause(tuple(Entry(True, who) for who in allowed)),)) for name, allowed in readers.items()
    }
    rows_of_lists = intern_acls(lists.values(), connection=connection)
    now, revision = timezone.now(), bump(Counter.DOCUMENTS)
    rows = Document.objects.bulk_create(
        [
            Document(
                connection=connection,
                external_id=name,
                version=1,
                acl_id=rows_of_lists[lists[name]],
                acl_confirmed_at=now,
                revision=revision,
            )
            for name in readers
        ],
        batch_size=500,
    )
    return {row.pk: row.external_id for row in rows}


def _by_mask(viewer: Viewer, names: dict[int, str]) -> set[str]:
    return {names[pk] for pk in np.flatnonzero(permitted_versions(viewer)).tolist()}


def _by_queryset(viewer: Viewer) -> set[str]:
    return set(visible_documents(viewer).values_list("external_id", flat=True))


def _groups_of_everybody(organisation: _Organisation) -> dict[str, set[str]]:
    """Person -> every group around them: members are handed up until nothing changes."""
    members = {group["id"]: set(group["members"]) for group in organisation["groups"]}
    changed = True
    while changed:
        changed = False
        for group in organisation["groups"]:
            inside = set().union(*(members.get(name, set()) for name in group["subgroups"]))
            if not inside <= members[group["id"]]:
                members[group["id"]] |= inside
                changed = True
    around: dict[str, set[str]] = defaultdict(set)
    for name, people in members.items():
        for one in people:
            around[one].add(name)
    return around


def _load(organisation: _Organisation) -> tuple[Connection, dict[str, Viewer]]:
    address = {one["id"]: one["email"] for one in organisation["users"]}
    connection = _connection()
    replace_membership(
        connection=connection,
        groups={
            group["id"]: (
                *(acl.user(address[member]) for member in group["members"]),
                *(acl.group(name) for name in group["subgroups"]),
            )
            for group in organisation["groups"]
        },
        now=timezone.now(),
    )
    return connection, _people(list(address.values()))


def one_of_each_kind(people: Sequence[str], kinds: Mapping[str, set[str]]) -> Iterator[str]:
    """The first of those who have the same, and every tenth of the others."""
    met: set[frozenset[str]] = set()
    for number, who in enumerate(people):
        kind = frozenset(kinds.get(who, ()))
        if kind not in met or number % 10 == 0:
            yield who
        met.add(kind)


def wrong_in_organisation(name: str, *, everybody: bool) -> tuple[int, list[str]]:
    """Of how many people it was asked what they hold and may read, and for whom something else came out."""
    organisation = read_organisation(name)
    around = _groups_of_everybody(organisation)
    connection, viewers = _load(organisation)
    granted: dict[str, list[str]] = defaultdict(list)
    for grant in organisation["grants"]:
        granted[grant["resource"]].append(grant["group"])
    names = _documents(
        connection, {paper: [acl.group(one) for one in sorted(set(to))] for paper, to in granted.items()}
    )
    users = {user.email: user for user in User.objects.all()}
    groups = dict(Principal.objects.filter(kind="group").values_list("pk", "external_id"))
    emails = {one["id"]: one["email"] for one in organisation["users"]}
    people, now = list(emails), timezone.now()
    asked = people if everybody else list(one_of_each_kind(people, around))
    wrong: list[str] = []
    for number, who in enumerate(asked):
        viewer, held = viewers[emails[who]], held_by(users[emails[who]], now=now).ids
        if {groups[pk] for pk in held & groups.keys()} != around[who]:
            wrong.append(f"{who} is in other groups")
        readable = {paper for paper, to in granted.items() if around[who].intersection(to)}
        if (everybody or number % 4 == 0) and _by_mask(viewer, names) != readable:
            wrong.append(f"{who} may read other papers by the mask")
        if number % 20 == 0 and _by_queryset(viewer) != readable:
            wrong.append(f"{who} may read other papers by the queryset")
    return len(asked), wrong


def wrong_in_matrix(*, everybody: bool) -> tuple[int, list[str]]:
    """How many decisions the mask was asked for, and for whom one was another than the matrix has it."""
    with gzip.open(_found(MATRIX), "rt", encoding="utf-8") as stream:
        matrix: _Matrix = json.load(stream)
    granted: dict[str, set[str]] = defaultdict(set)
    readers: dict[str, list[PrincipalRef]] = {name: [] for name in matrix["permissions"]}
    for who, permission in matrix["grants"]:
        granted[who].add(permission)
        readers[permission].append(acl.user(f"{who}@example.com"))
    names = _documents(_connection(), readers)
    viewers = _people([f"{who}@example.com" for who in matrix["users"]])
    rows = list(Document.objects.select_related("connection", "acl").in_bulk().values())
    asked = matrix["users"] if everybody else list(one_of_each_kind(matrix["users"], granted))
    wrong: list[str] = []
    for number, who in enumerate(asked):
        viewer = viewers[f"{who}@example.com"]
        if _by_mask(viewer, names) != granted[who]:
            wrong.append(f"{who} by the mask")
        if number % 20 == 0:
            some = rows[number % 37 :: 300]
            read = {row.external_id for row in some if may_read(viewer, row)}
            if read != {row.external_id for row in some if row.external_id in granted[who]}:
                wrong.append(f"{who} by the object")
            if _by_queryset(viewer) != granted[who]:
                wrong.append(f"{who} by the queryset")
    return len(asked) * len(names), wrong
