"""Does a source work with these settings, and what would come in? Asked before anything is stored.

Both questions go to a source that may be slow, wrong or hostile, from a process that
answers web requests. So each has a time and a number of places: whoever does not answer
is told to stop and left behind in its thread, whose place stays taken until it ends.

Ids of documents and the lists of who would see them are shown to who may manage
sources, as the ids of failed documents are. Titles and text never are.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.roles import Right
from assistant.audit.trail import Event, record
from assistant.common.acl import Acl
from assistant.common.errors import DocumentFailure, MundapError
from assistant.common.pace import Stopped
from assistant.common.told import said
from assistant.common.types import JsonObject
from assistant.sync.configuration import surroundings
from assistant.sync.detail import storable
from assistant.sync.reasons import document_reason
from assistant.sync.rules import LeftOut, Rules, parse_rules
from connectors.registry import connector_kind
from connectors.sdk.config import validate
from connectors.sdk.contract import Connector, Failure, GroupMembers, Upsert

T = TypeVar("T")
TRY_SECONDS = 20.0
PREVIEWED = 20
_AT_ONCE = 4  # places for trials in one process
_places = threading.BoundedSemaphore(_AT_ONCE)
log = logging.getLogger(__name__)


class Ending(StrEnum):
    """Why a trial came to its end."""

    DONE = "done"  # all that was asked for is here
    TOO_SLOW = "too_slow"  # the source did not answer in time; what came until then is here
    REFUSED = "refused"  # the source or the settings say no; `problem` says what
    BROKEN = "broken"  # an error of the connector's own; the log of the web process names it
    BUSY = "busy"  # too many trials run already


@dataclass(frozen=True, slots=True)
class TrialStep:
    """One right that the connector needs, tried. `detail` is technical and comes from the connector."""

    step: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Trial:
    """The connection test."""

    steps: tuple[TrialStep, ...]
    ending: Ending
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether every step went well."""
        return self.ending is Ending.DONE and bool(self.steps) and all(step.ok for step in self.steps)


@dataclass(frozen=True, slots=True)
class WouldSee:
    """One entry of a list: lets `kind` `id` in, or keeps them out. The first that fits a person decides."""

    allow: bool
    kind: str
    id: str
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A document as it would come in. `clauses` None: its list cannot be read, so nobody would see it."""

    external_id: str
    name: str
    media_type: str
    size: int | None
    modified: datetime | None
    clauses: tuple[tuple[WouldSee, ...], ...] | None
    problem: str = ""  # it could not come in: why, in words
    left_out: LeftOut | None = None  # a rule of the source does not take it

    @property
    def nobody(self) -> bool:
        """Whether the list lets nobody in."""
        return not self.clauses or any(not any(e.allow for e in clause) for clause in self.clauses)

    @property
    def everybody(self) -> bool:
        """Whether it opens the document to whoever can sign in, and keeps nobody out."""
        return bool(self.clauses) and all(
            len(clause) == 1 and clause[0].allow and clause[0].kind == "everyone"
            for clause in self.clauses or ()
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """The first documents (or, of a directory, groups with how many members) that would come in."""

    rows: tuple[PreviewRow, ...]
    groups: tuple[tuple[str, int], ...]
    ending: Ending
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A source that is not stored: its kind, its settings, and the rules for what of it is taken."""

    kind: str
    config: JsonObject
    secrets: Mapping[str, str]
    rules: JsonObject = field(default_factory=dict)


def try_connection(wanted: Wanted, *, viewer: Viewer, seconds: float = TRY_SECONDS) -> Trial:
    """Try each right that such a source needs. Stores nothing.

    Raises:
        NotFound: the viewer may not manage sources.
    """
    require(viewer, Right.MANAGE_SOURCES)
    record(Event.SOURCE_TRIED, actor_id=viewer.user_id, kind=wanted.kind)
    found: list[TrialStep] = []

    def work(connector: Connector, _stopped: Callable[[], bool]) -> None:
        found.extend(TrialStep(i.step, i.ok, storable(i.detail)) for i in connector.check())

    ending, problem = _carried_out(wanted, work, seconds)
    return Trial(tuple(found), ending, problem)


