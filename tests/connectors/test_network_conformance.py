"""The sample drive passes the suite for networks, and wrong drives show that each check can fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from assistant.common import guarded_http
from assistant.common.acl import NOBODY, PUBLIC
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.types import JsonObject
from connectors.registry import KINDS
from connectors.sdk.contract import (
    CaughtUp,
    Checkpoint,
    Complete,
    Content,
    Event,
    Failure,
    FeedGap,
    TextContent,
    Tombstone,
    Upsert,
)
from connectors.sdk.errors import ConnectorError, Reconfigure, Retry
from tests.connectors.conformance import ANA, World, listed
from tests.connectors.hostile import AskedAclConformance, ChangeFeedConformance, FolderConformance
from tests.connectors.hostile_proxy import DISGUISED_TROUBLE, OPEN_TROUBLE
from tests.connectors.network_checks import (
    check_change_during_listing,
    check_feed,
    check_forbidden_acl,
    check_gap,
    check_mended,
    check_quiet_feed,
    check_resume,
    check_revoked,
    check_shifting_pages,
    check_trouble,
    cursor_of,
)
from tests.connectors.sample_drive.api import DriveApi, Entry
from tests.connectors.sample_drive.connector import DriveConnector
from tests.connectors.sample_drive.inheritance import Inheritance
from tests.connectors.sample_drive.world import DriveWorld


class TestSampleDrive(AskedAclConformance, ChangeFeedConformance, FolderConformance):
    make_world = DriveWorld

    def test_a_guide_tells_administrators_what_they_must_know(self, world: World) -> None:
        assert world.kind.name not in KINDS, "a kind that can be chosen needs a guide"


# --- wrong drives: each has one defect ---


class CallsHalfWhole(DriveConnector):
    """Takes an error for the end of the listing."""

    def _all(self, begun: str, after: str) -> Iterator[Event]:
        try:
            yield from super()._all(begun, after)
        except ConnectorError:
            yield Complete({"at": begun})


class LetsErrorsOut(DriveConnector):
    """Has errors that the engine does not know."""

    def _all(self, begun: str, after: str) -> Iterator[Event]:
        try:
            yield from super()._all(begun, after)
        except ConnectorError as error:
            raise ValueError("unexpected") from error


class Guesses(DriveConnector):
    """Fills in what could not be read."""

    def _event(self, entry: Entry, inheritance: Inheritance) -> Upsert | Failure:
        event = super()._event(entry, inheritance)
        return changed(event, acl=event.acl or PUBLIC) if isinstance(event, Upsert) else event


class Empties(DriveConnector):
    """Takes a list that could not be read for an empty one."""

    def _event(self, entry: Entry, inheritance: Inheritance) -> Upsert | Failure:
        event = super()._event(entry, inheritance)
        return changed(event, acl=event.acl or NOBODY) if isinstance(event, Upsert) else event


class InventsContent(DriveConnector):
    """Gives an empty text for what could not be fetched."""

    def _event(self, entry: Entry, inheritance: Inheritance) -> Upsert | Failure:
        event = super()._event(entry, inheritance)
        return changed(event, fetch=partial(self._text, event)) if isinstance(event, Upsert) else event

    def _text(self, event: Upsert) -> Content:
        try:
            return event.fetch()
        except DocumentFailure:
            return TextContent("")


class HidesRevocation(DriveConnector):
    """Takes refused credentials for one document's trouble."""

    def _event(self, entry: Entry, inheritance: Inheritance) -> Upsert | Failure:
        event = super()._event(entry, inheritance)
        return changed(event, fetch=partial(self._text, event)) if isinstance(event, Upsert) else event

    def _text(self, event: Upsert) -> Content:
        try:
            return event.fetch()
        except Reconfigure as error:
            raise DocumentFailure(FailureCode.REFUSED) from error


class RetriesForever(DriveConnector):
    """Takes refused credentials for a busy server."""

    def _all(self, begun: str, after: str) -> Iterator[Event]:
        try:
            yield from super()._all(begun, after)
        except Reconfigure as error:
            raise Retry(str(error), after=60) from error


class TakesTheCursorLast(DriveConnector):
    def _all(self, begun: str, after: str) -> Iterator[Event]:
        for event in super()._all(begun, after):
            yield Complete({"at": self._api.cursor()}) if isinstance(event, Complete) else event


class TakesTheCursorAnew(DriveConnector):
    """Forgets, when it goes on, where the feed stood when the run began."""

    def documents(
        self, *, cursor: JsonObject | None = None, checkpoint: JsonObject | None = None
    ) -> Iterator[Event]:
        if checkpoint is not None:
            checkpoint = {**checkpoint, "begun": self._api.cursor()}
        yield from super().documents(cursor=cursor, checkpoint=checkpoint)


class HidesTheGap(DriveConnector):
    def _changed(self, begun: str, since: str) -> Iterator[Event]:
        try:
            yield from super()._changed(begun, since)
        except FeedGap:
            yield CaughtUp({"at": begun})


class ForgetsWhatFoldersHold(DriveConnector):
    def _item(self, external_id: str, inheritance: Inheritance) -> Iterator[Event]:
        entry = self._api.item(external_id)
        if entry is None or not entry.is_folder:
            yield from super()._item(external_id, inheritance)


class ForgetsDeletions(DriveConnector):
    def _item(self, external_id: str, inheritance: Inheritance) -> Iterator[Event]:
        return (
            event for event in super()._item(external_id, inheritance) if not isinstance(event, Tombstone)
        )


class ReportsAllAgain(DriveConnector):
    def _changed(self, begun: str, since: str) -> Iterator[Event]:
        yield from (event for event in self._all(begun, "") if isinstance(event, Upsert))
        yield CaughtUp({"at": begun})


