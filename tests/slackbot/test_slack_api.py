"""Calls of Slack: each failure is one of three errors, tokens go nowhere else, and are exchanged in time."""

from __future__ import annotations

import http.server
import logging
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from assistant.common import local_only
from assistant.slackbot import slack_api, tokens
from assistant.slackbot.credentials import Credentials, opened
from assistant.slackbot.models import Workspace
from assistant.slackbot.slack_api import (
    SlackBusy,
    SlackClosed,
    SlackRefused,
    client_of,
    client_with,
    download,
    is_slack_address,
    respond,
)
from tests.slackbot.connected import connected
from tests.slackbot.simulator.limits import Trouble
from tests.slackbot.simulator.records import Installation
from tests.slackbot.simulator.simulator import Simulator

pytestmark = pytest.mark.django_db


@pytest.fixture
def installed(slack: Simulator) -> Installation:
    """An app whose token does not end."""
    return slack.install(slack.app(), slack.workspace())


@pytest.fixture
def workspace(slack: Simulator, installed: Installation, settings: LazySettings) -> Workspace:
    """Its row."""
    return connected(slack, installed, settings)


@pytest.fixture
def rotating(slack: Simulator, settings: LazySettings) -> Workspace:
    """A workspace whose token has one hour left of twelve."""
    tokens._not_before.clear()
    there = slack.install(slack.app(token_rotation=True), slack.workspace())
    return connected(slack, there, settings, token_expires_at=timezone.now() + timedelta(hours=1))


def test_a_call_is_made_with_the_token_of_the_workspace(
    workspace: Workspace, installed: Installation
) -> None:
    assert client_of(workspace).auth_test()["user_id"] == installed.bot.id


@pytest.mark.parametrize(
    ("trouble", "may_be_done"),
    [
        (Trouble.SERVER_ERROR, True),
        (Trouble.RESET, True),
        (Trouble.RESET_AFTER, True),
    ],
)
def test_what_slack_fails_at_is_to_be_tried_again(
    slack: Simulator, workspace: Workspace, trouble: Trouble, may_be_done: bool
) -> None:
    slack.fail("auth.test", trouble)
    with pytest.raises(SlackBusy) as caught:
        client_of(workspace).auth_test()
    assert caught.value.may_be_done == may_be_done


def test_a_message_whose_answer_was_lost_is_not_sent_again_by_itself(
    slack: Simulator, workspace: Workspace, installed: Installation
) -> None:
    general = slack.channel(installed.workspace, "general", [installed.bot])
    slack.fail("chat.postMessage", Trouble.RESET_AFTER)
    with pytest.raises(SlackBusy) as caught:
        client_of(workspace).chat_postMessage(channel=general.id, text="once")
    assert caught.value.may_be_done
    assert len(slack.posted_by(installed.app, general)) == 1


def test_a_short_rate_limit_is_waited_for_and_a_long_one_is_put_off(
    slack: Simulator, workspace: Workspace
) -> None:
    slack.fail("auth.test", Trouble.RATE_LIMITED, seconds=1)
    assert client_of(workspace).auth_test()["ok"]
    slack.fail("auth.test", Trouble.RATE_LIMITED, seconds=30)
    with pytest.raises(SlackBusy) as caught:
        client_of(workspace).auth_test()
    assert (caught.value.after_s, caught.value.may_be_done) == (30, False)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("internal_error", SlackBusy),
        ("ratelimited", SlackBusy),
        ("channel_not_found", SlackRefused),
        ("is_archived", SlackRefused),
        ("account_inactive", SlackClosed),
        ("token_revoked", SlackClosed),
    ],
)
def test_each_word_of_slacks_is_one_of_three_errors(
    slack: Simulator, workspace: Workspace, code: str, kind: type[Exception]
) -> None:
    slack.fail("auth.test", Trouble.ERROR, error=code)
    with pytest.raises(kind):
        client_of(workspace).auth_test()


def test_a_missing_scope_is_named(slack: Simulator, settings: LazySettings) -> None:
    app = slack.app(scopes=["chat:write"], events=[], commands=[])
    workspace = connected(slack, slack.install(app, slack.workspace()), settings)
    with pytest.raises(SlackRefused) as caught:
        client_of(workspace).users_list()
    assert (caught.value.code, caught.value.needed) == ("missing_scope", "users:read")
    slack.excuse("missing_scope")


def test_a_workspace_that_slack_closed_is_marked_and_not_asked_again(
    slack: Simulator, workspace: Workspace
) -> None:
    slack.fail("auth.test", Trouble.ERROR, error="token_revoked")
    with pytest.raises(SlackClosed):
        client_of(workspace).auth_test()
    workspace.refresh_from_db()
    assert workspace.failure == "token_revoked"
    before = len(slack.calls)
    with pytest.raises(SlackClosed):
        client_of(workspace).auth_test()
    assert len(slack.calls) == before


