"""Is what a connection last said about its groups and accounts young enough to count?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import F, QuerySet

from assistant.accounts.models import Connection, GroupEdge


def is_expired(connection: Connection, now: datetime) -> bool:
    """Whether the membership was never read, or longer ago than the connection's limit allows."""
    confirmed = connection.principals_confirmed_at
    return confirmed is None or confirmed + timedelta(seconds=connection.max_age_s) < now


def fresh_ids(now: datetime) -> list[int]:
    """Ids of the connections whose membership counts now."""
    return fresh_among(Connection.objects.exclude(principals_confirmed_at=None), now)


def fresh_among(connections: Iterable[Connection], now: datetime) -> list[int]:
    """Ids of those of the connections whose membership counts now."""
    return [connection.pk for connection in connections if not is_expired(connection, now)]


def fresh_edges(now: datetime) -> QuerySet[GroupEdge]:
    """Direct memberships that count now."""
    return GroupEdge.objects.filter(connection__in=fresh_ids(now), generation=F("connection__generation"))
