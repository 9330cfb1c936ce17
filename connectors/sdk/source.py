"""What most connectors share: reporting a few documents again, and nothing to close."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence

from assistant.common.types import JsonObject
from connectors.sdk.contract import (
    CheckItem,
    Complete,
    Event,
    Failure,
    PermissionEvent,
    PrincipalEvent,
    Tombstone,
    Upsert,
)


class BaseSource(ABC):
    """A connector without a change feed that looks single documents up by listing all."""

    @abstractmethod
    def check(self) -> list[CheckItem]:
        """See `contract.Connector`."""

    @abstractmethod
    def documents(
        self, *, cursor: JsonObject | None = None, checkpoint: JsonObject | None = None
    ) -> Iterator[Event]:
        """See `contract.Connector`."""

    @abstractmethod
    def permissions(self) -> Iterator[PermissionEvent]:
        """See `contract.Connector`."""

    @abstractmethod
    def principals(self) -> Iterator[PrincipalEvent]:
        """See `contract.Connector`."""

    def again(self, external_ids: Sequence[str]) -> Iterator[Event]:
        """These documents, picked from a full listing: right, but slow."""
        yield from picked(self.documents(), set(external_ids))

    def close(self) -> None:  # noqa: B027 - most sources hold nothing open
        """Nothing is open between two calls."""


def picked(listing: Iterable[Event], wanted: set[str]) -> Iterator[Event]:
    """Of a listing, what it says of the wanted documents; what it does not know is gone if it is complete."""
    whole = False
    for event in listing:
        match event:
            case Upsert() if event.external_id in wanted:
                wanted.discard(event.external_id)
                yield event
            case Failure() if event.is_prefix or event.external_id in wanted:
                wanted.difference_update([each for each in wanted if _names(event, each)])
                yield event
            case Complete():
                whole = True
            case _:
                pass
    if whole:
        yield from map(Tombstone, sorted(wanted))


def _names(failure: Failure, external_id: str) -> bool:
    if failure.is_prefix:
        return external_id.startswith(failure.external_id)
    return external_id == failure.external_id
