"""A source whose every answer a test writes: for what real folders and files rarely do.

Its settings name a script, a list of answers one a call; an answer is a list of events
to report, in which an exception is raised where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from assistant.common.acl import parse_acl
from assistant.common.types import Json, JsonObject
from connectors.sdk.contract import (
    CheckItem,
    Checkpoint,
    Complete,
    Connector,
    ConnectorKind,
    DocumentAcl,
    Event,
    Failure,
    PermissionEvent,
    PrincipalEvent,
    TextContent,
    Upsert,
)
from connectors.sdk.source import BaseSource
from connectors.sdk.surroundings import Surroundings

PLACE = f"{__name__}:KIND"


@dataclass(slots=True)
class Script:
    """What the next listing reports, and which groups there are.

    `changes`: what is reported instead when the run has a cursor; an exception as in `events`.
    `asked`: each listing's cursor and checkpoint. `closed`: how many connectors were closed.
    """

    events: Sequence[Event | Exception] = ()
    groups: Sequence[PrincipalEvent] = (Complete(),)
    fetched: list[str] = field(default_factory=list)
    changes: Sequence[Event | Exception] = ()
    asked: list[tuple[JsonObject | None, JsonObject | None]] = field(default_factory=list)
    closed: int = 0
    lists: Sequence[PermissionEvent] | None = None


SCRIPT = Script()


def document(external_id: str, text: str, *, acl: Json = None, version: str = "") -> Upsert:
    """A reported document. `acl` is written as in a file of lines; None: it could not be read."""

    def fetch() -> TextContent:
        SCRIPT.fetched.append(external_id)
        return TextContent(text)

    return Upsert(
        external_id=external_id,
        version=version or text,
        title=external_id,
        name="",
        url="",
        media_type="text/plain",
        modified=None,
        attributes={},
        acl=parse_acl(acl) if acl is not None else None,
        size=len(text),
        fetch=fetch,
    )


class ScriptedConnector(BaseSource):
    """Reports what the script says."""

    def check(self) -> list[CheckItem]:
        return [CheckItem("list", ok=True, detail="")]

    def documents(
        self, *, cursor: JsonObject | None = None, checkpoint: JsonObject | None = None
    ) -> Iterator[Event]:
        SCRIPT.asked.append((cursor, checkpoint))
        events = SCRIPT.events if cursor is None else SCRIPT.changes
        passed = checkpoint is None
        for event in events:
            if not passed:
                passed = isinstance(event, Checkpoint) and event.state == checkpoint
                continue
            if isinstance(event, Exception):
                raise event
            yield event

    def permissions(self) -> Iterator[PermissionEvent]:
        if SCRIPT.lists is not None:
            yield from SCRIPT.lists
            return
        for event in SCRIPT.events:
            if isinstance(event, Exception):
                raise event
            if isinstance(event, Upsert):
                yield DocumentAcl(event.external_id, event.acl)
            elif isinstance(event, Failure | Complete):
                yield event

    def principals(self) -> Iterator[PrincipalEvent]:
        yield from SCRIPT.groups

    def close(self) -> None:
        SCRIPT.closed += 1


def _build(_config: JsonObject, _secrets: Mapping[str, str], _surroundings: Surroundings) -> Connector:
    return ScriptedConnector()


KIND = ConnectorKind(
    name="scripted",
    label={"en": "Scripted source", "ko": "시험용 소스"},
    fields=(),
    build=_build,
    fetches_at_once=2,  # a document that takes long must not keep another one waiting
)
EVERYBODY: Json = {"allow": ["everyone"]}
A, B, C = (document(name, f"Report about {name}word.", acl=EVERYBODY) for name in ("a", "b", "c"))
FIRST: JsonObject = {"token": 1}  # where a change feed stood, and then
SECOND: JsonObject = {"token": 2}
DIRECTORY_PLACE = f"{__name__}:DIRECTORY"
DIRECTORY = ConnectorKind(
    name="scripted_directory",
    label={"en": "Scripted directory", "ko": "시험용 디렉터리"},
    fields=(),
    build=_build,
    gives_documents=False,
)
