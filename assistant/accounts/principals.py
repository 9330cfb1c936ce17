"""From the principals that a source names to rows, and its groups and accounts in generations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from assistant.accounts.freshness import is_expired
from assistant.accounts.models import AccountLink, AddressUse, Connection, GroupEdge, Principal, SourceAccount
from assistant.accounts.revisions import Counter, bump
from assistant.accounts.veiling import unveil
from assistant.common.acl import PrincipalKind, PrincipalRef

DIRECTORY = "directory:"  # how ids begin that mean a group of the joined directory

_BATCH = 500
_OF_A_CONNECTION = frozenset({PrincipalKind.GROUP, PrincipalKind.ACCOUNT})


def intern_principals(refs: Iterable[PrincipalRef], *, connection: Connection) -> dict[PrincipalRef, int]:
    """Row ids of the principals, made where missing.

    Groups and accounts belong to `connection`, but for groups of the directory that it is joined to.
    """
    wanted = sorted(set(refs))
    directory = connection.directory
    if directory is None:
        return _interned(wanted, connection)
    inner = {
        ref: PrincipalRef(ref.kind, ref.id.removeprefix(DIRECTORY)) for ref in wanted if is_in_directory(ref)
    }
    theirs = _interned(sorted(inner.values()), directory)
    found = _interned([ref for ref in wanted if ref not in inner], connection)
    found.update({ref: theirs[within] for ref, within in inner.items()})
    return found


def is_in_directory(ref: PrincipalRef) -> bool:
    """Whether the reference means a group of the directory that its connection is joined to."""
    return ref.kind is PrincipalKind.GROUP and len(ref.id) > len(DIRECTORY) and ref.id.startswith(DIRECTORY)


def _interned(wanted: list[PrincipalRef], connection: Connection) -> dict[PrincipalRef, int]:
    found: dict[PrincipalRef, int] = {}
    for start in range(0, len(wanted), _BATCH):
        part = wanted[start : start + _BATCH]
        _select(part, connection, found)
        if missing := [ref for ref in part if ref not in found]:
            unveil(missing, connection=connection)
            _select(missing, connection, found)
            missing = [ref for ref in missing if ref not in found]
        Principal.objects.bulk_create(
            [
                Principal(
                    kind=ref.kind,
                    connection=connection if ref.kind in _OF_A_CONNECTION else None,
                    external_id=ref.id,
                )
                for ref in missing
            ],
            ignore_conflicts=True,  # another process may have been first
        )
        if missing:
            _select(missing, connection, found)
    return found


def _select(refs: list[PrincipalRef], connection: Connection, found: dict[PrincipalRef, int]) -> None:
    """Add the row ids of those that exist to `found`."""
    scoped = [ref.id for ref in refs if ref.kind in _OF_A_CONNECTION]
    others = [ref.id for ref in refs if ref.kind not in _OF_A_CONNECTION]
    rows = Principal.objects.filter(
        Q(connection=connection, external_id__in=scoped) | Q(connection=None, external_id__in=others)
    )
    for pk, kind, external_id in rows.values_list("pk", "kind", "external_id"):
        found[PrincipalRef(PrincipalKind(kind), external_id)] = pk


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """What a replacement changed: edges as (group, member) by row id."""

    joined: frozenset[tuple[int, int]] = frozenset()
    left: frozenset[tuple[int, int]] = frozenset()
    otherwise: bool = False  # groups that became known or unknown, accounts that came, went or moved

    def __bool__(self) -> bool:
        return bool(self.joined or self.left or self.otherwise)


def replace_membership(
    *,
    connection: Connection,
    groups: Mapping[str, tuple[PrincipalRef, ...]],
    now: datetime,
    accounts: Mapping[str, str] | None = None,
) -> MembershipChange:
    """Make `groups` (id -> direct members) and `accounts` (id -> canonical address or "") all there is.

    No group may be one of the joined directory: only the directory says who is in it.
    """
    assert not any(name.startswith(DIRECTORY) for name in groups), "a group of somebody else"
    named = {name: PrincipalRef(PrincipalKind.GROUP, name) for name in groups}
    owned = {PrincipalRef(PrincipalKind.ACCOUNT, name): to for name, to in (accounts or {}).items()}
    refs = {*named.values(), *owned, *(member for members in groups.values() for member in members)}
    with transaction.atomic():
        ids = intern_principals(refs, connection=connection)
        connection = Connection.objects.select_for_update().get(pk=connection.pk)
        known = {ids[ref] for ref in named.values()}
        edges = {(ids[named[name]], ids[member]) for name, members in groups.items() for member in members}
        addresses = {ids[ref]: address for ref, address in owned.items()}
        change = _compare(connection, known, edges, addresses)
        if change:
            _switch_generation(connection, known, edges, addresses)
        was_expired = is_expired(connection, now)
        connection.principals_confirmed_at = now
        connection.save(update_fields=["generation", "principals_confirmed_at"])
        if change or was_expired:
            bump(Counter.PERMISSIONS)
    return change


def _compare(
    connection: Connection, known: set[int], edges: set[tuple[int, int]], addresses: dict[int, str]
) -> MembershipChange:
    here = {"connection": connection, "generation": connection.generation}
    listed = Principal.objects.filter(connection=connection, kind=PrincipalKind.GROUP)
    old_known = set(listed.filter(settled_in=connection.generation).values_list("pk", flat=True))
    old_edges = set(GroupEdge.objects.filter(**here).values_list("group_id", "member_id"))
    old_addresses = dict(SourceAccount.objects.filter(**here).values_list("principal_id", "address"))
    return MembershipChange(
        joined=frozenset(edges - old_edges),
        left=frozenset(old_edges - edges),
        otherwise=known != old_known or addresses != old_addresses,
    )


def _switch_generation(
    connection: Connection, known: set[int], edges: set[tuple[int, int]], addresses: dict[int, str]
) -> None:
    connection.generation += 1
    here = {"connection": connection, "generation": connection.generation}
    GroupEdge.objects.bulk_create(
        [GroupEdge(**here, group_id=group, member_id=member) for group, member in sorted(edges)],
        batch_size=_BATCH,
    )
    SourceAccount.objects.bulk_create(
        [SourceAccount(**here, principal_id=pk, address=addresses[pk]) for pk in sorted(addresses)],
        batch_size=_BATCH,
    )
    _note_address_uses(connection, addresses)
    settle(connection, known | settled_accounts(connection))
    for model in (GroupEdge, SourceAccount):
        model.objects.filter(connection=connection).exclude(generation=connection.generation).delete()


def settle(connection: Connection, principals: set[int]) -> None:
    """Note that the connection's current generation tells who is meant by these."""
    ordered = sorted(principals)
    for start in range(0, len(ordered), _BATCH):
        Principal.objects.filter(pk__in=ordered[start : start + _BATCH]).update(
            settled_in=connection.generation
        )


