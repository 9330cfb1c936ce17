"""What names somebody who was erased, in rows that sources reported, gives way to a keyed digest.

The row stays, since access lists and groups point at it. It names nobody until a source reports the same name
once more, or somebody new gets the address: then it is the same principal again, so that a deny of it still
counts. An account's own row is not settled meanwhile, which lets nobody in and makes its denies count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db.models import Q

from assistant.accounts.digests import keyed_digest, remember_erased, veils_exist
from assistant.accounts.models import AccountLink, Address, AddressUse, Connection, Principal, SourceAccount
from assistant.common.acl import PrincipalKind, PrincipalRef

_VEILED = "erased:"  # no address begins so: it has no @


def veil(addresses: Collection[str], *, accounts: Collection[int]) -> None:
    """Take these canonical addresses, and the ids of these accounts (row ids), out of all rows of this app.

    Must run inside the caller's transaction, which raises the permission counter.
    """
    for address in addresses:
        remember_erased(address)
        rows = Principal.objects.filter(kind=PrincipalKind.USER, external_id=address)
        rows.update(external_id=_name(PrincipalKind.USER, None, address))
    for row in Principal.objects.filter(pk__in=accounts, kind=PrincipalKind.ACCOUNT):
        veiled = _name(PrincipalKind.ACCOUNT, row.connection_id, row.external_id)
        Principal.objects.filter(pk=row.pk).update(external_id=veiled, settled_in=None)
    SourceAccount.objects.filter(Q(address__in=addresses) | Q(principal__in=accounts)).update(address="")
    AddressUse.objects.filter(address__in=addresses).delete()
    AccountLink.objects.filter(principal__in=accounts).delete()
    Address.objects.filter(address__in=addresses).delete()


def unveil(refs: Iterable[PrincipalRef], *, connection: Connection | None) -> None:
    """Give principals their names back that are named again."""
    named = [ref for ref in refs if ref.kind in (PrincipalKind.USER, PrincipalKind.ACCOUNT)]
    if not named or not veils_exist():
        return
    names = {
        _name(
            ref.kind, connection.pk if connection and ref.kind is PrincipalKind.ACCOUNT else None, ref.id
        ): ref
        for ref in named
    }
    for row in Principal.objects.filter(external_id__in=names):
        Principal.objects.filter(pk=row.pk).update(external_id=names[row.external_id].id)


def _name(kind: PrincipalKind, connection_id: int | None, external_id: str) -> str:
    return _VEILED + keyed_digest("principal", f"{kind.value}\0{connection_id or 0}\0{external_id}")
