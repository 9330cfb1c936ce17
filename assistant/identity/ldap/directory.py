"""Is this the password of exactly one entry of the directory, and who is that?

Referrals are never followed. An empty password is refused before anything is asked: the protocol would take
it for a wish to be nobody, and say yes (RFC 4513, section 5.1.2).
"""

from __future__ import annotations

import contextlib
import secrets
import ssl
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_bytes, escape_filter_chars
from ldap3.utils.dn import parse_dn

from assistant.common.errors import MundapError
from assistant.common.judged_ldap import JudgedServer, NamedTls, NotLdap, open_line, reading_ldap
from assistant.common.network import AddressRefused, HostUnreachable, Network
from assistant.common.told import said, told
from assistant.identity.claims import Claims
from assistant.identity.ldap.entry import STATE, Entry, is_closed, subject_of
from assistant.identity.ldap.settings import Settings

_CONNECT_S, _ANSWER_S = 5, 10
_SEARCH_S = 8
_LONGEST_NAME, _LONGEST_PASSWORD = 254, 1_024
_MOST_GROUPS, _DEEPEST = 1_000, 10
_SUCCESS, _SIZE_LIMIT, _REFERRAL, _NO_SUCH_OBJECT = 0, 4, 10, 32
_BUSY = frozenset({51, 52})
_WANTS_TLS = frozenset({8, 13})


class Unreachable(MundapError):
    """The directory does not answer, or cannot be asked as it is set up. Said to administrators."""


def person_with(
    settings: Settings, network: Network, *, name: str, password: str, now: datetime
) -> Claims | None:
    """Who types this name and this password; None for nobody.

    No such entry, two of them, a closed one and a wrong password look alike, also in what is asked.

    Raises:
        Unreachable: nobody could be asked.
    """
    if not name or len(name) > _LONGEST_NAME or "\x00" in name:
        return None
    fitting = settings.user_filter.replace("{}", escape_filter_chars(name))
    return _person(settings, network, fitting, password, now)


def is_password_of(
    settings: Settings, network: Network, *, subject: str, password: str, now: datetime
) -> bool:
    """Whether this is the password of who is known by this subject, whatever they are called by now.

    Raises:
        Unreachable: nobody could be asked.
    """
    if not subject:
        return False
    found = _person(settings, network, filter_for(subject, settings.subject), password, now)
    return found is not None and found.subject == subject


def _person(
    settings: Settings, network: Network, fitting: str, password: str, now: datetime
) -> Claims | None:
    """Who the one entry is that fits, if this is its password."""
    if not password or len(password) > _LONGEST_PASSWORD or "\x00" in password:
        return None
    with _line(settings, network, settings.bind_dn, settings.bind_password) as line:
        if line is None:
            raise Unreachable(told("The directory refuses the account that looks people up."))
        entry = _one(line, settings, fitting)
        # A name that nobody has is tried too, so that the answer takes as many steps.
        dn = entry.dn if entry is not None else f"cn={secrets.token_hex(8)},{settings.base}"
        if not _is_right(settings, network, dn, password) or entry is None or is_closed(entry, now):
            return None
        return Claims(
            subject=subject_of(entry, settings.subject),
            email=entry.text(settings.email),
            name=entry.text(settings.name) if settings.name else "",
            groups=_groups(line, settings, entry),
        )


def filter_for(subject: str, attribute: str) -> str:
    """What finds the entry of this subject; of nobody where it could be none's."""
    if attribute.lower() != "objectguid":
        return f"({attribute}={escape_filter_chars(subject)})"
    try:
        value = uuid.UUID(subject).bytes_le
    except ValueError:
        return f"(!({attribute}=*))"
    return f"({attribute}={escape_bytes(value)})"


def _is_right(settings: Settings, network: Network, dn: str, password: str) -> bool:
    with _line(settings, network, dn, password) as line:
        return line is not None


@contextmanager
def _line(settings: Settings, network: Network, dn: str, password: str) -> Iterator[ldap3.Connection | None]:
    """A line on which this account is signed in; None if it may not. Without a name nobody is."""
    if dn and not password:
        raise Unreachable(told("There is no password for '{name}': add it to the secrets.", name=dn))
    server = settings.server
    where, tls = f"{server.host}:{server.port}", None
    try:
        addresses = network.addresses(server.host, server.port)
        if server.tls_at_once or server.start_tls:
            tls = NamedTls(server)
    except (AddressRefused, HostUnreachable) as error:
        raise Unreachable(said(error)) from error
    except OSError as error:
        raise Unreachable(
            told(
                "The file of authorities '{ca_file}' cannot be read: {error}.",
                ca_file=server.ca_file,
                error=error,
            )
        ) from error
    connection = ldap3.Connection(
        JudgedServer(server, addresses, tls, timeout_s=_CONNECT_S),
        user=dn or None, password=password if dn else None,
        authentication="SIMPLE" if dn else "ANONYMOUS",
        auto_bind="NONE", auto_referrals=False, auto_range=False, check_names=False,
        read_only=True, receive_timeout=_ANSWER_S, auto_escape=False,
    )  # fmt: skip
    try:
        yield connection if _signed_in(connection, tls, where, start_tls=server.start_tls) else None
    except (LDAPException, OSError) as error:
        raise _in_words(error, tls, where) from error
    finally:
        with contextlib.suppress(LDAPException, OSError):
            connection.unbind()


