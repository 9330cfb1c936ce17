"""What trouble at a source must not do: one function a check, each on a world behind a hostile proxy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from assistant.common.acl import Acl
from assistant.common.errors import DocumentFailure
from assistant.common.types import JsonObject
from connectors.sdk.contract import (
    CaughtUp,
    Checkpoint,
    Complete,
    Connector,
    DocumentAcl,
    Event,
    Failure,
    FeedGap,
    Tombstone,
    Upsert,
)
from connectors.sdk.errors import ConnectorError, Reconfigure
from tests.common.scripted_server import reply
from tests.connectors.conformance import (
    BOB,
    World,
    check_ids,
    check_listing,
    listed,
    text_of,
    upserts,
)
from tests.connectors.hostile_proxy import HostileProxy, Spoil

MOST_SHIFTS = 6  # runs that are changed under way


class NetworkWorld(World, Protocol):
    """A source behind a proxy."""

    proxy: HostileProxy

    def close(self) -> None: ...


class AskedAclWorld(NetworkWorld, Protocol):
    """One document's list may be refused."""

    def forbid_acl(self, name: str) -> None: ...


class ChangeFeedWorld(NetworkWorld, Protocol):
    """In names, `/` leads into folders, which `put` makes, if the feed sees what becomes of folders.

    `set_acl` takes folders too: what lies in them inherits. File names are unique.
    """

    def move(self, name: str, folder: str) -> None: ...
    def forget_changes(self) -> None: ...


class FolderWorld(NetworkWorld, Protocol):
    """A source with folders, as `ChangeFeedWorld` has them."""

    def move(self, name: str, folder: str) -> None: ...
    def fill(self, folder: str, count: int) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run: what it reported, what was fetched by id, and what it ended with if not well."""

    events: Sequence[Event]
    texts: Mapping[str, str]
    error: Exception | None

    @property
    def is_complete(self) -> bool:
        """Whether the engine may delete what was not named, or need not ask for it again."""
        return any(isinstance(event, (Complete, CaughtUp)) for event in self.events)


def run_of(connector: Connector, *, fetching: bool = True) -> Outcome:
    """A full run as the engine makes it: groups, the listing, and each document's content."""
    events: list[Event] = []
    texts: dict[str, str] = {}
    try:
        for _ in connector.principals():
            pass
        for event in connector.documents():
            events.append(event)
            if isinstance(event, Upsert) and fetching:
                try:
                    texts[event.external_id] = text_of(event.fetch())
                except DocumentFailure:
                    continue
    except Exception as error:  # noqa: BLE001 - which errors a connector lets out is what is tested
        return Outcome(events, texts, error)
    finally:
        connector.close()
    return Outcome(events, texts, None)


def state_of(events: Iterable[Event]) -> dict[str, tuple[str, Acl | None]]:
    """Each document's version and list."""
    return {key: (found.version, found.acl) for key, found in upserts(events).items()}


def after(before: Mapping[str, Upsert], events: Sequence[Event]) -> dict[str, Upsert]:
    """What the engine knows after a run, having known `before`."""
    known = {} if any(isinstance(event, Complete) for event in events) else dict(before)
    for event in events:
        if isinstance(event, Upsert):
            known[event.external_id] = event
        elif isinstance(event, Tombstone):
            known.pop(event.external_id, None)
    return known


def changed_since(connector: Connector, cursor: JsonObject) -> list[Event]:
    """What the change feed says, read to its end."""
    with closing(connector):
        events = list(connector.documents(cursor=cursor))
    assert events, "a run that reports nothing does not even say that it is caught up"
    assert isinstance(events[-1], (CaughtUp, Complete)), "a run from a cursor ends without a word"
    assert not any(isinstance(event, (CaughtUp, Complete)) for event in events[:-1]), "it ends before its end"
    check_ids(events)
    return events


def cursor_of(events: Sequence[Event]) -> JsonObject:
    """Where the next run goes on."""
    last = events[-1]
    assert isinstance(last, (Complete, CaughtUp))
    assert last.cursor is not None, "a source with a change feed gives no cursor"
    return last.cursor


def check_error(outcome: Outcome, where: str) -> None:
    """Trouble ends a run in the words of the contract only."""
    if outcome.error is not None and not isinstance(outcome.error, ConnectorError):
        raise AssertionError(f"{where}: {outcome.error!r} is no ConnectorError") from outcome.error
    assert outcome.error is None or str(outcome.error), f"{where}: an error without a sentence"


