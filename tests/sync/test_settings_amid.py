"""What somebody changes, or asks for, while a run works: nothing of it may be lost with the run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Self

import pytest
from django.utils import timezone

from assistant.access.viewer import viewer_for
from assistant.accounts.models import Connection, User
from assistant.common.acl import parse_acl
from assistant.common.types import JsonObject
from assistant.documents.models import Document, Hidden
from assistant.sync import carrying_out, documents_pass, finishing, permissions_pass
from assistant.sync.due import due_kind
from assistant.sync.engine import execute_run
from assistant.sync.lease import Heartbeat
from assistant.sync.models import OPEN_STATES, RunKind, RunState, Source, SyncRun
from assistant.sync.services import cancel_run, pause_source, request_run
from assistant.sync.source_settings import change_settings, settings_of
from assistant.sync.treatment import Treatment
from connectors.sdk.contract import CaughtUp, Checkpoint, Complete, Content, DocumentAcl, Event, Upsert
from tests.sync.conftest import sync
from tests.sync.scripted import EVERYBODY, Script, document
from tests.sync.test_interrupted import Killed, abandoned, killing
from tests.sync.watching import found

ANN = "user:ann@example.com"
MANY = [document(f"m{n}", f"Minutes mword{n} of the gannetword.", acl=EVERYBODY) for n in range(6)]


def meanwhile(monkeypatch: pytest.MonkeyPatch, module: object, name: str, act: Callable[[], object]) -> None:
    """Act once, right after the first call of `name`."""
    real = getattr(module, name)
    done: list[bool] = []

    def with_act(*arguments: object, **named: object) -> object:
        result = real(*arguments, **named)
        if not done:
            done.append(True)
            act()
        return result

    monkeypatch.setattr(module, name, with_act)


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run see at each commit what was asked of it; and commit each document by itself."""
    real = carrying_out._lists_amid

    def looked(run: SyncRun, treatment: Treatment, heartbeat: Heartbeat) -> object:
        heartbeat.look()
        return real(run, treatment, heartbeat)

    monkeypatch.setattr(carrying_out, "_lists_amid", looked)
    monkeypatch.setattr(documents_pass, "_BATCH_CHUNKS", 1)


def in_one_go(first: Upsert, second: Upsert) -> list[Upsert]:
    """The two, of which the first is fetched only once the second has been asked for."""
    asked = threading.Event()

    def late() -> Content:
        assert asked.wait(60)
        return first.fetch()

    def early() -> Content:
        asked.set()
        return second.fetch()

    return [replace(first, fetch=late), replace(second, fetch=early)]


class Announced(tuple[Event, ...]):
    """Events of which the last has been read once `read` is set."""

    read: threading.Event

    def __new__(cls, events: Iterable[Event], *, read: threading.Event) -> Self:
        made = super().__new__(cls, events)
        made.read = read
        return made

    def __iter__(self) -> Iterator[Event]:
        yield from super().__iter__()
        self.read.set()


def narrow(source_id: int) -> None:
    settings = settings_of(Source.objects.get(pk=source_id))
    change_settings(source_id=source_id, settings=replace(settings, audience=[ANN]), actor="ada")


def work_off(source_id: int) -> None:
    """Carry out whatever is open, and what follows it."""
    for _ in range(6):
        run = SyncRun.objects.filter(source=source_id, state__in=OPEN_STATES).first()
        if run is None:
            return
        execute_run(run.pk)
    raise AssertionError("it never ends")


