"""What Slack sends becomes one job, or none; what is not Slack's is refused alike."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client

from assistant.slackbot import actions, bolt_app, incoming, jobs
from assistant.slackbot.models import Delivery, Job, Workspace
from tests.slackbot.signed import (
    BOT,
    BOT_USER,
    SECRET,
    clicked,
    command,
    event,
    interaction,
    new_workspace,
    said,
    signed,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_apps() -> Iterator[None]:
    bolt_app.forget()
    yield
    bolt_app.forget()


@pytest.fixture
def workspace() -> Workspace:
    """An open workspace that Slack reaches over HTTP."""
    return new_workspace()


def _only() -> tuple[Job, dict[str, Any]]:
    job = Job.objects.get()
    return job, dict(jobs.payload_of(job))


def test_a_direct_message_becomes_a_question(client: Client, workspace: Workspace) -> None:
    assert signed(said("얼마나 쉬나요?")).send(client).status_code == 200
    job, payload = _only()
    assert (job.kind, job.key) == ("question", "m:D01:1767225600.000100")
    assert payload == {
        "channel": "D01",
        "channel_type": "im",
        "user": "U0ANN",
        "text": "얼마나 쉬나요?",
        "ts": "1767225600.000100",
        "files": [],
        "via": "message",
    }
    assert "쉬나요".encode() not in bytes(job.sealed_payload)


def test_slack_is_answered_its_challenge(client: Client, workspace: Workspace) -> None:
    answer = signed({"type": "url_verification", "token": "x", "challenge": "3eZbrw1aB"}).send(client)
    assert answer.status_code == 200
    assert json.loads(answer.content)["challenge"] == "3eZbrw1aB"  # type: ignore[attr-defined]


def test_a_challenge_without_a_right_signature_is_not_answered(client: Client, workspace: Workspace) -> None:
    request = signed({"type": "url_verification", "challenge": "3eZbrw1aB"}, secret="another")
    assert request.send(client).status_code == 404


def test_a_mention_that_comes_as_a_message_too_is_one_question(client: Client, workspace: Workspace) -> None:
    mention = {
        "type": "app_mention",
        "channel": "C01",
        "user": "U0ANN",
        "text": f"<@{BOT_USER}> hi",
        "ts": "1.2",
    }
    signed(event(mention, event_id="Ev1")).send(client)
    signed(event({**mention, "type": "message", "channel_type": "channel"}, event_id="Ev2")).send(client)
    signed(event(mention, event_id="Ev3")).send(client)
    assert _only()[1]["via"] == "mention"


@pytest.mark.parametrize(
    "more",
    [
        {"bot_id": "B0OTHER"},
        {"bot_id": BOT, "user": BOT_USER},
        {"user": BOT_USER},
        {"user": None},
        {"subtype": "message_changed"},
        {"subtype": "message_deleted"},
        {"subtype": "bot_message"},
        {"subtype": "channel_join"},
        {"edited": {"user": "U0ANN", "ts": "2.0"}},
        {"channel_type": "channel"},
        {"channel_type": "mpim"},
        {"channel_type": None},
    ],
)
def test_what_nobody_asks_us_is_silent(client: Client, workspace: Workspace, more: dict[str, Any]) -> None:
    assert signed(said("hello", **more)).send(client).status_code == 200
    assert not Job.objects.exists()


def test_a_command_may_speak_of_a_payload(client: Client, workspace: Workspace) -> None:
    request = signed(command("/ask", "What does payload={} mean? 한글"))
    assert request.send(client).status_code == 200
    job, payload = _only()
    assert (job.kind, job.key, payload["via"]) == ("question", "c:1.2.abc", "command")
    assert payload["text"] == "What does payload={} mean? 한글"
    assert payload["response_url"].startswith("https://hooks.slack.com/")


def test_new_and_the_buttons_become_jobs(client: Client, workspace: Workspace) -> None:
    for body in (
        command("/new", "", trigger="1.2.new"),
        clicked(actions.AGAIN, trigger="1.2.again"),
        clicked(actions.SHARE, trigger="1.2.share"),
    ):
        assert signed(body).send(client).status_code == 200
    assert dict(Job.objects.values_list("key", "kind")) == {
        "n:1.2.new": "new",
        "a:again:1.2.again": "again",
        "a:share:1.2.share": "share",
    }
    shared = jobs.payload_of(Job.objects.get(kind="share"))
    assert (shared["turn"], shared["message_ts"], shared["channel"]) == ("7", "1767225600.000200", "C01")


def test_a_dialog_that_was_sent_becomes_a_question(client: Client, workspace: Workspace) -> None:
    about = {"channel": "C01", "ts": "1.2", "quoted": "The plant opens at 8."}
    view = {
        "id": "V1",
        "type": "modal",
        "callback_id": actions.ASK_ABOUT_SUBMIT,
        "private_metadata": json.dumps(about),
        "state": {"values": {actions.QUESTION_BLOCK: {actions.FIELD: {"value": "Who says so?"}}}},
    }
    assert signed(interaction("view_submission", view=view)).send(client).status_code == 200
    job, payload = _only()
    assert job.key == "v:V1"
    assert payload == {**about, "quoted_by": "", "user": "U0ANN", "via": "dialog", "text": "Who says so?"}


def test_whatever_may_widen_who_reads_is_rechecked(client: Client, workspace: Workspace) -> None:
    for number, what in enumerate(
        (
            {"type": "member_joined_channel", "user": "U0BOB", "channel": "C01"},
            {"type": "channel_shared", "channel": "C02"},
            {"type": "message", "subtype": "channel_convert_to_public", "channel": "C03", "ts": "1.1"},
        )
    ):
        signed(event(what, event_id=f"Ev{number}")).send(client)
    found = {jobs.payload_of(job)["channel"] for job in Job.objects.filter(kind="recheck")}
    assert found == {"C01", "C02", "C03"}


def test_new_people_recheck_every_channel_once_a_minute(
    client: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not before the minute is over, and what comes in the next minute is another job."""
    clock = SimpleNamespace(now=1_767_225_600.0)  # a minute begins
    monkeypatch.setattr(incoming, "time", SimpleNamespace(time=lambda: clock.now))
    for number, second in enumerate((0.0, 0.5, 1.0, 20.0, 59.9, 60.0, 61.0)):
        clock.now = 1_767_225_600.0 + second
        kind = "team_join" if number % 2 else "user_change"
        signed(event({"type": kind, "user": {"id": f"U{number}"}}, event_id=f"Ev{number}")).send(client)
    waiting = list(Job.objects.all())
    assert [jobs.payload_of(job) for job in waiting] == [{"channel": ""}] * 2
    assert all((job.due_at - job.created_at).total_seconds() >= 60.0 for job in waiting)
    assert jobs.claim("me") is None


