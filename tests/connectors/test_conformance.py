"""Both kinds pass the suite, and a hostile source shows that the suite can fail."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path

import pytest

from assistant.common.acl import NOBODY, PUBLIC, Acl
from assistant.common.errors import FailureCode
from assistant.common.types import JsonObject
from connectors.registry import KINDS, connector_kind
from connectors.sdk.contract import (
    CheckItem,
    Complete,
    DocumentAcl,
    Event,
    Failure,
    GroupMembers,
    PermissionEvent,
    PrincipalEvent,
    TextContent,
    Upsert,
)
from connectors.sdk.source import BaseSource
from connectors.sdk.surroundings import Surroundings
from tests.connectors.conformance import ConnectorConformance, check_listing
from tests.connectors.worlds import FilesystemWorld, JsonlWorld

SOURCES = Path(__file__).with_name("sources")


class TestFilesystem(ConnectorConformance):
    make_world = FilesystemWorld


class TestJsonl(ConnectorConformance):
    make_world = JsonlWorld


SUITES = (TestFilesystem, TestJsonl)


def test_every_kind_runs_the_suite() -> None:
    places = [f"tests.connectors.sources.{file.stem}" for file in sorted(SOURCES.glob("test_*.py"))]
    modules = [sys.modules[__name__], *map(import_module, places)]
    suites = [suite for module in modules for suite in getattr(module, "SUITES", ())]
    assert all(issubclass(suite, ConnectorConformance) for suite in suites)
    read = {name for name in KINDS if not connector_kind(name).pushed}  # what is pushed reports nothing
    assert {suite.make_world.kind.name for suite in suites} == read


def document(external_id: str = "a", *, acl: Acl | None = NOBODY, **changes: object) -> Upsert:
    values: dict[str, object] = {"version": "1", "title": "", "url": "", "modified": None, **changes}
    return Upsert(
        external_id=external_id,
        version=str(values["version"]),
        title=str(values["title"]),
        name="",
        url=str(values["url"]),
        media_type="",
        modified=values["modified"] if isinstance(values["modified"], datetime) else None,
        attributes={},
        acl=acl,
        size=None,
        fetch=lambda: TextContent(""),
    )


@dataclass
class HostileConnector(BaseSource):
    """Says exactly what it is told to say."""

    events: list[Event]
    permission_events: list[PermissionEvent] | None = None
    principal_events: list[PrincipalEvent] = field(default_factory=lambda: [Complete()])

    def check(self) -> list[CheckItem]:
        return []

    def documents(
        self, *, cursor: JsonObject | None = None, checkpoint: JsonObject | None = None
    ) -> Iterator[Event]:
        yield from self.events

    def permissions(self) -> Iterator[PermissionEvent]:
        if self.permission_events is not None:
            yield from self.permission_events
            return
        for event in self.events:
            if isinstance(event, Upsert):
                yield DocumentAcl(event.external_id, event.acl)
            elif isinstance(event, (Failure, Complete)):
                yield event

    def principals(self) -> Iterator[PrincipalEvent]:
        yield from self.principal_events


BAD_MEMBERS = Failure("g", FailureCode.BAD_PERMISSIONS, hide=True)

HOSTILE = {
    "it goes on after Complete": HostileConnector([Complete(), document()]),
    "it says Complete twice": HostileConnector([Complete(), Complete()]),
    "one id stands for two documents": HostileConnector([document(), document(), Complete()]),
    "an id has a line break": HostileConnector([document("a\nb"), Complete()]),
    "an id turns the text around": HostileConnector([document("a\u202eb"), Complete()]),
    "an id holds NUL": HostileConnector([document("a\x00b"), Complete()]),
    "an id is 4 KB long": HostileConnector([document("a" * 4096), Complete()]),
    "an id is empty": HostileConnector([document(""), Complete()]),
    "a failure names an undecodable id": HostileConnector([Failure("a\udcff", FailureCode.UNREADABLE)]),
    "the permission run widens": HostileConnector(
        [document(), Complete()], [DocumentAcl("a", PUBLIC), Complete()]
    ),
    "the permission run forgets a document": HostileConnector([document(), Complete()], [Complete()]),
    "the permission run forgets to hide": HostileConnector(
        [Failure("a", FailureCode.BAD_PERMISSIONS, hide=True), Complete()], [Complete()]
    ),
    "a document has no version": HostileConnector([document(version=""), Complete()]),
    "a link runs a script": HostileConnector([document(url="javascript:alert(1)"), Complete()]),
    "a title has two lines": HostileConnector([document(title="a\nb"), Complete()]),
    "a time has no zone": HostileConnector([document(modified=datetime(2026, 1, 1)), Complete()]),  # noqa: DTZ001
    "a group stands twice": HostileConnector(
        [Complete()], principal_events=[GroupMembers("g", ()), GroupMembers("g", ()), Complete()]
    ),
    "half of the groups is called complete": HostileConnector(
        [Complete()], principal_events=[BAD_MEMBERS, Complete()]
    ),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_suite_refuses_a_hostile_source(hostile: HostileConnector) -> None:
    with pytest.raises(AssertionError):
        check_listing(hostile)


def test_the_suite_accepts_the_same_source_when_it_behaves() -> None:
    assert len(check_listing(HostileConnector([document("a"), document("b"), Complete()]))) == 3


def test_a_connector_opens_nothing_when_it_is_made(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    FilesystemWorld.kind.build({"root": gone, "access_file": gone}, {}, Surroundings())
    JsonlWorld.kind.build({"path": gone}, {}, Surroundings())
