"""views.*: modals, their stack, and the home tab."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from assistant.common.types import Json
from tests.slackbot.simulator.arguments import Refused
from tests.slackbot.simulator.calls import Call, Handler
from tests.slackbot.simulator.drawn import view_object, with_ids
from tests.slackbot.simulator.reading import rows
from tests.slackbot.simulator.records import App, Object, Trigger, User, View
from tests.slackbot.simulator.state import State

TRIGGER_LIFE: Final = 3.0  # seconds
MOST_STACKED: Final = 3


def open_view(call: Call) -> Object:
    content = _modal(call)
    trigger = _traded(call)
    # A modal that is opened takes the place of every other one of the app.
    stack: list[View] = []
    call.state.modals[trigger.app.id, trigger.user.id] = stack
    view = new_view(call.state, trigger.app, trigger.user, trigger.team_id, content)
    stack.append(view)
    return {"view": view_object(view)}


def push_view(call: Call) -> Object:
    content = _modal(call)
    trigger = _traded(call)
    stack = call.state.modals.get((trigger.app.id, trigger.user.id), [])
    if trigger.view is None or not stack:
        raise Refused("not_found", "views.push needs a trigger from a modal that is open")
    return {"view": view_object(pushed(call.state, stack, content))}


def update_view(call: Call) -> Object:
    content = call.args.fields("view") or {}
    view = _found(call)
    sent = call.args.text("hash")
    if sent and sent != view.hash:
        raise Refused("hash_conflict")
    if content.get("type") != view.content.get("type"):
        raise Refused("invalid_arguments", "the type of a view stays [json-pointer:/view/type]")
    replace_view(call.state, view, content)
    return {"view": view_object(view)}


def publish_view(call: Call) -> Object:
    app, content = call.installation.app, call.args.fields("view") or {}
    if not app.home_tab:
        raise Refused("not_enabled")
    if content.get("type") != "home":
        raise Refused("invalid_arguments", "must be home [json-pointer:/view/type]")
    user = call.known_user(call.args.text("user_id"))
    if user.deleted:
        raise Refused("user_disabled")
    home = call.state.homes.get((app.id, user.id))
    sent = call.args.text("hash")
    if home is None:
        home = new_view(call.state, app, user, call.team_id, content)
        call.state.homes[app.id, user.id] = home
    elif sent and sent != home.hash:
        raise Refused("hash_conflict")
    else:
        replace_view(call.state, home, content)
    return {"view": view_object(home)}


def new_view(state: State, app: App, user: User, team_id: str, content: Mapping[str, Json]) -> View:
    filled = {**content, "blocks": with_ids(rows(content.get("blocks")), state)}
    view = View(state.new_id("V"), app, user, team_id, filled, _hash(state))
    state.views[view.id] = view
    return view


def pushed(state: State, stack: list[View], content: Mapping[str, Json]) -> View:
    """A new modal on top of the stack, which holds three at most."""
    if len(stack) >= MOST_STACKED:
        raise Refused("push_limit_reached")
    below = stack[-1]
    view = new_view(state, below.app, below.user, below.team_id, content)
    view.previous, view.root = below.id, below.root or below.id
    stack.append(view)
    return view


def replace_view(state: State, view: View, content: Mapping[str, Json]) -> None:
    view.shown.append(view.content)
    view.content = {**content, "blocks": with_ids(rows(content.get("blocks")), state)}
    view.hash = _hash(state)


def _hash(state: State) -> str:
    return f"{int(state.clock.now())}.{state.new_id('')}"


def _modal(call: Call) -> Mapping[str, Json]:
    content = call.args.fields("view") or {}
    if content.get("type") != "modal":
        raise Refused("invalid_arguments", "must be modal [json-pointer:/view/type]")
    return content


def _traded(call: Call) -> Trigger:
    """The trigger of the call, used up by it."""
    trigger = call.state.triggers.get(call.args.text("trigger_id"))
    if trigger is None or trigger.app is not call.installation.app:
        raise Refused("invalid_trigger_id")
    if trigger.used:
        raise Refused("exchanged_trigger_id")
    if call.state.clock.now() - trigger.issued_at > TRIGGER_LIFE:
        raise Refused("expired_trigger_id")
    trigger.used = True
    return trigger


def _found(call: Call) -> View:
    view_id, external = call.args.text("view_id"), call.args.text("external_id")
    if not view_id and not external:
        raise Refused("invalid_arguments", "missing required field: view_id or external_id")
    app = call.installation.app
    own = [view for stack in call.state.modals.values() for view in stack if view.app is app]
    own += [home for (app_id, _), home in call.state.homes.items() if app_id == app.id]
    for view in own:
        if (view_id and view.id == view_id) or (external and view.content.get("external_id") == external):
            return view
    raise Refused("not_found")


VIEWS: Final[Mapping[str, Handler]] = {
    "views.open": open_view,
    "views.push": push_view,
    "views.update": update_view,
    "views.publish": publish_view,
}
