"""Buttons, triggers, views and response addresses: what Slack allows, and for how long."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from assistant.common.types import Json
from tests.slackbot.simulator.deliveries import Delivery
from tests.slackbot.simulator.reading import text
from tests.slackbot.simulator.records import Acknowledgement, App, Channel, Installation, SignedRequest, User
from tests.slackbot.simulator.simulator import Simulator

PLAIN: dict[str, Json] = {"type": "plain_text", "text": "Go"}
BUTTON: list[dict[str, Json]] = [
    {"type": "actions", "elements": [{"type": "button", "action_id": "go", "text": PLAIN}]}
]


def modal(**more: Json) -> dict[str, Json]:
    return {"type": "modal", "title": PLAIN, "blocks": [{"type": "divider"}], **more}


class Desk(SimpleNamespace):
    slack: Simulator
    client: WebClient
    installed: Installation
    app: App
    ann: User
    bob: User
    general: Channel


def yes(request: SignedRequest) -> Acknowledgement:
    return Acknowledgement(200, {}, b"")


@pytest.fixture
def desk(slack: Simulator) -> Desk:
    """An app that acknowledges everything, two people and a channel."""
    acme = slack.workspace()
    ann, bob = slack.user(acme, "ann"), slack.user(acme, "bob")
    installed = slack.install(slack.app(request_url=yes), acme)
    return Desk(
        slack=slack,
        client=WebClient(installed.token, base_url=slack.api_url),
        installed=installed,
        app=installed.app,
        ann=ann,
        bob=bob,
        general=slack.channel(acme, "general", [ann, bob, installed.bot]),
    )


def said_by(delivery: Delivery, name: str) -> str:
    return text(delivery.payload.get(name))


def refusal(client: WebClient, method: str, **given: object) -> str:
    with pytest.raises(SlackApiError) as caught:
        client.api_call(method, json=given)
    return str(caught.value.response["error"])


def test_a_trigger_opens_one_modal_within_three_seconds(desk: Desk) -> None:
    slack = desk.slack
    trigger = said_by(slack.command(desk.ann, desk.general, "/ask", app=desk.app), "trigger_id")
    desk.client.views_open(trigger_id=trigger, view=modal())
    assert refusal(desk.client, "views.open", trigger_id=trigger, view=modal()) == "exchanged_trigger_id"
    late = said_by(slack.command(desk.ann, desk.general, "/ask", app=desk.app), "trigger_id")
    slack.clock.advance(3.1)
    assert refusal(desk.client, "views.open", trigger_id=late, view=modal()) == "expired_trigger_id"
    slack.excuse("exchanged_trigger_id", "expired_trigger_id")


def test_modals_stack_three_high_and_change_by_their_hash(desk: Desk) -> None:
    slack, client = desk.slack, desk.client
    trigger = said_by(slack.command(desk.ann, desk.general, "/ask", app=desk.app), "trigger_id")
    client.views_open(trigger_id=trigger, view=modal(blocks=BUTTON, notify_on_close=True))
    for _ in range(2):
        top = slack.modal_of(desk.ann, desk.app)
        assert top is not None
        trigger = said_by(slack.click_in(top, "go"), "trigger_id")
        client.views_push(trigger_id=trigger, view=modal(blocks=BUTTON))
    top = slack.modal_of(desk.ann, desk.app)
    assert top is not None
    trigger = said_by(slack.click_in(top, "go"), "trigger_id")
    assert refusal(client, "views.push", trigger_id=trigger, view=modal()) == "push_limit_reached"
    old = top.hash
    client.views_update(view_id=top.id, hash=old, view=modal(callback_id="new"))
    assert top.content["callback_id"] == "new"
    assert refusal(client, "views.update", view_id=top.id, hash=old, view=modal()) == "hash_conflict"
    assert slack.close(top) is None
    slack.excuse("push_limit_reached", "hash_conflict")


def test_a_closed_modal_is_told_to_whoever_asked(desk: Desk) -> None:
    trigger = said_by(desk.slack.command(desk.ann, desk.general, "/ask", app=desk.app), "trigger_id")
    desk.client.views_open(trigger_id=trigger, view=modal(notify_on_close=True))
    view = desk.slack.modal_of(desk.ann, desk.app)
    assert view is not None
    told = desk.slack.close(view)
    assert told is not None
    assert told.name == "view_closed"
    assert refusal(desk.client, "views.update", view_id=view.id, view=modal()) == "not_found"
    desk.slack.excuse("not_found")


def test_a_button_replaces_and_deletes_its_own_message_even_an_ephemeral_one(desk: Desk) -> None:
    slack, client, channel = desk.slack, desk.client, desk.general
    client.chat_postEphemeral(channel=channel.id, user=desk.ann.id, text="one", blocks=BUTTON)
    (message,) = slack.what_sees(desk.ann, channel)
    click = slack.click(desk.ann, message, "go")
    assert "message" not in click.payload
    address = WebhookClient(said_by(click, "response_url"))
    assert address.send(text="two", replace_original=True).body == "ok"
    assert [each.text for each in slack.what_sees(desk.ann, channel)] == ["two"]
    assert slack.what_sees(desk.bob, channel) == []
    assert address.send(text="for all", response_type="in_channel").status_code == 200
    assert [each.text for each in slack.what_sees(desk.bob, channel)] == ["for all"]
    assert address.send(delete_original=True).status_code == 200
    assert [each.text for each in slack.what_sees(desk.ann, channel)] == ["for all"]


def test_only_who_sees_a_message_can_use_its_button(desk: Desk) -> None:
    desk.client.chat_postEphemeral(channel=desk.general.id, user=desk.ann.id, text="one", blocks=BUTTON)
    (message,) = desk.slack.what_sees(desk.ann, desk.general)
    with pytest.raises(AssertionError, match="bob does not see"):
        desk.slack.click(desk.bob, message, "go")
    with pytest.raises(AssertionError, match="no control stop"):
        desk.slack.click(desk.ann, message, "stop")


def test_a_response_address_counts_five_times_and_for_half_an_hour(desk: Desk) -> None:
    slack = desk.slack
    used = WebhookClient(said_by(slack.command(desk.ann, desk.general, "/ask", app=desk.app), "response_url"))
    assert [used.send(text=str(number)).status_code for number in range(6)] == [200] * 5 + [404]
    old = WebhookClient(said_by(slack.command(desk.ann, desk.general, "/ask", app=desk.app), "response_url"))
    slack.clock.advance(1801)
    assert json.loads(old.send(text="late").body)["error"] == "expired_url"
    assert len(slack.what_sees(desk.ann, desk.general)) == 5
    assert slack.what_sees(desk.bob, desk.general) == []
    slack.excuse("used_url", "expired_url")


def test_a_commands_response_address_has_nothing_to_replace(desk: Desk) -> None:
    slack = desk.slack
    address = WebhookClient(
        said_by(slack.command(desk.ann, desk.general, "/ask", app=desk.app), "response_url")
    )
    address.send(text="one")
    address.send(text="two", replace_original=True)
    assert address.send(delete_original=True).status_code == 404
    assert [each.text for each in slack.what_sees(desk.ann, desk.general)] == ["one", "two"]
    slack.excuse("replace_original_without_original", "delete_original_without_original")


def test_a_wrong_response_is_refused(desk: Desk) -> None:
    command = desk.slack.command(desk.ann, desk.general, "/ask", app=desk.app)
    address = WebhookClient(said_by(command, "response_url"))
    assert address.send(text="a", response_type="loud").status_code == 400
    assert address.send(text="a", blocks=[{"type": "sparkle"}]).status_code == 400
    assert address.send_dict({"text": "a", "channel": desk.general.id}).status_code == 400
    assert desk.slack.what_sees(desk.ann, desk.general) == []
    desk.slack.excuse("invalid_payload", "invalid_blocks")


def test_a_home_is_published_for_one_person(desk: Desk) -> None:
    client, slack = desk.client, desk.slack
    client.views_publish(user_id=desk.ann.id, view={"type": "home", "blocks": BUTTON})
    home = slack.home_of(desk.ann, desk.app)
    assert home is not None
    assert slack.home_of(desk.bob, desk.app) is None
    assert slack.click_in(home, "go").payload["container"] == {"type": "view", "view_id": home.id}
    assert refusal(client, "views.publish", user_id=desk.ann.id, view=modal()) == "invalid_arguments"
    slack.excuse("invalid_arguments")


def test_menus_and_feedback_say_what_was_chosen(desk: Desk) -> None:
    options: Json = [{"text": PLAIN, "value": each} for each in ("a", "b")]
    elements: list[Json] = [
        {"type": "static_select", "action_id": "menu", "options": options},
        {"type": "checkboxes", "action_id": "boxes", "options": options},
    ]
    rate: Json = {
        "type": "feedback_buttons",
        "action_id": "rate",
        "positive_button": {"text": PLAIN, "value": "good"},
        "negative_button": {"text": PLAIN, "value": "bad"},
    }
    blocks: list[dict[str, Json]] = [
        {"type": "actions", "elements": elements},
        {"type": "context_actions", "elements": [rate]},
    ]
    desk.client.chat_postMessage(channel=desk.general.id, text="choose", blocks=blocks)
    (message,) = desk.slack.what_sees(desk.bob, desk.general)
    menu = desk.slack.click(desk.bob, message, "menu", chosen="b").payload["actions"]
    boxes = desk.slack.click(desk.bob, message, "boxes", chosen="a").payload["actions"]
    rated = desk.slack.click(desk.bob, message, "rate", chosen="bad").payload["actions"]
    assert "'selected_option': {'text'" in str(menu)
    assert "'selected_options': [{'text'" in str(boxes)
    assert "'value': 'bad'" in str(rated)
