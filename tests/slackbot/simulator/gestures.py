"""Commands, buttons, shortcuts and modals: what an app hears of at once and acknowledges.

Payloads from https://docs.slack.dev/reference/interaction-payloads and
https://docs.slack.dev/interactivity/implementing-slash-commands. Each verb waits for the
acknowledgement and returns the delivery.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from assistant.common.types import Json
from tests.slackbot.simulator.answers_views import pushed, replace_view
from tests.slackbot.simulator.arguments import Refused
from tests.slackbot.simulator.block_kit import view_problems
from tests.slackbot.simulator.deliveries import COMMAND, INTERACTION, Delivery
from tests.slackbot.simulator.drawn import NAMES, message_object, view_object
from tests.slackbot.simulator.people import People
from tests.slackbot.simulator.reading import fields, parsed, rows, text
from tests.slackbot.simulator.records import App, Channel, Installation, Message, Object, User, View

SUBMITTED: Final = {
    "clear": frozenset({"response_action"}),
    "errors": frozenset({"response_action", "errors"}),
    "update": frozenset({"response_action", "view"}),
    "push": frozenset({"response_action", "view"}),
}


class Gestures(People):
    """What a person does that reaches the app outside the Events API, and the home tab."""

    def command(self, user: User, channel: Channel, name: str, words: str = "", *, app: App) -> Delivery:
        """Types a slash command. It works wherever the person is, whether the bot is there or not."""
        installed = app.installations[user.workspace.id]
        assert name in app.commands, f"{app.name} has no command {name}"
        with self.state.lock:
            assert user.id in channel.members, f"{user.name} is not in {channel.name or channel.id}"
            path = self.response_urls.give(app, installed.workspace.id, user, channel, None)
            payload: Object = {
                "token": "verification-token-not-used",
                "team_id": installed.workspace.id,
                "team_domain": installed.workspace.domain,
                "channel_id": channel.id,
                "channel_name": NAMES.get(channel.kind, channel.name),
                "user_id": user.id,
                "user_name": user.name,
                "command": name,
                "text": words,
                "api_app_id": app.id,
                "is_enterprise_install": "false",
                "response_url": self._base() + path,
                "trigger_id": self.state.new_trigger(app, user, installed.workspace.id),
            }
            if installed.workspace.enterprise_id:
                payload["enterprise_id"] = installed.workspace.enterprise_id
        delivery = self._delivered(app, COMMAND, name, payload)
        content = _message_in(delivery)
        if delivery.acknowledged and content:
            self.response_urls.acknowledged(path, content)
        return delivery

    def click(self, user: User, message: Message, action_id: str, *, chosen: str = "") -> Delivery:
        """Uses the control with this `action_id` in a message that the user can see.

        `chosen` is the value of an option for a menu or a list of options; a button needs none.
        """
        app = self.state.apps[message.app_id or ""]
        with self.state.lock:
            assert message in self.what_sees(user, message.channel), f"{user.name} does not see the message"
            action = _action(message.blocks, action_id, chosen)
            installed = app.installations[message.user.workspace.id]
            path = self.response_urls.give(app, installed.workspace.id, user, message.channel, message)
            container: Object = {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": message.channel.id,
                "is_ephemeral": message.ephemeral_to is not None,
            }
            if message.thread_ts is not None:
                container["thread_ts"] = message.thread_ts
            payload = self._interaction("block_actions", installed, user) | {
                "container": container,
                "channel": _named(message.channel),
                "state": {"values": {}},
                "response_url": self._base() + path,
                "actions": [action | {"action_ts": self.state.new_ts()}],
            }
            if message.ephemeral_to is None:
                payload["message"] = message_object(message, self.state, self._base())
        return self._delivered(app, INTERACTION, "block_actions", payload)

    def click_in(self, view: View, action_id: str, *, chosen: str = "") -> Delivery:
        """Uses a control in a modal or a home tab."""
        with self.state.lock:
            installed = view.app.installations[view.team_id]
            action = _action(rows(view.content.get("blocks")), action_id, chosen)
            payload = self._interaction("block_actions", installed, view.user, view) | {
                "container": {"type": "view", "view_id": view.id},
                "view": view_object(view),
                "actions": [action | {"action_ts": self.state.new_ts()}],
            }
        return self._delivered(view.app, INTERACTION, "block_actions", payload)

    def shortcut(self, user: User, message: Message, callback_id: str, *, app: App) -> Delivery:
        """Uses a message shortcut on any message that the user can see."""
        installed = app.installations[user.workspace.id]
        with self.state.lock:
            assert message in self.what_sees(user, message.channel), f"{user.name} does not see the message"
            path = self.response_urls.give(app, installed.workspace.id, user, message.channel, None)
            payload = self._interaction("message_action", installed, user) | {
                "callback_id": callback_id,
                "action_ts": self.state.new_ts(),
                "message_ts": message.ts,
                "channel": _named(message.channel),
                "message": message_object(message, self.state, self._base()),
                "response_url": self._base() + path,
            }
        return self._delivered(app, INTERACTION, "message_action", payload)

    def open_home(self, user: User, app: App, *, tab: str = "home") -> None:
        """Opens the app's home; the event goes out like any other (see `settle`)."""
        with self.state.lock:
            self.events.home_opened(app.installations[user.workspace.id], user, tab)

    def submit(self, view: View, values: Mapping[str, Mapping[str, Json]] | None = None) -> Delivery:
        """Submits a modal. `values` are the state: by block_id, then by action_id, Slack's own value objects.

        What the app answers happens: the modal closes, or shows errors (see `errors_in`), or changes.
        """
        app, stack = view.app, self._stack(view)
        assert stack[-1:] == [view], "only the modal on top can be submitted"
        assert view.content.get("submit"), "the modal has no button to submit it"
        with self.state.lock:
            drawn = view_object(view) | {"state": {"values": values or {}}}
            installed = app.installations[view.team_id]
            payload = self._interaction("view_submission", installed, view.user, view)
            payload |= {"view": drawn, "response_urls": []}
        delivery = self._delivered(app, INTERACTION, "view_submission", payload)
        if delivery.acknowledged:
            with self.state.lock:
                self._submitted(view, stack, fields(_body(delivery)))
        return delivery

    def close(self, view: View) -> Delivery | None:
        """Closes a modal; the app hears of it when it asked with `notify_on_close`."""
        stack = self._stack(view)
        with self.state.lock:
            stack.remove(view)
            installed = view.app.installations[view.team_id]
            payload = self._interaction("view_closed", installed, view.user)
            payload.pop("trigger_id")
            payload |= {"view": view_object(view), "is_cleared": False}
        if view.content.get("notify_on_close") is not True:
            return None
        return self._delivered(view.app, INTERACTION, "view_closed", payload)

    def errors_in(self, delivery: Delivery) -> Mapping[str, Json]:
        """The errors that a modal shows after `submit`, by block_id."""
        return fields(fields(_body(delivery)).get("errors"))

    # Inside

    def _submitted(self, view: View, stack: list[View], answer: Mapping[str, Json]) -> None:
        """https://docs.slack.dev/surfaces/modals#updating_response: what an acknowledgement may hold."""
        action = text(answer.get("response_action"))
        if not answer:
            stack.remove(view)
        elif action not in SUBMITTED or set(answer) != SUBMITTED[action]:
            self.state.fault("view_submission", "invalid_response", f"{sorted(answer)}")
        elif action == "clear":
            stack.clear()
        elif action == "errors":
            here = {text(fields(each).get("block_id")) for each in rows(view.content.get("blocks"))}
            if not fields(answer["errors"]) or not set(fields(answer["errors"])) <= here:
                self.state.fault(
                    "view_submission", "invalid_errors", "errors are by the block_id of an input"
                )
        elif problems := view_problems(answer["view"]):
            self.state.fault("view_submission", "invalid_view", "; ".join(problems))
        elif action == "update":
            replace_view(self.state, view, fields(answer["view"]))
        else:
            try:
                pushed(self.state, stack, fields(answer["view"]))
            except Refused as refused:
                self.state.fault("view_submission", refused.error)

    def _stack(self, view: View) -> list[View]:
        return self.state.modals.get((view.app.id, view.user.id), [])

    def _interaction(
        self, kind: str, installed: Installation, user: User, view: View | None = None
    ) -> Object:
        team = installed.workspace
        enterprise: Json = {"id": team.enterprise_id, "name": team.name} if team.enterprise_id else None
        return {
            "type": kind,
            "token": "verification-token-not-used",
            "api_app_id": installed.app.id,
            "team": {"id": team.id, "domain": team.domain},
            "user": {
                "id": user.id,
                "username": user.name,
                "name": user.name,
                "team_id": user.workspace.id,
            },
            "enterprise": enterprise,
            "is_enterprise_install": False,
            "trigger_id": self.state.new_trigger(installed.app, user, team.id, view),
        }

    def _delivered(self, app: App, kind: str, name: str, payload: Object) -> Delivery:
        delivery = self.deliveries.send(app, kind, name, payload)
        assert delivery.over.wait(self.timing.acknowledge_within + 5), f"{kind} {name} is not over"
        return delivery


