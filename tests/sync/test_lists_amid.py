"""What a reading of lists amid the documents has told is not undone by the listing it interrupted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from django.utils import timezone

from assistant.access.viewer import viewer_for
from assistant.accounts.models import User
from assistant.common.acl import parse_acl
from assistant.common.types import Json, JsonObject
from assistant.sync import carrying_out, committing, documents_pass
from assistant.sync.engine import execute_run
from assistant.sync.listing import ReadAhead
from assistant.sync.models import RunKind, RunState, SyncRun
from assistant.sync.services import request_run
from connectors.sdk.contract import Complete, DocumentAcl, Event, PermissionEvent
from tests.sync.conftest import sync
from tests.sync.scripted import EVERYBODY, Script, document
from tests.sync.test_interrupted import Killed, abandoned, killing
from tests.sync.test_settings_amid import MANY, change, looking, meanwhile, work_off
from tests.sync.watching import found

__all__ = ["looking"]
ANN: Json = {"allow": ["user:ann@example.com"]}
BOB: Json = {"allow": ["user:bob@example.com"]}
SECRET = document("secret", "The falconword is here.", acl=EVERYBODY)


@pytest.fixture
def ask_amid(
    scripted_source: int,
    script: Script,
    monkeypatch: pytest.MonkeyPatch,
    looking: None,
) -> Callable[[str], None]:
    """Let lists be read once the first document is written: before or after the others are listed."""

    def prepared(listed: str) -> None:
        monkeypatch.setattr(documents_pass, "_WINDOW", 1)
        monkeypatch.setattr(carrying_out, "PARSERS", -1)  # one thread: little is begun ahead
        moments = count()
        real = ReadAhead.__iter__

        def dated(self: ReadAhead[Event]) -> object:
            """The first document is listed long ago; the others then too, or long after the reading."""
            for item in real(self):
                late = next(moments) > 0 and listed == "after"
                self.read_at = timezone.now() + timedelta(hours=1 if late else -1)
                yield item

        monkeypatch.setattr(ReadAhead, "__iter__", dated)
        meanwhile(monkeypatch, documents_pass, "commit", ask)

    def ask() -> None:
        request_run(source_id=scripted_source, kind=RunKind.PERMISSIONS, actor="ada")

    return prepared


def told(*lists: tuple[str, Json]) -> list[PermissionEvent]:
    """A reading of the lists of everything; only these are others than the listing says."""
    others = [DocumentAcl(each.external_id, each.acl) for each in MANY]
    return [*others, *(DocumentAcl(name, parse_acl(acl)) for name, acl in lists), Complete()]


@pytest.mark.parametrize("case", ["known before", "known after", "new before", "new after"])
def test_a_revocation_that_a_reading_has_told_holds_whenever_the_document_was_listed(
    script: Script,
    scripted_source: int,
    people: dict[str, User],
    ask_amid: Callable[[str], None],
    case: str,
) -> None:
    """Many sources read their rules at the beginning of a listing: what they list an hour later is as old."""
    state, listed = case.split()
    if state == "known":
        script.events = [SECRET, Complete()]
        sync(scripted_source)
    script.events = [*MANY, SECRET, Complete()]
    script.lists = told(("secret", ANN))
    ask_amid(listed)
    run = sync(scripted_source)
    assert (run.state, run.failed) == ("succeeded", 0)
    assert "secret" not in found(viewer_for(people["sam"]), "falconword")
    assert "secret" in found(viewer_for(people["ann"]), "falconword")


@pytest.mark.parametrize("known", [True, False])
def test_where_nobody_knows_which_list_is_younger_both_must_let_in_until_they_are_read_again(
    script: Script,
    scripted_source: int,
    people: dict[str, User],
    ask_amid: Callable[[str], None],
    known: bool,
) -> None:
    if known:
        script.events = [document("secret", "The falconword is here.", acl=BOB), Complete()]
        sync(scripted_source)
    script.events = [*MANY, document("secret", "The falconword is here.", acl=BOB), Complete()]
    script.lists = told(("secret", {"allow": ["user:ann@example.com", "user:cho@example.com"]}))
    ask_amid("after")
    sync(scripted_source)
    for name in ("ann", "bob", "cho", "sam"):
        assert "secret" not in found(viewer_for(people[name]), "falconword"), name
    following = SyncRun.objects.get(state=RunState.PENDING)
    assert following.kind == RunKind.PERMISSIONS
    script.lists = told(("secret", BOB))
    work_off(scripted_source)
    assert "secret" in found(viewer_for(people["bob"]), "falconword")
    assert "secret" not in found(viewer_for(people["ann"]), "falconword")


def test_a_new_document_whose_list_a_reading_could_not_read_is_seen_by_nobody(
    script: Script, scripted_source: int, people: dict[str, User], ask_amid: Callable[[str], None]
) -> None:
    script.events = [*MANY, SECRET, Complete()]
    script.lists = [DocumentAcl("secret", None), *told()]
    ask_amid("after")
    sync(scripted_source)
    assert "secret" not in found(viewer_for(people["ann"]), "falconword")


def lists_wanted(run_id: int) -> bool:
    return SyncRun.objects.get(pk=run_id).permissions_requested


def test_a_reading_that_a_change_of_rules_interrupts_is_made_all_the_same(
    script: Script,
    scripted_source: int,
    people: dict[str, User],
    ask_amid: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script.events = [*MANY, SECRET, Complete()]
    script.lists = told(("secret", ANN))
    rules: JsonObject = {"rules": {"exclude": ["m0"]}}
    meanwhile(monkeypatch, carrying_out, "forget_named", lambda: change(scripted_source, rules))
    ask_amid("before")
    run = sync(scripted_source)
    assert (run.code, lists_wanted(run.id)) == ("settings_changed", True)
    work_off(scripted_source)
    assert not lists_wanted(run.id)
    assert "secret" not in found(viewer_for(people["sam"]), "falconword")


def test_a_reading_whose_worker_is_killed_is_made_by_the_next_one(
    script: Script,
    scripted_source: int,
    people: dict[str, User],
    ask_amid: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script.events = [*MANY, SECRET, Complete()]
    script.lists = told(("secret", ANN))
    ask_amid("before")
    run_id = request_run(source_id=scripted_source, kind=RunKind.INCREMENTAL, actor="test")
    with monkeypatch.context() as patched:
        killing(patched, "assistant.sync.carrying_out.take_permissions", call=1, after=False)
        with pytest.raises(Killed):
            execute_run(run_id)
    abandoned(run_id)
    assert not lists_wanted(run_id)
    assert execute_run(run_id)
    assert not lists_wanted(run_id)
    assert "secret" not in found(viewer_for(people["sam"]), "falconword")


def test_a_list_that_nobody_told_is_the_one_of_the_listing(
    script: Script, scripted_source: int, people: dict[str, User], ask_amid: Callable[[str], None]
) -> None:
    script.events = [*MANY, SECRET, Complete()]
    script.lists = told()
    ask_amid("after")
    sync(scripted_source)
    assert "secret" in found(viewer_for(people["sam"]), "falconword")
    assert not SyncRun.objects.filter(state=RunState.PENDING).exists()


def test_equal_lists_leave_nothing_to_read_again(
    script: Script,
    scripted_source: int,
    ask_amid: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script.events = [*MANY, SECRET, Complete()]
    sync(scripted_source)
    script.lists = told(("secret", EVERYBODY))
    ask_amid("after")
    written: list[int] = []
    real = committing._write

    def noted(run: SyncRun, *rest: object) -> object:
        written.append(1)
        return real(run, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(committing, "_write", noted)
    run = sync(scripted_source)
    assert (run.updated, run.unchanged, written) == (0, 7, [])
    assert not SyncRun.objects.filter(state=RunState.PENDING).exists()
