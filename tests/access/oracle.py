"""Who may read what, said a second time and on purpose differently.

Written from section 3 of the design alone, over plain values, without the database and
without a look at the code that it judges. A world holds everything that a decision
depends on; `may_read` decides one, and a `Judge` decides many about one world.

Where the system walks upwards from a person to all that they are, the oracle walks
downwards from a name to all whom it means; where the system keeps what it concluded
from earlier reads, the oracle goes through all reads again.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

Name = tuple[str, str, str]  # kind, connection ("" for people and everyone), id
EVERYONE: Name = ("everyone", "", "")


def person(email: str) -> Name:
    """The name of whoever has this address."""
    return ("user", "", email)


def account(connection: str, external_id: str) -> Name:
    """The name of a source's own account: it means something inside its connection only."""
    return ("account", connection, external_id)


def group(connection: str, external_id: str) -> Name:
    """The name of a group: it means something inside its connection only."""
    return ("group", connection, external_id)


@lru_cache(maxsize=65_536)
def same_address(spelling: str) -> str:
    """What two spellings of one address have in common: compatibility form, lower case, tags kept."""
    once = unicodedata.normalize("NFKC", spelling.strip()).lower()
    return unicodedata.normalize("NFKC", once)


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a clause."""

    allow: bool
    who: Name
    expires: datetime | None = None


Clauses = tuple[tuple[Line, ...], ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A complete read of a source's groups (-> direct members) and accounts (-> address or "")."""

    groups: dict[str, tuple[Name, ...]] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """A connection: its last read and those before, decisions about its accounts, the age of its facts."""

    limit: timedelta
    groups: dict[str, tuple[Name, ...]] = field(default_factory=dict)
    members_confirmed: datetime | None = None  # None: never read
    lists_confirmed: datetime | None = None
    accounts: dict[str, str] = field(default_factory=dict)
    earlier: tuple[Read, ...] = ()
    links: dict[str, str] = field(default_factory=dict)  # account -> person, as an administrator said


@dataclass(frozen=True, slots=True)
class Paper:
    """A document, as far as permissions care. `clauses` is None where there is no access list."""

    source: str
    clauses: Clauses | None
    confirmed: datetime | None
    stale: bool = False
    hidden: bool = False
    version: int = 1


class Deed(StrEnum):
    """What can happen to an address."""

    ARRIVES = "arrives"  # the person gets an account; they sign in with `address`, their own name
    GETS = "gets"  # the person gets the address as an alias
    RENAMED = "renamed"  # the person signs in with the address from now on; the old one stays an alias
    CONFIRMED = "confirmed"  # an administrator says that the address is its holder's in full
    GIVES_UP = "gives up"  # the address has no holder any more
    LEAVES = "leaves"  # nor has any address of this person


@dataclass(frozen=True, slots=True)
class Move:
    """Something that happened to an address."""

    deed: Deed
    person: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class World:
    """Everything at one moment. A person's key is the address with which they first signed in."""

    now: datetime
    people: dict[str, bool]  # person -> active
    sources: dict[str, Source]
    papers: dict[str, Paper]
    moves: tuple[Move, ...] = ()  # whoever never arrives here was there before the first move

    def may_read(self, person_key: str, paper: Paper) -> bool:
        """The decision."""
        return Judge(self).may_read(person_key, paper)


