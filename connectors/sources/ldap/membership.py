"""From entries to groups of principals, under every key by which a source could name them.

Whatever is in doubt lets nobody in and makes denies count. The engine does both for a group
that nobody reported, so a doubt is such a group among the members, and a key that two
entries share is not reported at all.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from assistant.common.acl import PrincipalRef, group, user
from assistant.common.errors import UsageError
from assistant.common.identity import canonical_email
from connectors.sdk.contract import GroupMembers
from connectors.sdk.names import id_problem
from connectors.sources.ldap.reading import Directory, Group, Person

UNIDENTIFIED = group("a person without an address of their own")
_LONGEST_DN = 480


@dataclass(frozen=True, slots=True)
class Membership:
    """The groups in the order of their keys, and what the administrator may want to mend."""

    groups: tuple[GroupMembers, ...]
    shared_keys: tuple[str, ...]  # keys that several entries have: they name nobody
    shared_mails: tuple[str, ...]  # addresses of several people: they are nobody's
    without_mail: int  # people who can be nobody here


def membership(directory: Directory) -> Membership:
    """All groups that the directory stands for."""
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for person in directory.people.values():
        for key in _keys_of_person(person):
            keys[key].add(person.dn)
    for each in directory.groups.values():
        for key in _keys_of_group(each):
            keys[key].add(each.dn)
    mails = Counter(mail for person in directory.people.values() for mail in _addresses(person))
    members = _members(directory, keys, mails)
    groups = {_hub(dn): GroupMembers(_hub(dn), tuple(sorted(found))) for dn, found in members.items()}
    for key, owners in keys.items():
        if len(owners) == 1:
            dn = next(iter(owners))
            own = members[dn] if dn in directory.people else {group(_hub(dn))}
            groups[key] = GroupMembers(key, tuple(sorted(own)))
    return Membership(
        groups=tuple(groups[key] for key in sorted(groups)),
        shared_keys=tuple(sorted(key for key, owners in keys.items() if len(owners) > 1)),
        shared_mails=tuple(sorted(mail for mail, count in mails.items() if count > 1)),
        without_mail=sum(
            not person.disabled and not _addresses(person) for person in directory.people.values()
        ),
    )


def _members(
    directory: Directory, keys: dict[str, set[str]], mails: Counter[str]
) -> dict[str, set[PrincipalRef]]:
    """Direct members by the normal name of the person or group."""
    members: dict[str, set[PrincipalRef]] = {}
    for person in directory.people.values():
        members[person.dn] = set(_as_members(person, mails))
    for each in directory.groups.values():
        named = {group(_hub(dn)) for dn in each.members}
        members[each.dn] = named | set(_by_login(each.logins))
    for person in directory.people.values():
        for key in person.primary:
            owners = keys.get(key, set()) & directory.groups.keys()
            joined = group(_hub(person.dn)) if len(owners) == 1 else UNIDENTIFIED
            for dn in owners:
                members[dn].add(joined)
    for dn in directory.twins:
        members[dn] = {UNIDENTIFIED}
    return members


def _as_members(person: Person, mails: Counter[str]) -> Iterator[PrincipalRef]:
    """Whom a person's entry stands for: everybody who signs in with one of their own addresses."""
    if person.disabled:
        return
    addresses = _addresses(person)
    if not addresses or any(mails[mail] > 1 for mail in addresses):
        yield UNIDENTIFIED
    yield from (user(mail) for mail in addresses if mails[mail] == 1)


def _addresses(person: Person) -> set[str]:
    """The person's addresses in their canonical form; of a disabled person none."""
    found = set()
    for mail in () if person.disabled else person.mails:
        try:
            found.add(canonical_email(mail))
        except UsageError:
            continue
    return found


def _by_login(logins: Iterable[str]) -> Iterator[PrincipalRef]:
    """Members by login. One that is no usable name is somebody unknown."""
    for login in logins:
        key = f"login:{login}"
        yield UNIDENTIFIED if id_problem(key) else group(key)


def _keys_of_person(person: Person) -> Iterator[str]:
    return _usable({"uid": person.numbers, "login": person.logins, "sid": person.sids})


def _keys_of_group(each: Group) -> Iterator[str]:
    return _usable({"gid": each.numbers, "cn": each.names, "sid": each.sids})


def _usable(values: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Keys from values by scheme; what cannot be a principal's id is left out."""
    for scheme, found in values.items():
        for value in found:
            key = f"{scheme}:{value}"
            if value.strip() and not id_problem(key):
                yield key


def _hub(dn: str) -> str:
    """The key under which an entry is known in any case."""
    if len(dn) <= _LONGEST_DN and not id_problem(dn):
        return f"dn:{dn}"
    return f"dn:sha256={hashlib.sha256(dn.encode('utf-8', 'surrogateescape')).hexdigest()}"
