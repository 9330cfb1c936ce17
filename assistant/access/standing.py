"""What does the database say at this moment about everything that a person's mask depends on?

Asked once before each use of what a process has kept, in one statement, so that all of
it is of one state of the database. Moments are whole microseconds since 1970, exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection as database

from assistant.access.viewer import Viewer
from assistant.accounts.models import Connection, Revision, User
from assistant.accounts.revisions import Counter

SECOND = 1_000_000
BEFORE_ALL = -(2**62)
AFTER_ALL = 2**62

Row = tuple[int | None, int | None, int, int, int, datetime | None, datetime | None]

# Written out, because it comes before everything and making it anew would take longer than running it.
_STATEMENT = f"""
    SELECT (SELECT value FROM {Revision._meta.db_table} WHERE name = %s),
           (SELECT value FROM {Revision._meta.db_table} WHERE name = %s),
           id, generation, max_age_s, principals_confirmed_at, permissions_confirmed_at
    FROM {Connection._meta.db_table}
    WHERE (SELECT COUNT(*) FROM {User._meta.db_table} person
           WHERE person.id IN ({{}}) AND person.is_active) = %s
    ORDER BY id
"""  # noqa: S608 - the models' own names
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Microseconds from 1970 to the moment, without rounding. Databases without time zones hold UTC."""
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """One connection: how old its facts may get, and the last moments at which they still count."""

    id: int
    generation: int
    max_age: int
    membership_until: int
    lists_until: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The two counters, and the facts of all connections."""

    permissions: int
    documents: int
    sources: tuple[SourceFacts, ...]

    def fresh(self, now: int) -> tuple[tuple[int, int], ...]:
        """Connections whose membership counts at `now`, with the generation of it."""
        return tuple(
            (source.id, source.generation) for source in self.sources if source.membership_until >= now
        )


def standing_of(viewer: Viewer) -> Standing | None:
    """None if the account, or one beside, is gone or closed; or without a connection, and so a document."""
    people = viewer.everybody
    marks = ", ".join(["%s"] * len(people))
    counters = (Counter.PERMISSIONS.value, Counter.DOCUMENTS.value)
    with database.cursor() as cursor:
        cursor.execute(_STATEMENT.format(marks), [*counters, *people, len(people)])
        rows: list[Row] = cursor.fetchall()
    if not rows:
        return None
    permissions, documents = rows[0][:2]
    return Standing(
        permissions=permissions or 0,
        documents=documents or 0,
        sources=tuple(_facts(*row[2:]) for row in rows),
    )


def _facts(
    pk: int, generation: int, max_age_s: int, membership: datetime | None, lists: datetime | None
) -> SourceFacts:
    age = max_age_s * SECOND
    return SourceFacts(
        id=pk,
        generation=generation,
        max_age=age,
        membership_until=microseconds(membership) + age if membership else BEFORE_ALL,
        lists_until=microseconds(lists) + age if lists else BEFORE_ALL,
    )