class GoesOnAnew(TakesTheCursorAnew):
    """Reads everything again instead of going on."""

    def documents(
        self, *, cursor: JsonObject | None = None, checkpoint: JsonObject | None = None
    ) -> Iterator[Event]:
        start = None if checkpoint is None else {**checkpoint, "at": ""}
        yield from super().documents(cursor=cursor, checkpoint=start)


class CountsPages(DriveConnector):
    """Goes on after so many items instead of after an id."""

    def _all(self, begun: str, after: str) -> Iterator[Event]:
        inheritance = Inheritance(self._api)
        offset = 0
        while part := [each for page in self._api.pages("files") for each in page][offset : offset + 2]:
            yield from (self._event(each, inheritance) for each in part)
            offset += 2
        yield Complete({"at": begun})


class PromisesTooEarly(DriveConnector):
    """Sets the checkpoint before what it covers."""

    def _all(self, begun: str, after: str) -> Iterator[Event]:
        held: list[Event] = []
        for event in super()._all(begun, after):
            if isinstance(event, Checkpoint):
                yield event
                yield from held
                held = []
            else:
                held.append(event)
        yield from held


class SetsNoCheckpoint(DriveConnector):
    def _all(self, begun: str, after: str) -> Iterator[Event]:
        return (event for event in super()._all(begun, after) if not isinstance(event, Checkpoint))


class EndsWithoutAWord(DriveConnector):
    def _changed(self, begun: str, since: str) -> Iterator[Event]:
        return (event for event in super()._changed(begun, since) if not isinstance(event, CaughtUp))


def changed(event: Upsert, **changes: object) -> Upsert:
    values = {name: getattr(event, name) for name in Upsert.__slots__}
    return Upsert(**{**values, **changes})


def gap(world: DriveWorld) -> None:
    with closing(world.connector()) as connector:
        cursor = cursor_of(listed(connector))
    world.forget_changes()
    check_gap(world, cursor)


def shifting(world: DriveWorld) -> None:
    early = [f"0-goes-{number:02}.txt" for number in range(16)]
    for name in early:
        world.put(name, "goes")
    check_shifting_pages(world, lambda: world.delete(early.pop(0)))


Check = Callable[[DriveWorld], None]


def with_trouble(name: str) -> Check:
    spoil = {**OPEN_TROUBLE, **DISGUISED_TROUBLE}[name]
    return lambda world: check_trouble(world, spoil, disguised=name in DISGUISED_TROUBLE)


def with_change(change: Callable[[DriveWorld], object]) -> Check:
    return lambda world: check_feed(world, lambda: change(world))


WRONG: dict[str, tuple[type[DriveConnector], Check]] = {
    "an error is the end": (CallsHalfWhole, with_trouble("an error")),
    "half an answer is the end": (CallsHalfWhole, with_trouble("half of the answer")),
    "an error of its own": (LetsErrorsOut, with_trouble("an error")),
    "a list that was guessed, in trouble": (Guesses, with_trouble("forbidden")),
    "a list that was guessed": (Guesses, lambda world: check_forbidden_acl(world, "a.txt")),
    "a list that was emptied": (Empties, lambda world: check_forbidden_acl(world, "a.txt")),
    "a content that was invented": (InventsContent, with_trouble("not there")),
    "credentials revoked, unnoticed": (HidesRevocation, check_revoked),
    "credentials revoked, tried again": (RetriesForever, check_revoked),
    "the cursor is taken last": (
        TakesTheCursorLast,
        lambda world: check_change_during_listing(world, "a.txt"),
    ),
    "the cursor is taken anew": (TakesTheCursorAnew, check_resume),
    "everything is read anew": (GoesOnAnew, check_resume),
    "the gap is hidden": (HidesTheGap, gap),
    "a folder's files are forgotten": (
        ForgetsWhatFoldersHold,
        with_change(lambda world: world.set_acl("open", allow=["everyone"])),
    ),
    "a deletion is forgotten": (ForgetsDeletions, with_change(lambda world: world.delete("a.txt"))),
    "everything is reported again": (ReportsAllAgain, check_quiet_feed),
    "pages are counted": (CountsPages, shifting),
    "a checkpoint promises too early": (PromisesTooEarly, check_resume),
    "there is no checkpoint": (SetsNoCheckpoint, check_resume),
    "a run from a cursor has no end": (EndsWithoutAWord, check_quiet_feed),
}


@pytest.fixture
def make_drive(tmp_path: Path, impatient: None) -> Iterator[Callable[..., DriveWorld]]:
    """Makes a small drive that is read by the given connector."""
    made: list[DriveWorld] = []

    def make(connector: Callable[[DriveApi], DriveConnector]) -> DriveWorld:
        world = DriveWorld(tmp_path, make=connector)
        made.append(world)
        for name in ("a.txt", "b.txt", "open/c.txt"):
            world.put(name, "first")
        world.set_acl("a.txt", allow=[f"user:{ANA}"])
        return world

    yield make
    for world in made:
        world.close()


@pytest.mark.parametrize(("wrong", "check"), WRONG.values(), ids=WRONG.keys())
def test_the_suite_refuses_a_wrong_drive(
    make_drive: Callable[..., DriveWorld], wrong: type[DriveConnector], check: Check
) -> None:
    with pytest.raises(AssertionError):
        check(make_drive(wrong))


def test_a_client_that_gives_up_at_once_is_noticed(
    make_drive: Callable[..., DriveWorld], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = guarded_http.GuardedClient.__init__.__kwdefaults__
    assert kept is not None
    monkeypatch.setitem(kept, "tries", 1)
    with pytest.raises(AssertionError, match="not tried again"):
        check_mended(make_drive(DriveConnector), OPEN_TROUBLE["hangs up"])
