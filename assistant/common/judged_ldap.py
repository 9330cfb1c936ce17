"""Lines to a directory: only to judged addresses, encrypted as configured, and nowhere that a referral says.

The socket goes to an address that the network permits, while the certificate must still bear the name.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import LDAPException

from assistant.common.errors import MundapError, UsageError
from assistant.common.told import told

_PORTS = {"ldap": 389, "ldaps": 636}
_HIGHEST_PORT = 65_535


_SEQUENCE = 0x30  # with which every message of LDAP begins (RFC 4511, section 4.1.1)


class NotLdap(Exception):
    """What answered speaks something else. The caller says so, and of whom."""


class _HeldToLdap:
    """A line whose first byte must be one of LDAP: ldap3 would wait for the rest of an endless message."""

    _began = False

    def recv(self, *args: int) -> bytes:
        """What came.

        Raises:
            NotLdap: it begins like something else, as an answer of HTTP or a greeting in words.
        """
        data: bytes = super().recv(*args)  # type: ignore[misc]
        if data and not self._began:
            self._began = True
            if data[0] != _SEQUENCE:
                raise NotLdap
        return data


class _PlainLine(_HeldToLdap, socket.socket):
    pass


class _TlsLine(_HeldToLdap, ssl.SSLSocket):
    pass


@contextmanager
def reading_ldap() -> Iterator[None]:
    """Around what reads answers: ldap3 has no error of its own for bytes that are no LDAP.

    Raises:
        NotLdap: its decoder stumbled, or the line began with something else.
    """
    try:
        yield
    except (MundapError, LDAPException, OSError, NotLdap):
        raise
    except (
        Exception
    ) as error:  # KeyError, IndexError, AttributeError...: a broad family, at the library's edge
        raise NotLdap from error


@dataclass(frozen=True, slots=True)
class LdapServer:
    """Where the directory answers, and how the line to it is protected."""

    host: str
    port: int
    tls_at_once: bool  # ldaps
    start_tls: bool
    ca_file: str = ""


class NamedTls(ldap3.Tls):
    """TLS in which the standard library checks chain and name. Keeps what was wrong with a certificate.

    Raises:
        OSError, ssl.SSLError: the file of authorities cannot be read.
    """

    def __init__(self, server: LdapServer) -> None:
        super().__init__()
        self._name = server.host
        self._context = ssl.create_default_context(cafile=server.ca_file or None)
        self._context.sslsocket_class = _TlsLine
        self.problem: ssl.SSLError | None = None

    def wrap_socket(self, connection: ldap3.Connection, do_handshake: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        try:
            connection.socket = self._context.wrap_socket(connection.socket, server_hostname=self._name)
        except ssl.SSLError as error:
            self.problem = error
            raise


class JudgedServer(ldap3.Server):
    """A server of which only the permitted addresses are known."""

    def __init__(
        self, server: LdapServer, addresses: Sequence[str], tls: NamedTls | None, *, timeout_s: float
    ) -> None:
        host = f"ldap://[{server.host}]" if ":" in server.host else server.host
        super().__init__(
            host, port=server.port, use_ssl=server.tls_at_once, get_info="NO_INFO", tls=tls,
            connect_timeout=timeout_s, allowed_referral_hosts=[],
        )  # fmt: skip
        self._judged = [
            (*socket.getaddrinfo(address, server.port, type=socket.SOCK_STREAM)[0], None, None)
            for address in addresses
        ]

    def candidate_addresses(self) -> list[tuple[object, ...]]:
        return list(self._judged)

    def update_availability(self, address: object, available: object) -> None:
        """Nothing is remembered between connections."""


def open_line(connection: ldap3.Connection, *, start_tls: bool) -> None:
    """Connect, and encrypt as configured. Call it within `reading_ldap`.

    Raises:
        NotLdap: also by all that is read of the line later.
        LDAPException, OSError: no line, or none that is protected.
    """
    connection.open(read_server_info=False)
    if not isinstance(connection.socket, ssl.SSLSocket):
        connection.socket = _held(connection.socket)
    if start_tls:
        connection.start_tls(read_server_info=False)


def _held(line: socket.socket) -> socket.socket:
    timeout = line.gettimeout()
    held = _PlainLine(line.family, line.type, line.proto, fileno=line.detach())
    held.settimeout(timeout)
    return held


def ldap_server(address: str, *, plain: bool, ca_file: str = "") -> LdapServer:
    """The server of an address. `plain`: without encryption; else ldaps, or StartTLS with ldap.

    Raises:
        UsageError: the address is none of LDAP's, or asks for TLS in a way that does not fit it.
    """
    address = address.strip()
    parts = urlsplit(address)
    try:
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise UsageError(told("'{address}' has no valid port.", address=address[:80])) from error
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in _PORTS or not host or more or not 0 < port <= _HIGHEST_PORT:
        raise UsageError(
            told(
                "'{address}' is no LDAP address: write ldap://HOST or ldaps://HOST, with :PORT if needed.",
                address=address[:80],
            )
        )
    secure = parts.scheme == "ldaps"
    if plain and secure:
        raise UsageError(
            told("An ldaps address is always encrypted: leave 'encryption' out or write ldap://.")
        )
    return LdapServer(host, port, secure, not secure and not plain, ca_file)