def check_nothing_lost(truth: Outcome, outcome: Outcome, where: str) -> None:
    """A listing that calls itself complete names every document, or the failure that hides it."""
    if not outcome.is_complete:
        return
    assert isinstance(outcome.events[-1], (Complete, CaughtUp)), f"{where}: it goes on after its end"
    named = set(upserts(outcome.events))
    failed = [event for event in outcome.events if isinstance(event, Failure)]
    lost = {
        key
        for key in upserts(truth.events)
        if key not in named
        and not any(key.startswith(f.external_id) if f.is_prefix else key == f.external_id for f in failed)
    }
    assert lost == set(), f"{where}: complete, but without {sorted(lost)[:5]}"


def check_nothing_altered(truth: Outcome, outcome: Outcome, where: str, *, texts: bool = True) -> None:
    """What is reported is right: the true list or None, the true content or none."""
    real = upserts(truth.events)
    for key, found in upserts(outcome.events).items():
        assert key in real, f"{where}: '{key}' is no document"
        assert found.acl in (None, real[key].acl), f"{where}: another list for '{key}'"
    for key, text in outcome.texts.items():
        assert not texts or text == truth.texts[key], f"{where}: another content for '{key}'"


def check_trouble(world: NetworkWorld, spoil: Spoil, *, times: int = 1, disguised: bool = False) -> None:
    """At no request does trouble lose a document, change one, or surprise the engine."""
    world.proxy.calm()
    with world.proxy.remembering():
        truth = run_of(world.connector(), fetching=not disguised)
        assert truth.is_complete
        total = world.proxy.requests
        assert total, "the connector asked nothing through the proxy"
        for at in range(total):
            world.proxy.spoil(spoil, at=at, times=times)
            outcome = run_of(world.connector(), fetching=not disguised)
            where = f"trouble at request {at} of {total}"
            check_error(outcome, where)
            check_nothing_lost(truth, outcome, where)
            check_nothing_altered(truth, outcome, where)
    world.proxy.calm()


def check_mended(world: NetworkWorld, spoil: Spoil) -> None:
    """What passes at the second try leaves no trace in the run."""
    world.proxy.calm()
    with world.proxy.remembering():
        truth = run_of(world.connector())
        for at in range(world.proxy.requests):
            world.proxy.spoil(spoil, at=at)
            outcome = run_of(world.connector())
            assert outcome.error is None, f"request {at} was not tried again: {outcome.error}"
            assert state_of(outcome.events) == state_of(truth.events)
            assert outcome.texts == truth.texts
    world.proxy.calm()


def check_revoked(world: NetworkWorld) -> None:
    """Credentials that no longer count ask for the administrator, at whatever request it is noticed."""
    world.proxy.calm()
    with world.proxy.remembering():
        total = _requests_of(world)
        for at in range(total):
            world.proxy.spoil(lambda given: reply(401), at=at, times=10**6)
            outcome = run_of(world.connector())
            assert isinstance(outcome.error, Reconfigure), (
                f"revoked at request {at} of {total}: {outcome.error!r}"
            )
            assert not outcome.is_complete, f"revoked at request {at}, and yet complete"
    world.proxy.calm()


def _requests_of(world: NetworkWorld) -> int:
    run_of(world.connector())
    return world.proxy.requests


