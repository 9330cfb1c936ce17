"""From what Slack sent to the job that it asks for, if any. Nothing here asks the database or Slack.

Silent by rule: what bots and apps say, what we said ourselves, edits and deletions, and messages outside
direct messages that do not mention us.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from assistant.common.types import Json, JsonObject
from assistant.slackbot import actions
from assistant.slackbot.shapes import id_in, plain_id, plain_text

ASK, NEW = "/ask", "/new"
LONGEST_TEXT: Final = 40_000  # of a message at Slack
_MOST_FILES = 20
_LONGEST_NAME, _LONGEST_URL = 300, 2_000
_EVERYWHERE_S = 60
_SPOKEN = frozenset({"", "file_share", "thread_broadcast"})  # subtypes of what a person says
_CONVERTED = frozenset({"channel_convert_to_public", "channel_convert_to_private"})
# After these others may be able to read a channel than before, or we hear no longer who can.
_WIDENING: Final = (
    "member_joined_channel",
    "channel_shared",
    "channel_unshared",
    "channel_archive",
    "channel_unarchive",
    "channel_left",
    "channel_id_changed",
    "group_archive",
    "group_unarchive",
    "group_left",
    "shared_channel_invite_accepted",
)
_WIDENING_EVERYWHERE: Final = ("team_join", "user_change")

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A job to take in. `after_s`: not before so many seconds from now."""

    kind: str
    key: str
    payload: JsonObject
    after_s: float = 0.0


def of_event(body: Body, *, bot_user: str) -> Incoming | None:
    """What an event asks for."""
    event = body.get("event") or {}
    kind = str(event.get("type", ""))
    if kind == "message" and event.get("subtype") in _CONVERTED:
        return _recheck(body, event)
    if kind in ("message", "app_mention"):
        return _question(event, kind, bot_user)
    if kind == "app_home_opened":
        user = plain_id(event.get("user"))
        if not user or event.get("tab", "home") != "home":
            return None
        return _once("home", "h", body, {"user": user})
    if kind in _WIDENING:
        return _recheck(body, event)
    if kind in _WIDENING_EVERYWHERE:
        return _recheck_everywhere(time.time())
    if ends(body):
        return _once("closed", "x", body, {"why": ends(body)})
    return None


def says_nothing(body: Body, *, bot_user: str) -> bool:
    """Whether it is a message that nobody asks us: mostly our own, of which Slack tells at each edit."""
    event = body.get("event") or {}
    return (
        body.get("type") == "event_callback"
        and event.get("type") == "message"
        and of_event(body, bot_user=bot_user) is None
    )


def ends(body: Body) -> str:
    """Why this event ends what the app may do in this workspace; empty where it does not."""
    event = body.get("event") or {}
    if event.get("type") == "app_uninstalled":
        return "app_uninstalled"
    tokens = event.get("tokens")
    if event.get("type") == "tokens_revoked" and isinstance(tokens, dict) and tokens.get("bot"):
        return "token_revoked"
    return ""


def of_command(body: Body) -> Incoming | None:
    """What /ask or /new asks for."""
    trigger, channel, user = (plain_id(body.get(name)) for name in ("trigger_id", "channel_id", "user_id"))
    if not (trigger and channel and user):
        return None
    payload: dict[str, Json] = {"channel": channel, "user": user} | _response_url(body)
    if body.get("command") == NEW:
        return Incoming("new", f"n:{trigger}", payload)
    if body.get("command") == ASK:
        payload |= {"text": _text(body.get("text")), "via": "command"}
        return Incoming("question", f"c:{trigger}", payload)
    return None


def of_click(body: Body, kind: str) -> Incoming | None:
    """What a click on a button of an answer asks for: `kind` is `again` or `share`."""
    clicked = (body.get("actions") or [{}])[0]
    turn, trigger = plain_id(clicked.get("value")), plain_id(body.get("trigger_id"))
    container = body.get("container") or {}
    channel = id_in(body.get("channel")) or plain_id(container.get("channel_id"))
    user = id_in(body.get("user"))
    if not (turn and trigger and channel and user):
        return None
    message = body.get("message") or {}
    payload: dict[str, Json] = {"channel": channel, "user": user, "turn": turn} | _response_url(body)
    for name, value in (
        ("message_ts", container.get("message_ts") or message.get("ts")),
        ("thread_ts", container.get("thread_ts") or message.get("thread_ts")),
    ):
        if plain_id(value):
            payload[name] = plain_id(value)
    return Incoming(kind, f"a:{kind}:{trigger}", payload)


