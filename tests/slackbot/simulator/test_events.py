"""Events over HTTP: who hears of what, signatures, retries, and the flow through a real slack_bolt app."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

from slack_bolt import Ack, BoltRequest, BoltResponse, Respond, Say
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from assistant.common.types import Json
from tests.slackbot.simulator.bolt_app import bolt_for, serving
from tests.slackbot.simulator.deliveries import TIMEOUT
from tests.slackbot.simulator.reading import fields, parsed, text
from tests.slackbot.simulator.records import Acknowledgement, SignedRequest
from tests.slackbot.simulator.simulator import Simulator

Body = dict[str, Any]


class Ear:
    """A request URL in the shape of a function: keeps what comes, and answers as it is told."""

    def __init__(self, *statuses: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        self.heard: list[SignedRequest] = []
        self._statuses = list(statuses)
        self._headers = headers or {}
        self._body = body

    def __call__(self, request: SignedRequest) -> Acknowledgement:
        self.heard.append(request)
        status = self._statuses.pop(0) if self._statuses else 200
        return Acknowledgement(status, self._headers, self._body)

    def events(self) -> list[Mapping[str, Json]]:
        return [fields(fields(parsed(each.body)).get("event")) for each in self.heard]

    def kinds(self) -> list[str]:
        """The types of the events, with their subtypes; in no order, as with Slack."""
        return sorted(
            "/".join(filter(None, [text(e.get("type")), text(e.get("subtype"))])) for e in self.events()
        )


def test_a_mention_in_a_channel_is_two_events_and_a_direct_message_one(slack: Simulator) -> None:
    ear = Ear()
    acme = slack.workspace()
    installed = slack.install(slack.app(request_url=ear), acme)
    ann = slack.user(acme, "ann")
    general = slack.channel(acme, "general", [ann, installed.bot])
    slack.say(ann, general, f"{slack.mention(installed.bot)} &lt;hello&gt;")
    slack.settle()
    assert ear.kinds() == ["app_mention", "message"]
    ids = {text(fields(parsed(each.body)).get("event_id")) for each in ear.heard}
    assert len(ids) == 2
    slack.ask(ann, installed.bot, "hello")
    slack.settle()
    assert ear.events()[-1]["channel_type"] == "im"
    assert ear.kinds() == ["app_mention", "message", "message"]


def test_nobody_hears_of_a_channel_that_the_bot_is_not_in(slack: Simulator) -> None:
    ear = Ear()
    acme = slack.workspace()
    installed = slack.install(slack.app(request_url=ear), acme)
    ann = slack.user(acme, "ann")
    slack.say(ann, slack.channel(acme, "secret", [ann], private=True), slack.mention(installed.bot))
    slack.settle()
    assert ear.heard == []


def test_edits_files_joins_and_departures_are_told(slack: Simulator) -> None:
    ear = Ear()
    acme, other = slack.workspace(), slack.workspace("Other")
    installed = slack.install(slack.app(request_url=ear), acme)
    ann, sam = slack.user(acme, "ann"), slack.user(other, "sam")
    general = slack.channel(acme, "general", [ann, installed.bot], shared_with=[other])
    message = slack.say(ann, general, "a file", files=[slack.file(ann, "plan.txt", b"plan")])
    slack.edit(message, "the file")
    slack.delete(message)
    slack.join(sam, general)
    slack.leave(sam, general)
    slack.open_home(ann, installed.app)
    slack.change_user(ann, is_restricted=True)
    slack.uninstall(installed)
    slack.settle()
    about_messages = ["message/file_share", "message/message_changed", "message/message_deleted"]
    about_people = ["app_home_opened", "member_joined_channel", "member_left_channel", "user_change"]
    assert ear.kinds() == sorted([*about_messages, *about_people, "tokens_revoked", "app_uninstalled"])
    shared = next(each for each in ear.events() if each.get("subtype") == "file_share")
    assert shared["files"] == [
        {"id": message.files[0].id, "mode": "file_access", "file_access": "check_file_info"}
    ]
    outer = fields(parsed(ear.heard[0].body))
    assert (outer["is_ext_shared_channel"], outer["team_id"]) == (True, acme.id)


def test_requests_are_signed_as_slack_sdk_verifies_them(slack: Simulator) -> None:
    ear = Ear()
    acme = slack.workspace()
    installed = slack.install(slack.app(request_url=ear), acme)
    slack.ask(slack.user(acme, "ann"), installed.bot, "가")
    slack.settle()
    (request,) = ear.heard
    verifier = SignatureVerifier(installed.app.signing_secret)
    assert verifier.is_valid_request(request.body, dict(request.headers))
    assert not verifier.is_valid_request(request.body + b" ", dict(request.headers))


def test_an_event_without_an_acknowledgement_comes_three_times_more(slack: Simulator) -> None:
    ear = Ear(500, 500, 500, 500, 500)
    acme = slack.workspace()
    installed = slack.install(slack.app(request_url=ear), acme)
    slack.ask(slack.user(acme, "ann"), installed.bot, "hello")
    slack.settle()
    assert [each.headers.get("X-Slack-Retry-Num") for each in ear.heard] == [None, "1", "2", "3"]
    assert {each.headers.get("X-Slack-Retry-Reason") for each in ear.heard[1:]} == {"http_error"}
    assert len({each.body for each in ear.heard}) == 1
    (delivery,) = slack.events_sent("message")
    assert not delivery.acknowledged


def test_an_app_can_ask_for_no_retry(slack: Simulator) -> None:
    ear = Ear(500, headers={"x-slack-no-retry": "1"})
    acme = slack.workspace()
    installed = slack.install(slack.app(request_url=ear), acme)
    slack.ask(slack.user(acme, "ann"), installed.bot, "hello")
    slack.settle()
    assert len(ear.heard) == 1


class Slow:
    """An app that takes its time."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def dispatch(self, req: BoltRequest) -> BoltResponse:
        self.over.wait(5)
        return BoltResponse(status=200)


