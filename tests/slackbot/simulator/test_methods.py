"""The Web API as slack_sdk meets it: what is taken, what is refused, and that each refusal is recorded."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.slackbot.simulator.methods import METHODS
from tests.slackbot.simulator.records import Channel, Installation, User
from tests.slackbot.simulator.simulator import Simulator
from tests.slackbot.simulator.web_api import HANDLERS

PLAIN = {"type": "plain_text", "text": "T"}
DIVIDER = [{"type": "divider"}]
MODAL = {"type": "modal", "title": PLAIN, "blocks": DIVIDER}


class Office(SimpleNamespace):
    slack: Simulator
    client: WebClient
    installed: Installation
    ann: User
    guest: User
    stranger: User
    general: Channel
    secret: Channel
    elsewhere: Channel


@pytest.fixture
def office(slack: Simulator) -> Office:
    """A workspace with a guest, a channel without the bot, and a stranger from another workspace."""
    acme, other = slack.workspace("Acme"), slack.workspace("Other")
    ann, guest = slack.user(acme, "ann"), slack.user(acme, "gus", is_restricted=True)
    stranger = slack.user(other, "sam")
    installed = slack.install(slack.app(), acme)
    return Office(
        slack=slack,
        client=WebClient(installed.token, base_url=slack.api_url),
        installed=installed,
        ann=ann,
        guest=guest,
        stranger=stranger,
        general=slack.channel(acme, "general", [ann, installed.bot]),
        secret=slack.channel(acme, "secret", [ann], private=True),
        elsewhere=slack.channel(acme, "elsewhere", [ann]),
    )


def refused(office: Office, error: str, call: Callable[[], object]) -> SlackApiError:
    """The call is refused with this error, and the fault is recorded (and taken back)."""
    with pytest.raises(SlackApiError) as caught:
        call()
    assert caught.value.response["error"] == error
    office.slack.excuse(error)
    return caught.value


def test_the_table_names_the_arguments_that_slack_sdk_names() -> None:
    for name, method in METHODS.items():
        signature = inspect.signature(getattr(WebClient, name.replace(".", "_")))
        theirs = {
            parameter.name: parameter.default is parameter.empty
            for parameter in signature.parameters.values()
            if parameter.kind is parameter.KEYWORD_ONLY and parameter.name not in ("app_token", "token")
        }
        ours = {argument.name: argument.required for argument in method.arguments}
        if name == "views.update":
            theirs["view"] = True
        assert ours == theirs, name


def test_every_method_of_the_table_has_its_answer() -> None:
    assert set(METHODS) == set(HANDLERS)


def test_a_message_is_posted_edited_and_deleted(office: Office) -> None:
    posted = office.client.chat_postMessage(channel=office.general.id, text="one", blocks=DIVIDER)
    office.client.chat_update(channel=office.general.id, ts=posted["ts"], text="two")
    (message,) = office.slack.what_sees(office.ann, office.general)
    assert (message.text, message.blocks, message.edited is not None) == ("two", [], True)
    assert [text for text, _ in office.slack.ever_shown(message)] == ["one", "two"]
    office.client.chat_delete(channel=office.general.id, ts=posted["ts"])
    assert office.slack.what_sees(office.ann, office.general) == []
    refused(
        office,
        "message_not_found",
        lambda: office.client.chat_update(channel=office.general.id, ts=posted["ts"], text="three"),
    )


def test_an_ephemeral_message_is_seen_by_one_person_and_found_by_no_method(office: Office) -> None:
    office.slack.join(office.guest, office.general)
    client, channel = office.client, office.general.id
    ts = client.chat_postEphemeral(channel=channel, user=office.ann.id, text="for you")["message_ts"]
    assert [each.text for each in office.slack.what_sees(office.ann, office.general)] == ["for you"]
    assert office.slack.what_sees(office.guest, office.general) == []
    assert client.conversations_history(channel=channel)["messages"] == []
    refused(office, "message_not_found", lambda: client.chat_update(channel=channel, ts=ts, text="no"))
    refused(office, "message_not_found", lambda: client.chat_delete(channel=channel, ts=ts))
    refused(
        office,
        "user_not_found",
        lambda: client.chat_postEphemeral(channel=channel, user="U0NOBODY00", text="no"),
    )
    office.slack.leave(office.guest, office.general)
    refused(
        office,
        "user_not_in_channel",
        lambda: client.chat_postEphemeral(channel=channel, user=office.guest.id, text="no"),
    )


WRONG: dict[str, Callable[[Office], object]] = {
    "invalid_arguments": lambda o: o.client.chat_postMessage(channel=o.general.id, text="a", colour="red"),
    "no_text": lambda o: o.client.chat_postMessage(channel=o.general.id, text=" "),
    "invalid_blocks": lambda o: o.client.chat_postMessage(
        channel=o.general.id, text="a", blocks=[{"type": "x"}]
    ),
    "invalid_blocks_format": lambda o: o.client.chat_postMessage(
        channel=o.general.id, text="a", blocks='{"no": "list"}'
    ),
    "msg_blocks_too_long": lambda o: o.client.chat_postMessage(
        channel=o.general.id,
        text="a",
        blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2800}}] * 4,
    ),
    "channel_not_found": lambda o: o.client.chat_postMessage(channel=o.secret.id, text="a"),
    "not_in_channel": lambda o: o.client.chat_postMessage(channel=o.elsewhere.id, text="a"),
    "thread_not_found": lambda o: o.client.chat_postMessage(
        channel=o.general.id, text="a", thread_ts="1700000000.000001"
    ),
    "missing_scope": lambda o: o.client.chat_postMessage(channel=o.general.id, text="a", username="boss"),
    "as_user_not_supported": lambda o: o.client.chat_postMessage(
        channel=o.general.id, text="a", as_user=True
    ),
    "markdown_text_conflict": lambda o: o.client.chat_postMessage(
        channel=o.general.id, text="a", markdown_text="b"
    ),
    "invalid_metadata_format": lambda o: o.client.chat_postMessage(
        channel=o.general.id, text="a", metadata={"event_type": 3}
    ),
    "unknown_method": lambda o: o.client.api_call("chat.shout", json={"text": "a"}),
    "user_not_found": lambda o: o.client.users_info(user="U0NOBODY00"),
    "user_not_visible": lambda o: o.client.users_info(user=o.stranger.id),
    "users_not_found": lambda o: o.client.users_lookupByEmail(email="nobody@example.com"),
    "invalid_types": lambda o: o.client.conversations_list(types="public"),
    "invalid_cursor": lambda o: o.client.conversations_members(channel=o.general.id, cursor="bmV4"),
    "invalid_limit": lambda o: o.client.users_list(limit=2000),
    "file_not_found": lambda o: o.client.files_info(file="F0NOTHING0"),
    "not_allowed_token_type": lambda o: o.client.apps_connections_open(app_token=o.installed.token),
    "invalid_auth": lambda o: WebClient("xoxb-wrong", base_url=o.slack.api_url).auth_test(),
    "not_authed": lambda o: WebClient(base_url=o.slack.api_url).auth_test(),
    "invalid_trigger_id": lambda o: o.client.views_open(trigger_id="1.2", view=MODAL),
    "cannot_dm_bot": lambda o: o.client.conversations_open(users=o.installed.bot.id),
    "bad_client_secret": lambda o: o.client.oauth_v2_access(
        client_id=o.installed.app.client_id, client_secret="no", code="x"
    ),
}


def test_each_kind_of_wrong_call_is_refused_and_recorded(office: Office) -> None:
    for error, call in WRONG.items():
        refused(office, error, lambda call=call: call(office))  # type: ignore[misc]


def test_what_is_wrong_with_arguments_is_said_of_all_at_once(office: Office) -> None:
    error = refused(
        office,
        "invalid_arguments",
        lambda: office.client.api_call(
            "chat.update", json={"channel": office.general.id, "ts": 1700000000.5, "parse": 3}
        ),
    )
    said = " ".join(error.response["response_metadata"]["messages"])
    assert "/ts" in said
    assert "/parse" in said


def test_an_update_is_shorter_than_a_post(office: Office) -> None:
    client, channel = office.client, office.general.id
    ts = client.chat_postMessage(channel=channel, text="x" * 40_000)["ts"]
    refused(office, "msg_too_long", lambda: client.chat_update(channel=channel, ts=ts, text="x" * 4_001))
    client.chat_postMessage(channel=channel, text="x" * 40_001)
    assert len(office.slack.what_sees(office.ann, office.general)[-1].text) == 40_000
    office.slack.excuse("message_truncated")


def test_an_app_changes_only_its_own_messages(office: Office) -> None:
    message = office.slack.say(office.ann, office.general, "mine")
    client, place = office.client, dict[str, Any](channel=office.general.id, ts=message.ts)
    refused(office, "cant_update_message", lambda: client.chat_update(**place, text="yours"))
    refused(office, "cant_delete_message", lambda: client.chat_delete(**place))


def test_a_missing_scope_is_named(slack: Simulator) -> None:
    acme = slack.workspace()
    app = slack.app(scopes={"chat:write", "users:read"}, events=())
    installed = slack.install(app, acme)
    ann = slack.user(acme, "ann")
    channel = slack.channel(acme, "general", [installed.bot])
    client = WebClient(installed.token, base_url=slack.api_url)
    with pytest.raises(SlackApiError) as caught:
        client.conversations_members(channel=channel.id)
    assert caught.value.response["needed"] == "channels:read"
    assert caught.value.response["provided"] == "chat:write,users:read"
    assert "email" not in client.users_info(user=ann.id)["user"]["profile"]
    slack.excuse("missing_scope")


def test_members_come_in_pages(office: Office) -> None:
    for number in range(5):
        office.slack.join(office.slack.user(office.ann.workspace, f"u{number}"), office.general)
    pages = office.client.conversations_members(channel=office.general.id, limit=3)
    assert [len(page["members"]) for page in pages] == [3, 3, 1]


def test_a_user_is_shown_as_the_workspace_sees_one(office: Office) -> None:
    office.slack.channel(
        office.ann.workspace,
        "with-other",
        [office.ann, office.stranger, office.installed.bot],
        shared_with=[office.stranger.workspace],
    )
    ann = office.client.users_info(user=office.ann.id, include_locale=True)["user"]
    assert (ann["profile"]["email"], ann["locale"], ann["is_email_confirmed"]) == (
        "ann@example.com",
        "ko-KR",
        True,
    )
    assert office.client.users_info(user=office.guest.id)["user"]["is_restricted"] is True
    listed = {each["id"]: each["is_bot"] for each in office.client.users_list()["members"]}
    bot = office.installed.bot.id
    assert listed == {office.ann.id: False, office.guest.id: False, bot: True, "USLACKBOT": False}
    stranger = office.client.users_info(user=office.stranger.id)["user"]
    assert stranger["is_stranger"] is True
    assert "email" not in stranger["profile"]


def test_threads_and_history_are_read_as_slack_gives_them(office: Office) -> None:
    slack, channel = office.slack, office.general
    first = slack.say(office.ann, channel, "first")
    slack.say(office.ann, channel, "a reply", thread=first)
    slack.say(office.ann, channel, "a loud reply", thread=first, broadcast=True)
    slack.say(office.ann, channel, "second")
    history = office.client.conversations_history(channel=channel.id)["messages"]
    assert [each["text"] for each in history] == ["second", "a loud reply", "first"]
    assert history[-1]["reply_count"] == 2
    replies = office.client.conversations_replies(channel=channel.id, ts=first.ts)["messages"]
    assert [each["text"] for each in replies] == ["first", "a reply", "a loud reply"]
    refused(
        office,
        "thread_not_found",
        lambda: office.client.conversations_replies(channel=channel.id, ts="1700000000.000001"),
    )


def test_metadata_is_given_to_whoever_asks_for_it(office: Office) -> None:
    metadata = {"event_type": "mine", "event_payload": {"id": 1}}
    channel = office.general.id
    office.client.chat_postMessage(channel=channel, text="a", metadata=metadata)
    assert "metadata" not in office.client.conversations_history(channel=channel)["messages"][0]
    (message,) = office.client.conversations_history(channel=channel, include_all_metadata=True)["messages"]
    assert message["metadata"] == metadata


def test_a_stream_grows_and_ends(office: Office) -> None:
    slack, client = office.slack, office.client
    question = slack.ask(office.ann, office.installed.bot, "why?")
    where: dict[str, Any] = {"channel": question.channel.id}
    ts = client.chat_startStream(**where, thread_ts=question.ts, markdown_text="Be")["ts"]
    client.chat_appendStream(**where, ts=ts, markdown_text="cause.")
    refused(office, "streaming_state_conflict", lambda: client.chat_update(**where, ts=ts, text="x"))
    client.chat_stopStream(**where, ts=ts, blocks=DIVIDER)
    assert slack.in_thread(office.ann, question)[-1].text == "Because."
    refused(
        office,
        "message_not_in_streaming_state",
        lambda: client.chat_appendStream(**where, ts=ts, markdown_text="!"),
    )
    asked = slack.say(office.ann, office.general, "why?")
    refused(
        office,
        "missing_recipient_team_id",
        lambda: client.chat_startStream(channel=office.general.id, thread_ts=asked.ts, markdown_text="x"),
    )


def test_reactions_and_statuses_are_kept(office: Office) -> None:
    message = office.slack.say(office.ann, office.general, "hm")
    place = {"channel": office.general.id, "timestamp": message.ts, "name": "eyes"}
    office.client.reactions_add(**place)
    refused(office, "already_reacted", lambda: office.client.reactions_add(**place))
    assert message.reactions == {"eyes": [office.installed.bot.id]}
    office.client.reactions_remove(**place)
    office.client.assistant_threads_setStatus(
        channel_id=office.general.id, thread_ts=message.ts, status="reads ..."
    )
    assert office.slack.status_of(message) == "reads ..."
    office.client.assistant_threads_setStatus(channel_id=office.general.id, thread_ts=message.ts, status="")
    assert office.slack.status_of(message) == ""


def test_conversations_team_bot_and_links_are_told(office: Office) -> None:
    client = office.client
    opened = client.conversations_open(users=office.ann.id)["channel"]["id"]
    assert opened == office.slack.direct(office.installed.bot, office.ann).id
    assert client.conversations_info(channel=opened)["channel"]["user"] == office.ann.id
    names = [
        each["name"] for each in client.conversations_list(types="public_channel,private_channel")["channels"]
    ]
    assert names == ["general", "elsewhere"]
    assert [each["name"] for each in client.users_conversations()["channels"]] == ["general"]
    assert client.team_info()["team"]["domain"] == "acme"
    assert client.bots_info(bot=office.installed.bot.bot_id)["bot"]["app_id"] == office.installed.app.id
    ts = client.chat_postMessage(channel=office.general.id, text="a")["ts"]
    link = client.chat_getPermalink(channel=office.general.id, message_ts=ts)["permalink"]
    assert link.endswith(f"/archives/{office.general.id}/p{ts.replace('.', '')}")
    assert client.users_lookupByEmail(email="ANN@example.com")["user"]["id"] == office.ann.id
