"""The manifest of the app that a company makes at Slack for this installation: its rights, and what it hears.

The least that the code calls and listens to; `tests/slackbot/test_manifest.py` compares them. Its schema:
https://docs.slack.dev/reference/app-manifest. What people read in Slack stands there in both languages, as
Slack shows everybody the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from assistant.common.types import Json, JsonObject
from assistant.slackbot import actions
from assistant.slackbot.models import Delivery

# What each right is for, as an administrator reads it before granting it.
SCOPES: Final[Mapping[str, Promise]] = {
    "app_mentions:read": _("To be told when somebody mentions the bot."),
    "channels:history": _(
        "To read the thread of a public channel in which it was asked, for what “that” means."
    ),
    "channels:read": _("To see who is in the public channels that it is in, and whether they are shared."),
    "chat:write": _("To answer."),
    "commands": _("For /ask, /new and “Ask Mundap about this”."),
    "files:read": _("To read files that somebody attaches to a question."),
    "groups:history": _("To read the thread of a private channel in which it was asked."),
    "groups:read": _("To see who is in the private channels that it is in."),
    "im:history": _("To read what somebody writes to the bot directly."),
    "im:read": _("To be sure that a direct message has one reader."),
    "im:write": _("To answer somebody directly where the channel must not read it."),
    "users:read": _("To tell colleagues from guests, other companies and bots."),
    "users:read.email": _(
        "To show whose account a link connects and, if you want it, to know people by their address."
    ),
}

EVENTS: Final = (
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "channel_archive",
    "channel_id_changed",
    "channel_left",
    "channel_shared",
    "channel_unarchive",
    "channel_unshared",
    "group_archive",
    "group_left",
    "group_unarchive",
    "member_joined_channel",
    "message.im",
    "team_join",
    "tokens_revoked",
    "user_change",
)

NAME: Final = "Mundap"
_ABOUT: Final = "회사 자료에서 근거와 함께 답합니다. Answers from your company's knowledge, with sources."
_COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    actions.ASK_COMMAND: ("나만 보는 답변 받기 · Get an answer that only you see", "질문 · question"),
    actions.NEW_COMMAND: ("새 대화 시작하기 · Start a new conversation", ""),
}


def manifest(*, delivery: Delivery, request_url: str) -> JsonObject:
    """What is pasted at Slack. `request_url` is where Slack calls us; Socket Mode has no use for it."""
    by_http = delivery == Delivery.HTTP
    called: dict[str, Json] = {"request_url": request_url} if by_http else {}
    return {
        "display_information": {"name": NAME, "description": _ABOUT, "background_color": "#1f2a37"},
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": NAME.lower(), "always_online": True},
            "shortcuts": [
                {
                    "type": "message",
                    "name": "Ask Mundap about this",
                    "callback_id": actions.ASK_ABOUT,
                    "description": "이 메시지를 두고 묻기 · Ask a question about this message",
                }
            ],
            "slash_commands": [
                _command(name, about, hint, request_url if by_http else "")
                for name, (about, hint) in _COMMANDS.items()
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**called, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **called},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not by_http,
            "token_rotation_enabled": False,
        },
    }


def as_text(made: JsonObject) -> str:
    """The manifest as Slack's page takes it."""
    return json.dumps(made, ensure_ascii=False, indent=2)


def _command(name: str, about: str, hint: str, url: str) -> JsonObject:
    made: dict[str, Json] = {"command": name, "description": about, "should_escape": False}
    if url:
        made["url"] = url
    if hint:
        made["usage_hint"] = hint
    return made
