"""A source whose lists name its own accounts, read as the engine joins them: by the accounts' addresses.

The conformance suite asks about people by address. Sources that know people by ids of their own
report `Account(id, address)` beside; here the one is put for the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from assistant.common.acl import Acl, Clause, PrincipalKind, PrincipalRef, user
from assistant.common.types import JsonObject
from connectors.sdk.contract import (
    Account,
    CheckItem,
    Connector,
    DocumentAcl,
    Event,
    GroupMembers,
    PermissionEvent,
    PrincipalEvent,
    Upsert,
)


class JoinedConnector:
    """A connector seen through the addresses of its accounts."""

    def __init__(self, inner: Connector) -> None:
        self._inner = inner
        self._people: dict[str, PrincipalRef] | None = None

    def check(self) -> list[CheckItem]:
        return self._inner.check()

    def documents(
        self, *, cursor: JsonObject | None = None, checkpoint: JsonObject | None = None
    ) -> Iterator[Event]:
        for event in self._inner.documents(cursor=cursor, checkpoint=checkpoint):
            yield self._upsert(event)

    def again(self, external_ids: Sequence[str]) -> Iterator[Event]:
        for event in self._inner.again(external_ids):
            yield self._upsert(event)

    def permissions(self) -> Iterator[PermissionEvent]:
        for event in self._inner.permissions():
            yield replace(event, acl=self._acl(event.acl)) if isinstance(event, DocumentAcl) else event

    def principals(self) -> Iterator[PrincipalEvent]:
        for event in self._inner.principals():
            if isinstance(event, GroupMembers):
                yield GroupMembers(event.group, tuple(map(self._person, event.members)))
            else:
                yield event

    def close(self) -> None:
        self._inner.close()

    def _upsert(self, event: Event) -> Event:
        return replace(event, acl=self._acl(event.acl)) if isinstance(event, Upsert) else event

    def _acl(self, acl: Acl | None) -> Acl | None:
        if acl is None:
            return None
        return Acl(
            tuple(
                Clause(
                    tuple(replace(entry, principal=self._person(entry.principal)) for entry in clause.entries)
                )
                for clause in acl.clauses
            )
        )

    def _person(self, principal: PrincipalRef) -> PrincipalRef:
        if principal.kind is not PrincipalKind.ACCOUNT:
            return principal
        if self._people is None:
            found = (each for each in self._inner.principals() if isinstance(each, Account))
            self._people = {each.id: user(each.email) for each in found if each.email}
        return self._people.get(principal.id, principal)
