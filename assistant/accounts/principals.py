"""From source principals to rows, and from a person to everything they are.

`principals_held` is the one place that says which principals a person holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from assistant.accounts.models import Connection, GroupEdge, KnownGroup, Principal, User
from assistant.accounts.nesting import with_containing_groups
from assistant.accounts.revisions import Counter, bump
from assistant.common.acl import EVERYONE, PrincipalKind, PrincipalRef

_BATCH = 500


def intern_principals(refs: Iterable[PrincipalRef], *, connection: Connection) -> dict[PrincipalRef, int]:
    """Row ids of the principals, made where missing. Groups belong to `connection`, people to no one."""
    wanted = sorted(set(refs))
    found: dict[PrincipalRef, int] = {}
    for start in range(0, len(wanted), _BATCH):
        part = wanted[start : start + _BATCH]
        _select(part, connection, found)
        missing = [ref for ref in part if ref not in found]
        Principal.objects.bulk_create(
            [
                Principal(
                    kind=ref.kind,
                    connection=connection if ref.kind is PrincipalKind.GROUP else None,
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
    groups = [ref.id for ref in refs if ref.kind is PrincipalKind.GROUP]
    others = [ref.id for ref in refs if ref.kind is not PrincipalKind.GROUP]
    rows = Principal.objects.filter(
        Q(connection=connection, external_id__in=groups) | Q(connection=None, external_id__in=others)
    )
    for pk, kind, external_id in rows.values_list("pk", "kind", "external_id"):
        found[PrincipalRef(PrincipalKind(kind), external_id)] = pk


def replace_membership(
    *, connection: Connection, groups: dict[str, tuple[PrincipalRef, ...]], now: datetime
) -> bool:
    """Make `groups` (id -> direct members) the connection's membership. True if anything changed."""
    refs = {PrincipalRef(PrincipalKind.GROUP, name) for name in groups}
    refs.update(member for members in groups.values() for member in members)
    with transaction.atomic():
        ids = intern_principals(refs, connection=connection)
        connection = Connection.objects.select_for_update().get(pk=connection.pk)
        known = {ids[PrincipalRef(PrincipalKind.GROUP, name)] for name in groups}
        edges = {
            (ids[PrincipalRef(PrincipalKind.GROUP, name)], ids[member])
            for name, members in groups.items()
            for member in members
        }
        changed = (known, edges) != _current_membership(connection)
        if changed:
            _switch_generation(connection, known, edges)
        was_expired = _expired(connection, now)
        connection.principals_confirmed_at = now
        connection.save(update_fields=["generation", "principals_confirmed_at"])
        if changed or was_expired:
            bump(Counter.PERMISSIONS)
    return changed


def _expired(connection: Connection, now: datetime) -> bool:
    confirmed = connection.principals_confirmed_at
    return confirmed is None or confirmed + timedelta(seconds=connection.max_age_s) < now


def _current_membership(connection: Connection) -> tuple[set[int], set[tuple[int, int]]]:
    here = {"connection": connection, "generation": connection.generation}
    return (
        set(KnownGroup.objects.filter(**here).values_list("group_id", flat=True)),
        set(GroupEdge.objects.filter(**here).values_list("group_id", "member_id")),
    )


def _switch_generation(connection: Connection, known: set[int], edges: set[tuple[int, int]]) -> None:
    connection.generation += 1
    generation = connection.generation
    KnownGroup.objects.bulk_create(
        [KnownGroup(connection=connection, generation=generation, group_id=g) for g in sorted(known)],
        batch_size=_BATCH,
    )
    GroupEdge.objects.bulk_create(
        [
            GroupEdge(connection=connection, generation=generation, group_id=g, member_id=m)
            for g, m in sorted(edges)
        ],
        batch_size=_BATCH,
    )
    KnownGroup.objects.filter(connection=connection).exclude(generation=generation).delete()
    GroupEdge.objects.filter(connection=connection).exclude(generation=generation).delete()


@dataclass(frozen=True, slots=True)
class Held:
    """The principals that a person holds: `everyone`, their own, and each group by nesting."""

    ids: frozenset[int]


NOTHING_HELD = Held(frozenset())


def held_by(user: User, *, now: datetime) -> Held:
    """All principals of a person. Nobody inactive holds any."""
    return Held(frozenset(principals_held(user, now=now).values_list("pk", flat=True)))


def principals_held(user: User, *, now: datetime) -> QuerySet[Principal]:
    """As `held_by`, to be asked within a larger query: groups follow by nesting, where young enough."""
    if not user.is_active:
        return Principal.objects.none()
    own = Q(kind=PrincipalKind.USER, external_id=user.email) | Q(kind=EVERYONE.kind)
    start = Principal.objects.filter(own, connection__isnull=True)
    return with_containing_groups(start, connections=_fresh_ids(now))


def fresh_connections(now: datetime) -> QuerySet[Connection]:
    """Connections whose membership is young enough to count."""
    return Connection.objects.filter(pk__in=_fresh_ids(now))


def _fresh_ids(now: datetime) -> list[int]:
    read = Connection.objects.exclude(principals_confirmed_at=None)
    return [connection.pk for connection in read if not _expired(connection, now)]


def fresh_edges(now: datetime) -> QuerySet[GroupEdge]:
    """Direct memberships that count now."""
    return GroupEdge.objects.filter(
        connection__in=fresh_connections(now), generation=F("connection__generation")
    )


def unknown_groups(now: datetime) -> QuerySet[Principal]:
    """Groups whose members are not known now: a deny of one matches everyone.

    A group around an unknown one is as unknown: whoever is in the inner one is in the outer one.
    """
    fresh = _fresh_ids(now)
    known = KnownGroup.objects.filter(connection__in=fresh, generation=F("connection__generation"))
    unlisted = Principal.objects.filter(kind=PrincipalKind.GROUP).exclude(pk__in=known.values("group_id"))
    return with_containing_groups(unlisted, connections=fresh)
