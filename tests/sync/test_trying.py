"""Trying a source that is not stored: what it answers, what it costs when it does not, and who may."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping

import pytest

from assistant.access.viewer import viewer_for
from assistant.accounts.models import Role, User
from assistant.audit.models import AuditEvent
from assistant.common.errors import NotFound, UsageError
from assistant.common.types import JsonObject
from assistant.sync import trying
from assistant.sync.models import Source
from assistant.sync.rules import LeftOut
from assistant.sync.trying import PREVIEWED, Ending, Wanted, preview, try_connection
from connectors import registry
from tests.sync import sample_kind
from tests.sync.sample_kind import SECRET, let_go

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _sample(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(registry.KINDS, "filesystem", sample_kind.PATH)
    monkeypatch.setitem(registry.KINDS, "jsonl", sample_kind.DIRECTORY_PATH)
    let_go.clear()
    yield
    let_go.set()
    for thread in threading.enumerate():  # what a test left behind ends with it
        if thread.name == "source trial":
            thread.join(10)


@pytest.fixture
def ada(people: dict[str, User]) -> User:
    """The administrator."""
    return people["ada"]


def wanted(
    behaviour: str, *, rules: JsonObject | None = None, secrets: Mapping[str, str] | None = None
) -> Wanted:
    """A sample source that behaves like this."""
    config = {"address": "https://wiki.example", "behaviour": behaviour}
    return Wanted("filesystem", config, {"token": SECRET} if secrets is None else secrets, rules or {})


def test_each_step_says_whether_it_works(ada: User) -> None:
    good = try_connection(wanted("good"), viewer=viewer_for(ada))
    assert (good.passed, good.ending, len(good.steps)) == (True, Ending.DONE, 2)
    half = try_connection(wanted("half"), viewer=viewer_for(ada))
    assert not half.passed
    assert [step.ok for step in half.steps] == [True, False]
    assert half.steps[1].detail == "The right to read is missing. Ask for it."


def test_what_the_source_refuses_is_told_in_its_own_sentence(ada: User) -> None:
    trial = try_connection(wanted("refuses"), viewer=viewer_for(ada))
    assert (trial.ending, trial.passed) == (Ending.REFUSED, False)
    assert trial.problem == "The account 'reader' is not known: check its name and password."


def test_settings_that_do_not_fit_reach_no_source(ada: User) -> None:
    trial = try_connection(wanted("good", secrets={}), viewer=viewer_for(ada))
    assert trial.ending is Ending.REFUSED
    assert "'token'" in trial.problem


def test_a_broken_connector_gives_no_secret_away(ada: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    trial = try_connection(wanted("broken"), viewer=viewer_for(ada))
    assert (trial.ending, trial.problem) == (Ending.BROKEN, "RuntimeError")
    assert "RuntimeError" in caplog.text
    assert SECRET not in caplog.text + str(trial)


def test_a_source_that_does_not_answer_is_left_behind_in_time(ada: User) -> None:
    began = time.monotonic()
    trial = try_connection(wanted("slow"), viewer=viewer_for(ada), seconds=0.3)
    assert (trial.ending, trial.steps) == (Ending.TOO_SLOW, ())
    assert time.monotonic() - began < 5


def test_sources_that_do_not_answer_take_only_so_many_places(ada: User) -> None:
    endings = [
        try_connection(wanted("slow"), viewer=viewer_for(ada), seconds=0.05).ending
        for _ in range(trying._AT_ONCE + 1)
    ]
    assert endings == [Ending.TOO_SLOW] * trying._AT_ONCE + [Ending.BUSY]
    let_go.set()
    for thread in threading.enumerate():
        if thread.name == "source trial":
            thread.join(10)
    assert try_connection(wanted("good"), viewer=viewer_for(ada)).passed


def test_a_preview_shows_the_first_documents_and_whom_each_would_let_in(ada: User) -> None:
    found = preview(wanted("good"), viewer=viewer_for(ada))
    assert (len(found.rows), found.ending) == (PREVIEWED, Ending.DONE)
    public, unread, nobody, denied, both = found.rows[:5]
    assert (public.everybody, public.nobody) == (True, False)
    assert unread.clauses is None
    assert unread.nobody
    assert (nobody.clauses, nobody.nobody) == ((), True)
    assert denied.clauses is not None
    assert [(entry.allow, entry.kind, entry.id) for entry in denied.clauses[0]] == [
        (False, "user", "bob@example.com"),
        (True, "group", "staff"),
    ]
    assert not denied.nobody
    assert both.clauses is not None
    assert (len(both.clauses), both.everybody, both.nobody) == (2, False, False)
    assert "nobody may be shown" not in str(found)


def test_a_preview_says_which_rule_leaves_a_document_out(ada: User) -> None:
    rules: JsonObject = {"types": ["md"], "exclude": ["**/03.md"], "max_bytes": 10_000}
    rows = {
        row.external_id: row.left_out
        for row in preview(wanted("good", rules=rules), viewer=viewer_for(ada)).rows
    }
    assert rows["handbook/00.pdf"] is LeftOut.TYPE
    assert rows["handbook/01.md"] is None
    assert rows["handbook/03.md"] is LeftOut.EXCLUDED
    assert rows["handbook/13.md"] is LeftOut.SIZE
    with pytest.raises(UsageError):
        preview(wanted("good", rules={"nonsense": True}), viewer=viewer_for(ada))


def test_a_preview_that_takes_too_long_shows_what_came(ada: User) -> None:
    found = preview(wanted("slows down"), viewer=viewer_for(ada), seconds=1)
    assert (found.ending, len(found.rows)) == (Ending.TOO_SLOW, 3)


def test_hostile_names_are_shown_by_their_numbers(ada: User) -> None:
    first, failed = preview(wanted("hostile"), viewer=viewer_for(ada)).rows[:2]
    assert first.external_id == "bad\\u202egnp.exe <script>"
    assert (failed.external_id, bool(failed.problem)) == ("broken <b>", True)


def test_a_directory_shows_its_groups(ada: User) -> None:
    config: JsonObject = {"address": "https://wiki.example", "behaviour": "good"}
    found = preview(Wanted("jsonl", config, {"token": SECRET}), viewer=viewer_for(ada))
    assert (found.rows, found.groups) == ((), (("staff", 2),))


def test_nothing_is_stored_but_that_somebody_tried(ada: User) -> None:
    try_connection(wanted("good"), viewer=viewer_for(ada))
    preview(wanted("good"), viewer=viewer_for(ada))
    assert Source.objects.count() == 0
    events = AuditEvent.objects.filter(event="source_tried")
    assert [event.actor_id for event in events] == [ada.pk] * 2
    assert SECRET not in str(list(events.values_list("data", flat=True)))


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.AUDITOR, Role.SECURITY_ADMINISTRATOR])
def test_who_does_not_manage_sources_tries_none(people: dict[str, User], role: Role) -> None:
    other = User.objects.create_user("other@example.com", role=role)
    for what in (try_connection, preview):
        with pytest.raises(NotFound):
            what(wanted("good"), viewer=viewer_for(other))
    assert not AuditEvent.objects.filter(event="source_tried").exists()
