"""Interning of access lists: equal lists share one row, and rows never change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from django.db import transaction

from assistant.accounts.models import Connection
from assistant.accounts.principals import intern_principals
from assistant.common.acl import Acl as AclValue
from assistant.common.acl import Clause, PrincipalRef
from assistant.documents.models import Acl, AclEntry

_BATCH = 500
_Key = TypeVar("_Key")

# Clauses of entries: whether it allows, the principal's row, and until when.
_Body = Sequence[Sequence[tuple[bool, int, datetime | None]]]


def intern_acl(value: AclValue, *, connection: Connection) -> int:
    """The row id of this access list."""
    return intern_acls([value], connection=connection)[value]


def intern_acls(values: Iterable[AclValue], *, connection: Connection) -> dict[AclValue, int]:
    """The row ids of these access lists, in a number of statements that does not grow with theirs."""
    wanted = list(dict.fromkeys(values))
    principals = intern_principals(
        (entry.principal for value in wanted for clause in value.clauses for entry in clause.entries),
        connection=connection,
    )
    return _interned({value: _body(value.clauses, principals) for value in wanted})


def with_clause(acl_ids: Iterable[int], clause: Clause, *, connection: Connection) -> dict[int, int]:
    """For each row the one of a list that asks for `clause` as well.

    Lists that let nobody in are left out.
    """
    principals = intern_principals((entry.principal for entry in clause.entries), connection=connection)
    added = _body([clause], principals)
    wanted = sorted(set(acl_ids))
    found: dict[int, int] = {}
    for start in range(0, len(wanted), _BATCH):
        stored = _stored(wanted[start : start + _BATCH])
        found.update(_interned({pk: [*body, *added] for pk, body in stored.items() if body}))
    return found


def both_lists(first: int, second: int) -> int:
    """The row of a list that lets in whom both of these let in: nobody, where one of them lets nobody in."""
    stored = _stored([first, second])
    bodies = [stored[first], stored[second]]
    return _interned({0: [*bodies[0], *bodies[1]] if all(bodies) else []})[0]


def _stored(acl_ids: Sequence[int]) -> dict[int, _Body]:
    rows = Acl.objects.filter(pk__in=acl_ids).values_list("pk", "clause_count")
    bodies: dict[int, list[list[tuple[bool, int, datetime | None]]]] = {
        pk: [[] for _ in range(count)] for pk, count in rows
    }
    entries = AclEntry.objects.filter(acl__in=acl_ids).order_by("acl", "clause", "position")
    for entry in entries:
        bodies[entry.acl_id][entry.clause].append((entry.allow, entry.principal_id, entry.expires_at))
    return dict(bodies)


def _body(clauses: Sequence[Clause], principals: Mapping[PrincipalRef, int]) -> _Body:
    return [
        [(entry.allow, principals[entry.principal], entry.expires) for entry in clause.entries]
        for clause in clauses
    ]


def _interned(bodies: Mapping[_Key, _Body]) -> dict[_Key, int]:
    digests = {key: _digest(body) for key, body in bodies.items()}
    known = _known(digests.values())
    found: dict[_Key, int] = {}
    for key, digest in digests.items():
        row = known.get(digest)
        found[key] = _made(bodies[key], digest) if row is None else row
    return found


def _digest(body: _Body) -> str:
    stated = [
        [[allow, principal, expires.timestamp() if expires else None] for allow, principal, expires in clause]
        for clause in body
    ]
    return hashlib.sha256(json.dumps(stated).encode()).hexdigest()


def _known(digests: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    wanted = sorted(set(digests))
    for start in range(0, len(wanted), _BATCH):
        rows = Acl.objects.filter(digest__in=wanted[start : start + _BATCH])
        found.update(rows.values_list("digest", "pk"))
    return found


def _made(body: _Body, digest: str) -> int:
    with transaction.atomic():
        row, made = Acl.objects.get_or_create(digest=digest, defaults={"clause_count": len(body)})
        if made:
            AclEntry.objects.bulk_create(
                [
                    AclEntry(
                        acl=row,
                        clause=number,
                        position=position,
                        allow=allow,
                        principal_id=principal,
                        expires_at=expires,
                    )
                    for number, clause in enumerate(body)
                    for position, (allow, principal, expires) in enumerate(clause)
                ],
                batch_size=_BATCH,
            )
    return row.pk
