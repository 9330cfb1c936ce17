"""A signed-in connection to a directory, and every answer read to its end or called incomplete.

Referrals are never followed: they lead to servers that nobody configured.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import ldap3
from ldap3.core.exceptions import (
    LDAPCommunicationError,
    LDAPException,
    LDAPInvalidFilterError,
    LDAPResponseTimeoutError,
)

from assistant.common.judged_ldap import JudgedServer, LdapServer, NamedTls, NotLdap, open_line, reading_ldap
from assistant.common.told import told
from connectors.sdk.errors import Reconfigure, Retry, Stop
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.web import network_errors
from connectors.sources.ldap.settings import Login

_PAGE = 500
_TIMEOUT_S = 30
_RETRY_S = 60.0
_PAGED = "1.2.840.113556.1.4.319"  # RFC 2696
_DOMAIN_SCOPE = ("1.2.840.113556.1.4.1339", False, None)  # no pointers to other domains; ignored if unknown

_SILENCE = (LDAPCommunicationError, LDAPResponseTimeoutError, OSError)

_SUCCESS, _TIME_LIMIT, _SIZE_LIMIT, _ADMIN_LIMIT = 0, 3, 4, 11
_REFERRAL, _NO_SUCH_OBJECT, _BAD_CREDENTIALS = 10, 32, 49
_WANTS_TLS = frozenset({8, 13})
_BUSY = frozenset({51, 52})
_NOT_HERE = frozenset({_REFERRAL, _NO_SUCH_OBJECT, 34, 50})  # elsewhere, gone, no valid name, not for us
_CUT = {
    _TIME_LIMIT: told("its time limit"),
    _SIZE_LIMIT: told("its size limit"),
    _ADMIN_LIMIT: told("an administrative limit"),
}


class Incomplete(Exception):
    """The directory gave a part of the answer. The text says which limit or pointer was in the way."""


class NoSuchEntry(Exception):
    """The entry is not there, or may not be known to be."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. Attribute names are lower case, with their options (`member;range=0-1499`)."""

    dn: str
    attributes: Mapping[str, tuple[bytes, ...]]

    def texts(self, name: str) -> tuple[str, ...]:
        """The values that are UTF-8."""
        texts = []
        for value in self.attributes.get(name.lower(), ()):
            with contextlib.suppress(UnicodeDecodeError):
                texts.append(value.decode())
        return tuple(texts)


@dataclass(frozen=True, slots=True)
class Question:
    """A search: below `base`, or of the base alone."""

    base: str
    filter: str
    attributes: Sequence[str]
    alone: bool = False


