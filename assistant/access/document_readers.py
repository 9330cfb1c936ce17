"""Who sees a document? The rule read backwards: from its entries to the people whom they mean.

Only for `inspector`, which asks first whether somebody may know it. Tests compare it
with the rule asked person by person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F, Q

from assistant.access.membership_paths import Inside, inside
from assistant.accounts.freshness import fresh_ids
from assistant.accounts.models import AccountLink, Address, Principal, SourceAccount, User
from assistant.common.acl import PrincipalKind
from assistant.documents.models import Acl, AclEntry

_BATCH = 400
_OF_MANY = (PrincipalKind.GROUP.value, PrincipalKind.EVERYONE.value)


@dataclass(slots=True)
class _People:
    """Whom principals mean, by row id of the principal: surely, and maybe."""

    everybody: frozenset[int]
    surely: dict[int, set[int]] = field(default_factory=dict)
    maybe: dict[int, set[int]] = field(default_factory=dict)
    might_be_anybody: set[int] = field(default_factory=set)
    own: set[int] = field(default_factory=set)  # principals that are a person's own: addresses, accounts
    everyone: int = 0


@dataclass(frozen=True, slots=True)
class FoundReaders:
    """Ids of the people who are let in by every clause, and allowed principals that are nobody's here."""

    people: frozenset[int]
    outside: tuple[int, ...]


def find_readers(acl: Acl | None, *, now: datetime) -> FoundReaders:
    """Apply an access list to all open accounts at once."""
    if acl is None or acl.clause_count == 0:
        return FoundReaders(frozenset(), ())
    entries = list(
        AclEntry.objects.filter(acl=acl)
        .filter(Q(expires_at=None) | Q(expires_at__gt=now))
        .order_by("clause", "position")
    )
    named = {entry.principal_id for entry in entries}
    below = inside(named, now=now)
    people = _people({pk for principal in named for pk in below.everything_in(principal)}, now)
    let_in = set(people.everybody)
    for number in range(acl.clause_count):
        let_in &= _let_in([entry for entry in entries if entry.clause == number], below, people)
    allowed = {entry.principal_id for entry in entries if entry.allow}
    outside = sorted(pk for pk in allowed & people.own if not people.surely.get(pk))
    return FoundReaders(frozenset(let_in), tuple(outside))


def people_meant(principals: Collection[int], *, now: datetime) -> dict[int, frozenset[int]]:
    """Ids of the people with an open account whom each principal surely means, through any nesting."""
    below = inside(principals, now=now)
    within = {principal: below.everything_in(principal) for principal in principals}
    people = _people({pk for everything in within.values() for pk in everything}, now)
    return {
        principal: people.everybody
        if people.everyone in everything
        else people.everybody & set[int]().union(*(people.surely.get(pk, ()) for pk in everything))
        for principal, everything in within.items()
    }


def _let_in(entries: Iterable[AclEntry], below: Inside, people: _People) -> set[int]:
    """Whom the first counting entry of a clause allows."""
    undecided, let_in = set(people.everybody), set[int]()
    for entry in entries:
        within = below.everything_in(entry.principal_id)
        if people.everyone in within:
            meant = set(undecided)
        else:
            meant = set[int]().union(*(people.surely.get(pk, ()) for pk in within))
        if not entry.allow:
            if within & people.might_be_anybody:
                meant = set(undecided)
            meant |= set[int]().union(*(people.maybe.get(pk, ()) for pk in within))
        meant &= undecided
        undecided -= meant
        if entry.allow:
            let_in |= meant
        if not undecided:
            break
    return let_in


def _people(principals: set[int], now: datetime) -> _People:
    """Whom each of the principals means directly."""
    fresh = fresh_ids(now)
    found = _People(frozenset(User.objects.filter(is_active=True).values_list("pk", flat=True)))
    ordered = sorted(principals)
    for start in range(0, len(ordered), _BATCH):
        part = Principal.objects.filter(pk__in=ordered[start : start + _BATCH])
        found.everyone = found.everyone or (
            part.filter(kind=PrincipalKind.EVERYONE).values_list("pk", flat=True).first() or 0
        )
        scoped = part.exclude(connection=None)
        unsettled = scoped.exclude(connection__in=fresh, settled_in=F("connection__generation"))
        found.might_be_anybody.update(unsettled.values_list("pk", flat=True))
        found.own.update(part.exclude(kind__in=_OF_MANY).values_list("pk", flat=True))
        _by_address(part.filter(kind=PrincipalKind.USER).values_list("pk", "external_id"), found)
        _accounts(part.filter(kind=PrincipalKind.ACCOUNT), fresh, found)
    return found


def _by_address(rows: Iterable[tuple[int, str]], found: _People) -> None:
    named = {address: pk for pk, address in rows}
    holders = Address.objects.filter(address__in=named).exclude(user=None)
    for address, user, confirmed in holders.values_list("address", "user_id", "confirmed"):
        side = found.surely if confirmed else found.maybe
        side.setdefault(named[address], set()).add(user or 0)


def _accounts(rows: Iterable[Principal], fresh: list[int], found: _People) -> None:
    wanted = [row.pk for row in rows]
    links = AccountLink.objects.filter(principal__in=wanted, principal__connection__in=fresh)
    for principal, user in links.values_list("principal_id", "user_id"):
        found.surely.setdefault(principal, set()).add(user)
    reported = SourceAccount.objects.filter(
        principal__in=wanted,
        connection__in=fresh,
        generation=F("connection__generation"),
        principal__settled_in=F("connection__generation"),
        principal__account_link=None,
    ).exclude(address="")
    addresses: dict[str, list[int]] = {}
    for principal, address in reported.values_list("principal_id", "address"):
        addresses.setdefault(address, []).append(principal)
    holders = Address.objects.filter(address__in=addresses).exclude(user=None)
    for address, holder, confirmed in holders.values_list("address", "user_id", "confirmed"):
        side = found.surely if confirmed else found.maybe
        for principal in addresses[address]:
            side.setdefault(principal, set()).add(holder or 0)
