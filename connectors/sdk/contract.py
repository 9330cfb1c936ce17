"""What a connector declares, what it is asked and what it answers.

A connector is one folder under `connectors/sources` and one line in
`connectors/registry.py`. It reads its source and reports; it never decides what
is indexed, deleted or shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from assistant.common.acl import Acl, PrincipalRef
from assistant.common.errors import FailureCode
from assistant.common.types import Json, JsonObject
from connectors.sdk.surroundings import Surroundings


class FieldType(StrEnum):
    """How the console draws a field and how its value is checked. All but the last four are JSON texts."""

    TEXT = "text"
    URL = "url"  # http or https with a host
    PATH = "path"  # an absolute path on the worker's machine
    CHOICE = "choice"
    SECRET = "secret"  # noqa: S105 - the name of a type; its value comes from the secrets file, is sealed at rest and never shown
    LONG_TEXT = "long_text"  # a text of several lines, such as a query
    LINES = "lines"  # a JSON list of texts, drawn as one a line
    NUMBER = "number"  # a JSON integer between `least` and `most`
    SWITCH = "switch"  # true or false


@dataclass(frozen=True, slots=True)
class ConfigField:
    """One setting of a source.

    A setting that is left out is left out of the configuration too: `example` is only
    shown. `advanced` settings are folded away in the form. Choices are stored as they stand and
    shown by their labels.
    """

    name: str
    type: FieldType
    required: bool = False
    choices: tuple[str, ...] = ()
    choice_labels: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict
    )  # by choice, then by language
    label: Mapping[str, str] = field(default_factory=dict)  # by language: "en", "ko"
    help: Mapping[str, str] = field(default_factory=dict)
    example: str = ""
    least: int = 0
    most: int = 2**31 - 1
    advanced: bool = False


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
    new document stays hidden. `fetch` may raise DocumentFailure, or a ConnectorError
    that ends the run; it is called once at most, from another thread than the listing,
    while the listing goes on, up to `ConnectorKind.fetches_at_once` at a time. It may
    be called long after it was reported, and should then give what is there now.
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
    """Everything before this point has been reported. A run that was interrupted later goes on from here.

    The engine stores it together with what it covers, and hands it back to the same
    run only: what one run has seen says nothing about the next.
    """

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
    below prefixes that a Failure named. `cursor`: where the source's change feed stood
    when the listing BEGAN; None: it has none, and every run lists everything.
    """

    cursor: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """Last item instead of Complete: all changes since the cursor were reported; the rest is as it was.

    `cursor`: where the feed stood when this reading began.
    """

    cursor: JsonObject


class FeedGap(Exception):
    """Raised for a cursor that the source no longer knows. Nothing may have been reported before it."""


Event = Upsert | Tombstone | Checkpoint | Failure | Complete | CaughtUp


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
    """One configured source, ready to be read. Cheap to make: it opens nothing until asked.

    `sdk.source.BaseSource` has what most share.
    """

    def check(self) -> list[CheckItem]:
        """Try each right the connector needs, and say for each what was seen."""
        ...

    def documents(
        self, *, cursor: JsonObject | None = None, checkpoint: JsonObject | None = None
    ) -> Iterator[Event]:
        """All documents, or what changed since `cursor` where the source has a change feed.

        Args:
            cursor: what the last run that ended well gave with Complete or CaughtUp; None: list everything.
            checkpoint: where this run, begun with the same cursor, was interrupted.

        Raises:
            FeedGap: the cursor is too old.
            connectors.sdk.errors.ConnectorError: says what the engine does next.
        """
        ...

    def again(self, external_ids: Sequence[str]) -> Iterator[Event]:
        """These documents as they are now, each as an Upsert, a Tombstone or a Failure; in any order."""
        ...

    def permissions(self) -> Iterator[PermissionEvent]:
        """The ACL of every document, without content. Ends like `documents` without a cursor."""
        ...

    def principals(self) -> Iterator[PrincipalEvent]:
        """Every group with its direct members, and every account where access lists name accounts."""
        ...

    def close(self) -> None:
        """Let go of every connection and file. Called once, also after an error."""
        ...


@dataclass(frozen=True, slots=True)
class ConnectorKind:
    """A kind of source, as the registry offers it.

    `feed_misses`: what the change feed cannot see, by language, one sentence each: the
    engine lists everything from time to time because of it. `gives_documents` False: a
    directory, which only gives people and groups to other sources. `pushed`: programs push its
    documents (see `sdk.pushed_document`); nothing is read, so it has no schedule and no runs by hand.
    `asks`: the settings that name what is connected to, as hosts or addresses; where none of them is
    given, the host `asks_otherwise`.
    """

    name: str
    label: Mapping[str, str]
    fields: tuple[ConfigField, ...]
    build: Callable[[JsonObject, Mapping[str, str], Surroundings], Connector]  # settings are validated
    feed_misses: tuple[Mapping[str, str], ...] = ()
    fetches_at_once: int = 1
    gives_documents: bool = True
    pushed: bool = False
    asks: tuple[str, ...] = ()
    asks_otherwise: str = ""