@pytest.mark.usefixtures("looking")
def test_a_narrower_audience_counts_for_what_an_open_listing_brings(
    script: Script, scripted_source: int, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    script.events = [*MANY, Complete()]
    meanwhile(monkeypatch, documents_pass, "commit", lambda: narrow(scripted_source))
    sync(scripted_source, RunKind.FULL)
    work_off(scripted_source)
    assert found(viewer_for(people["sam"]), "gannetword") == {}
    assert len(found(viewer_for(people["ann"]), "gannetword")) == len(MANY)
    assert len(script.fetched) <= 2 * len(MANY)


def test_a_narrower_audience_is_carried_in_after_a_reading_of_lists_that_had_begun(
    script: Script, scripted_source: int, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    script.events = [*MANY, Complete()]
    sync(scripted_source)
    meanwhile(monkeypatch, permissions_pass, "_apply", lambda: narrow(scripted_source))
    sync(scripted_source, RunKind.PERMISSIONS)
    work_off(scripted_source)
    assert found(viewer_for(people["sam"]), "gannetword") == {}


def test_a_list_that_cannot_be_read_after_the_audience_was_narrowed_keeps_the_narrower_one(
    script: Script, scripted_source: int, people: dict[str, User]
) -> None:
    script.events = [*MANY, Complete()]
    sync(scripted_source)
    assert len(found(viewer_for(people["sam"]), "gannetword")) == len(MANY)
    script.events = [replace(each, acl=None) for each in MANY] + [Complete()]
    narrow(scripted_source)
    work_off(scripted_source)
    assert found(viewer_for(people["sam"]), "gannetword") == {}
    assert len(found(viewer_for(people["ann"]), "gannetword")) == len(MANY)


def test_lists_that_are_asked_for_when_a_run_is_about_to_end_are_read_after_it(
    script: Script, scripted_source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.events = [*MANY, Complete()]

    def ask() -> None:
        request_run(source_id=scripted_source, kind=RunKind.PERMISSIONS, actor="ada")

    meanwhile(monkeypatch, carrying_out, "finish_documents", ask)
    sync(scripted_source)
    assert SyncRun.objects.get(state=RunState.PENDING).kind == RunKind.PERMISSIONS


def test_a_run_that_is_cancelled_before_it_works_leaves_what_was_asked_of_it_beside(
    script: Script, scripted_source: int
) -> None:
    waiting = request_run(source_id=scripted_source, kind=RunKind.FULL, actor="test")
    request_run(source_id=scripted_source, kind=RunKind.PERMISSIONS, actor="ada")
    cancel_run(run_id=waiting, actor="bob")
    assert SyncRun.objects.get(state=RunState.PENDING).kind == RunKind.PERMISSIONS


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((RunKind.FULL, RunKind.RETRY), (RunKind.FULL, False)),
        ((RunKind.RETRY, RunKind.INCREMENTAL), (RunKind.FULL, False)),
        ((RunKind.INCREMENTAL, RunKind.FULL), (RunKind.FULL, False)),
        ((RunKind.PRUNE, RunKind.INCREMENTAL), (RunKind.FULL, False)),
        ((RunKind.PERMISSIONS, RunKind.RETRY), (RunKind.RETRY, True)),
        ((RunKind.RETRY, RunKind.PERMISSIONS), (RunKind.RETRY, True)),
        ((RunKind.PERMISSIONS, RunKind.PRUNE), (RunKind.PRUNE, False)),
    ],
)
@pytest.mark.parametrize("begun", [True, False])
def test_nothing_that_was_asked_for_is_forgotten_for_what_was_asked_for_later(
    script: Script,
    scripted_source: int,
    asked: tuple[RunKind, ...],
    expected: tuple[RunKind, bool],
    begun: bool,
) -> None:
    first = RunKind.PRINCIPALS if begun else asked[0]
    open_run = request_run(source_id=scripted_source, kind=first, actor="test")
    if begun:
        SyncRun.objects.update(started_at=timezone.now())
    for each in asked:
        assert request_run(source_id=scripted_source, kind=each, actor="ada") == open_run
    if begun:
        execute_run(open_run)
    following = SyncRun.objects.get(state=RunState.PENDING)
    assert (following.kind, following.permissions_requested) == expected


@pytest.mark.usefixtures("looking")
def test_a_reading_of_lists_that_breaks_off_keeps_no_revocation_of_the_listing_back(
    script: Script, scripted_source: int, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = document("secret", "The falconword is here.", acl=EVERYBODY)
    script.events = [secret, Complete()]
    sync(scripted_source)
    revoked = document("secret", "The falconword is there.", acl={"allow": [ANN]})
    script.events = [*in_one_go(MANY[0], revoked), Complete()]
    script.lists = [DocumentAcl("m0", parse_acl(EVERYBODY))]

    def ask() -> None:
        request_run(source_id=scripted_source, kind=RunKind.PERMISSIONS, actor="ada")

    meanwhile(monkeypatch, documents_pass, "commit", ask)
    written: list[set[str]] = []

    def note() -> None:
        seen = Document.objects.filter(seen_in_run=SyncRun.objects.latest("pk").pk)
        written.append(set(seen.values_list("external_id", flat=True)))

    meanwhile(monkeypatch, carrying_out, "take_permissions", note)
    run = sync(scripted_source)
    assert written == [{"m0"}], "the lists were read between the two"
    assert run.state == "succeeded"
    assert "secret" not in found(viewer_for(people["sam"]), "falconword")
    assert "secret" in found(viewer_for(people["ann"]), "falconword")


@pytest.mark.usefixtures("looking")
def test_a_listing_that_was_read_ahead_does_not_undo_what_a_reading_of_lists_brought(
    script: Script, scripted_source: int, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows are decided as they are wanted, maybe an hour after their documents were listed."""
    monkeypatch.setattr(documents_pass, "_WINDOW", 1)
    secret = document("secret", "The falconword is here.", acl=EVERYBODY)
    script.events = [secret, Complete()]
    sync(scripted_source)
    listed = threading.Event()
    script.events = Announced([*MANY, secret, Complete()], read=listed)
    ann_only = parse_acl({"allow": [ANN]})
    script.lists = [*(DocumentAcl(each.external_id, each.acl) for each in MANY), Complete()]
    script.lists = [DocumentAcl("secret", ann_only), *script.lists]

    def ask() -> None:
        assert listed.wait(60)
        request_run(source_id=scripted_source, kind=RunKind.PERMISSIONS, actor="ada")

    meanwhile(monkeypatch, documents_pass, "commit", ask)
    monkeypatch.setattr(carrying_out, "PARSERS", -1)  # one thread: little is begun ahead
    sync(scripted_source)
    assert "secret" not in found(viewer_for(people["sam"]), "falconword")


def change(source_id: int, changes: JsonObject) -> None:
    values = settings_of(Source.objects.get(pk=source_id))
    change_settings(source_id=source_id, settings=replace(values, **changes), actor="ada")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (({"rules": {"exclude": ["m0", "m5"]}}, {"rules": {}}), {"m0": "m0", "m5": "m5"}),
        (({}, {"rules": {"exclude": ["m0"]}}), {"m0": None, "m5": "m5"}),
        (({}, {"field_map": {"title": "subject"}}), {"m0": "Subject of m0", "m5": "Subject of m5"}),
        (({}, {"enrichment": [{"drop": True, "when": [{"field": "path", "equals": "m0"}]}]}), {"m0": None}),
    ],
)
def test_a_change_of_what_is_listed_makes_the_run_that_works_begin_again(
    script: Script,
    scripted_source: int,
    monkeypatch: pytest.MonkeyPatch,
    changes: tuple[JsonObject, JsonObject],
    expected: dict[str, str | None],
) -> None:
    described = [replace(each, attributes={"subject": f"Subject of {each.external_id}"}) for each in MANY]
    script.events = [*described, Complete(cursor={"token": 1})]
    monkeypatch.setattr(documents_pass, "_BATCH_CHUNKS", 1)
    before, after = changes
    change(scripted_source, before)
    meanwhile(monkeypatch, documents_pass, "commit", lambda: change(scripted_source, after))
    run = sync(scripted_source)
    assert (run.state, run.code) == ("pending", "settings_changed")
    work_off(scripted_source)
    ended = SyncRun.objects.get()  # the one that was at work, and no other
    assert (ended.state, ended.failed) == (RunState.SUCCEEDED, 0)
    assert script.asked == [(None, None), (None, None)]
    shown = {row.external_id: row.title for row in Document.objects.filter(hidden=Hidden.NO)}
    assert {name: shown.get(name) for name in expected} == expected
    assert Source.objects.get(pk=scripted_source).cursor == {"token": 1}


def test_a_change_that_comes_while_a_run_ends_deletes_nothing_by_the_old_rules(
    script: Script, scripted_source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.events = [*MANY, Complete()]
    sync(scripted_source)
    change(scripted_source, {"rules": {"exclude": ["m5"]}})
    meanwhile(monkeypatch, finishing, "_keep_cursor", lambda: change(scripted_source, {"rules": {}}))
    sync(scripted_source)
    work_off(scripted_source)
    ended = SyncRun.objects.latest("pk")
    assert (ended.state, ended.deleted, ended.unchanged, ended.updated) == (RunState.SUCCEEDED, 0, 5, 1)
    assert Document.objects.get(external_id="m5").hidden == Hidden.NO


@pytest.mark.parametrize("kind", [RunKind.FULL, RunKind.PERMISSIONS])
def test_nothing_is_written_by_the_old_audience_once_a_narrower_one_is_stored(
    script: Script,
    scripted_source: int,
    people: dict[str, User],
    monkeypatch: pytest.MonkeyPatch,
    kind: RunKind,
) -> None:
    narrowed = [replace(each, acl=parse_acl({"allow": [ANN]})) for each in MANY]
    script.events = [*narrowed, Complete()]
    sync(scripted_source)
    script.events = [*MANY, Complete()]
    module = documents_pass if kind == RunKind.FULL else permissions_pass
    meanwhile(monkeypatch, module, "intern_acls", lambda: narrow(scripted_source))
    run = sync(scripted_source, kind)
    assert (run.state, run.code) == ("pending", "settings_changed")
    assert found(viewer_for(people["sam"]), "gannetword") == {}
    work_off(scripted_source)
    assert found(viewer_for(people["sam"]), "gannetword") == {}
    assert len(found(viewer_for(people["ann"]), "gannetword")) == len(MANY)


def test_a_run_that_begins_again_can_be_cancelled_all_the_same(
    script: Script, scripted_source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.events = [*MANY, Complete()]
    monkeypatch.setattr(documents_pass, "_BATCH_CHUNKS", 1)
    meanwhile(
        monkeypatch, documents_pass, "commit", lambda: change(scripted_source, {"rules": {"exclude": ["m0"]}})
    )
    run = sync(scripted_source)
    cancel_run(run_id=run.id, actor="ada")
    assert SyncRun.objects.get().state == RunState.CANCELLED


def test_a_run_that_goes_on_after_a_change_of_rules_begins_its_listing_anew(
    script: Script, scripted_source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.events = [*MANY[:3], Checkpoint({"at": 3}), *MANY[3:], Complete(cursor={"token": 1})]
    monkeypatch.setattr(documents_pass, "_BATCH_CHUNKS", 1)
    run_id = request_run(source_id=scripted_source, kind=RunKind.INCREMENTAL, actor="test")
    with monkeypatch.context() as patched:
        killing(patched, "assistant.sync.documents_pass.commit", call=5, after=True)
        with pytest.raises(Killed):
            execute_run(run_id)
    abandoned(run_id)
    Source.objects.update(rules={"exclude": ["m0"]})
    assert execute_run(run_id)
    assert script.asked == [(None, None), (None, None)]
    gone = Document.objects.get(external_id="m0")
    assert gone.hidden, "what the rule leaves out is seen by nobody"


def test_what_was_listed_before_a_long_pause_is_as_old_as_its_listing(
    script: Script, scripted_source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.events = [*MANY[:3], Checkpoint({"at": 3}), *MANY[3:], Complete()]
    monkeypatch.setattr(documents_pass, "_BATCH_CHUNKS", 1)
    run_id = request_run(source_id=scripted_source, kind=RunKind.INCREMENTAL, actor="test")
    began = timezone.now()
    with monkeypatch.context() as patched:
        killing(patched, "assistant.sync.documents_pass.commit", call=5, after=True)
        with pytest.raises(Killed):
            execute_run(run_id)
    abandoned(run_id)
    run = SyncRun.objects.get(pk=run_id)
    assert run.listing is not None
    days_ago = began - timedelta(days=3)
    SyncRun.objects.update(listing={**run.listing, "began": days_ago.isoformat()})
    assert execute_run(run_id)
    assert script.asked[-1] == (None, {"at": 3})
    assert Connection.objects.get(pk=scripted_source).permissions_confirmed_at == days_ago
    assert Source.objects.get(pk=scripted_source).listed_at == days_ago


def test_a_feed_that_is_followed_often_leaves_room_for_a_reading_of_all_lists(
    script: Script, scripted_source: int
) -> None:
    script.events = [*MANY, Complete(cursor={"token": 1})]
    sync(scripted_source)
    script.changes = [CaughtUp({"token": 2})]
    sync(scripted_source)
    now = timezone.now() + timedelta(hours=25)
    SyncRun.objects.update(started_at=now - timedelta(minutes=16), finished_at=now - timedelta(minutes=15))
    source = Source.objects.select_related("connection").get(pk=scripted_source)
    for cron in ("*/15 * * * *", "* * * * *", "0 0 1 1 *"):
        source.cron = cron
        assert due_kind(source, now=now) is RunKind.PERMISSIONS, cron
    SyncRun.objects.create(
        source=source, kind=RunKind.PERMISSIONS, state=RunState.FAILED, started_at=now, finished_at=now
    )
    assert due_kind(source, now=now + timedelta(minutes=20)) is None
    source.cron = "* * * * *"
    assert due_kind(source, now=now + timedelta(minutes=20)) is RunKind.INCREMENTAL


def test_a_run_whose_worker_died_while_the_source_is_paused_can_be_cancelled(
    script: Script, scripted_source: int
) -> None:
    run_id = request_run(source_id=scripted_source, kind=RunKind.FULL, actor="test")
    SyncRun.objects.update(
        state=RunState.RUNNING, owner="elsewhere:1:0123", lease_until=timezone.now() - timedelta(seconds=1)
    )
    pause_source(source_id=scripted_source, actor="ada")
    cancel_run(run_id=run_id, actor="ada")
    assert SyncRun.objects.get(pk=run_id).state == RunState.CANCELLED
