"""What a connector declares, what it is asked and what it answers.

A connector is one folder under `connectors/sources` and one line in
`connectors/registry.py`. It reads its source and reports; it never decides what
is indexed, deleted or shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from assistant.common.acl import Acl, PrincipalRef
from assistant.common.errors import FailureCode
from assistant.common.types import Json, JsonObject


class FieldType(StrEnum):
    """How the console draws a field and how its value is checked."""

    TEXT = "text"
    PATH = "path"  # an absolute path on the worker's machine
    CHOICE = "choice"
    SECRET = "secret"  # noqa: S105 - the name of a type; its value comes from the secrets file, is sealed at rest and never shown


@dataclass(frozen=True, slots=True)
class ConfigField:
    """One setting of a source."""

    name: str
    type: FieldType
    required: bool = False
    choices: tuple[str, ...] = ()
    label: Mapping[str, str] = field(default_factory=dict)  # by language: "en", "ko"
    help: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file on this machine."""

    path: Path


@dataclass(frozen=True, slots=True)
class BytesContent:
    """Bytes that came over the network."""

    data: bytes


@dataclass(frozen=True, slots=True)
class TextContent:
    """Text that needs no parser."""

    text: str


Content = FileContent | BytesContent | TextContent


@dataclass(frozen=True, slots=True)
class Upsert:
    """A document is there, with these permissions.

    `version` changes whenever the content, title, url or attributes may have;
    equal versions let the engine skip `fetch` in an incremental run. `acl` None
    means that it could not be read: the last confirmed one is kept as stale, a
    new document stays hidden. `fetch` may raise DocumentFailure.
    """

    external_id: str
    version: str
    title: str  # empty: let the document or its name decide
    name: str  # file name with extension, or empty
    url: str
    media_type: str  # empty: let the name decide
    modified: datetime | None
    attributes: Mapping[str, Json]
    acl: Acl | None
    size: int | None
    fetch: Callable[[], Content]


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The source says that this document is gone."""

    external_id: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything before this point has been reported; a resumed run may start here."""

    state: JsonObject


@dataclass(frozen=True, slots=True)
class Failure:
    """One document, or everything below one prefix, could not be read.

    With `hide` the permissions themselves are in doubt: what it names is hidden
    from everybody until a later run can read them. Otherwise known documents keep
    their last state. `is_prefix`: names every document whose id starts with it.
    """

    external_id: str
    code: FailureCode
    detail: str = ""
    hide: bool = False
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Complete:
    """Last item: the listing reached its end and nothing of it was skipped.

    Only after this may the engine treat what was not listed as deleted, except
    below prefixes that a Failure named.
    """


Event = Upsert | Tombstone | Checkpoint | Failure | Complete


@dataclass(frozen=True, slots=True)
class DocumentAcl:
    """The permissions of one document, without its content. None: could not be read."""

    external_id: str
    acl: Acl | None


PermissionEvent = DocumentAcl | Failure | Complete


@dataclass(frozen=True, slots=True)
class GroupMembers:
    """All direct members (people, groups of this connection, everyone) of one group."""

    group: str
    members: tuple[PrincipalRef, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """A person's account in the source. `email`: the address that the source has verified, or empty."""

    id: str
    email: str = ""


PrincipalEvent = GroupMembers | Account | Failure | Complete


@dataclass(frozen=True, slots=True)
class CheckItem:
    """One step of the connection test: sign-in, list, read content, read permissions, read groups."""

    step: str
    ok: bool
    detail: str


class Connector(Protocol):
    """One configured source, ready to be read. Cheap to make: it opens nothing until asked."""

    def check(self) -> list[CheckItem]:
        """Try each right the connector needs, and say for each what was seen."""
        ...

    def documents(self, checkpoint: JsonObject | None) -> Iterator[Event]:
        """All documents, or what changed since `checkpoint` where the source can tell.

        Raises:
            connectors.sdk.errors.ConnectorError: says what the engine does next.
        """
        ...

    def permissions(self) -> Iterator[PermissionEvent]:
        """The ACL of every document, without content."""
        ...

    def principals(self) -> Iterator[PrincipalEvent]:
        """Every group with its direct members, and every account where access lists name accounts."""
        ...


@dataclass(frozen=True, slots=True)
class ConnectorKind:
    """A kind of source, as the registry offers it."""

    name: str
    label: Mapping[str, str]
    fields: tuple[ConfigField, ...]
    build: Callable[[JsonObject, Mapping[str, str]], Connector]  # (config, secrets), both validated
    feed_misses: tuple[str, ...] = ()  # what the change feed cannot see, in words