class Judge:
    """Decides about one world, and remembers whom each name means in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.everybody = frozenset(world.people)
        self.holders = holders(world)
        self._meant: dict[Name, tuple[frozenset[str], frozenset[str]]] = {}

    def may_read(self, person_key: str, paper: Paper) -> bool:
        """The decision."""
        if not self.world.people.get(person_key, False):
            return False
        if paper.hidden or paper.version == 0 or not paper.clauses:
            return False
        if not self._young(paper):
            return False
        return all(self._clause_opens(person_key, clause) for clause in paper.clauses)

    def _young(self, paper: Paper) -> bool:
        source = self.world.sources[paper.source]
        moments = [paper.confirmed]
        if not paper.stale:
            moments.append(source.lists_confirmed)
        return any(moment is not None and self.world.now - moment <= source.limit for moment in moments)

    def _clause_opens(self, person_key: str, clause: tuple[Line, ...]) -> bool:
        for line in clause:
            if line.expires is not None and line.expires <= self.world.now:
                continue
            certain, possible = self.meant(line.who)
            if line.allow and person_key in certain:
                return True
            if not line.allow and person_key in possible:
                return False
        return False

    def meant(self, who: Name) -> tuple[frozenset[str], frozenset[str]]:
        """The people whom the name certainly means, and those whom it might mean (with the former)."""
        if who not in self._meant:
            certain: set[str] = set()
            possible: set[str] = set()
            for name in self._everything_inside(who):
                sure, unsure = self._one(name)
                certain |= sure
                possible |= sure | unsure
            self._meant[who] = frozenset(certain), frozenset(possible)
        return self._meant[who]

    def _one(self, name: Name) -> tuple[frozenset[str], frozenset[str]]:
        """Certain and merely possible people of one name, without what is inside it."""
        kind, connection, external_id = name
        nobody: frozenset[str] = frozenset()
        if kind == "everyone":
            return self.everybody, nobody
        if kind == "user":
            return self._holder(external_id)
        if kind == "group":
            read = self._last_read(connection)
            return (nobody, nobody) if read and external_id in read.groups else (nobody, self.everybody)
        return self._owner(connection, external_id)

    def _holder(self, address: str) -> tuple[frozenset[str], frozenset[str]]:
        nobody: frozenset[str] = frozenset()
        holder, confirmed = self.holders.get(same_address(address), (None, False))
        if holder is None:
            return nobody, nobody
        return (frozenset({holder}), nobody) if confirmed else (nobody, frozenset({holder}))

    def _owner(self, connection: str, external_id: str) -> tuple[frozenset[str], frozenset[str]]:
        read, source = self._last_read(connection), self.world.sources[connection]
        if read is None:
            return frozenset(), self.everybody
        if external_id in source.links:
            return frozenset({source.links[external_id]}), frozenset()
        address = same_address(read.accounts.get(external_id, ""))
        if not address or first_alone(source, address) != external_id:
            return frozenset(), self.everybody
        if with_address(read, address) != [external_id]:
            return frozenset(), self.everybody
        return self._holder(address)

    def _everything_inside(self, who: Name) -> set[Name]:
        """The name itself and all that is below it, walked downwards."""
        seen: set[Name] = set()
        waiting = [who]
        while waiting:
            current = waiting.pop()
            if current in seen:
                continue
            seen.add(current)
            kind, connection, external_id = current
            read = self._last_read(connection) if kind == "group" else None
            if read is not None:
                waiting.extend(read.groups.get(external_id, ()))
        return seen

    def _last_read(self, connection: str) -> Read | None:
        """What the connection last said of groups and accounts, while it is young enough to count."""
        source = self.world.sources[connection]
        if source.members_confirmed is None or self.world.now - source.members_confirmed > source.limit:
            return None
        return Read(source.groups, source.accounts)


def holders(world: World) -> dict[str, tuple[str, bool]]:
    """Address -> its holder and whether it is confirmed, after everything that happened."""
    arriving = {move.person for move in world.moves if move.deed is Deed.ARRIVES}
    now: dict[str, tuple[str, bool]] = {
        same_address(key): (key, True) for key in world.people if key not in arriving
    }
    ever = set(now)
    for move in world.moves:
        address = same_address(move.address)
        if move.deed in {Deed.ARRIVES, Deed.GETS, Deed.RENAMED}:
            now[address] = (move.person, address not in ever)
            ever.add(address)
        elif move.deed is Deed.CONFIRMED:
            now[address] = (now[address][0], True)
        elif move.deed is Deed.GIVES_UP:
            del now[address]
        else:
            now = {held: holder for held, holder in now.items() if holder[0] != move.person}
    return now


def with_address(read: Read, address: str) -> list[str]:
    """The accounts of a read that carry the address."""
    return [name for name, carried in read.accounts.items() if same_address(carried) == address]


def first_alone(source: Source, address: str) -> str | None:
    """The first account that was ever reported with the address while no other was."""
    for read in (*source.earlier, Read(source.groups, source.accounts)):
        carrying = with_address(read, address)
        if len(carrying) == 1:
            return carrying[0]
    return None