def of_dialog(body: Body) -> Incoming | None:
    """What the dialog of "ask about this" asks for.

    Its `private_metadata` was written by us: a JSON object with `channel`, `ts` and `thread_ts` of the
    message that is asked about, and its text as `quoted`.
    """
    view = body.get("view") or {}
    view_id, user = plain_id(view.get("id")), id_in(body.get("user"))
    about = _object(view.get("private_metadata"))
    channel = plain_id(about.get("channel"))
    values: Any = view
    for name in ("state", "values", actions.QUESTION_BLOCK, actions.FIELD):
        values = values.get(name) if isinstance(values, dict) else None
    if not (view_id and user and channel):
        return None
    payload: dict[str, Json] = {"channel": channel, "user": user, "via": "dialog"}
    payload["text"] = _text(values.get("value") if isinstance(values, dict) else "")
    for name in ("ts", "thread_ts"):
        if plain_id(about.get(name)):
            payload[name] = plain_id(about.get(name))
    if quoted := _text(about.get("quoted")):
        payload |= {"quoted": quoted, "quoted_by": plain_id(about.get("by"))}
    return Incoming("question", f"v:{view_id}", payload)


def _question(event: Body, kind: str, bot_user: str) -> Incoming | None:
    user, channel, ts = plain_id(event.get("user")), plain_id(event.get("channel")), plain_id(event.get("ts"))
    spoken = (
        str(event.get("subtype") or "") in _SPOKEN and not event.get("bot_id") and not event.get("edited")
    )
    direct = kind == "message" and event.get("channel_type") == "im"
    if not (user and channel and ts and spoken and (direct or kind == "app_mention")) or user == bot_user:
        return None
    payload: dict[str, Json] = {
        "channel": channel,
        "user": user,
        "text": _text(event.get("text")),
        "ts": ts,
        "files": _files(event.get("files")),
        "via": "message" if direct else "mention",
    }
    for name in ("channel_type", "thread_ts"):
        if plain_id(event.get(name)):
            payload[name] = plain_id(event.get(name))
    return Incoming("question", f"m:{channel}:{ts}", payload)


def _recheck(body: Body, event: Body) -> Incoming | None:
    channel = id_in(event.get("channel")) or plain_id(event.get("new_channel_id"))
    return _once("recheck", "r", body, {"channel": channel}) if channel else None


def _recheck_everywhere(now: float) -> Incoming:
    """Anybody's new photograph is such an event: all of a minute are one job, after that minute."""
    minute = int(now // _EVERYWHERE_S)
    after_s = (minute + 1) * _EVERYWHERE_S - now
    return Incoming("recheck", f"r:all:{minute}", {"channel": ""}, after_s)


def _once(kind: str, prefix: str, body: Body, payload: JsonObject) -> Incoming | None:
    event_id = plain_id(body.get("event_id"))
    return Incoming(kind, f"{prefix}:{event_id}", payload) if event_id else None


def _files(given: object) -> list[Json]:
    """Of each file what is needed to fetch it."""
    wanted: Mapping[str, Callable[[object], Json]] = {
        "id": plain_id,
        "name": lambda value: plain_text(value)[:_LONGEST_NAME],
        "mimetype": lambda value: plain_text(value)[:_LONGEST_NAME],
        "size": lambda value: value if isinstance(value, int) and not isinstance(value, bool) else 0,
        "url_private_download": lambda value: plain_text(value)[:_LONGEST_URL],
    }
    files = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    return [{name: clean(one.get(name)) for name, clean in wanted.items()} for one in files[:_MOST_FILES]]


def _response_url(body: Body) -> dict[str, Json]:
    url = plain_text(body.get("response_url"))
    return {"response_url": url} if 0 < len(url) <= _LONGEST_URL else {}


def _text(value: object) -> str:
    """One character more than Slack allows is kept, so that whoever answers can say that it is too long."""
    return plain_text(value)[: LONGEST_TEXT + 1]


def _object(text: object) -> Mapping[str, Any]:
    try:
        found = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