def _signed_in(connection: ldap3.Connection, tls: NamedTls | None, where: str, *, start_tls: bool) -> bool:
    with _read_as_ldap(where):
        open_line(connection, start_tls=start_tls)
        if tls is not None and not isinstance(connection.socket, ssl.SSLSocket):
            raise Unreachable(told("The line to {where} is not encrypted.", where=where))
        if connection.bind(read_server_info=False):
            return True
        code = int(connection.result["result"])
    if code in _BUSY:
        raise Unreachable(told("The directory at {where} is busy.", where=where))
    if code in _WANTS_TLS:
        raise Unreachable(
            told("The directory at {where} wants an encrypted line: turn encryption on.", where=where)
        )
    return False


@contextmanager
def _read_as_ldap(where: str) -> Iterator[None]:
    """Whatever the library's decoder stumbles over in an answer means that nobody could be asked."""
    try:
        with reading_ldap():
            yield
    except NotLdap as error:
        raise Unreachable(told("What answers at {where} does not speak LDAP.", where=where)) from error


def _in_words(error: Exception, tls: NamedTls | None, where: str) -> Unreachable:
    problem = tls.problem if tls is not None else None
    if isinstance(problem, ssl.SSLCertVerificationError):
        return Unreachable(
            told(
                "The certificate of {where} is not trusted: {reason}.",
                where=where,
                reason=problem.verify_message,
            )
        )
    return Unreachable(
        told(
            "The directory at {where} does not answer as it should: {kind}.",
            where=where,
            kind=type(error).__name__,
        )
    )


def _one(line: ldap3.Connection, settings: Settings, fitting: str) -> Entry | None:
    """The one entry that fits; None for none or several."""
    attributes = (settings.subject, settings.email, settings.name, "memberOf", *STATE)
    found = _found(line, settings.base, fitting, [one for one in attributes if one], most=2)
    return found[0] if len(found) == 1 else None


def _found(
    line: ldap3.Connection, base: str, fitting: str, attributes: Sequence[str], *, most: int
) -> list[Entry]:
    with _read_as_ldap(f"{line.server.host}:{line.server.port}"):
        line.search(
            base, fitting, "SUBTREE", dereference_aliases="NEVER", attributes=list(attributes),
            size_limit=most, time_limit=_SEARCH_S,
        )  # fmt: skip
        code = int(line.result["result"])
        if code not in (_SUCCESS, _SIZE_LIMIT):
            if code == _NO_SUCH_OBJECT:
                raise Unreachable(told("'{base}' is not in the directory, or may not be seen.", base=base))
            if code == _REFERRAL:
                raise Unreachable(
                    told("The directory does not hold '{base}' itself but names another server.", base=base)
                )
            raise Unreachable(
                told("The directory did not finish the search: {why}.", why=str(line.result["description"]))
            )
        return [
            Entry(
                str(item["dn"]),
                {
                    str(name).lower(): tuple(bytes(value) for value in values)
                    for name, values in item["raw_attributes"].items()
                },
            )
            for item in line.response or ()
            if item["type"] == "searchResEntry"  # pointers to other servers are left where they are
        ]


def _groups(line: ldap3.Connection, settings: Settings, entry: Entry) -> tuple[str, ...]:
    """Distinguished and short names of the person's groups."""
    if settings.groups_from == "entry":
        names = entry.texts("memberOf")
        return tuple(dict.fromkeys([*names, *filter(None, map(_short, names))]))
    known: dict[str, str] = {}
    todo, depth = [entry.dn], 0
    while todo and depth < (_DEEPEST if settings.groups_from == "nested" else 1):
        found = [group for dn in todo for group in _with_member(line, settings, dn)]
        todo = [group.dn for group in found if group.dn not in known]
        known |= {group.dn: group.text("cn") for group in found}
        depth += 1
        if len(known) > _MOST_GROUPS:
            raise Unreachable(told("The person is in more groups than are read."))
    return tuple(dict.fromkeys([*known, *filter(None, known.values())]))


def _with_member(line: ldap3.Connection, settings: Settings, dn: str) -> list[Entry]:
    safe = escape_filter_chars(dn)
    return _found(
        line, settings.groups_base, f"(|(member={safe})(uniqueMember={safe}))", ["cn"], most=_MOST_GROUPS
    )


def _short(dn: str) -> str:
    """The value of the first step of a distinguished name, as cn=NAME,ou=groups."""
    with contextlib.suppress(LDAPException, IndexError):
        return str(parse_dn(dn)[0][1])
    return ""
