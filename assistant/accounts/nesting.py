"""Which groups hold a principal, through any nesting? Asked in one statement.

One statement sees one state of the database: a membership that a sync replaces
meanwhile is seen whole, either the old one or the new one, never a mix of both.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from assistant.accounts.models import Connection, GroupEdge, Principal


def with_containing_groups(start: QuerySet[Principal], *, connections: Sequence[int]) -> QuerySet[Principal]:
    """`start` and every group around it, by the current membership of `connections` (ids).

    A group already reached is not walked again, so cycles end.
    """
    first, values = start.order_by().values("pk").query.sql_with_params()
    counted = ", ".join(["%s"] * len(connections)) or "NULL"
    statement = f"""
        WITH RECURSIVE reached(id) AS (
            {first}
            UNION
            SELECT edge.group_id
            FROM reached
            JOIN {GroupEdge._meta.db_table} edge ON edge.member_id = reached.id
            JOIN {Connection._meta.db_table} source
                ON source.id = edge.connection_id AND source.generation = edge.generation
            WHERE source.id IN ({counted})
        )
        SELECT id FROM reached
    """  # noqa: S608 - made of table names and of SQL that Django wrote; values stay apart
    return Principal.objects.filter(pk__in=RawSQL(statement, (*values, *connections)))  # noqa: S611 - as above