def _note_address_uses(connection: Connection, addresses: dict[int, str]) -> None:
    """The first account with an address keeps it; two that come with it together get nothing by it."""
    AddressUse.objects.bulk_create(
        [
            AddressUse(connection=connection, address=address, principal_id=principals[0])
            for address, principals in sorted(_by_address(addresses).items())
            if len(principals) == 1
        ],
        batch_size=_BATCH,
        ignore_conflicts=True,
    )


def settled_accounts(connection: Connection) -> set[int]:
    """Accounts of the current generation that somebody linked, or whose address they had first and alone."""
    here = {"connection": connection, "generation": connection.generation}
    addresses = dict(SourceAccount.objects.filter(**here).values_list("principal_id", "address"))
    first = dict(AddressUse.objects.filter(connection=connection).values_list("address", "principal_id"))
    linked = AccountLink.objects.filter(principal__connection=connection)
    alone = {
        principals[0]
        for address, principals in _by_address(addresses).items()
        if len(principals) == 1 and first.get(address) == principals[0]
    }
    return alone | set(linked.values_list("principal_id", flat=True))


def _by_address(addresses: dict[int, str]) -> dict[str, list[int]]:
    holders: dict[str, list[int]] = {}
    for principal, address in addresses.items():
        if address:
            holders.setdefault(address, []).append(principal)
    return holders
