"""Which principals does a person hold, and which might be theirs without anybody knowing?

`principals_held` is the one place that says what a person holds. What may be theirs,
`principals_in_doubt`, never lets anybody in: it only makes denies count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db.models import F, Q, QuerySet

from assistant.accounts.freshness import fresh_ids
from assistant.accounts.models import AccountLink, Address, Principal, SourceAccount, User
from assistant.accounts.nesting import with_containing_groups
from assistant.common.acl import PrincipalKind

_STATEMENTS = 1_024  # some 10 kB each


@dataclass(frozen=True, slots=True)
class Held:
    """Row ids of principals. `doubtful` ones count in denies only."""

    ids: frozenset[int]
    doubtful: frozenset[int] = frozenset()


NOTHING_HELD = Held(frozenset())


def held_by(user: User, *, now: datetime) -> Held:
    """All principals of a person, and all that might be theirs. Nobody inactive holds any."""
    if not user.is_active:
        return NOTHING_HELD
    return Held(
        ids=frozenset(principals_held(user, now=now).values_list("pk", flat=True)),
        doubtful=frozenset(principals_in_doubt(user, now=now).values_list("pk", flat=True)),
    )


def principals_held(user: User, *, now: datetime) -> QuerySet[Principal]:
    """Everyone, the person's addresses and source accounts, and each group around any of them."""
    if not user.is_active:
        return Principal.objects.none()
    return held_while(user.pk, tuple(fresh_ids(now))).all()


def principals_in_doubt(user: User, *, now: datetime) -> QuerySet[Principal]:
    """Principals of which nobody knows whether the person is meant: a deny of one counts.

    Groups whose members are not known; accounts of which nobody knows whose they are;
    what an address would give that is not confirmed; and each group around any of these.
    """
    return in_doubt_while(user.pk, tuple(fresh_ids(now))).all()


# To write these statements takes longer than to ask them, and they are asked with all that passes the door.
# Remembered are the statements alone: whoever asks gets a copy without results.


@lru_cache(maxsize=_STATEMENTS)
def held_while(user_id: int, fresh: tuple[int, ...]) -> QuerySet[Principal]:
    """What an active person holds while the membership of these connections counts. Not to be evaluated."""
    return with_containing_groups(own_principals(user_id, fresh=fresh), connections=fresh)


@lru_cache(maxsize=_STATEMENTS)
def in_doubt_while(user_id: int, fresh: tuple[int, ...]) -> QuerySet[Principal]:
    """What is in doubt for an active person, likewise."""
    unconfirmed = unconfirmed_addresses(user_id).values_list("address", flat=True)
    start = Principal.objects.filter(unsettled(fresh) | by_address(unconfirmed, fresh))
    return with_containing_groups(start, connections=fresh)


def forget() -> None:
    """Write every statement anew."""
    held_while.cache_clear()
    in_doubt_while.cache_clear()


def principals_in_doubt_for_all(*, now: datetime) -> QuerySet[Principal]:
    """What is in doubt for everybody; for people without unconfirmed addresses that is all."""
    return in_doubt_for_all_while(fresh_ids(now))


def in_doubt_for_all_while(fresh: Sequence[int]) -> QuerySet[Principal]:
    """The same while the membership of these connections counts."""
    return with_containing_groups(Principal.objects.filter(unsettled(fresh)), connections=fresh)


def unconfirmed_addresses(user_id: int) -> QuerySet[Address]:
    """Addresses of the person that somebody else had before."""
    return Address.objects.filter(user=user_id, confirmed=False)


def unsettled(fresh: Sequence[int]) -> Q:
    """Groups and accounts of which the current, fresh membership does not tell who is meant."""
    outdated = Q(connection__isnull=False) & ~Q(connection__in=fresh)
    return outdated | (Q(connection__in=fresh) & ~Q(settled_in=F("connection__generation")))


def own_principals(user_id: int, *, fresh: Sequence[int]) -> QuerySet[Principal]:
    """What names the person directly: everyone, confirmed addresses, and accounts of fresh connections."""
    addresses = Address.objects.filter(user=user_id, confirmed=True).values_list("address", flat=True)
    linked = AccountLink.objects.filter(user=user_id, principal__connection__in=fresh).values("principal")
    return Principal.objects.filter(
        # With the connection and the id named, though implied, each of the three is found by an index.
        Q(kind=PrincipalKind.EVERYONE, connection=None, external_id="")
        | by_address(addresses, fresh)
        | Q(pk__in=linked)
    )


def by_address(addresses: QuerySet[Address, str], fresh: Sequence[int]) -> Q:
    """The principals that an address stands for: the address itself, and accounts that carry it."""
    accounts = accounts_by_address(fresh).filter(address__in=addresses).values("principal")
    named = Q(kind=PrincipalKind.USER, connection=None, external_id__in=addresses)
    return named | Q(pk__in=accounts)


def accounts_by_address(fresh: Sequence[int]) -> QuerySet[SourceAccount]:
    """Accounts whose address says whose they are."""
    return SourceAccount.objects.filter(
        connection__in=fresh,
        generation=F("connection__generation"),
        principal__settled_in=F("connection__generation"),
        principal__account_link=None,
    )
