"""Who may read what, said a second time and on purpose differently.

Written from section 3 of the design alone, over plain values, without the database and
without a look at the code that it judges. It is slow and asks one question at a time.
A world holds everything that a decision depends on; `may_read` decides one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

Name = tuple[str, str, str]  # kind, connection ("" for people and everyone), id
EVERYONE: Name = ("everyone", "", "")


def person(email: str) -> Name:
    """The name of a person in an access list."""
    return ("user", "", email)


def group(connection: str, external_id: str) -> Name:
    """The name of a group: it means something inside its connection only."""
    return ("group", connection, external_id)


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a clause."""

    allow: bool
    who: Name
    expires: datetime | None = None


Clauses = tuple[tuple[Line, ...], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A connection: its membership (group -> direct members) and how old its facts are."""

    limit: timedelta
    groups: dict[str, tuple[Name, ...]] = field(default_factory=dict)
    members_confirmed: datetime | None = None
    lists_confirmed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """A document, as far as permissions care. `clauses` is None where there is no access list."""

    source: str
    clauses: Clauses | None
    confirmed: datetime | None
    stale: bool = False
    hidden: bool = False
    version: int = 1


@dataclass(frozen=True, slots=True)
class World:
    """Everything at one moment."""

    now: datetime
    people: dict[str, bool]  # e-mail -> active
    sources: dict[str, Source]
    papers: dict[str, Paper]

    def may_read(self, email: str, paper: Paper) -> bool:
        """The decision."""
        if not self.people.get(email, False):
            return False
        if paper.hidden or paper.version == 0 or not paper.clauses:
            return False
        if not self._young(paper):
            return False
        return all(self._clause_opens(email, clause) for clause in paper.clauses)

    def _young(self, paper: Paper) -> bool:
        source = self.sources[paper.source]
        moments = [paper.confirmed]
        if not paper.stale:
            moments.append(source.lists_confirmed)
        return any(moment is not None and self.now - moment <= source.limit for moment in moments)

    def _clause_opens(self, email: str, clause: tuple[Line, ...]) -> bool:
        for line in clause:
            if line.expires is not None and line.expires <= self.now:
                continue
            if self.is_in(email, line.who):
                return line.allow
            if not line.allow and not self._members_known(line.who):
                return False
        return False

    def is_in(self, email: str, who: Name) -> bool:
        """Is this person certainly meant by that name?"""
        return any(name in {EVERYONE, person(email)} for name in self._everything_inside(who))

    def _members_known(self, who: Name) -> bool:
        """A group is known if it and every group inside it have a membership that counts."""
        return all(
            kind != "group" or self._groups_of(connection).get(name) is not None
            for kind, connection, name in self._everything_inside(who)
        )

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
            if kind == "group":
                waiting.extend(self._groups_of(connection).get(external_id, ()))
        return seen

    def _groups_of(self, connection: str) -> dict[str, tuple[Name, ...]]:
        source = self.sources[connection]
        if source.members_confirmed is None or self.now - source.members_confirmed > source.limit:
            return {}
        return source.groups
