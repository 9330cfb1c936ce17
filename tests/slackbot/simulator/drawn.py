"""Slack's JSON for users, channels, messages, files and views, as one workspace sees them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from assistant.common.types import Json
from tests.slackbot.simulator.reading import rows
from tests.slackbot.simulator.records import Channel, File, Kind, Message, Object, User, View
from tests.slackbot.simulator.state import State

MENTION: Final = re.compile(r"(<@[UW][A-Z0-9]+>)")
NAMES: Final = {Kind.IM: "directmessage", Kind.PRIVATE: "privategroup", Kind.MPIM: "privategroup"}


def user_object(user: User, *, team_id: str, scopes: frozenset[str], with_locale: bool = False) -> Object:
    """A user as `users.info` gives one; the address only with `users:read.email`, and never a stranger's."""
    stranger = user.workspace.id != team_id
    profile: Object = {
        "real_name": user.name,
        "display_name": user.name,
        "team": user.workspace.id,
        "avatar_hash": "g" + user.id.lower()[:8],
    }
    if user.email is not None and "users:read.email" in scopes and not stranger:
        profile["email"] = user.email
    if user.is_bot:
        profile["bot_id"] = user.bot_id
        profile["api_app_id"] = user.app_id
    drawn: Object = {
        "id": user.id,
        "team_id": user.workspace.id,
        "name": user.name,
        "real_name": user.name,
        "deleted": user.deleted,
        "tz": user.tz,
        "profile": profile,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 1_700_000_000,
    }
    if stranger:
        drawn["is_stranger"] = True
    if not user.deleted:
        drawn |= {
            "is_admin": user.is_admin,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": user.is_restricted,
            "is_ultra_restricted": user.is_ultra_restricted,
            "is_email_confirmed": user.is_email_confirmed,
        }
    if with_locale:
        drawn["locale"] = user.locale
    if user.workspace.enterprise_id:
        drawn["enterprise_user"] = {
            "id": "W" + user.id[1:],
            "enterprise_id": user.workspace.enterprise_id,
            "is_admin": False,
            "is_owner": False,
            "teams": [user.workspace.id],
        }
    return drawn


def channel_object(channel: Channel, *, user_id: str, team_id: str, with_members: bool = False) -> Object:
    """A conversation as `conversations.info` gives one to the user (a bot's) of a workspace."""
    shared = channel.is_ext_shared or channel.is_org_shared
    drawn: Object = {
        "id": channel.id,
        "created": 1_700_000_000,
        "is_archived": channel.is_archived,
        "is_im": channel.kind is Kind.IM,
        "is_org_shared": channel.is_org_shared,
        "context_team_id": channel.workspace.id,
        "updated": 1_700_000_000_000,
    }
    if channel.kind is Kind.IM:
        other = next((each for each in channel.members if each != user_id), user_id)
        return drawn | {"user": other, "is_user_deleted": False, "priority": 0}
    drawn |= {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind is Kind.PUBLIC,
        "is_group": channel.kind is Kind.PRIVATE,
        "is_mpim": channel.kind is Kind.MPIM,
        "is_private": channel.is_private,
        "is_general": channel.name == "general",
        "is_shared": shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_pending_ext_shared": channel.is_pending_ext_shared,
        "pending_shared": [],
        "pending_connected_team_ids": [],
        "shared_team_ids": [channel.workspace.id, *channel.connected],
        "connected_team_ids": [each for each in channel.connected if channel.is_ext_shared],
        "is_member": user_id in channel.members,
        "creator": channel.members[0] if channel.members else "",
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": [],
    }
    if with_members:
        drawn["num_members"] = len(channel.members)
    if team_id in channel.connected:
        drawn["conversation_host_id"] = channel.workspace.id
    return drawn


def file_object(file: File, base: str, *, hidden: bool = False) -> Object:
    """A file; `hidden` as events give one of a channel shared with others, to be asked for by files.info."""
    if hidden:
        return {"id": file.id, "mode": "file_access", "file_access": "check_file_info"}
    path = f"{base}/files-pri/{file.workspace.id}-{file.id}"
    name = file.name.lower().replace(" ", "_")
    return {
        "id": file.id,
        "created": 1_700_000_000,
        "timestamp": 1_700_000_000,
        "name": file.name,
        "title": file.name,
        "mimetype": file.mimetype,
        "filetype": file.name.rpartition(".")[2].lower(),
        "pretty_type": file.name.rpartition(".")[2].upper(),
        "user": file.user.id,
        "user_team": file.workspace.id,
        "editable": False,
        "size": len(file.content),
        "mode": file.mode,
        "is_external": file.mode == "external",
        "is_public": False,
        "public_url_shared": False,
        "url_private": f"{path}/{name}",
        "url_private_download": f"{path}/download/{name}",
        "permalink": f"https://{file.workspace.domain}.slack.com/files/{file.user.id}/{file.id}/{name}",
        "file_access": "visible",
        "has_rich_preview": False,
        "channels": [each for each in file.channels if each.startswith("C")],
        "groups": [],
        "ims": [each for each in file.channels if each.startswith("D")],
    }