def check_shifting_pages(
    world: NetworkWorld, change: Callable[[], object], *, shifts: int = MOST_SHIFTS
) -> None:
    """`change` in mid-run, each run at another request: what stays is listed once, or it is not whole."""
    world.proxy.calm()
    before = set(upserts(run_of(world.connector(), fetching=False).events))
    total = world.proxy.requests
    for at in range(0, total, max(1, total // shifts)):
        world.proxy.before_each(partial(_step, at, change))
        outcome = run_of(world.connector(), fetching=False)
        world.proxy.calm()
        after_it = set(upserts(run_of(world.connector(), fetching=False).events))
        where = f"a change before request {at} of {total}"
        check_error(outcome, where)
        check_ids(outcome.events)
        lost = (before & after_it) - set(upserts(outcome.events))
        assert not (outcome.is_complete and lost), f"{where} lost {sorted(lost)[:5]}"
        before = after_it


def _step(at: int, change: Callable[[], object], number: int) -> None:
    if number == at:
        change()


def check_feed(world: NetworkWorld, change: Callable[[], object]) -> None:
    """A run from the cursor leads to the same as listing everything; the next one has nothing to say."""
    with closing(world.connector()) as connector:
        first = listed(connector)
    change()
    events = changed_since(world.connector(), cursor_of(first))
    with closing(world.connector()) as connector:
        truth = state_of(listed(connector))
    known = {key: (found.version, found.acl) for key, found in after(upserts(first), events).items()}
    assert known == truth, "the change feed leads elsewhere than a full listing"
    quiet = changed_since(world.connector(), cursor_of(events))
    assert state_of(quiet).items() <= truth.items(), "without a change, another state"


def check_quiet_feed(world: NetworkWorld) -> None:
    """Where nothing changed, a run from the cursor reports no document."""
    with closing(world.connector()) as connector:
        first = listed(connector)
    assert upserts(changed_since(world.connector(), cursor_of(first))) == {}


def check_change_during_listing(world: NetworkWorld, name: str, *, shared: bool = True) -> None:
    """What changes after it was listed, while the listing goes on, is in the next run's part of the feed.

    Args:
        shared: who may read it changes too.
    """
    with closing(world.connector()) as connector:
        events: list[Event] = []
        for event in connector.documents():
            events.append(event)
            if isinstance(event, Upsert) and len(upserts(events)) == 1:
                world.put(name, "changed meanwhile")
                if shared:
                    world.set_acl(name, allow=[f"user:{BOB}"])
    later = after(upserts(events), changed_since(world.connector(), cursor_of(events)))
    with closing(world.connector()) as connector:
        truth = state_of(listed(connector))
    assert {key: (found.version, found.acl) for key, found in later.items()} == truth


def check_gap(world: NetworkWorld, cursor: JsonObject) -> None:
    """A cursor that is too old is said so before anything else."""
    with closing(world.connector()) as connector:
        run = iter(connector.documents(cursor=cursor))
        try:
            first = next(run, None)
        except FeedGap:
            return
        raise AssertionError(f"a cursor that the source forgot gives {first!r} instead of FeedGap")


def check_resume(world: NetworkWorld, *, cursor: JsonObject | None = None, anew: bool = False) -> None:
    """Cut after any item, a run that goes on from the last checkpoint leads to the same.

    `anew`: a run that goes on may read everything again, and then take a cursor of its own.
    """
    with closing(world.connector()) as whole:
        events = list(whole.documents(cursor=cursor))
    world.put("meanwhile.txt", "came while the run was interrupted")
    assert any(isinstance(event, Checkpoint) for event in events), "there is no checkpoint"
    with world.proxy.remembering():
        _check_cuts(world, events, cursor, anew=anew)


def _check_cuts(
    world: NetworkWorld, events: Sequence[Event], cursor: JsonObject | None, *, anew: bool
) -> None:
    truth = after({}, events)
    for cut in range(len(events)):
        points = [event for event in events[:cut] if isinstance(event, Checkpoint)]
        state = points[-1].state if points else None
        with closing(world.connector()) as resumed:
            rest = list(resumed.documents(cursor=cursor, checkpoint=state))
        end, its_end = events[-1], rest[-1]
        assert isinstance(end, (Complete, CaughtUp))
        assert isinstance(its_end, (Complete, CaughtUp)), f"cut after item {cut}, it does not come to its end"
        before = events[: cut if state is None else events.index(points[-1]) + 1]
        covered = [event for event in before if not isinstance(event, (Complete, CaughtUp))]
        known = {**upserts(covered), **upserts(rest)}
        gone = {event.external_id for event in (*covered, *rest) if isinstance(event, Tombstone)}
        assert set(truth) <= set(known), f"cut after item {cut}, something is lost"
        assert not gone & set(truth), f"cut after item {cut}, something is called gone"
        read_anew = anew and truth.keys() <= upserts(rest).keys()
        moved_on = state is not None and its_end.cursor != end.cursor and not read_anew
        assert not moved_on, f"cut after item {cut}, the cursor leaves out what changed before"


def check_forbidden_acl(world: AskedAclWorld, forbidden: str) -> None:
    """A list that may not be read is unknown, for that document only."""
    with closing(world.connector()) as connector:
        before = upserts(listed(connector))
        world.forbid_acl(forbidden)
        events = check_listing(connector)
        found = upserts(events)
        hidden = world.put(forbidden, "first")
        assert found[hidden].acl is None, "a list that could not be read was made up"
        reported = {
            each.external_id: each.acl for each in connector.permissions() if isinstance(each, DocumentAcl)
        }
        assert reported[hidden] is None
        others = {key: each.acl for key, each in before.items() if key != hidden}
        assert {key: found[key].acl for key in others} == others
        assert isinstance(events[-1], Complete)
