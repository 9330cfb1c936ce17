"""Failures on demand, rate limits, tokens that end, and files behind bearer tokens."""

from __future__ import annotations

from http.client import RemoteDisconnected
from types import SimpleNamespace
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import RetryHandler

from tests.slackbot.simulator.limits import Trouble
from tests.slackbot.simulator.records import Channel, Installation, User
from tests.slackbot.simulator.simulator import Simulator

LOST = (ConnectionError, RemoteDisconnected, URLError, TimeoutError)


class Room(SimpleNamespace):
    slack: Simulator
    client: WebClient
    installed: Installation
    ann: User
    general: Channel


@pytest.fixture
def room(slack: Simulator) -> Room:
    acme = slack.workspace()
    installed = slack.install(slack.app(token_rotation=True), acme)
    ann = slack.user(acme, "ann")
    handlers: list[RetryHandler] = []
    return Room(
        slack=slack,
        client=WebClient(installed.token, base_url=slack.api_url, timeout=1, retry_handlers=handlers),
        installed=installed,
        ann=ann,
        general=slack.channel(acme, "general", [ann, installed.bot]),
    )


def texts(room: Room) -> list[str]:
    return [each.text for each in room.slack.what_sees(room.ann, room.general)]


def post(room: Room, text: str) -> None:
    room.client.chat_postMessage(channel=room.general.id, text=text)


@pytest.mark.parametrize("trouble", [Trouble.RESET, Trouble.HANGS])
def test_a_lost_call_has_no_effect(room: Room, trouble: Trouble) -> None:
    room.slack.fail("chat.postMessage", trouble, seconds=0.1)
    with pytest.raises(LOST):
        post(room, "lost")
    post(room, "found")
    assert texts(room) == ["found"]


def test_a_lost_answer_leaves_its_message(room: Room) -> None:
    room.slack.fail("chat.postMessage", Trouble.RESET_AFTER)
    with pytest.raises(LOST):
        post(room, "there")
    assert texts(room) == ["there"]


def test_server_errors_limits_and_named_errors_come_as_they_are_asked_for(room: Room) -> None:
    slack = room.slack
    slack.fail("chat.postMessage", Trouble.SERVER_ERROR)
    slack.fail("chat.postMessage", Trouble.RATE_LIMITED, seconds=7)
    slack.fail("*", Trouble.ERROR, error="fatal_error")
    with pytest.raises(SlackApiError) as broken:
        post(room, "a")
    with pytest.raises(SlackApiError) as limited:
        post(room, "b")
    with pytest.raises(SlackApiError) as named:
        post(room, "c")
    assert broken.value.response.status_code == 500
    assert limited.value.response.headers["Retry-After"] == "7"
    assert named.value.response["error"] == "fatal_error"
    slack.fail("chat.postMessage", Trouble.SLOW, seconds=0.05)
    post(room, "d")
    assert texts(room) == ["d"]
    assert slack.faults == []


def test_rate_limits_count_by_method_and_by_channel(room: Room) -> None:
    slack, client = room.slack, room.client
    slack.rate_limits.on = True
    other = slack.channel(room.ann.workspace, "other", [room.installed.bot])
    post(room, "one")
    client.chat_postMessage(channel=other.id, text="elsewhere")
    with pytest.raises(SlackApiError) as limited:
        post(room, "two")
    assert (limited.value.response.status_code, limited.value.response.headers["Retry-After"]) == (429, "1")
    slack.clock.advance(1)
    post(room, "three")
    for _ in range(20):
        client.users_list()
    with pytest.raises(SlackApiError) as tier:
        client.users_list()
    assert 55 <= int(tier.value.response.headers["Retry-After"]) <= 60
    slack.clock.advance(60)
    client.users_list()


def test_a_rotated_token_ends_and_its_refresh_token_counts_once(room: Room) -> None:
    slack, app = room.slack, room.installed.app
    given = {"client_id": app.client_id, "client_secret": app.client_secret, "grant_type": "refresh_token"}
    old, refresh = room.installed.token, room.installed.refresh_token
    slack.clock.advance(43_201)
    with pytest.raises(SlackApiError, match="token_expired"):
        room.client.auth_test()
    granted = WebClient(base_url=slack.api_url).oauth_v2_access(**given, refresh_token=refresh)
    assert granted["access_token"] != old
    assert WebClient(granted["access_token"], base_url=slack.api_url).auth_test()["expires_in"] > 43_000
    with pytest.raises(SlackApiError, match="invalid_refresh_token"):
        WebClient(base_url=slack.api_url).oauth_v2_access(**given, refresh_token=refresh)
    slack.excuse("invalid_refresh_token")


def test_a_code_installs_the_app_in_another_workspace(room: Room) -> None:
    slack, app = room.slack, room.installed.app
    code = slack.authorize(app, slack.workspace("Second"))
    client = WebClient(base_url=slack.api_url)
    who = {"client_id": app.client_id, "client_secret": app.client_secret}
    granted = client.oauth_v2_access(**who, code=code)
    assert granted["team"]["name"] == "Second"
    with pytest.raises(SlackApiError, match="invalid_code"):
        client.oauth_v2_access(**who, code=code)
    slack.excuse("invalid_code")


def test_revoked_tokens_and_removed_apps_are_told_apart(room: Room) -> None:
    room.slack.revoke_tokens(room.installed)
    with pytest.raises(SlackApiError, match="token_revoked"):
        room.client.auth_test()
    room.slack.uninstall(room.installed)
    with pytest.raises(SlackApiError, match="account_inactive"):
        room.client.auth_test()
    assert room.slack.faults == []


def test_files_are_given_to_a_token_that_may_read_them(room: Room) -> None:
    slack = room.slack
    file = slack.file(room.ann, "plan.txt", "계획".encode())
    hidden = slack.file(room.ann, "own.txt", b"own")
    slack.say(room.ann, room.general, "see", files=[file])
    slack.say(room.ann, slack.channel(room.ann.workspace, "own", [room.ann]), "see", files=[hidden])
    url = room.client.files_info(file=file.id)["file"]["url_private_download"]
    assert read(url, room.installed.token) == ("text/plain", "계획".encode())
    assert read(url.replace(file.id, hidden.id), room.installed.token)[0].startswith("text/html")
    assert read(url, "")[0].startswith("text/html")
    slack.excuse("not_authed")


def read(url: str, token: str) -> tuple[str, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urlopen(Request(url, headers=headers), timeout=5) as answer:
        return answer.headers["Content-Type"], answer.read()


def test_a_fault_that_nobody_made_cannot_be_excused(slack: Simulator) -> None:
    with pytest.raises(AssertionError, match="no fault"):
        slack.excuse("channel_not_found")
