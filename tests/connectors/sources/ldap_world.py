"""A branch of a real directory that tests can change."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from assistant.common.network import Network, parse_networks
from assistant.common.types import Json
from connectors.registry import connector_kind
from connectors.sdk.contract import Complete, Connector, ConnectorKind, GroupMembers
from connectors.sdk.surroundings import Surroundings
from tests.connectors.servers.slapd import PASSWORD, READER, SUFFIX, slapd

LOOPBACK = Surroundings(network=Network(parse_networks("127.0.0.0/8")))
_numbers = count(1)


class LdapWorld:
    """People below `ou=people`, groups below `ou=groups`, in a branch of this world alone."""

    kind: ConnectorKind = connector_kind("ldap")

    def __init__(self, folder: Path) -> None:
        self.server = slapd()
        self.base = f"ou=world{next(_numbers)},{SUFFIX}"
        self.people, self.groups = f"ou=people,{self.base}", f"ou=groups,{self.base}"
        for dn in (self.base, self.people, self.groups):
            self.server.add(dn, ["organizationalUnit"], {})

    @property
    def config(self) -> dict[str, Json]:
        """The settings of the world's source: StartTLS, checked against the tests' own authority."""
        return {
            "url": f"ldap://localhost:{self.server.port}",
            "ca_file": str(self.server.certified.authority),
            "bind_dn": READER,
            "bases": [self.people],
            "group_bases": [self.groups],
        }

    def connector(self, **more: Json) -> Connector:
        """A connector as the engine would build it; `more` adds settings."""
        return self.kind.build({**self.config, **more}, {"password": PASSWORD}, LOOPBACK)

    def person(self, login: str, *mails: str) -> str:
        """Add somebody, by default with the address LOGIN@example.com."""
        dn = f"uid={login},{self.people}"
        mail = list(mails or (f"{login}@example.com",))
        self.server.add(dn, ["inetOrgPerson"], {"cn": login.title(), "sn": login, "mail": mail})
        return dn

    def group(self, name: str, *members: str) -> str:
        """Add a group of these distinguished names."""
        dn = f"cn={name},{self.groups}"
        self.server.add(dn, ["groupOfNames"], {"member": list(members or (self.groups,))})
        return dn

    def memberships(self, **more: Json) -> dict[str, set[str]]:
        """All that a complete reading reports, by key."""
        *groups, end = self.connector(**more).principals()
        assert isinstance(end, Complete), end
        return {each.group: set(map(str, each.members)) for each in groups if isinstance(each, GroupMembers)}

    def holders(self, key: str, **more: Json) -> set[str]:
        """The people whom a key stands for, through all groups; with `?` where somebody is in doubt."""
        return expanded(self.memberships(**more), key)

    # What the conformance suite asks of every world; of documents a directory has none.

    def put(self, name: str, text: str) -> str:
        return name

    def delete(self, name: str) -> None: ...

    def set_acl(self, name: str, *, allow: Sequence[str], deny: Sequence[str] = ()) -> None: ...

    def break_acl(self, name: str) -> None: ...

    def set_group(self, name: str, members: Sequence[str]) -> None:
        """A group of `user:EMAIL` and `group:NAME`; whoever is new is added."""
        dns = []
        for kind, _, value in (member.partition(":") for member in members):
            login = value.partition("@")[0]
            dns.append(f"uid={login},{self.people}" if kind == "user" else f"cn={value},{self.groups}")
            if kind == "user":
                self.person(login, value)
        self.group(name, *dns)

    def break_groups(self) -> None:
        """A part of the groups moves to another server."""
        dn = f"ou=elsewhere,{self.groups}"
        self.server.add(
            dn, ["referral", "extensibleObject"], {"ou": "elsewhere", "ref": f"ldap://other.example.com/{dn}"}
        )

    def vanish(self) -> None:
        self.server.remove_tree(self.base)


def expanded(memberships: dict[str, set[str]], key: str) -> set[str]:
    """The people behind a key, as the engine finds them: through groups, cycles included."""
    found: set[str] = set()
    seen: set[str] = set()
    todo = [f"group:{key}"]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        kind, _, value = name.partition(":")
        if kind == "user":
            found.add(value)
        elif value in memberships:
            todo.extend(memberships[value])
        else:
            found.add("?")
    return found