def test_an_app_that_was_removed_is_marked_and_its_job_is_done(client: Client, workspace: Workspace) -> None:
    signed(said("hello")).send(client)
    signed(event({"type": "app_uninstalled"}, event_id="Ev9")).send(client)
    workspace.refresh_from_db()
    assert workspace.failure == "app_uninstalled"
    job = jobs.claim("me")
    assert job is not None
    assert job.kind == "closed"
    assert jobs.claim("me") is None


def test_only_a_revoked_bot_token_closes(client: Client, workspace: Workspace) -> None:
    signed(event({"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}}, event_id="Ev1")).send(
        client
    )
    workspace.refresh_from_db()
    assert workspace.failure == ""
    signed(event({"type": "tokens_revoked", "tokens": {"bot": ["U1"]}}, event_id="Ev2")).send(client)
    workspace.refresh_from_db()
    assert workspace.failure == "token_revoked"


def test_another_team_and_another_app_are_not_heard(client: Client, workspace: Workspace) -> None:
    hello = {"type": "message", "channel_type": "im", "channel": "D1", "user": "U1", "text": "x", "ts": "1.1"}
    for body in (event(hello, team="T0OTHER"), event(hello, app="A0OTHER")):
        assert signed(body).send(client).status_code == 200
    assert signed(command("/ask", "x", team_id="T0OTHER")).send(client).status_code == 200
    assert not Job.objects.exists()


def test_a_message_of_a_shared_channel_is_heard_by_authorization(
    client: Client, workspace: Workspace
) -> None:
    body = event(
        {"type": "app_mention", "channel": "C1", "user": "U9", "text": "x", "ts": "1.1", "team": "T0OTHER"}
    )
    assert signed({**body, "team_id": "T0OTHER"}).send(client).status_code == 200
    assert Job.objects.count() == 1


def test_a_job_that_cannot_be_written_is_not_acknowledged(
    client: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise DatabaseError("the words 은밀한 질문 must not be written")

    monkeypatch.setattr(jobs, "take_in", broken)
    with caplog.at_level(logging.DEBUG):
        assert signed(said("은밀한 질문")).send(client).status_code == 500
    assert "은밀한" not in caplog.text


def test_clicks_that_need_their_trigger_are_reacted_to_at_once(
    client: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    runner = bolt_app.app_of(workspace).listener_runner.lazy_listener_runner
    monkeypatch.setattr(runner, "start", lambda function, request: started.append((function, request.body)))
    for body in (
        clicked(actions.SOURCES),
        clicked(actions.USEFUL),
        clicked(actions.NOT_USEFUL),
        interaction(
            "message_action", callback_id=actions.ASK_ABOUT, message={"text": "x"}, channel={"id": "C1"}
        ),
        interaction(
            "view_submission", view={"id": "V1", "type": "modal", "callback_id": actions.FEEDBACK_SUBMIT}
        ),
    ):
        answer = signed(body).send(client)
        assert (answer.status_code, answer.content) == (200, b"")  # type: ignore[attr-defined]
    assert len(started) == 5
    assert not Job.objects.exists()


def test_links_are_only_acknowledged(client: Client, workspace: Workspace) -> None:
    for action in (actions.OPEN, actions.JOIN, actions.HOME, actions.source_link(12)):
        assert signed(clicked(action)).send(client).status_code == 200
    assert not Job.objects.exists()


@pytest.mark.parametrize("change", [{"is_open": False}, {"delivery": Delivery.SOCKET}, {"handle": "h-2"}])
def test_a_workspace_that_is_not_there_and_a_wrong_signature_answer_alike(
    client: Client, change: dict[str, Any]
) -> None:
    new_workspace(**{"handle": "h-1", **change})
    there, wrong = (
        signed(said("x")).send(client),
        signed(said("x"), secret="wrong", handle="h-2").send(client),
    )
    assert (there.status_code, there.content) == (wrong.status_code, wrong.content)  # type: ignore[attr-defined]
    assert there.status_code == 404
    assert not Job.objects.exists()


def test_a_workspace_without_a_secret_hears_nobody(client: Client) -> None:
    from assistant.slackbot.credentials import Credentials  # noqa: PLC0415 - only here

    new_workspace(credentials=Credentials("xoxb-1", app_token="xapp-1"))
    for secret in ("signed elsewhere", "no workspace has this secret"):
        assert signed(said("x"), secret=secret).send(client).status_code == 404


def test_what_is_replayed_within_the_window_is_one_job_and_after_it_refused(
    client: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = signed(said("hello"))
    assert [request.send(client).status_code for _ in range(3)] == [200, 200, 200]
    assert Job.objects.count() == 1
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 301)
    assert request.send(client).status_code == 404


def test_a_retry_of_slacks_is_acknowledged_and_is_no_second_job(client: Client, workspace: Workspace) -> None:
    for number in range(4):
        more = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": "http_timeout"} if number else {}
        assert signed(said("hello"), more=more).send(client).status_code == 200
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"payload=%7B",
        b"payload=%5B%5D",
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"type":"event_callback","event":"text"}',
        b'{"type":"event_callback","event":{"type":7}}',
        b'{"type":["x"]}',
        b'{"type":"event_callback","authorizations":["x"]}',
        b'{"type":"block_actions","actions":{"x":1}}',
        b"&".join(b"a%d=1" % n for n in range(1_000)),
    ],
    ids=range(16),
)
def test_a_body_that_is_none_is_refused_like_a_wrong_signature(
    client: Client, workspace: Workspace, body: bytes
) -> None:
    assert signed(body).send(client).status_code == 404


def test_a_body_that_is_too_long_is_refused(client: Client, workspace: Workspace) -> None:
    assert signed(said("x" * 1_100_000)).send(client).status_code == 404


def test_a_long_message_is_kept_as_far_as_slack_allows_them(client: Client, workspace: Workspace) -> None:
    assert signed(said("가" * 45_000)).send(client).status_code == 200
    assert len(str(_only()[1]["text"])) == 40_001


def test_halves_of_characters_and_zero_bytes_reach_no_store(client: Client, workspace: Workspace) -> None:
    assert signed(said("a\ud800b\x00c")).send(client).status_code == 200
    assert _only()[1]["text"] == "a\ufffdbc"


def test_ids_that_are_none_are_not_taken_in(client: Client, workspace: Workspace) -> None:
    for channel, ts in (("D\x001", "1.1"), ("D1", "1.1; drop"), ("가", "1.1"), ("D" * 200, "1.1")):
        assert signed(said("x", channel=channel, ts=ts)).send(client).status_code == 200
    assert not Job.objects.exists()


def test_neither_secrets_nor_what_people_write_reach_the_log(
    client: Client, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        signed(said("은밀한 질문")).send(client)
        signed(said("은밀한 질문"), secret="another").send(client)
        signed(command("/ask", "은밀한 질문", team_id="T0OTHER")).send(client)
        signed(b'{"type": "event_callback", "event": "' + "은밀한".encode() + b'"}').send(client)
    assert "은밀한" not in caplog.text
    assert SECRET not in caplog.text


def test_only_posts_are_answered(client: Client, workspace: Workspace) -> None:
    assert client.get("/slack/h-1/").status_code == 405


def test_a_changed_secret_counts_at_once(client: Client, workspace: Workspace) -> None:
    from assistant.slackbot.credentials import Credentials, sealed  # noqa: PLC0415 - only here

    assert signed(said("x")).send(client).status_code == 200
    workspace.sealed_secrets = sealed(Credentials("xoxb-1", "another secret of Slack's"), workspace.pk)
    workspace.revision += 1
    workspace.save()
    assert signed(said("x", ts="1.2")).send(client).status_code == 404
    assert signed(said("x", ts="1.3"), secret="another secret of Slack's").send(client).status_code == 200
