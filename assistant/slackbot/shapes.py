"""What a request of Slack's looks like, as far as anything here or in Bolt reads it.

Whoever has the secret may still send nonsense, and a later Slack something new: a wrong type ends here as
"this is none", never deeper as an error of the server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

_DEEPEST = 40
_MOST_FIELDS = 200
_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")

# Where a text stands, and where an object, if anything does.
_TEXTS: Final = (
    *(
        "type",
        "team_id",
        "api_app_id",
        "enterprise_id",
        "event_id",
        "trigger_id",
        "response_url",
        "callback_id",
    ),
    *("user_id", "channel_id", "channel_name", "command", "text", "challenge", "token", "context_team_id"),
    *("event.type", "event.subtype", "event.text", "event.ts", "event.thread_ts"),
    *("event.channel_type", "event.bot_id", "event.team", "event.user_team", "event.event_ts", "event.tab"),
    *("event.app_id", "event.team_id", "event.source_team", "event.enterprise_id"),
    *("user.id", "user.team_id", "channel.id", "team.id", "team.enterprise_id", "enterprise.id"),
    *("view.id", "view.callback_id", "view.type", "view.private_metadata", "view.app_installed_team_id"),
    *("view.team_id", "view.hash", "message.ts", "message.thread_ts", "message.text", "message.user"),
    *("container.type", "container.channel_id", "container.message_ts", "container.thread_ts"),
    *("action_ts", "message_ts", "view.root_view_id", "message.bot_id", "message.app_id"),
)
_OBJECTS: Final = ("event", "view", "message", "container", "view.state", "view.state.values", "event.edited")
_EITHER: Final = (
    "user",
    "channel",
    "team",
    "enterprise",
    "event.channel",
    "event.item",
)  # a text or an object
_LISTS: Final = (
    "authorizations",
    "actions",
    "event.files",
    "event.attachments",
    "message.files",
)  # of objects
_IN_LISTS: Final = (
    ("authorizations", ("team_id", "enterprise_id", "user_id")),
    ("actions", ("action_id", "block_id", "type", "value", "action_ts", "selected_option.value")),
)


class NotARequest(Exception):
    """This is no request that Slack makes."""


def body_of(text: str, content_type: str) -> dict[str, Any]:
    """What a request over HTTP says: JSON, a form, or a form with JSON in it.

    Raises:
        NotARequest: it is none of these, or holds another type where one is read.
    """
    try:
        if content_type == "application/json" or text.startswith("{"):
            found = json.loads(text)
        else:
            fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
            found = json.loads(fields["payload"]) if "payload" in fields else fields
    except (ValueError, RecursionError):
        raise NotARequest from None
    return checked(found)


def checked(body: object) -> dict[str, Any]:
    """The same object, if every place that is read holds what belongs there.

    Raises:
        NotARequest: see `body_of`.
    """
    if not isinstance(body, dict) or not body or not _is_shallow(body):
        raise NotARequest
    kinds = ((_TEXTS, str), (_OBJECTS, dict), (_EITHER, (str, dict)))
    for paths, kind in kinds:
        for path in paths:
            _require(body, path, kind)
    for path in _LISTS:
        if not all(isinstance(one, dict) for one in _require(body, path, list) or ()):
            raise NotARequest
    for name, inner in _IN_LISTS:
        for one in body.get(name) or ():
            for path in inner:
                _require(one, path, str)
    return body


def plain_id(value: object) -> str:
    """An id, or a time stamp, of Slack's: letters, digits and the signs in them. Empty where it is none."""
    return value if isinstance(value, str) and _PLAIN_ID.fullmatch(value) else ""


def plain_text(value: object) -> str:
    """Text that every store takes: without halves of characters and zero bytes."""
    return _SURROGATE.sub("\ufffd", value).replace("\x00", "") if isinstance(value, str) else ""


def id_in(value: object) -> str:
    """The id of a user or channel that is written as itself or as an object."""
    return plain_id(value.get("id") if isinstance(value, Mapping) else value)


def _require(body: Mapping[str, Any], path: str, kind: type | tuple[type, ...]) -> Any:
    """What stands there; None where nothing does."""
    found: Any = body
    for name in path.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    if found is not None and not isinstance(found, kind):
        raise NotARequest
    return found


def _is_shallow(body: object) -> bool:
    """Whether nothing is nested deeper than anybody means; without recursion, because it may be very deep."""
    level: list[object] = [body]
    for _ in range(_DEEPEST):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
            if isinstance(inner, dict | list)
        ]
        if not level:
            return True
    return False