class Session:
    """A connection that is signed in. The caller closes it."""

    def __init__(
        self, server: LdapServer, login: Login, surroundings: Surroundings, *, one_domain: bool
    ) -> None:
        """Connect, encrypt and sign in.

        Raises:
            Retry: no answer. Reconfigure: certificate, address or credentials are wrong.
        """
        self._surroundings = surroundings
        self._controls = [_DOMAIN_SCOPE] if one_domain else None
        if login.name and not login.password:  # the protocol would take this for a wish to be nobody
            raise Reconfigure(
                told("There is no password for '{name}': add it to the secrets.", name=login.name)
            )
        surroundings.pace.turn(stopped=surroundings.stopped)
        with network_errors():
            addresses = surroundings.network.addresses(server.host, server.port)
        tls = _tls(server)
        self._where = f"{server.host}:{server.port}"
        self._connection = ldap3.Connection(
            JudgedServer(server, addresses, tls, timeout_s=_TIMEOUT_S),
            user=login.name or None, password=login.password or None,
            authentication="SIMPLE" if login.name else "ANONYMOUS",
            auto_bind="NONE", auto_referrals=False, auto_range=False, check_names=False,
            read_only=True, receive_timeout=_TIMEOUT_S,
        )  # fmt: skip
        try:
            with self._errors(tls):
                self._sign_in(start_tls=server.start_tls)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Say good-bye if anybody still listens."""
        with contextlib.suppress(LDAPException, OSError):
            self._connection.unbind()

    def read(self, question: Question) -> Iterator[Entry]:
        """Every entry that fits, page by page.

        Raises:
            Incomplete: a limit or a pointer to another server kept the answer from being whole.
            NoSuchEntry: the base is not there.
            Retry, Reconfigure: the connection broke; the question is not understood or not allowed.
        """
        cookie: bytes | None = None
        while True:
            self._surroundings.pace.turn(stopped=self._surroundings.stopped)
            with self._errors(None):
                self._connection.search(
                    question.base,
                    question.filter,
                    "BASE" if question.alone else "SUBTREE",
                    dereference_aliases="NEVER",
                    attributes=list(question.attributes),
                    controls=self._controls,
                    paged_size=None if question.alone else _PAGE,
                    paged_cookie=cookie,
                )
            yield from self._page(question)
            cookie = self._cookie()
            if not cookie:
                return

    def _page(self, question: Question) -> Iterator[Entry]:
        result = self._connection.result
        for item in self._connection.response or ():
            if item["type"] == "searchResRef":
                raise Incomplete(
                    told(
                        "The directory points at another server for a part of '{base}': name bases that it "
                        "holds itself.",
                        base=question.base,
                    )
                )
            values = {
                str(name).lower(): tuple(bytes(value) for value in found)
                for name, found in item["raw_attributes"].items()
            }
            yield Entry(str(item["dn"]), values)
        self._judge(int(result["result"]), str(result["description"]), question)

    def _judge(self, code: int, description: str, question: Question) -> None:
        if code == _SUCCESS:
            return
        if code == _NO_SUCH_OBJECT or (question.alone and code in _NOT_HERE):
            raise NoSuchEntry(question.base)
        if code in _CUT:
            raise Incomplete(
                told(
                    "The directory ended the search below '{base}' at {cut}: raise the limit for "
                    "Mundap's account.",
                    base=question.base,
                    cut=_CUT[code],
                )
            )
        if code == _REFERRAL:
            raise Incomplete(
                told(
                    "The directory does not hold '{base}' itself but names another server.",
                    base=question.base,
                )
            )
        self._refuse(code, description)

    def _sign_in(self, *, start_tls: bool) -> None:
        open_line(self._connection, start_tls=start_tls)
        if not self._connection.bind(read_server_info=False):
            result = self._connection.result
            self._refuse(int(result["result"]), str(result["description"]))

    def _refuse(self, code: int, description: str) -> None:
        if code in _BUSY:
            raise Retry(
                told(
                    "The directory at {where} is busy ({description}).",
                    where=self._where,
                    description=description,
                ),
                after=_RETRY_S,
            )
        if code == _BAD_CREDENTIALS:
            raise Reconfigure(
                told("The directory at {where} refuses the account or its password.", where=self._where)
            )
        if code in _WANTS_TLS:
            raise Reconfigure(
                told(
                    "The directory at {where} wants an encrypted line: turn encryption on.", where=self._where
                )
            )
        raise Reconfigure(
            told(
                "The directory at {where} refuses: {description}. Check the account's rights.",
                where=self._where,
                description=description,
            )
        )

    def _cookie(self) -> bytes | None:
        controls = self._connection.result.get("controls") or {}
        answer = controls.get(_PAGED)
        return bytes(answer["value"]["cookie"] or b"") if answer else None

    @contextmanager
    def _errors(self, tls: NamedTls | None) -> Iterator[None]:
        try:
            with reading_ldap():
                yield
        except LDAPInvalidFilterError as error:
            raise Reconfigure(
                told("A filter is not understood: {error}. Check the filters.", error=error)
            ) from error
        except (LDAPException, OSError) as error:
            problem = tls.problem if tls is not None else None
            if isinstance(problem, ssl.SSLCertVerificationError):
                reason = problem.verify_message.rstrip(".")
                raise Reconfigure(
                    told(
                        "The certificate of {where} is not valid for it: {reason}. Name the file of its "
                        "authority under 'ca_file', or mend the certificate.",
                        where=self._where,
                        reason=reason,
                    )
                ) from error
            if problem is not None or not isinstance(error, _SILENCE):
                raise Reconfigure(
                    told("The directory at {where} cannot be used: {error}.", where=self._where, error=error)
                ) from error
            raise Retry(
                told("The directory at {where} does not answer: {error}.", where=self._where, error=error),
                after=_RETRY_S,
            ) from error
        except NotLdap as error:
            raise Reconfigure(
                told(
                    "What answers at {where} does not speak LDAP. Check the host and the port.",
                    where=self._where,
                )
            ) from error


def _tls(server: LdapServer) -> NamedTls | None:
    if not server.tls_at_once and not server.start_tls:
        return None
    try:
        return NamedTls(server)
    except (OSError, ssl.SSLError) as error:
        raise Reconfigure(
            told(
                "The file of authorities '{ca_file}' cannot be read: {error}.",
                ca_file=server.ca_file,
                error=error,
            )
        ) from error


def base_is_gone(base: str) -> Stop:
    """The error for a base that is not there."""
    return Stop(
        told(
            "'{base}' is not in the directory, or may not be seen by Mundap's account. Nothing was changed.",
            base=base,
        )
    )
