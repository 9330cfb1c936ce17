"""Random worlds of permissions for the oracle, full of the cases that go wrong.

Two connections use the same ids; groups nest, form cycles, hold everyone or nobody, and
some are named without being known; accounts of sources come with an address, with
somebody else's, with one that another account had before, or with none, and some are
linked by hand; people are inactive, change their address, have aliases, or come second
to an address; addresses look alike and are spelt in several ways; facts are exactly as
old as the limit allows, a microsecond older, or were never read.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from tests.access.oracle import (
    EVERYONE,
    Clauses,
    Deed,
    Line,
    Move,
    Name,
    Paper,
    Read,
    Source,
    World,
    account,
    group,
    person,
)

NOW = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)
LIMIT = timedelta(hours=1)
CONNECTIONS = ("north", "south")
GROUPS = ("g0", "g1", "g2", "g3", "G0", "직원", "g4", "g5")
GHOSTS = ("ghost", "phantom")
STRANGE_ACCOUNT = "a?"  # no read ever reports it
NO_ACCOUNT = "gone@example.com"
LOOK_ALIKES = (  # each another address: plain, tagged, dotless, Cyrillic
    "kim@example.com",
    "kim+home@example.com",
    "kım@example.com",
    "кim@example.com",
)
_TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class _Addresses:
    """Moves in the making: who has what, and which addresses are free."""

    random: Random
    people: dict[str, bool]
    free: list[str]
    moves: list[Move] = field(default_factory=list)
    holder: dict[str, str] = field(default_factory=dict)
    sign_in: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)  # maybe to be confirmed
    used: set[str] = field(default_factory=set)

    def take(self, deed: Deed, who: str, address: str) -> None:
        """The person gets this address."""
        self.moves.append(Move(deed, who, address))
        self.holder[address] = who
        if deed is not Deed.GETS:
            self.sign_in[who] = address
        if address in self.used:
            self.waiting.append(address)
        self.used.add(address)

    def leave(self, who: str) -> None:
        """The person goes; others may get their addresses."""
        self.moves.append(Move(Deed.LEAVES, who))
        for address in [held for held, holder in self.holder.items() if holder == who]:
            self._release(address)
        del self.sign_in[who]

    def another(self) -> None:
        """One more thing happens to somebody's address."""
        deed = self.random.choice((Deed.GETS, Deed.GETS, Deed.RENAMED, Deed.CONFIRMED, Deed.GIVES_UP))
        here = list(self.sign_in)
        if deed in {Deed.GETS, Deed.RENAMED} and self.free:
            address = self.free.pop(self.random.randrange(len(self.free)))
            self.take(deed, self.random.choice(here[1:] or here), address)
        elif deed is Deed.CONFIRMED and self.waiting:
            address = self.waiting.pop(self.random.randrange(len(self.waiting)))
            self.moves.append(Move(deed, self.holder[address], address))
        elif deed is Deed.GIVES_UP:
            aliases = [held for held, who in self.holder.items() if held != self.sign_in[who]]
            if aliases:
                address = self.random.choice(aliases)
                self.moves.append(Move(deed, self.holder[address], address))
                self._release(address)

    def _release(self, address: str) -> None:
        del self.holder[address]
        self.free.append(address)
        if address in self.waiting:
            self.waiting.remove(address)


def made_world(random: Random, *, people: int = 4, papers: int = 8) -> World:
    """A world with this many accounts and documents, beside those who have left."""
    accounts, moves = made_people(random, people)
    names = addresses_of(people)
    return World(
        now=NOW,
        people=accounts,
        sources={
            connection: made_source(random, connection, names, list(accounts)) for connection in CONNECTIONS
        },
        papers={f"paper{number}": made_paper(random, names) for number in range(papers)},
        moves=moves,
    )