def preview(wanted: Wanted, *, viewer: Viewer, seconds: float = TRY_SECONDS) -> Preview:
    """The first documents that such a source lists, whom each would let in, and which its rules leave out.

    Raises:
        NotFound: the viewer may not manage sources.
        UsageError: the rules are none.
    """
    require(viewer, Right.MANAGE_SOURCES)
    record(Event.SOURCE_TRIED, actor_id=viewer.user_id, kind=wanted.kind, preview=True)
    rules = parse_rules(wanted.rules)
    rows: list[PreviewRow] = []
    groups: list[tuple[str, int]] = []
    lists_groups = not connector_kind(wanted.kind).gives_documents

    def work(connector: Connector, stopped: Callable[[], bool]) -> None:
        if lists_groups:
            _read_groups(connector, groups, stopped)
        else:
            _read_documents(connector, rows, rules, stopped)

    ending, problem = _carried_out(wanted, work, seconds)
    return Preview(tuple(rows[:PREVIEWED]), tuple(groups[:PREVIEWED]), ending, problem)


def _read_documents(
    connector: Connector, rows: list[PreviewRow], rules: Rules, stopped: Callable[[], bool]
) -> None:
    for event in connector.documents():
        if stopped() or len(rows) >= PREVIEWED:
            return
        if isinstance(event, Upsert):
            rows.append(_row(event, rules))
        elif isinstance(event, Failure):
            words = str(document_reason(event.code).what)
            rows.append(PreviewRow(storable(event.external_id), "", "", None, None, None, problem=words))


def _read_groups(connector: Connector, groups: list[tuple[str, int]], stopped: Callable[[], bool]) -> None:
    for event in connector.principals():
        if stopped() or len(groups) >= PREVIEWED:
            return
        if isinstance(event, GroupMembers):
            groups.append((storable(event.group), len(event.members)))


def _row(event: Upsert, rules: Rules) -> PreviewRow:
    return PreviewRow(
        external_id=storable(event.external_id),
        name=storable(event.name),
        media_type=storable(event.media_type),
        size=event.size,
        modified=event.modified,
        clauses=_clauses(event.acl),
        left_out=rules.leaves_out(external_id=event.external_id, name=event.name, size=event.size),
    )


def _clauses(acl: Acl | None) -> tuple[tuple[WouldSee, ...], ...] | None:
    if acl is None:
        return None
    return tuple(
        tuple(WouldSee(e.allow, e.principal.kind.value, e.principal.id, e.expires) for e in clause.entries)
        for clause in acl.clauses
    )


def _carried_out(
    wanted: Wanted, work: Callable[[Connector, Callable[[], bool]], None], seconds: float
) -> tuple[Ending, str]:
    """Make the connector, let `work` have it in a thread of its own, and wait `seconds` at most."""
    over = threading.Event()
    try:
        declared = connector_kind(wanted.kind)
        checked, opened = validate(declared, config=wanted.config, secrets=wanted.secrets)
        connector = declared.build(checked, opened, surroundings(stopped=over.is_set))
    except MundapError as error:
        return Ending.REFUSED, storable(said(error))
    if not _places.acquire(blocking=False):
        connector.close()
        return Ending.BUSY, ""
    outcome: list[tuple[Ending, str]] = []

    def run() -> None:
        try:
            outcome.append(_outcome(connector, lambda: work(connector, over.is_set)))
        finally:
            _places.release()

    thread = threading.Thread(target=run, name="source trial", daemon=True)
    thread.start()
    thread.join(seconds)
    over.set()
    return outcome[0] if outcome else (Ending.TOO_SLOW, "")


def _outcome(connector: Connector, work: Callable[[], None]) -> tuple[Ending, str]:
    try:
        try:
            work()
        finally:
            connector.close()
    except Stopped:
        return Ending.TOO_SLOW, ""
    except DocumentFailure as error:
        return Ending.REFUSED, storable(error.detail or said(error))
    except MundapError as error:
        return Ending.REFUSED, storable(said(error))
    except Exception as error:  # noqa: BLE001 - the edge of a connector, which is tried because it may be broken
        log.error("a source of an unsaved kind failed with %s", type(error).__name__)
        return Ending.BROKEN, type(error).__name__
    return Ending.DONE, ""
