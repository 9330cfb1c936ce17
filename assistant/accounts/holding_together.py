"""What do many people hold? As `holding` says of each of them, in a few statements for all.

Several statements may see several states of the database. Whoever uses this sees to it that who belongs to
what has not changed from before the first of them until what is concluded (`revisions.Counter.PERMISSIONS`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db.models import F, Q, QuerySet

from assistant.accounts.freshness import fresh_ids
from assistant.accounts.holding import Held, accounts_by_address, by_address, unsettled
from assistant.accounts.models import AccountLink, Address, GroupEdge, Principal
from assistant.accounts.nesting import with_containing_groups
from assistant.common.acl import PrincipalKind

_EVERYONE = Q(kind=PrincipalKind.EVERYONE, connection=None, external_id="")


def held_by_each(user_ids: Collection[int], *, fresh: Sequence[int]) -> dict[int, Held]:
    """What each of these open accounts holds while the membership of the `fresh` connections counts.

    `doubtful` is only what addresses of theirs would give that are not confirmed. What is in doubt for
    everybody (`holding.in_doubt_for_all_while`) comes on top.
    """
    everyone = set(Principal.objects.filter(_EVERYONE).values_list("pk", flat=True))
    surely: dict[int, set[int]] = {user: set(everyone) for user in user_ids}
    maybe: dict[int, set[int]] = {user: set() for user in user_ids}
    _add_by_address(surely, maybe, fresh)
    linked = AccountLink.objects.filter(user__in=user_ids, principal__connection__in=fresh)
    for user, principal in linked.values_list("user_id", "principal_id"):
        surely[user].add(principal)
    around = _Around(set[int]().union(*surely.values(), *maybe.values()), fresh)
    return {user: Held(around.all_of(surely[user]), around.all_of(maybe[user])) for user in user_ids}


def held_by_any(user_ids: Collection[int], *, now: datetime) -> QuerySet[Principal]:
    """All that at least one of these open accounts holds, and all that might be theirs."""
    fresh = fresh_ids(now)
    addresses = Address.objects.filter(user__in=user_ids).values_list("address", flat=True)
    linked = AccountLink.objects.filter(user__in=user_ids, principal__connection__in=fresh)
    named = _EVERYONE | by_address(addresses, fresh) | Q(pk__in=linked.values("principal"))
    return with_containing_groups(Principal.objects.filter(named | unsettled(fresh)), connections=fresh)


def _add_by_address(surely: dict[int, set[int]], maybe: dict[int, set[int]], fresh: Sequence[int]) -> None:
    """What addresses stand for: themselves, and the accounts that carry them."""
    rows = Address.objects.filter(user__in=list(surely)).values_list("address", "user_id", "confirmed")
    holders = {address: (surely if confirmed else maybe)[user or 0] for address, user, confirmed in rows}
    named = Principal.objects.filter(kind=PrincipalKind.USER, connection=None, external_id__in=list(holders))
    for principal, address in named.values_list("pk", "external_id"):
        holders[address].add(principal)
    carrying = accounts_by_address(fresh).filter(address__in=list(holders))
    for principal, address in carrying.values_list("principal_id", "address"):
        holders[address].add(principal)


class _Around:
    """The groups around some principals, through any nesting, read in one statement."""

    def __init__(self, starts: Collection[int], fresh: Sequence[int]) -> None:
        reached = with_containing_groups(Principal.objects.filter(pk__in=starts), connections=fresh)
        edges = GroupEdge.objects.filter(
            member__in=reached.values("pk"), connection__in=fresh, generation=F("connection__generation")
        )
        self._above: dict[int, list[int]] = defaultdict(list)
        for member, group in edges.values_list("member_id", "group_id"):
            self._above[member].append(group)
        self._known: dict[int, frozenset[int]] = {}

    def all_of(self, starts: Iterable[int]) -> frozenset[int]:
        """The principals and every group around any of them."""
        return frozenset[int]().union(*map(self._all_of_one, starts))

    def _all_of_one(self, start: int) -> frozenset[int]:
        known = self._known.get(start)
        if known is None:
            seen, waiting = {start}, [start]
            while waiting:
                for group in self._above.get(waiting.pop(), ()):
                    if group not in seen:
                        seen.add(group)
                        waiting.append(group)
            known = self._known[start] = frozenset(seen)
        return known
