"""A directory of people and nested groups, for all other sources. It has no documents of its own.

A directory has no change feed that all servers share, so every run reads people and groups
whole, by pages; the engine compares, and touches nothing where nothing changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from assistant.common.errors import FailureCode
from assistant.common.judged_ldap import LdapServer
from assistant.common.told import said, told
from assistant.common.types import JsonObject
from connectors.sdk.contract import CheckItem, Complete, Event, Failure, PermissionEvent, PrincipalEvent
from connectors.sdk.errors import ConnectorError
from connectors.sdk.source import BaseSource
from connectors.sdk.surroundings import Surroundings
from connectors.sources.ldap.membership import Membership, membership
from connectors.sources.ldap.reading import Directory, Reader
from connectors.sources.ldap.session import Incomplete, Session
from connectors.sources.ldap.settings import Login, Search

_SHOWN = 3


class LdapConnector(BaseSource):
    """One directory. Opens nothing until asked."""

    def __init__(
        self, *, server: LdapServer, login: Login, search: Search, surroundings: Surroundings
    ) -> None:
        self._server = server
        self._login = login
        self._search = search
        self._surroundings = surroundings

    def documents(
        self,
        *,
        cursor: JsonObject | None = None,  # noqa: ARG002 - there is nothing to list
        checkpoint: JsonObject | None = None,  # noqa: ARG002
    ) -> Iterator[Event]:
        """None."""
        yield Complete()

    def permissions(self) -> Iterator[PermissionEvent]:
        """None."""
        yield Complete()

    def principals(self) -> Iterator[PrincipalEvent]:
        """Every person and group under every key; all of them, or none and the reason."""
        session = self._session()
        try:
            found = membership(Reader(session, self._search).directory())
        except Incomplete as error:
            yield Failure("", FailureCode.BAD_PERMISSIONS, said(error))
            return
        finally:
            session.close()
        yield from found.groups
        yield Complete()

    def check(self) -> list[CheckItem]:
        """Sign in, and read everything once."""
        try:
            session = self._session()
        except ConnectorError as error:
            return [CheckItem("sign-in", ok=False, detail=said(error))]
        host, login = self._server.host, self._login.name
        detail = (
            told("{host} answers as '{login}'.", host=host, login=login)
            if login
            else told("{host} answers without an account.", host=host)
        )
        signed_in = CheckItem("sign-in", ok=True, detail=detail)
        try:
            directory = Reader(session, self._search).directory()
        except (ConnectorError, Incomplete) as error:
            return [signed_in, CheckItem("read groups", ok=False, detail=said(error))]
        finally:
            session.close()
        return [signed_in, _summary(directory, membership(directory))]

    def _session(self) -> Session:
        one_domain = self._search.shape.one_domain
        return Session(self._server, self._login, self._surroundings, one_domain=one_domain)


def _summary(directory: Directory, found: Membership) -> CheckItem:
    remarks = [
        told("{people} people, {groups} groups.", people=len(directory.people), groups=len(directory.groups))
    ]
    disabled = sum(person.disabled for person in directory.people.values())
    if disabled:
        remarks.append(told("{count} people are disabled and see nothing by their groups.", count=disabled))
    if found.without_mail:
        remarks.append(
            told("{count} people have no address and can be nobody here.", count=found.without_mail)
        )
    if found.shared_mails:
        remarks.append(
            told(
                "Addresses of several people, which count for none: {addresses}.",
                addresses=_some(found.shared_mails),
            )
        )
    if found.shared_keys:
        remarks.append(
            told("Names of several entries, which count for none: {names}.", names=_some(found.shared_keys))
        )
    detail = reduce(lambda first, more: told("{first} {more}", first=first, more=more), remarks)
    return CheckItem("read groups", ok=bool(directory.people), detail=detail)


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_SHOWN])
    if len(names) <= _SHOWN:
        return shown
    return told("{names} and {count} more", names=shown, count=len(names) - _SHOWN)