def _action(blocks: object, action_id: str, chosen: str) -> Object:
    """The entry of `actions` for a control. Raises `AssertionError` where there is none to use."""
    for block_id, element in _controls(blocks):
        if element.get("action_id") == action_id:
            return _used(block_id, element, chosen)
    raise AssertionError(
        f"no control {action_id}; there are {[e.get('action_id') for _, e in _controls(blocks)]}"
    )


def _used(block_id: str, element: Mapping[str, Json], chosen: str) -> Object:
    kind = text(element.get("type"))
    action: Object = {"type": kind, "block_id": block_id, "action_id": element["action_id"]}
    if kind in ("button", "icon_button", "workflow_button"):
        return action | {name: element[name] for name in ("text", "value", "style", "url") if name in element}
    if kind == "feedback_buttons":
        for name in ("positive_button", "negative_button"):
            button = fields(element.get(name))
            if button.get("value") == chosen:
                return action | {"text": button["text"], "value": chosen}
    options = [each for each in _options(element) if each.get("value") == chosen]
    assert options, f"{kind} {element['action_id']} offers no {chosen!r}"
    if kind.startswith("multi_") or kind == "checkboxes":
        return action | {"selected_options": options}
    return action | {"selected_option": options[0]}


def _options(element: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    options = list(rows(element.get("options")))
    for group in rows(element.get("option_groups")):
        options += rows(fields(group).get("options"))
    return [fields(each) for each in options]


def _controls(blocks: object) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """Every control in the blocks with its block_id."""
    for block in blocks if isinstance(blocks, (list, tuple)) else ():
        found = fields(block)
        for each in (*rows(found.get("elements")), found.get("accessory"), found.get("element")):
            element = fields(each)
            if "action_id" in element:
                yield text(found.get("block_id")), element


def _named(channel: Channel) -> Object:
    return {"id": channel.id, "name": NAMES.get(channel.kind, channel.name)}


def _body(delivery: Delivery) -> Json:
    return parsed(delivery.answer.body) if delivery.answer is not None and delivery.answer.body else None


def _message_in(delivery: Delivery) -> Mapping[str, Json]:
    """The message in a command's acknowledgement: JSON, or the body as its text."""
    if delivery.answer is None or not delivery.answer.body.strip():
        return {}
    content = _body(delivery)
    if isinstance(content, Mapping):
        return content
    return {"text": delivery.answer.body.decode("utf-8", "replace")}