def test_an_old_client_does_not_close_what_was_connected_anew(slack: Simulator, workspace: Workspace) -> None:
    old = client_of(workspace)
    Workspace.objects.filter(pk=workspace.pk).update(revision=2)
    slack.fail("auth.test", Trouble.ERROR, error="token_revoked")
    with pytest.raises(SlackBusy):
        old.auth_test()
    workspace.refresh_from_db()
    assert workspace.failure == ""


def test_what_somebody_enters_is_tried_without_a_workspace(
    slack: Simulator, workspace: Workspace, installed: Installation
) -> None:
    assert client_with(installed.token).auth_test()["team_id"] == installed.workspace.id
    with pytest.raises(SlackClosed):
        client_with("xoxb-wrong-token").auth_test()
    workspace.refresh_from_db()
    assert workspace.failure == ""
    slack.excuse("invalid_auth")


def test_no_token_and_no_text_reaches_an_error_or_the_log(
    slack: Simulator, workspace: Workspace, installed: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    general = slack.channel(installed.workspace, "general", [installed.bot])
    said = []
    with caplog.at_level(logging.DEBUG):
        for trouble in (Trouble.SERVER_ERROR, Trouble.RESET, Trouble.ERROR):
            slack.fail("chat.postMessage", trouble, error="channel_not_found")
            with pytest.raises((SlackBusy, SlackRefused)) as caught:
                client_of(workspace).chat_postMessage(channel=general.id, text="a secret sentence")
            error: BaseException | None = caught.value
            while error is not None:
                said.append(repr(error) + str(error))
                error = error.__cause__
        client_of(workspace).chat_postMessage(channel=general.id, text="a secret sentence")
    written = caplog.text + "".join(said) + repr(opened(workspace)) + repr(client_of(workspace))
    assert "a secret sentence" not in written
    assert installed.token not in written
    assert installed.app.signing_secret not in written


def test_in_local_only_mode_nothing_is_sent(
    slack: Simulator, workspace: Workspace, settings: LazySettings
) -> None:
    settings.MUNDAP_SLACK_API_URL = "https://slack.com/api/"
    with local_only.bound(local_only.Bounds()), pytest.raises(SlackRefused) as caught:
        client_of(workspace).auth_test()
    assert caught.value.code == "local_only"
    assert "Local-only" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://slack.com/api/x", True),
        ("https://files.slack.com/files-pri/T1-F1/a.pdf", True),
        ("https://hooks.slack.com/commands/T1/1/x", True),
        ("https://FILES.slack.com/x", True),
        ("http://files.slack.com/x", False),
        ("https://files.slack.com:8443/x", False),
        ("https://slack.com.evil.example/x", False),
        ("https://evilslack.com/x", False),
        ("https://evil.example/?x=.slack.com", False),
        ("https://evil.example/.slack.com", False),
        ("https://files.slack.com@evil.example/x", False),
        ("https://evil.example\\@slack.com/x", False),
        ("https://user:pass@files.slack.com/x", False),
        ("https://evil.example#.slack.com", False),
        ("https://ｓlack.com.evil.example/", False),
        ("file:///etc/passwd", False),
        ("ftp://files.slack.com/x", False),
        ("//files.slack.com/x", False),
        ("", False),
        ("https://", False),
        ("https://files.slack.com\r\nX: y/", False),
    ],
)
def test_only_addresses_of_slack_are_its_own(settings: LazySettings, url: str, expected: bool) -> None:
    settings.MUNDAP_SLACK_API_URL = "https://slack.com/api/"
    assert is_slack_address(url) == expected


def test_a_file_is_fetched_with_the_token(
    slack: Simulator, workspace: Workspace, installed: Installation
) -> None:
    ann = slack.user(installed.workspace, "ann")
    general = slack.channel(installed.workspace, "general", [ann, installed.bot])
    file = slack.file(ann, "notes.txt", "연차는 15일".encode())
    slack.say(ann, general, "here", files=[file])
    found = slack_api.client_of(workspace).files_info(file=file.id)["file"]
    assert download(workspace, found["url_private_download"], 1_000) == "연차는 15일".encode()
    with pytest.raises(SlackRefused, match="file_too_large"):
        download(workspace, found["url_private_download"], 3)