def addresses_of(people: int) -> list[str]:
    """Every address that somebody has, had, or might get in a world of this size."""
    extra = [f"alias{number}@example.com" for number in range(people // 3)]
    return [*(f"person{number}@example.com" for number in range(people)), *LOOK_ALIKES, *extra, NO_ACCOUNT]


def made_people(random: Random, count: int) -> tuple[dict[str, bool], tuple[Move, ...]]:
    """Accounts, and what happened to their addresses. The first person keeps their own for good."""
    keys = [f"person{number}@example.com" for number in range(count)]
    late = [key for key in keys[1:] if random.random() < 0.3]
    people = {key: random.random() > 0.12 for key in keys}
    story = _Addresses(random, people, free=[a for a in addresses_of(count) if a not in keys])
    story.holder = {key: key for key in keys if key not in late}
    story.sign_in, story.used = dict(story.holder), set(story.holder)
    if late:
        _somebody_had(story, late)
    for key in late:
        story.take(Deed.ARRIVES, key, key)
    for _ in range(random.randint(0, 2 * count)):
        story.another()
    return people, tuple(story.moves)


def _somebody_had(story: _Addresses, addresses: list[str]) -> None:
    """A colleague had some of the addresses and left, before the people who are to arrive."""
    former = "former@example.com"
    story.people[former] = True
    story.take(Deed.ARRIVES, former, former)
    for address in addresses:
        if story.random.random() < 0.7:
            story.take(Deed.GETS, former, address)
    story.leave(former)
    story.people[former] = story.random.random() < 0.3  # back, without an address
    story.free = [address for address in story.free if address not in addresses]


def made_source(random: Random, connection: str, names: list[str], people: list[str]) -> Source:
    """A connection with what it said of groups and accounts so far."""
    confirmed = _moment(random)
    if confirmed is None:
        return Source(LIMIT, lists_confirmed=_moment(random), links=made_links(random, people))
    reads = [made_read(random, connection, names, None)]
    for _ in range(random.choice((0, 1, 2))):
        reads.append(made_read(random, connection, names, reads[-1]))
    return Source(
        limit=LIMIT,
        groups=reads[-1].groups,
        members_confirmed=confirmed,
        lists_confirmed=_moment(random),
        accounts=reads[-1].accounts,
        earlier=tuple(reads[:-1]),
        links=made_links(random, people),
    )


def made_read(random: Random, connection: str, names: list[str], before: Read | None) -> Read:
    """A complete read; most accounts are what they were in the read before."""
    accounts: dict[str, str] = {}
    for name in account_ids(len(names)):
        known = before.accounts.get(name) if before else None
        if known is not None and random.random() < 0.8:
            accounts[name] = known
        elif random.random() < 0.85:
            accounts[name] = _spelt(random, random.choice(names)) if random.random() < 0.85 else ""
    for _ in range(
        random.randint(0, len(accounts) // 3)
    ):  # an address goes to another account, or to one more
        giver, taker = random.choice(list(accounts)), random.choice(list(accounts))
        accounts[taker], accounts[giver] = accounts[giver], random.choice((accounts[giver], "", ""))
    return Read(made_groups(random, connection, names), accounts)


def account_ids(names: int) -> list[str]:
    """The ids of accounts in a world with so many addresses."""
    return [f"a{number}" for number in range(max(3, names // 2))]


def made_links(random: Random, people: list[str]) -> dict[str, str]:
    """What an administrator said about accounts, be they ever reported or not."""
    known = [*account_ids(len(addresses_of(len(people)))), STRANGE_ACCOUNT]
    return {name: random.choice(people) for name in known if random.random() < 0.15}


def made_groups(random: Random, connection: str, names: list[str]) -> dict[str, tuple[Name, ...]]:
    """Group -> direct members."""
    known = random.sample(GROUPS, k=random.choice((0, 3, 5, 6, 7, 8, 8)))
    return {name: tuple(_members(random, connection, names)) for name in known}


def _members(random: Random, connection: str, names: list[str]) -> list[Name]:
    return [_member(random, connection, names) for _ in range(random.choice((0, 1, 1, 2, 3)))]


def _member(random: Random, connection: str, names: list[str]) -> Name:
    kind = random.random()
    if kind < 0.40:
        return person(_spelt(random, random.choice(names)))
    if kind < 0.60:
        return account(connection, random.choice(account_ids(len(names))))
    if kind < 0.94:
        return group(connection, random.choice(GROUPS))
    return random.choice((EVERYONE, EVERYONE, group(connection, random.choice(GHOSTS))))


def made_paper(random: Random, names: list[str], *, connection: str = "") -> Paper:
    """A document of the connection, or of any."""
    connection = connection or random.choice(CONNECTIONS)
    return Paper(
        source=connection,
        clauses=made_clauses(random, connection, names),
        confirmed=_moment(random),
        stale=random.random() < 0.25,
        hidden=random.random() < 0.06,
        version=random.choice((0, 1, 1, 2, 3, 4, 5, 6, 7)),
    )


def made_clauses(random: Random, connection: str, names: list[str]) -> Clauses | None:
    """An access list; None for none."""
    if random.random() < 0.05:
        return None
    if random.random() < 0.4:  # all but some: here a doubt decides
        denied = [
            replace(_line(random, connection, names), allow=False) for _ in range(random.choice((1, 1, 2)))
        ]
        return ((*denied, Line(True, EVERYONE)),)
    sizes = [random.choice((0, 1, 2, 2, 3, 4, 6, 6)) for _ in range(random.choice((0, 1, 1, 1, 1, 2, 2, 3)))]
    return tuple(tuple(_line(random, connection, names) for _ in range(size)) for size in sizes)


def _line(random: Random, connection: str, names: list[str]) -> Line:
    kind = random.random()
    if kind < 0.25:
        who = person(_spelt(random, random.choice(names)))
    elif kind < 0.45:
        who = account(connection, random.choice((*account_ids(len(names)), STRANGE_ACCOUNT)))
    elif kind < 0.76:
        who = group(connection, random.choice(GROUPS))
    elif kind < 0.82:
        who = group(connection, random.choice(GHOSTS))
    else:
        who = EVERYONE
    expiries = (None, None, None, NOW - _TICK, NOW, NOW + _TICK, NOW + timedelta(days=9))
    return Line(allow=random.random() < 0.72, who=who, expires=random.choice(expiries))


def _spelt(random: Random, address: str) -> str:
    """The address, sometimes as another program would write it."""
    wide = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(ord("a"), ord("z") + 1)})
    return random.choice((address,) * 18 + (address.title(), address.translate(wide)))


def _moment(random: Random) -> datetime | None:
    young, old = NOW - timedelta(minutes=5), NOW - LIMIT
    return random.choice((young, young, young, young, young, old, old, old + _TICK, old - _TICK, None))