def test_a_late_acknowledgement_is_none(slack: Simulator) -> None:
    slack.timing.acknowledge_within = 0.08
    acme, slow = slack.workspace(), Slow()
    app = slack.app()
    installed = slack.install(app, acme)
    with serving(slow) as address:
        app.request_url = address
        slack.ask(slack.user(acme, "ann"), installed.bot, "hello")
        slack.settle()
        slow.over.set()
    (delivery,) = slack.events_sent("message")
    assert [each.reason for each in delivery.attempts] == [TIMEOUT] * 4


def test_a_bolt_app_answers_events_commands_buttons_shortcuts_and_modals(slack: Simulator) -> None:
    acme = slack.workspace()
    app = slack.app()
    installed = slack.install(app, acme)
    ann = slack.user(acme, "ann")
    general = slack.channel(acme, "general", [ann, installed.bot])
    bolt = bolt_for(slack, installed)
    plain = {"type": "plain_text", "text": "Go"}
    elements = [{"type": "button", "action_id": "why", "text": plain, "value": "7"}]
    box = {"type": "plain_text_input", "action_id": "text"}
    modal = {
        "type": "modal",
        "callback_id": "reason",
        "title": plain,
        "submit": plain,
        "blocks": [{"type": "input", "block_id": "why", "label": plain, "element": box}],
    }

    @bolt.event("app_mention")
    def answer(event: Body, say: Say) -> None:
        say(text="Twenty-five.", thread_ts=event["ts"], blocks=[{"type": "actions", "elements": elements}])

    @bolt.event("message")
    def ignore() -> None:
        """Mentions come as messages too."""

    @bolt.action("why")
    def opened(ack: Ack, body: Body, client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=modal)

    @bolt.view("reason")
    def submitted(ack: Ack, view: Body) -> None:
        said = view["state"]["values"]["why"]["text"]["value"]
        ack(response_action="errors", errors={"why": "Say more."}) if len(said) < 3 else ack()

    @bolt.command("/ask")
    def asked(ack: Ack, respond: Respond, command: Body) -> None:
        ack("Looking ...")
        respond(text=f"About {command['text']}.", response_type="in_channel")

    @bolt.shortcut("ask_about")
    def about(ack: Ack, shortcut: Body, respond: Respond) -> None:
        ack()
        respond(text=f"On: {shortcut['message']['text']}")

    @bolt.event("app_home_opened")
    def home(event: Body, client: WebClient) -> None:
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [{"type": "divider"}]})

    with serving(bolt) as address:
        app.request_url = address
        assert slack.verify(app)
        question = slack.say(ann, general, f"{slack.mention(installed.bot)} days off?")
        slack.wait_until_called("chat.postMessage")
        answered = slack.in_thread(ann, question)[-1]
        assert slack.click(ann, answered, "why").acknowledged
        slack.wait_until_called("views.open")
        view = slack.modal_of(ann, app)
        assert view is not None
        refused = slack.submit(view, {"why": {"text": {"type": "plain_text_input", "value": "no"}}})
        assert slack.errors_in(refused) == {"why": "Say more."}
        slack.submit(view, {"why": {"text": {"type": "plain_text_input", "value": "because"}}})
        assert slack.modal_of(ann, app) is None
        slack.command(ann, general, "/ask", "leave", app=app)
        slack.shortcut(ann, question, "ask_about", app=app)
        slack.open_home(ann, app)
        slack.wait_until_called("views.publish")
        slack.settle()
    said = {each.text for each in slack.what_sees(ann, general)}
    assert {"Looking ...", "About leave.", f"On: {question.text}"} <= said
    assert slack.home_of(ann, app) is not None


def test_a_wrong_answer_to_a_modal_is_recorded(slack: Simulator) -> None:
    acme = slack.workspace()
    app = slack.app(request_url=Ear(200, body=json.dumps({"response_action": "vanish"}).encode()))
    installed = slack.install(app, acme)
    ann = slack.user(acme, "ann")
    trigger = slack.state.new_trigger(app, ann, acme.id)
    plain = {"type": "plain_text", "text": "T"}
    modal = {"type": "modal", "title": plain, "submit": plain, "blocks": [{"type": "divider"}]}
    WebClient(installed.token, base_url=slack.api_url).views_open(trigger_id=trigger, view=modal)
    view = slack.modal_of(ann, app)
    assert view is not None
    slack.submit(view)
    slack.excuse("invalid_response")
