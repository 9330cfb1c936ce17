"""The app that a company makes has every right that the code needs, hears all it listens to, and no more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest
from django.test import Client
from slack_sdk import WebClient

from assistant.slackbot import bolt_app, incoming
from assistant.slackbot.manifest import EVENTS, SCOPES, as_text, manifest
from assistant.slackbot.models import Delivery, Job
from tests.slackbot.office import InThisThread
from tests.slackbot.signed import command, interaction, new_workspace, signed
from tests.slackbot.simulator.events import EVENT_SCOPES
from tests.slackbot.simulator.methods import METHODS
from tests.slackbot.simulator.simulator import Simulator

URL = "https://ask.example.com/slack/0123456789abcdef/"
SOURCES = Path(bolt_app.__file__).parent
# In which kinds of conversation a method that asks for the scope of the kind (`*:read`) is called.
KINDS = ("channels", "groups", "im")
# Demands the right to manage connections with other companies; `channel_shared` tells the same.
UNWANTED_EVENTS = {"shared_channel_invite_accepted"}
# Not scopes of the simulator's table: what else makes Slack send something.
BESIDE_METHODS = {"app_mentions:read", "commands", "files:read", "users:read.email"}


def called_methods() -> set[str]:
    """The methods of the Web API that the package calls, as Slack names them."""
    written = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py"))
    attributes = set(re.findall(r"client\s*\.([a-z]+_[A-Za-z]+(?:_[A-Za-z]+)*)\(", written))
    called = {one for one in attributes if hasattr(WebClient, one)} - {"api_call"}
    known = {name.replace(".", "_"): name for name in METHODS}
    assert called <= known.keys(), "methods that the simulator does not know"
    return {known[one] for one in called}


def made(delivery: Delivery = Delivery.HTTP) -> dict[str, Any]:
    """The manifest."""
    return cast(dict[str, Any], manifest(delivery=delivery, request_url=URL))


def test_the_scopes_cover_every_method_that_is_called() -> None:
    called = called_methods()
    assert {"chat.postMessage", "views.open", "conversations.members", "users.info"} <= called
    for name in sorted(called):
        method = METHODS[name]
        if "bot" not in method.tokens or not method.scopes:
            continue
        if method.scopes[0].startswith("*"):
            needed = {method.scopes[0].replace("*", kind) for kind in KINDS}
            assert needed <= SCOPES.keys(), name
        else:
            assert set(method.scopes) & SCOPES.keys(), name


def test_no_scope_is_asked_for_that_nothing_needs() -> None:
    wanted = {
        scope.replace("*", kind)
        for name in called_methods()
        for scope in METHODS[name].scopes
        for kind in KINDS
    }
    by_events = {scope for name in EVENTS for scope in EVENT_SCOPES.get(name, ())}
    assert SCOPES.keys() <= wanted | by_events | BESIDE_METHODS


def test_what_is_listened_to_is_subscribed_and_the_other_way_round() -> None:
    heard = {*incoming._WIDENING, *incoming._WIDENING_EVERYWHERE}
    heard |= {"app_mention", "message.im", "app_home_opened", "app_uninstalled", "tokens_revoked"}
    assert set(EVENTS) == heard - UNWANTED_EVENTS
    for name in EVENTS:
        kind = name.partition(".")[0]
        event = {
            "type": kind,
            "user": "U1",
            "channel": "C1",
            "new_channel_id": "C2",
            "ts": "1.2",
            "channel_type": "im",
            "tokens": {"bot": ["U2"]},
        }
        assert incoming.of_event({"event": event, "event_id": "Ev1"}, bot_user="U0") is not None, name


def test_each_event_comes_with_a_scope_that_slack_asks_for() -> None:
    for name in EVENTS:
        needed = EVENT_SCOPES.get(name, ())
        assert not needed or set(needed) & SCOPES.keys(), name


@pytest.mark.django_db
def test_each_command_and_shortcut_has_a_listener(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    here = InThisThread()
    monkeypatch.setattr(bolt_app, "INTERACT", "tests.slackbot.test_manifest.nothing")
    monkeypatch.setattr(bolt_app, "_threads", lambda: here)
    for module in ("assistant.slackbot.bolt_app", "slack_bolt.adapter.django.handler"):
        monkeypatch.setattr(f"{module}.close_old_connections", nothing)
    bolt_app.forget()
    new_workspace()
    features = made()["features"]
    names = [one["command"] for one in features["slash_commands"]]
    for name in [*names, "/other"]:
        answer = signed(command(name, "hello", trigger=f"1.2.{name[1:]}")).send(client)
        assert (answer.status_code == 200) is (name in names), name
    assert Job.objects.count() == len(names)
    ids = [one["callback_id"] for one in features["shortcuts"]]
    for callback_id in [*ids, "another"]:
        answer = signed(interaction("message_action", callback_id=callback_id)).send(client)
        assert (answer.status_code == 200) is (callback_id in ids), callback_id
    bolt_app.forget()


def nothing(*_: object) -> None:
    """Stands for what a shortcut does."""


def test_people_can_write_to_the_bot_and_see_its_home() -> None:
    assert made()["features"]["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": False,
    }


def test_by_http_everything_goes_to_one_address_and_socket_mode_names_none() -> None:
    by_http, by_socket = made(), made(Delivery.SOCKET)
    settings = by_http["settings"]
    assert settings["event_subscriptions"]["request_url"] == settings["interactivity"]["request_url"] == URL
    assert {one["url"] for one in by_http["features"]["slash_commands"]} == {URL}
    assert as_text(by_http).count(URL) == 4
    assert by_socket["settings"]["socket_mode_enabled"] is True
    assert settings["socket_mode_enabled"] is False
    assert "http" not in as_text(by_socket)
    assert not settings["org_deploy_enabled"]
    assert not settings["token_rotation_enabled"]


def test_the_manifest_keeps_to_slacks_lengths() -> None:
    features, shown = made()["features"], made()["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert re.fullmatch(r"[a-z0-9._-]{1,80}", features["bot_user"]["display_name"])
    for shortcut in features["shortcuts"]:
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150
    for one in features["slash_commands"]:
        assert len(one["command"]) <= 32


def test_slack_takes_an_app_with_these_rights_and_events(slack: Simulator) -> None:
    known = [name for name in EVENTS if name in EVENT_SCOPES]
    installed = slack.install(slack.app(scopes=SCOPES, events=known), slack.workspace("Acme"))
    answer = WebClient(installed.token, base_url=slack.api_url).auth_test()
    named = {name.lower(): value for name, value in answer.headers.items()}
    assert set(named["x-oauth-scopes"].split(",")) == set(SCOPES)
