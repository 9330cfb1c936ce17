"""How is the mail server reached and signed in to, and what do its errors mean?"""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from imapclient import IMAPClient
from imapclient.exceptions import ProtocolError

from assistant.common.os_reasons import os_reason
from assistant.common.told import Told, said, told
from connectors.sdk.errors import Reconfigure
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.web import network_errors
from connectors.sources.imap.mailboxes import MASTER_SIGN

_TIMEOUT_S = 60.0
_ROOM_FOR_HEAD = 1_000_000  # what an answer may hold beside one message
_CODE = re.compile(r"\[([A-Z-]+)")
_PASSING = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG"})  # RFC 5530: another time it may work


class Lost(Exception):
    """The connection broke, or what came over it is no IMAP. A new one may work."""


class Refused(Exception):
    """The server answered NO or BAD to a command."""


class SignInRefused(Refused):
    """The server does not let Mundap into this mailbox."""


@dataclass(frozen=True, slots=True)
class Access:
    """The server and how to sign in. `security` is `tls`, `starttls` or `plain`; `master` may be empty."""

    host: str
    port: int
    security: str
    ca_file: str
    master: str
    password: str = field(repr=False)


class Wire(imaplib.IMAP4):
    """imaplib over a socket that was opened for it, with answers of bounded size."""

    def __init__(self, ready: socket.socket, host: str, most_bytes: int) -> None:
        self._ready = ready
        self._most_bytes = most_bytes
        super().__init__(host)

    def _create_socket(self, timeout: float | None) -> socket.socket:  # noqa: ARG002 - set on the socket
        return self._ready

    def read(self, size: int) -> bytes:
        """As imaplib, unless the server announces more than anybody asked for.

        Raises:
            Lost: it does. Of an error of its own imaplib would make another sentence.
        """
        if size > self._most_bytes:
            raise Lost(told("an answer of {size} bytes", size=size))
        return super().read(size)


class Client(IMAPClient):  # type: ignore[misc]  # the library has no types
    """The library over such a wire. Folder names are bytes, times have their zones."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        super().__init__(wire.host, ssl=False, timeout=_TIMEOUT_S)
        self.folder_encode = False
        self.normalise_times = False
        wire.debug = 0  # the library would log what messages say

    def hang_up(self) -> None:
        """Close the connection, whatever its state."""
        with suppress(OSError, imaplib.IMAP4.error):
            self._wire.shutdown()

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - the library's name
        return self._wire


def connected(access: Access, surroundings: Surroundings) -> Client:
    """A connection that is not signed in yet; the caller closes it.

    Raises:
        Lost
        Retry, Reconfigure: the host cannot be reached, or must not; its certificate is wrong.
    """
    context = _tls_context(access)
    with network_errors():
        raw = surroundings.network.connect(access.host, access.port, timeout_s=_TIMEOUT_S)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # each command waits for its answer
    try:
        with answers(), _certificate_errors(access.host):
            if access.security == "tls":
                raw = context.wrap_socket(raw, server_hostname=access.host)
            client = Client(Wire(raw, access.host, surroundings.max_content_bytes + _ROOM_FOR_HEAD))
            if access.security == "starttls":
                if not client.has_capability("STARTTLS"):
                    raise Reconfigure(
                        told("'{host}' offers no STARTTLS. Choose another security.", host=access.host)
                    )
                client.starttls(context)
    except Refused as error:
        raw.close()
        raise Lost(said(error)) from error
    except BaseException:
        raw.close()
        raise
    return client


def _tls_context(access: Access) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=access.ca_file or None)
    except OSError as error:
        raise Reconfigure(
            told("The CA file '{ca_file}' cannot be read as certificates.", ca_file=access.ca_file)
        ) from error


@contextmanager
def _certificate_errors(host: str) -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise Reconfigure(
            told(
                "The certificate of '{host}' is not accepted: {reason}. Name the CA file, or "
                "the host as its certificate names it.",
                host=host,
                reason=error.verify_message,
            )
        ) from error
    except ssl.SSLEOFError:
        raise
    except ssl.SSLError as error:
        raise Reconfigure(
            told("'{host}' does not speak TLS on this port: check port and security.", host=host)
        ) from error


def sign_in(client: Client, access: Access, login: str) -> None:
    """Become the owner of a mailbox.

    Raises:
        Lost, SignInRefused, Reconfigure
    """
    name = f"{login}{MASTER_SIGN}{access.master}" if access.master else login
    with answers():
        offered = client.has_capability("AUTH=PLAIN")
    if not offered:
        raise Reconfigure(
            told("'{host}' does not offer AUTH=PLAIN on this connection. Use TLS.", host=access.host)
        )
    try:
        with answers():
            client.plain_login(name, access.password)
    except Refused as error:
        code = _CODE.search(str(error))
        if code and code[1] in _PASSING:
            raise Lost(told("the server answers {code} to the sign-in", code=code[1])) from error
        raise SignInRefused(told("The server refuses the sign-in: check login and password.")) from None


@contextmanager
def answers() -> Iterator[None]:
    """Errors of the library, sorted into those of the connection and those of a command."""
    try:
        yield
    except ProtocolError as error:
        raise Lost(told("the server answers something that is no IMAP")) from error
    except imaplib.IMAP4.abort as error:
        raise Lost(_first_line(error) or told("the server ended the connection")) from error
    except imaplib.IMAP4.error as error:
        raise Refused(_first_line(error)) from error
    except (OSError, EOFError) as error:
        raise Lost(_first_line(error)) from error
    except (ValueError, AssertionError, LookupError, TypeError, AttributeError) as error:
        raise Lost(told("the server answers something that is no IMAP")) from error


def _first_line(error: Exception) -> str:
    """What the server or the system says: short, printable. A sentence of our own stays one."""
    spoken = os_reason(error) if isinstance(error, OSError) else said(error)
    if isinstance(spoken, Told):
        return spoken
    return "".join(c for c in spoken.partition("\n")[0][:200] if c.isprintable())