def test_a_page_in_place_of_a_file_is_an_error(slack: Simulator, settings: LazySettings) -> None:
    app = slack.app(scopes=["chat:write"], events=[], commands=[])
    installed = slack.install(app, slack.workspace())
    workspace = connected(slack, installed, settings)
    ann = slack.user(installed.workspace, "ann")
    general = slack.channel(installed.workspace, "general", [ann, installed.bot])
    file = slack.file(ann, "notes.html", b"<p>notes</p>", mimetype="text/html")
    slack.say(ann, general, "here", files=[file])
    url = f"{slack.address}/files-pri/{installed.workspace.id}-{file.id}/notes.html"
    for size in (None, 12):
        with pytest.raises(SlackRefused, match="file_not_given"):
            download(workspace, url, 10_000, size=size)
    slack.excuse("missing_scope")


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Another server of this machine, and the headers that it was sent."""
    heard: list[str] = []

    class Listening(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(str(self.headers))
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - the server's name for it

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listening) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        server.shutdown()


@pytest.fixture
def sending_away(elsewhere: tuple[str, list[str]]) -> Iterator[str]:
    """A server that redirects everything elsewhere."""

    class Redirecting(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"{elsewhere[0]}/taken")
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - the server's name for it

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_no_redirect_takes_the_token_elsewhere(
    workspace: Workspace, settings: LazySettings, sending_away: str, elsewhere: tuple[str, list[str]]
) -> None:
    settings.MUNDAP_SLACK_API_URL = f"{sending_away}/api/"
    with pytest.raises((SlackRefused, SlackBusy)):
        client_of(workspace).auth_test()
    with pytest.raises(SlackRefused, match="not_slack"):
        download(workspace, f"{sending_away}/files-pri/x", 1_000)
    with pytest.raises(SlackRefused, match="not_slack"):
        download(workspace, f"{elsewhere[0]}/files-pri/x", 1_000)
    with pytest.raises(SlackRefused, match="not_slack"):
        respond(workspace, f"{elsewhere[0]}/commands/x", {"text": "a secret sentence"})
    assert elsewhere[1] == []


def test_a_token_is_exchanged_before_it_ends_and_stored_before_it_is_used(
    slack: Simulator, rotating: Workspace
) -> None:
    before = opened(rotating)
    assert client_of(rotating).auth_test()["ok"]
    after = opened(Workspace.objects.get(pk=rotating.pk))
    assert after.bot_token != before.bot_token
    assert after.refresh_token != before.refresh_token
    assert rotating.token_expires_at is not None
    assert rotating.token_expires_at > timezone.now() + timedelta(hours=10)
    assert [call.method for call in slack.calls].count("oauth.v2.access") == 1
    client_of(rotating).auth_test()
    assert [call.method for call in slack.calls].count("oauth.v2.access") == 1


def test_an_exchange_that_fails_leaves_the_old_token_at_work(slack: Simulator, rotating: Workspace) -> None:
    slack.fail("oauth.v2.access", Trouble.SERVER_ERROR, times=5)
    assert client_of(rotating).auth_test()["ok"]
    assert client_of(rotating).auth_test()["ok"]
    assert [call.method for call in slack.calls].count("oauth.v2.access") <= 1  # not asked at every call


def test_who_dies_between_exchange_and_storing_leaves_the_old_token_at_work(
    slack: Simulator, rotating: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> bytes:
        raise KeyboardInterrupt  # as close to SIGKILL as one process can come to itself

    with monkeypatch.context() as patched:
        patched.setattr(tokens, "sealed", killed)
        with pytest.raises(KeyboardInterrupt):
            client_of(rotating)
    rotating.refresh_from_db()
    assert client_of(rotating).auth_test()["ok"]  # the refresh token is spent, the old token is not
    assert rotating.failure == ""
    slack.clock.advance(2 * 3600)
    Workspace.objects.filter(pk=rotating.pk).update(token_expires_at=timezone.now() - timedelta(seconds=1))
    rotating.refresh_from_db()
    tokens._not_before.clear()
    with pytest.raises(SlackClosed):
        client_of(rotating)
    rotating.refresh_from_db()
    assert rotating.failure == "invalid_refresh_token"
    slack.excuse("invalid_refresh_token")


def test_a_token_that_ended_early_is_exchanged_by_the_next_client(
    slack: Simulator, settings: LazySettings
) -> None:
    tokens._not_before.clear()
    there = slack.install(slack.app(token_rotation=True), slack.workspace())
    workspace = connected(slack, there, settings)
    slack.fail("auth.test", Trouble.ERROR, error="token_expired")
    with pytest.raises(SlackBusy):
        client_of(workspace).auth_test()
    workspace.refresh_from_db()
    assert client_of(workspace).auth_test()["ok"]
    assert opened(workspace).bot_token != there.token or workspace.failure == ""
    assert "oauth.v2.access" in [call.method for call in slack.calls]


@pytest.mark.django_db(transaction=True)
def test_of_several_threads_one_exchanges_the_token(slack: Simulator, rotating: Workspace) -> None:
    from django.db import connections  # noqa: PLC0415 - only here

    answers: list[bool] = []

    def ask() -> None:
        try:
            answers.append(bool(client_of(Workspace.objects.get(pk=rotating.pk)).auth_test()["ok"]))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 4
    assert [call.method for call in slack.calls].count("oauth.v2.access") == 1


def test_credentials_show_nothing_when_they_are_printed() -> None:
    assert repr(Credentials("xoxb-1", "secret", "xapp-1", "id", "client", "xoxe-1")) == "Credentials()"
