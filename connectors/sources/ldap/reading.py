"""What a directory says of its people and groups, read whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from assistant.common.told import told
from connectors.sources.ldap.names import lies_below, normal_dn, sid_text, without_unique_id
from connectors.sources.ldap.ranges import whole
from connectors.sources.ldap.session import Entry, Incomplete, NoSuchEntry, Question, Session, base_is_gone
from connectors.sources.ldap.settings import Search

_MEMBERS = ("member", "uniqueMember")
_SIDS = ("objectSid", "sambaSID")
_NOTHING = ("1.1",)  # RFC 4511: no attributes


@dataclass(frozen=True, slots=True)
class Person:
    """A person. `primary`: the keys of groups that their entry says they are in."""

    dn: str
    mails: tuple[str, ...]
    logins: tuple[str, ...]
    numbers: tuple[str, ...]
    sids: tuple[str, ...]
    primary: tuple[str, ...]
    disabled: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A group. `members`: the directory's spelling of each by normal name; `logins`: members by login."""

    dn: str
    names: tuple[str, ...]
    numbers: tuple[str, ...]
    sids: tuple[str, ...]
    members: Mapping[str, str]
    logins: tuple[str, ...]


@dataclass(slots=True)
class Directory:
    """All people and groups by normal name. `twins`: names under which two entries were found."""

    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    twins: set[str] = field(default_factory=set)


class Reader:
    """Reads one directory over one session."""

    def __init__(self, session: Session, search: Search) -> None:
        self._session = session
        self._search = search
        self._spelt: dict[str, str] = {}
        shape = search.shape
        self._disabled_filter = _both(shape.people_filter, shape.disabled_filter)
        self._person_attributes = (
            search.mail, shape.login, "uidNumber", "gidNumber", "primaryGroupID", *_SIDS,
        )  # fmt: skip
        self._group_attributes = (shape.name, "gidNumber", "memberUid", *_MEMBERS, *_SIDS)

    def directory(self) -> Directory:
        """Everybody and every group, with those outside the bases that groups name.

        Raises:
            Incomplete: a part of it is missing.
            ConnectorError: see `Session.read`; Stop where a base is gone.
        """
        shape, found = self._search.shape, Directory()
        disabled: set[str] = set()
        if shape.disabled_filter:
            named = self._below(self._search.people_bases, self._disabled_filter, _NOTHING)
            disabled = {normal_dn(entry.dn) for entry in named}
        people = self._below(self._search.people_bases, shape.people_filter, self._person_attributes)
        for entry in people:
            dn = self._noted(entry, found)
            found.people[dn] = self._person(entry, dn, disabled=dn in disabled)
        for entry in self._below(self._search.group_bases, shape.groups_filter, self._group_attributes):
            dn = self._noted(entry, found)
            found.groups[dn] = self._group(entry, dn)
        found.twins |= found.people.keys() & found.groups.keys()
        self._follow_outside(found)
        return found

    def _below(self, bases: Iterable[str], filter_: str, attributes: Iterable[str]) -> Iterator[Entry]:
        for base in bases:
            try:
                yield from self._session.read(Question(base, filter_, tuple(attributes)))
            except NoSuchEntry as error:
                raise base_is_gone(base) from error

    def _alone(self, dn: str, filter_: str, attributes: Iterable[str]) -> Entry | None:
        try:
            return next(self._session.read(Question(dn, filter_, tuple(attributes), alone=True)), None)
        except (NoSuchEntry, Incomplete):
            return None

    def _noted(self, entry: Entry, found: Directory) -> str:
        """Its normal name. By two bases one entry may come twice; two entries with one name may not."""
        dn = normal_dn(entry.dn)
        if self._spelt.setdefault(dn, entry.dn) != entry.dn:
            found.twins.add(dn)
        return dn

    def _person(self, entry: Entry, dn: str, *, disabled: bool) -> Person:
        shape = self._search.shape
        sids = _sids(entry)
        primary = [f"gid:{number}" for number in entry.texts("gidNumber")]
        primary += [
            f"sid:{sid.rpartition('-')[0]}-{number}"
            for sid in sids
            for number in entry.texts("primaryGroupID")
        ]
        return Person(
            dn=dn,
            mails=entry.texts(self._search.mail),
            logins=entry.texts(shape.login),
            numbers=entry.texts("uidNumber"),
            sids=sids,
            primary=tuple(primary),
            disabled=disabled,
        )

    def _group(self, entry: Entry, dn: str) -> Group:
        members: dict[str, str] = {}
        for attribute in _MEMBERS:
            for value in whole(entry, attribute, lambda name: self._again(entry, name)):
                spelt = without_unique_id(value.decode("utf-8", "surrogateescape"))
                members[normal_dn(spelt)] = spelt
        return Group(
            dn=dn,
            names=entry.texts(self._search.shape.name),
            numbers=entry.texts("gidNumber"),
            sids=_sids(entry),
            members=members,
            logins=entry.texts("memberUid"),
        )

    def _again(self, entry: Entry, attribute: str) -> Entry:
        found = self._alone(entry.dn, "(objectClass=*)", (attribute,))
        if found is None:
            raise Incomplete(told("'{dn}' vanished while it was read. Sync again.", dn=entry.dn))
        return found

    def _follow_outside(self, found: Directory) -> None:
        """Members that lie below no base are looked up one by one, and so are theirs.

        What lies below a base and was not found there fits no filter: it stays unknown.
        """
        bases = [normal_dn(base) for base in (*self._search.people_bases, *self._search.group_bases)]
        asked: set[str] = set()
        todo = [found.groups[dn] for dn in found.groups]
        while todo:
            for dn, spelt in todo.pop().members.items():
                known = dn in found.people or dn in found.groups or dn in asked
                if known or any(lies_below(dn, base) for base in bases):
                    continue
                asked.add(dn)
                group = self._look_up(dn, spelt, found)
                if group is not None:
                    todo.append(group)

    def _look_up(self, dn: str, spelt: str, found: Directory) -> Group | None:
        shape = self._search.shape
        person = self._alone(spelt, shape.people_filter, self._person_attributes)
        if person is not None:
            disabled = bool(shape.disabled_filter) and (
                self._alone(spelt, self._disabled_filter, _NOTHING) is not None
            )
            found.people[dn] = self._person(person, dn, disabled=disabled)
            return None
        entry = self._alone(spelt, shape.groups_filter, self._group_attributes)
        if entry is None:
            return None
        found.groups[dn] = self._group(entry, dn)
        return found.groups[dn]


def _both(first: str, second: str) -> str:
    return f"(&{_closed(first)}{_closed(second)})"


def _closed(filter_: str) -> str:
    return filter_ if filter_.startswith("(") else f"({filter_})"


def _sids(entry: Entry) -> tuple[str, ...]:
    values = (value for name in _SIDS for value in entry.attributes.get(name.lower(), ()))
    return tuple(filter(None, map(sid_text, values)))
