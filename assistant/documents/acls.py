"""Interning of access lists: equal lists share one row, and rows never change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from django.db import transaction

from assistant.accounts.models import Connection
from assistant.accounts.principals import intern_principals
from assistant.common.acl import Acl as AclValue
from assistant.common.acl import PrincipalRef
from assistant.documents.models import Acl, AclEntry

_BATCH = 500


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
    digests = {value: _digest(value, principals) for value in wanted}
    known = _known(digests.values())
    found: dict[AclValue, int] = {}
    for value, digest in digests.items():
        row = known.get(digest)
        found[value] = _made(value, digest, principals) if row is None else row
    return found


def _digest(value: AclValue, principals: Mapping[PrincipalRef, int]) -> str:
    body = [
        [
            [entry.allow, principals[entry.principal], entry.expires.timestamp() if entry.expires else None]
            for entry in clause.entries
        ]
        for clause in value.clauses
    ]
    return hashlib.sha256(json.dumps(body).encode()).hexdigest()


def _known(digests: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    wanted = sorted(set(digests))
    for start in range(0, len(wanted), _BATCH):
        rows = Acl.objects.filter(digest__in=wanted[start : start + _BATCH])
        found.update(rows.values_list("digest", "pk"))
    return found


def _made(value: AclValue, digest: str, principals: Mapping[PrincipalRef, int]) -> int:
    with transaction.atomic():
        row, made = Acl.objects.get_or_create(digest=digest, defaults={"clause_count": len(value.clauses)})
        if made:
            AclEntry.objects.bulk_create(
                [
                    AclEntry(
                        acl=row,
                        clause=number,
                        position=position,
                        allow=entry.allow,
                        principal_id=principals[entry.principal],
                        expires_at=entry.expires,
                    )
                    for number, clause in enumerate(value.clauses)
                    for position, entry in enumerate(clause.entries)
                ],
                batch_size=_BATCH,
            )
    return row.pk
