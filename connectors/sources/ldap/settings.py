"""Which entries of a directory are people and groups, and which attributes tell what of them."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.common.judged_ldap import LdapServer, ldap_server
from assistant.common.types import JsonObject
from connectors.sdk.exact_json import as_list


@dataclass(frozen=True, slots=True)
class Shape:
    """What differs between families of directories. A filter that is empty is not asked."""

    people_filter: str
    groups_filter: str
    disabled_filter: str
    login: str
    one_domain: bool = False  # ask the server not to point at other domains
    name: str = "cn"


OPENLDAP = Shape(
    people_filter="(|(objectClass=inetOrgPerson)(objectClass=posixAccount))",
    groups_filter="(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))",
    disabled_filter="(|(pwdAccountLockedTime=*)(nsAccountLock=TRUE))",
    login="uid",
)
# Groups without the bit are for mail only: Windows does not expand them when it decides about access.
ACTIVE_DIRECTORY = Shape(
    people_filter="(&(objectClass=user)(!(objectClass=computer)))",
    groups_filter="(&(objectClass=group)(groupType:1.2.840.113556.1.4.803:=2147483648))",
    disabled_filter="(userAccountControl:1.2.840.113556.1.4.803:=2)",
    login="sAMAccountName",
    one_domain=True,
)
SHAPES = {"openldap": OPENLDAP, "active_directory": ACTIVE_DIRECTORY}


@dataclass(frozen=True, slots=True)
class Search:
    """What is read. `people_bases` and `group_bases` are distinguished names as they were typed."""

    shape: Shape
    mail: str
    people_bases: tuple[str, ...]
    group_bases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Login:
    """The account that Mundap signs in with; nobody where the directory answers without one."""

    name: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Login(name={self.name!r})"


def server_of(config: JsonObject) -> LdapServer:
    """The server that the settings name.

    Raises:
        UsageError: the address is none of LDAP's, or asks for TLS in a way that does not fit it.
    """
    plain = config.get("encryption") == "none"
    return ldap_server(str(config["url"]), plain=plain, ca_file=str(config.get("ca_file", "")))


def search_of(config: JsonObject) -> Search:
    """What the settings ask to read; what they leave out is as usual for the family of the directory."""
    usual = SHAPES[str(config.get("schema", "openldap"))]
    shape = Shape(
        people_filter=str(config.get("people_filter", usual.people_filter)),
        groups_filter=str(config.get("groups_filter", usual.groups_filter)),
        disabled_filter=str(config.get("disabled_filter", usual.disabled_filter)),
        login=str(config.get("login_attribute", usual.login)),
        one_domain=usual.one_domain,
    )
    people = _lines(config, "bases")
    return Search(
        shape, str(config.get("mail_attribute", "mail")), people, _lines(config, "group_bases") or people
    )


def _lines(config: JsonObject, name: str) -> tuple[str, ...]:
    return tuple(str(line) for line in as_list(config.get(name, []), name))
