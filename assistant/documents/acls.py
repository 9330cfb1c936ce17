"""Interning of access lists: equal lists share one row, and rows never change."""

from __future__ import annotations

import hashlib
import json

from django.db import transaction

from assistant.accounts.models import Connection
from assistant.accounts.principals import intern_principals
from assistant.common.acl import Acl as AclValue
from assistant.documents.models import Acl, AclEntry


def intern_acl(value: AclValue, *, connection: Connection) -> int:
    """The row id of this access list."""
    principals = intern_principals(
        (entry.principal for clause in value.clauses for entry in clause.entries), connection=connection
    )
    body = [
        [
            [entry.allow, principals[entry.principal], entry.expires.timestamp() if entry.expires else None]
            for entry in clause.entries
        ]
        for clause in value.clauses
    ]
    digest = hashlib.sha256(json.dumps(body).encode()).hexdigest()
    found = Acl.objects.filter(digest=digest).values_list("pk", flat=True).first()
    if found is not None:
        return found
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
                batch_size=500,
            )
    return row.pk
