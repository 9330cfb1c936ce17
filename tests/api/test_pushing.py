"""Programs push documents: each is answered for, and what is in doubt is shown to nobody."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
from datetime import timedelta
from random import Random
from typing import cast
from unittest.mock import patch
from zipfile import ZipFile

import pytest
from django.utils import timezone

from assistant.accounts.models import Connection, PushKey, User
from assistant.accounts.push_keys import issue_push_key
from assistant.api.description import described
from assistant.api.schemas import Schema
from assistant.common.errors import UsageError
from assistant.common.types import Json
from assistant.documents.models import Document
from assistant.sync.engine import execute_run
from assistant.sync.models import RunKind, RunState, Source, SyncRun
from assistant.sync.push_turns import turn
from assistant.sync.pushing import MOST_DOCUMENTS
from assistant.sync.selectors import run_progress
from assistant.sync.services import (
    add_source,
    cancel_run,
    pause_source,
    refuse_deletions,
    request_run,
    resume_source,
    sweep,
)
from assistant.sync.source_settings import SourceSettings, change_settings, settings_of
from tests.api.calling import Caller, JsonDict, caller_of
from tests.api.conformity import misfits
from tests.api.pushing import ANN, Program, bring_to_end, note, pushing_program, results, seen_by


@pytest.fixture
def program(people: dict[str, User]) -> Program:
    """A program that may push into the source `notes`."""
    return pushing_program("notes")


def test_a_document_is_added_updated_and_left_as_it_is(program: Program) -> None:
    assert program.put(note("a", ANN)) == ["added"]
    assert seen_by("ann") == {"a"}
    assert seen_by("sam") == set()
    assert program.put(note("a", ANN)) == ["unchanged"]
    assert program.put(note("a", ANN, text="Other words.")) == ["updated"]
    assert program.put(note("a", "user:sam@example.com", text="Other words.")) == ["updated"]
    assert (seen_by("ann"), seen_by("sam")) == (set(), {"a"})
    document = Document.objects.get(external_id="a")
    assert (document.version, document.body.text) == (2, "Other words.")


def test_one_bad_document_harms_no_other(program: Program) -> None:
    bad: list[Json] = [
        {"text": "no id"},
        {"id": "", "text": "x"},
        {"id": "a\x00b", "text": "x"},
        {"id": "a\u202eb", "text": "x"},
        {"id": "x" * 4096, "text": "x"},
        "no object",
        {"id": "neither", "acl": {"allow": [ANN]}},
        {"id": "broken", "base64": "***", "acl": {"allow": [ANN]}},
    ]
    answer = program.post("documents", documents=[*bad, note("good", ANN)])
    assert [row["status"] for row in results(answer)] == ["failed"] * len(bad) + ["added"]
    assert {row["code"] for row in results(answer)} == {"bad_record", ""}
    assert all(row["message"] for row in results(answer)[:-1])
    assert seen_by("ann") == {"good"}
    run = SyncRun.objects.get()
    assert (run.added, run.kind, run.state) == (1, RunKind.PUSH, RunState.RUNNING)
    assert bring_to_end().state == RunState.SUCCEEDED_WITH_ERRORS


def test_without_an_acl_nobody_sees_the_document(program: Program) -> None:
    assert program.put({"id": "a", "text": "Nobody was named."}) == ["added"]
    assert seen_by("ann") == set()


@pytest.mark.parametrize(
    "doubtful",
    [
        {"acl": None},
        {"acl": {"allow": ["someone"]}},
        {"acl": {"allow": [ANN], "deny": "user:bob@example.com"}},
        {"acl": {"entries": [["allow", ANN, "tomorrow"]]}},
        {"acl": {"allow": [ANN]}, "deny": ["user:bob@example.com"]},
        {"acl": {"allow": [ANN]}, "title": "half of \ud83d a character"},
    ],
)
def test_permissions_that_cannot_be_read_hide_until_they_can(program: Program, doubtful: JsonDict) -> None:
    program.put(note("a", ANN))
    assert program.put({"id": "a", "text": "The text of a.", **doubtful}) == ["failed bad_permissions"]
    assert seen_by("ann") == set()
    assert program.put(note("a", ANN)) == ["updated"]
    assert seen_by("ann") == {"a"}
    assert bring_to_end().state == RunState.SUCCEEDED
    assert seen_by("ann") == {"a"}


def test_an_acl_that_stands_twice_hides_only_its_document(program: Program) -> None:
    body = (
        b'{"documents": [{"id": "a", "text": "x", "acl": {"allow": ["everyone"]}, "acl": {"allow": []}},'
        b' {"id": "b", "text": "x", "acl": {"allow": ["everyone"]}},'
        b' {"id": "c", "text": "x", "attributes": {"n": NaN}}]}'
    )
    answer = program.caller.send("POST", f"sources/{program.source_id}/documents", body=body)
    assert [row["status"] for row in results(answer)] == ["failed", "added", "failed"]
    assert seen_by("sam") == {"b"}


def test_two_documents_with_one_id_are_shown_to_nobody(program: Program) -> None:
    program.put(note("a", ANN))
    doubled = [note("a", ANN), note("a", "everyone"), note("b", ANN)]
    assert program.put(*doubled) == ["failed duplicate_id", "failed duplicate_id", "added"]
    assert seen_by("ann") == {"b"}


def test_content_that_came_damaged_is_refused_and_its_permissions_are_obeyed(program: Program) -> None:
    program.put(note("a", ANN))
    right = hashlib.sha256(b"News.").hexdigest()
    narrowed = {**note("a", "user:bob@example.com", text="New"), "checksum": right}
    assert program.put(narrowed) == ["failed bad_record"]
    assert (seen_by("ann"), seen_by("bob")) == (set(), {"a"})
    assert Document.objects.get(external_id="a").body.text == "The text of a."
    assert program.put({**narrowed, "text": "News.", "checksum": right.upper()}) == ["updated"]
    assert Document.objects.get(external_id="a").body.text == "News."


def test_files_are_parsed_by_their_name(program: Program) -> None:
    page = base64.b64encode(b"<html><body><h1>Heron</h1><script>alert(1)</script>Plan</body></html>").decode()
    broken = io.BytesIO()
    with ZipFile(broken, "w") as archive:
        archive.writestr("x", "y")
    torn = base64.b64encode(broken.getvalue()).decode()
    readers: Json = {"allow": [ANN]}
    assert program.put(
        {"id": "page", "base64": page, "name": "page.html", "acl": readers},
        {"id": "marked", "text": "# Heading\n\nWords", "media_type": "text/markdown", "acl": readers},
        {"id": "torn", "base64": torn, "name": "torn.docx", "acl": readers},
        {"id": "blank", "text": " ", "acl": readers},
    ) in (
        ["added", "added", "failed corrupt", "failed no_text"],
        ["added", "added", "failed mislabelled", "failed no_text"],
    )
    assert "alert" not in Document.objects.get(external_id="page").body.text
    assert Document.objects.get(external_id="marked").body.text == "Heading\n\nWords"


def test_a_deleted_document_is_gone_at_once_and_for_good(program: Program) -> None:
    program.put(*(note(name, ANN) for name in "abcdef"))
    answer = program.post("documents/delete", ids=["a", "never there"])
    assert [row["status"] for row in results(answer)] == ["deleted", "deleted"]
    assert program.post("documents/delete", ids=["a", "never there"]).body == answer.body
    assert seen_by("ann") == set("bcdef")
    run = bring_to_end()
    assert (run.state, run.deleted) == (RunState.SUCCEEDED, 1)
    assert program.put(note("a", ANN)) == ["added"]
    assert seen_by("ann") == set("abcdef")


def test_a_deletion_of_much_asks_first_and_opens_nothing_that_was_in_doubt(program: Program) -> None:
    program.put(*(note(str(number), ANN) for number in range(8)))
    program.put({**note("0", ANN), "acl": "?"})
    program.post("documents/delete", ids=[str(number) for number in range(7)])
    run = bring_to_end()
    assert (run.state, run.missing) == (RunState.WAITING_FOR_APPROVAL, 7)
    assert seen_by("ann") == {"7"}
    refuse_deletions(run_id=run.pk, actor="test")
    assert seen_by("ann") == set("1234567")


def test_what_a_complete_job_did_not_put_is_deleted(program: Program) -> None:
    program.put(*(note(name, ANN) for name in "abcdef"))
    job = program.start("nightly")
    assert program.start("nightly") == job
    assert program.put(*(note(name, ANN) for name in "abcde"), job=job) == ["unchanged"] * 5
    ended = program.stop(job)
    assert (ended["state"], ended["deleted"], ended["unchanged"]) == ("succeeded", 1, 5)
    assert seen_by("ann") == set("abcde")
    again = program.post(f"jobs/{job}/stop", complete=True)
    assert again.value == ended


def test_a_job_that_is_not_complete_deletes_nothing(program: Program) -> None:
    program.put(note("a", ANN), note("b", ANN))
    job = program.start()
    program.put(note("a", ANN), job=job)
    assert program.stop(job, complete=False)["state"] == "succeeded"
    assert seen_by("ann") == {"a", "b"}


def test_a_complete_job_that_lacks_much_asks_first(program: Program) -> None:
    program.put(*(note(str(number), ANN) for number in range(10)))
    job = program.start()
    program.put(note("0", ANN), job=job)
    ended = program.stop(job)
    assert (ended["state"], ended["missing"], ended["deleted"]) == ("waiting_for_approval", 9, 0)
    assert seen_by("ann") == {"0"}


def test_an_empty_complete_job_asks_before_it_empties_the_source(program: Program) -> None:
    program.put(note("a", ANN))
    assert program.stop(program.start())["state"] == "waiting_for_approval"


def test_what_failed_in_a_complete_job_stays(program: Program) -> None:
    program.put(note("a", ANN), note("b", ANN))
    job = program.start()
    assert program.put(note("a", ANN), {**note("b", ANN), "checksum": "0"}, job=job)[1] == "failed bad_record"
    assert program.stop(job)["state"] == "succeeded_with_errors"
    assert seen_by("ann") == {"a", "b"}


def test_a_second_job_is_refused_while_one_is_open(program: Program) -> None:
    job = program.start("first")
    refused = program.post("jobs", name="second")
    assert (refused.status, refused.error) == (409, "conflict")
    assert str(job) in refused.message
    assert program.post("jobs").status == 409


def test_a_silent_job_ends_and_deletes_nothing(program: Program) -> None:
    program.put(note("a", ANN))
    job = program.start()
    run = bring_to_end()
    assert (run.pk, run.state, run.deleted) == (job, RunState.SUCCEEDED, 0)
    assert seen_by("ann") == {"a"}
    refused = program.post("documents", documents=[note("b", ANN)], job=job)
    assert (refused.status, refused.error) == (409, "conflict")
    assert SyncRun.objects.latest("pk").pk == job


def test_a_cancelled_job_takes_nothing_more(program: Program) -> None:
    job = program.start()
    cancel_run(run_id=job, actor="ada")
    assert program.post("documents", documents=[note("a", ANN)], job=job).status == 409
    assert program.caller.get(f"sources/{program.source_id}/jobs/{job}").value["state"] == "cancelled"
    assert program.put(note("a", ANN)) == ["added"]


def test_a_paused_source_takes_nothing(program: Program) -> None:
    pause_source(source_id=program.source_id, actor="ada")
    for path, body in (("documents", {"documents": [note("a", ANN)]}), ("jobs", {})):
        refused = program.post(path, **cast(JsonDict, body))
        assert (refused.status, refused.error) == (409, "conflict")
    resume_source(source_id=program.source_id, actor="ada")
    assert program.put(note("a", ANN)) == ["added"]


def test_no_worker_and_no_schedule_takes_the_run_that_collects(program: Program) -> None:
    program.put(note("a", ANN))
    run = SyncRun.objects.get()
    assert not execute_run(run.pk)
    assert sweep() == []
    SyncRun.objects.update(owner="elsewhere:1:x", lease_until=timezone.now() - timedelta(minutes=1))
    assert not execute_run(run.pk)
    assert program.put(note("a", ANN)) == ["unchanged"]
    assert SyncRun.objects.count() == 1
    Source.objects.update(cron="* * * * *")
    bring_to_end()
    assert sweep() == []
    with pytest.raises(UsageError, match="push"):
        request_run(source_id=program.source_id, kind="full", actor="ada")


def test_an_audience_cannot_be_set_where_it_would_not_count(program: Program) -> None:
    with pytest.raises(UsageError, match="audience"):
        change_settings(
            source_id=program.source_id, settings=SourceSettings(audience=("everyone",)), actor="ada"
        )
    change_settings(
        source_id=program.source_id,
        settings=SourceSettings(rules={"exclude": ["secret*"]}),
        actor="ada",
    )
    assert settings_of(Source.objects.get()).rules
    assert program.put(note("secret plan", ANN), note("plan", ANN)) == ["left_out", "added"]
    assert seen_by("ann") == {"plan"}


def test_groups_are_put_one_by_one_or_all_at_once(program: Program) -> None:
    staff: JsonDict = {"group": "staff", "members": [ANN, "group:hr"]}
    hr: JsonDict = {"group": "hr", "members": ["user:bob@example.com"]}
    program.put(note("a", "group:staff"))
    assert program.post("groups", groups=[staff]).status == 200
    assert (seen_by("ann"), seen_by("bob")) == ({"a"}, set())
    assert program.post("groups", groups=[hr]).status == 200
    assert (seen_by("ann"), seen_by("bob")) == ({"a"}, {"a"})
    program.post("groups", delete=["hr"])
    assert (seen_by("ann"), seen_by("bob")) == ({"a"}, set())
    program.post("groups", groups=[hr], replace=True)
    assert (seen_by("ann"), seen_by("bob")) == (set(), set())


def test_a_group_that_cannot_be_read_lets_nobody_in(program: Program) -> None:
    staff: JsonDict = {"group": "staff", "members": [ANN]}
    program.put(note("a", "group:staff"))
    program.post("groups", groups=[staff])
    for bad in ({"group": "staff", "members": ["?"]}, {"group": "staff", "members": [], "deny": []}):
        program.post("groups", groups=[staff])
        assert seen_by("ann") == {"a"}
        answer = program.post("groups", groups=[cast(Json, bad)])
        assert cast(list[JsonDict], answer.value["groups"])[0]["code"] == "bad_permissions"
        assert seen_by("ann") == set()
    twice = program.post("groups", groups=[staff, staff])
    assert [row["status"] for row in cast(list[JsonDict], twice.value["groups"])] == ["stored", "failed"]
    assert seen_by("ann") == set()


def test_one_group_does_not_make_the_others_young_again(program: Program) -> None:
    program.post("groups", groups=[{"group": "staff", "members": [ANN]}])
    program.put(note("a", "group:staff"))
    old = timezone.now() - timedelta(days=30)
    Connection.objects.update(principals_confirmed_at=old)
    program.post("groups", groups=[{"group": "hr", "members": [ANN]}])
    assert seen_by("ann") == set()
    program.post("groups", groups=[{"group": "staff", "members": [ANN]}], replace=True)
    assert seen_by("ann") == {"a"}


def test_a_job_can_put_all_groups_in_parts(program: Program) -> None:
    for name in ("staff", "hr"):
        program.post("groups", groups=[{"group": name, "members": [ANN]}])
    program.post("groups", accounts=[{"account": "U1", "email": "bob@example.com"}])
    program.put(note("a", "group:staff"), note("b", "group:hr"), note("c", "account:U1"))
    job = program.start()
    program.post("groups", groups=[{"group": "hr", "members": [ANN]}], job=job)
    program.put(note("a", "group:staff"), note("b", "group:hr"), note("c", "account:U1"), job=job)
    assert seen_by("bob") == {"c"}
    assert program.stop(job, groups_complete=True)["state"] == "succeeded"
    assert (seen_by("ann"), seen_by("bob")) == ({"b"}, set())


def test_what_is_not_confirmed_for_long_is_shown_to_nobody_until_it_is_put_again(program: Program) -> None:
    program.put(note("a", ANN))
    Document.objects.update(acl_confirmed_at=timezone.now() - timedelta(days=8))
    assert seen_by("ann") == set()
    assert program.put(note("a", ANN)) == ["unchanged"]
    assert seen_by("ann") == {"a"}


def test_a_server_that_died_within_a_request_loses_nothing_that_was_acknowledged(program: Program) -> None:
    program.put(note("a", ANN))

    class Killed(BaseException):
        """The process is gone."""

    with patch("assistant.sync.pushing._settle", side_effect=Killed), pytest.raises(Killed):
        program.put(note("b", ANN))
    assert program.put(note("b", ANN)) == ["unchanged"]
    assert seen_by("ann") == {"a", "b"}
    assert Document.objects.count() == 2


def test_bodies_that_are_none_are_refused_as_a_whole(program: Program) -> None:
    path = f"sources/{program.source_id}/documents"
    send = program.caller.send
    broken = (b"", b"[]", b"{", b"\xff", b'"x"', b"[" * 100_000)
    for body in (*broken, b'{"documents": {}}', b'{"documents": []}'):
        answer = send("POST", path, body=body)
        assert (answer.status, answer.error) == (400, "bad_request"), body[:20]
    too_many = program.post("documents", documents=[note(str(number)) for number in range(11)])
    assert too_many.status == 400
    assert program.post("documents", documents=[note("a")], unknown=1).status == 400
    assert program.post("documents", documents=[note("a")], job="1").status == 400
    assert program.post("documents/delete", ids=[1]).status == 400
    assert program.post("documents/delete").status == 400
    assert program.post("jobs", name="x" * 201).status == 400
    assert program.post("jobs/1/stop", complete=1).status == 400
    assert program.post("jobs/1/stop").status == 404
    assert program.caller.get(f"sources/{program.source_id}/jobs/1", x="y").status == 400
    assert send("POST", path, body=b"{}", content_type="text/plain").status == 400
    assert send("GET", path).status == 405
    with patch("assistant.api.pushing.LARGEST_BODY", 10):
        assert send("POST", path, body=b'{"documents": []}').status == 413
    assert not Document.objects.exists()


def test_one_request_at_a_time_works_on_a_source(program: Program) -> None:
    with (
        turn(program.source_id),
        patch("assistant.sync.push_turns._LONGEST_WAIT_S", 0.2),
    ):
        busy = program.post("documents", documents=[note("a", ANN)])
    assert (busy.status, busy.error) == (503, "unavailable")
    assert busy.headers["Retry-After"]
    assert program.put(note("a", ANN)) == ["added"]


@pytest.mark.django_db(transaction=True)
def test_programs_that_push_at_once_lose_nothing(people: dict[str, User]) -> None:
    program = pushing_program("notes")
    statuses: list[str] = []

    def push(number: int) -> None:
        for part in range(3):
            statuses.extend(program.put(note(f"{number}-{part}", ANN), note("shared", ANN)))

    threads = [threading.Thread(target=push, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == ["added"] * 10 + ["unchanged"] * 8
    assert len(seen_by("ann")) == 10


def test_a_push_key_opens_nothing_else(program: Program, people: dict[str, User]) -> None:
    program.put(note("a", "everyone"))
    other = pushing_program("others")
    number = Document.objects.get().pk
    nobody = Caller("Bearer mundap_nothing")
    for path in (f"documents/{number}", "search?q=text", "permissions/people?text=a", "nothing"):
        assert program.caller.send("GET", path).body == nobody.send("GET", path).body
        assert program.caller.send("GET", path).status == 401
    assert program.caller.post("ask", {"question": "text?"}).status == 401
    job = other.start()
    for path in ("documents", "documents/delete", "groups", "jobs", f"jobs/{job}/stop"):
        theirs = program.caller.post(f"sources/{other.source_id}/{path}", {"nonsense": 1})
        missing = program.caller.post(f"sources/987654/{path}", {"nonsense": 1})
        assert (theirs.status, theirs.body) == (404, missing.body)
        assert program.caller.send("GET", f"sources/{other.source_id}/{path}").body == theirs.body
        assert caller_of(people["ada"]).post(f"sources/{program.source_id}/{path}", {}).status == 401
    assert program.caller.get(f"sources/{program.source_id}/jobs/{job}").status == 404


def test_a_key_that_expired_or_was_revoked_is_refused_at_once(program: Program) -> None:
    program.put(note("a", ANN))
    PushKey.objects.update(expires_at=timezone.now())
    assert program.post("documents", documents=[note("b", ANN)]).status == 401
    PushKey.objects.update(expires_at=timezone.now() + timedelta(days=1), revoked_at=timezone.now())
    assert program.post("documents", documents=[note("b", ANN)]).status == 401
    assert str(PushKey.objects.get()) == "key script of notes"
    with pytest.raises(UsageError):
        issue_push_key(connection_id=program.source_id, name="", days=1, actor="test")
    with pytest.raises(UsageError):
        issue_push_key(connection_id=program.source_id, name="x", days=366, actor="test")


def test_nothing_can_be_pushed_into_a_source_that_is_read(people: dict[str, User]) -> None:
    source_id = add_source(kind="jsonl", name="lines", config={"path": "/nothing"}, actor="test")
    key = issue_push_key(connection_id=source_id, name="x", days=1, actor="test")
    program = Program(source_id, Caller(f"Bearer {key.text}"))
    assert program.post("documents", documents=[note("a", ANN)]).status == 404
    assert program.post("jobs").status == 404


def test_real_answers_are_as_described(program: Program) -> None:
    job = program.start()
    answers = {
        "PutResults": program.post("documents", documents=[note("a", ANN), note("b", "?")]),
        "DeleteResults": program.post("documents/delete", ids=["a"]),
        "GroupResults": program.post(
            "groups", groups=[{"group": "g", "members": []}, 1], accounts=[{"account": "U1"}]
        ),
        "Job": program.post(f"jobs/{job}/stop"),
    }
    schemas = cast(dict[str, Schema], cast(JsonDict, described()["components"])["schemas"])
    for name, answer in answers.items():
        assert answer.status == 200, answer.body
        assert misfits(cast(Json, answer.value), schemas[name], schemas=schemas, at=name) == []


def test_the_console_sees_the_run_like_every_other(program: Program) -> None:
    program.put(note("a", ANN), {**note("b", ANN), "acl": "?"})
    run = bring_to_end()
    view = run_progress(run.pk)
    assert (view.kind, view.state, view.added, view.failed) == ("push", "succeeded_with_errors", 1, 1)
    assert json.dumps(run.listing)


_FIELDS: tuple[Json, ...] = (
    None, True, 0, -1, 1e300, 2**70, "", "x" * 5000, "\x00", "\u202e", "everyone", [], [[]], {}, {"all": {}},
    {"all": [{}]}, {"allow": [1]}, {"entries": [["allow"]]}, {"entries": [["allow", "everyone", "x"]]},
)  # fmt: skip


def test_whatever_a_program_sends_is_answered_and_opens_nothing(program: Program) -> None:
    random = Random(58)
    names = (
        "id",
        "title",
        "text",
        "base64",
        "name",
        "media_type",
        "url",
        "modified",
        "attributes",
        "checksum",
    )
    opened = ({"allow": ["everyone"]}, {"entries": [["allow", "everyone"]]})
    for _ in range(12):
        documents: list[Json] = []
        for number in range(MOST_DOCUMENTS):
            document: JsonDict = {"id": f"f{number}", "text": "x", "acl": random.choice(_FIELDS)}
            for name in random.sample(names, random.randint(0, 3)):
                document[name] = random.choice(_FIELDS)
            assert document["acl"] not in opened
            documents.append(document)
        answer = program.post("documents", documents=documents)
        assert answer.status == 200, answer.body
        assert len(results(answer)) == len(documents)
    assert seen_by("sam") == set()
    fields = ("ids", "groups", "accounts", "delete", "replace", "name", "complete", "job")
    for _ in range(80):
        path = random.choice(("documents/delete", "groups", "jobs", "jobs/1/stop"))
        body = {random.choice(fields): random.choice(_FIELDS)}
        assert program.post(path, **body).status in {200, 400, 404, 409}, (path, body)