def message_object(message: Message, state: State, base: str, *, with_metadata: bool = False) -> Object:
    """A message as the API and events give it; metadata only where it was asked for."""
    drawn: Object = {
        "type": "message",
        "user": message.user.id,
        "text": message.text,
        "ts": message.ts,
        "team": message.user.workspace.id,
    }
    if message.blocks:
        drawn["blocks"] = list(message.blocks)
    if message.app_id is not None:
        drawn |= {"bot_id": message.user.bot_id, "app_id": message.app_id}
        drawn["bot_profile"] = {
            "id": message.user.bot_id,
            "app_id": message.app_id,
            "name": message.user.name,
            "deleted": False,
            "team_id": message.user.workspace.id,
        }
    if message.files:
        hidden = message.channel.is_ext_shared
        drawn["files"] = [file_object(each, base, hidden=hidden) for each in message.files]
        drawn["upload"] = False
    if message.thread_ts is not None:
        drawn["thread_ts"] = message.thread_ts
    if message.edited is not None:
        drawn["edited"] = {"user": message.user.id, "ts": message.edited}
    if with_metadata and message.metadata is not None:
        drawn["metadata"] = message.metadata
    if message.reactions:
        drawn["reactions"] = [
            {"name": name, "users": list(who), "count": len(who)} for name, who in message.reactions.items()
        ]
    replies = [each for each in state.in_thread(message.channel.id, message.ts) if each is not message]
    if message.thread_ts is None and replies:
        drawn |= {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users": sorted({each.user.id for each in replies}),
            "latest_reply": replies[-1].ts,
            "is_locked": False,
        }
    return drawn


def subtype_of(message: Message) -> str | None:
    if message.broadcast:
        return "thread_broadcast"
    return "file_share" if message.files and message.app_id is None else None


def view_object(view: View) -> Object:
    """A view with what Slack adds to it: ids, its hash, and an empty state."""
    app, installed = view.app, view.app.installations[view.team_id]
    usual: Object = {
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "clear_on_close": False,
        "notify_on_close": False,
        "title": None,
        "submit": None,
        "close": None,
    }
    return usual | {
        **view.content,
        "id": view.id,
        "team_id": view.team_id,
        "state": {"values": {}},
        "hash": view.hash,
        "previous_view_id": view.previous,
        "root_view_id": view.root or view.id,
        "app_id": app.id,
        "app_installed_team_id": view.team_id,
        "bot_id": installed.bot.bot_id,
    }


def typed_blocks(text: str, state: State) -> list[Json]:
    """The rich text that Slack's own editor makes of what a person types (`text` in the wire format)."""
    pieces: list[Json] = []
    for piece in MENTION.split(text):
        if MENTION.fullmatch(piece):
            pieces.append({"type": "user", "user_id": piece[2:-1]})
        elif piece:
            plain = piece.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
            pieces.append({"type": "text", "text": plain})
    section: Json = {"type": "rich_text_section", "elements": pieces}
    return [{"type": "rich_text", "block_id": state.new_id("")[:6], "elements": [section]}]


def with_ids(blocks: Sequence[Json], state: State) -> list[Json]:
    """The blocks with the block_id and action_id that Slack makes where an app gave none."""
    made: list[Json] = []
    for block in blocks:
        if isinstance(block, Mapping):
            filled: Object = {**block, "block_id": block.get("block_id") or state.new_id("")[-5:]}
            if block.get("type") in ("actions", "context_actions"):
                filled["elements"] = [_with_action_id(each, state) for each in rows(block.get("elements"))]
            for single in ("accessory", "element"):
                if single in block:
                    filled[single] = _with_action_id(block[single], state)
            made.append(filled)
    return made


def _with_action_id(element: Json, state: State) -> Json:
    if isinstance(element, Mapping) and element.get("type") != "image" and not element.get("action_id"):
        return {**element, "action_id": state.new_id("")[-5:]}
    return element
