"""A source that is told instead of asked: it reports nothing, and above all not that there is nothing."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.common.told import told
from assistant.common.types import JsonObject
from connectors.sdk.contract import CheckItem, Event, PermissionEvent, PrincipalEvent
from connectors.sdk.source import BaseSource


class PushConnector(BaseSource):
    """Never gives Complete, so that whoever read it by mistake could conclude nothing from it."""

    def check(self) -> list[CheckItem]:
        """There is nothing to try from here."""
        return [CheckItem("sign-in", ok=True, detail=told("Programs sign in here with a key of the source."))]

    def documents(
        self,
        *,
        cursor: JsonObject | None = None,  # noqa: ARG002 - see the module
        checkpoint: JsonObject | None = None,  # noqa: ARG002
    ) -> Iterator[Event]:
        """Nothing."""
        return iter(())

    def permissions(self) -> Iterator[PermissionEvent]:
        """Nothing."""
        return iter(())

    def principals(self) -> Iterator[PrincipalEvent]:
        """Nothing."""
        return iter(())
