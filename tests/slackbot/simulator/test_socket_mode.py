"""Socket Mode with slack_bolt's handler and slack_sdk's own WebSocket client."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_bolt import Ack, Say
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.socket_mode.builtin.internals import _build_data_frame_for_sending

from tests.slackbot.simulator.bolt_app import bolt_for
from tests.slackbot.simulator.frames import Broken, Opcode, read_message
from tests.slackbot.simulator.records import App, Installation, User
from tests.slackbot.simulator.simulator import Simulator


@contextmanager
def connected(slack: Simulator, bolt: Any, app: App, count: int = 1) -> Iterator[list[SocketModeHandler]]:
    """slack_bolt's handlers. The simulator hangs up first: closing a quiet client takes three seconds."""
    handlers = [SocketModeHandler(bolt, app.app_token) for _ in range(count)]
    for handler in handlers:
        handler.connect()  # type: ignore[no-untyped-call]
    try:
        slack.sockets.wait_for_connections(app, count)
        yield handlers
    finally:
        for handler in handlers:
            handler.client.auto_reconnect_enabled = False
        slack.sockets.cut(app)
        until = time.monotonic() + 2
        while any(handler.client.is_connected() for handler in handlers) and time.monotonic() < until:
            time.sleep(0.01)  # the client hangs up too, and trips over a second close at the same moment
        for handler in handlers:
            handler.close()  # type: ignore[no-untyped-call]


def installed_for_sockets(slack: Simulator) -> tuple[Installation, User]:
    acme = slack.workspace()
    installed = slack.install(slack.app(socket_mode=True), acme)
    return installed, slack.user(acme, "ann")


def test_events_and_commands_are_acknowledged_and_answered(slack: Simulator) -> None:
    installed, ann = installed_for_sockets(slack)
    bolt = bolt_for(slack, installed)

    @bolt.event("message")
    def answer(event: dict[str, Any], say: Say) -> None:
        say(text=f"Of {len(event['text'])} characters.")

    @bolt.command("/ask")
    def asked(ack: Ack) -> None:
        ack("가나다" * 100)

    direct = slack.direct(installed.bot, ann)
    with connected(slack, bolt, installed.app, 2):
        slack.ask(ann, installed.bot, "x" * 70_000)
        slack.wait_until_called("chat.postMessage")
        command = slack.command(ann, direct, "/ask", app=installed.app)
        slack.settle()
        assert all(each.acknowledged for each in slack.deliveries.all)
        assert command.acknowledged
    said = sorted(each.text for each in slack.what_sees(ann, direct)[1:])
    assert said == ["Of 70000 characters.", "가나다" * 100]


def test_what_is_not_acknowledged_comes_again(slack: Simulator) -> None:
    slack.timing.acknowledge_within = 0.15
    installed, ann = installed_for_sockets(slack)
    bolt = bolt_for(slack, installed)
    tries: list[str] = []

    @bolt.middleware
    def hear(req: Any, next: Any) -> None:  # noqa: A002 - slack_bolt passes it by this name
        tries.append(req.headers.get("x-slack-retry-num", [""])[0])
        if len(tries) > 2:
            next()

    @bolt.event("message")
    def ignore() -> None:
        """Acknowledges."""

    with connected(slack, bolt, installed.app):
        slack.ask(ann, installed.bot, "hello")
        slack.settle()
    assert tries == ["0", "1", "2"]
    assert slack.events_sent("message")[0].acknowledged


def test_a_connection_that_must_go_is_followed_by_a_new_one(slack: Simulator) -> None:
    installed, ann = installed_for_sockets(slack)
    bolt = bolt_for(slack, installed)
    heard = threading.Event()

    @bolt.event("message")
    def hear() -> None:
        heard.set()

    with connected(slack, bolt, installed.app):
        (old,) = slack.sockets.connections(installed.app)
        slack.sockets.ping(installed.app)
        slack.sockets.disconnect(installed.app)
        slack.wait_until_called("apps.connections.open", 2)
        slack.ask(ann, installed.bot, "hello")
        assert heard.wait(5)
        assert old.pings >= 1


def test_a_ticket_counts_once_and_for_its_app(slack: Simulator) -> None:
    installed, _ = installed_for_sockets(slack)
    client = WebClient(base_url=slack.api_url)
    url = client.apps_connections_open(app_token=installed.app.app_token)["url"]
    ticket = url.partition("ticket=")[2].partition("&")[0]
    assert url.startswith("ws://127.0.0.1:")
    assert slack.app_of_ticket(ticket) is installed.app
    assert slack.app_of_ticket(ticket) is None
    assert slack.app_of_ticket("made-up") is None


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([Opcode.TEXT, Opcode.PING, Opcode.CLOSE]))
def test_frames_of_slack_sdk_are_read_as_they_were_written(payload: bytes, opcode: Opcode) -> None:
    written = _build_data_frame_for_sending(payload, opcode)
    assert read_message(io.BytesIO(written)) == (opcode, payload)
    with pytest.raises(Broken):
        read_message(io.BytesIO(written[:-1] if payload else written[:3]))
