"""Random worlds of permissions for the oracle, full of the cases that go wrong.

Two connections use the same group ids; groups nest, form cycles, hold everyone or
nobody, and some are named without being known; people are inactive or have no account;
facts are exactly as old as the limit allows, a microsecond older, or were never read.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from tests.access.oracle import EVERYONE, Clauses, Line, Name, Paper, Source, World, group, person

NOW = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)
LIMIT = timedelta(hours=1)
CONNECTIONS = ("north", "south")
GROUPS = ("g0", "g1", "g2", "g3", "G0", "직원", "g4", "g5")
GHOSTS = ("ghost", "phantom")
NO_ACCOUNT = "gone@example.com"
_TICK = timedelta(microseconds=1)


def made_world(random: Random, *, people: int = 4, papers: int = 8) -> World:
    """A world with this many accounts and documents."""
    accounts = {f"person{number}@example.com": random.random() > 0.12 for number in range(people)}
    names = [*accounts, NO_ACCOUNT]
    return World(
        now=NOW,
        people=accounts,
        sources={connection: made_source(random, connection, names) for connection in CONNECTIONS},
        papers={f"paper{number}": made_paper(random, names) for number in range(papers)},
    )


def made_source(random: Random, connection: str, names: list[str]) -> Source:
    """A connection with a membership."""
    return Source(
        limit=LIMIT,
        groups=made_groups(random, connection, names),
        members_confirmed=_moment(random),
        lists_confirmed=_moment(random),
    )


def made_groups(random: Random, connection: str, names: list[str]) -> dict[str, tuple[Name, ...]]:
    """Group -> direct members."""
    known = random.sample(GROUPS, k=random.randint(0, len(GROUPS)))
    return {name: tuple(_members(random, connection, names)) for name in known}


def _members(random: Random, connection: str, names: list[str]) -> list[Name]:
    members: list[Name] = []
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        kind = random.random()
        if kind < 0.45:
            members.append(person(random.choice(names)))
        elif kind < 0.90:
            members.append(group(connection, random.choice(GROUPS)))
        else:
            members.append(random.choice((EVERYONE, group(connection, random.choice(GHOSTS)))))
    return members


def made_paper(random: Random, names: list[str], *, connection: str = "") -> Paper:
    """A document of the connection, or of any."""
    connection = connection or random.choice(CONNECTIONS)
    return Paper(
        source=connection,
        clauses=made_clauses(random, connection, names),
        confirmed=_moment(random),
        stale=random.random() < 0.25,
        hidden=random.random() < 0.06,
        version=random.choice((0, 1, 2, 3, 4, 5, 6, 7)),
    )


def made_clauses(random: Random, connection: str, names: list[str]) -> Clauses | None:
    """An access list; None for none."""
    if random.random() < 0.05:
        return None
    sizes = [random.choice((0, 1, 2, 2, 3, 4, 6)) for _ in range(random.choice((0, 1, 1, 1, 1, 2, 2, 3)))]
    return tuple(tuple(_line(random, connection, names) for _ in range(size)) for size in sizes)


def _line(random: Random, connection: str, names: list[str]) -> Line:
    kind = random.random()
    if kind < 0.35:
        who = person(random.choice(names))
    elif kind < 0.75:
        who = group(connection, random.choice(GROUPS))
    elif kind < 0.85:
        who = group(connection, random.choice(GHOSTS))
    else:
        who = EVERYONE
    expiries = (None, None, None, NOW - _TICK, NOW, NOW + _TICK, NOW + timedelta(days=9))
    return Line(allow=random.random() < 0.65, who=who, expires=random.choice(expiries))


def _moment(random: Random) -> datetime | None:
    young, old = NOW - timedelta(minutes=5), NOW - LIMIT
    return random.choice((young, young, young, young, old, old + _TICK, old - _TICK, None))
