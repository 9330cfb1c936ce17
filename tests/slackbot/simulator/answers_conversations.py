"""conversations.*, reactions.* and assistant.threads.*."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from assistant.common.types import Json
from tests.slackbot.simulator.arguments import Refused
from tests.slackbot.simulator.calls import Call, Handler, kinds_asked
from tests.slackbot.simulator.drawn import channel_object, message_object
from tests.slackbot.simulator.reading import text
from tests.slackbot.simulator.records import Channel, Kind, Message, Object

MOST_IN_A_GROUP: Final = 8
EMOJI_LENGTH: Final = 100


def info(call: Call) -> Object:
    channel = _readable(call, "read")
    drawn = channel_object(
        channel,
        user_id=call.bot.id,
        team_id=call.team_id,
        with_members=call.args.flag("include_num_members"),
    )
    if call.args.flag("include_locale"):
        drawn["locale"] = "en-US"
    return {"channel": drawn}


def list_channels(call: Call) -> Object:
    kinds = kinds_asked(call)
    return call.page(_channels(call, kinds, joined_by=None), "channels", usual=100, most=1000)


def users_conversations(call: Call) -> Object:
    kinds = kinds_asked(call)
    who = call.args.text("user") or call.bot.id
    return call.page(_channels(call, kinds, joined_by=who), "channels", usual=100, most=1000)


def members(call: Call) -> Object:
    channel = _readable(call, "read")
    return call.page(list(channel.members), "members", usual=100, most=1000)


def history(call: Call) -> Object:
    channel = _joined(call, "history")
    shown = [
        message
        for message in _within(call, channel)
        if message.thread_ts in (None, message.ts) or message.broadcast
    ]
    return _messages(call, list(reversed(shown)))


def replies(call: Call) -> Object:
    channel = _joined(call, "history")
    ts = call.args.text("ts")
    asked = call.state.message(channel.id, ts)
    if asked is None:
        raise Refused("thread_not_found")
    root = asked.root
    inside = {id(message) for message in _within(call, channel)}
    # The parent comes with every page of its thread, whatever the span.
    thread = [
        each
        for each in call.state.in_thread(channel.id, root)
        if each.ts == root or id(each) in inside
    ]  # fmt: skip
    return _messages(call, thread)


def open_conversation(call: Call) -> Object:
    if call.args.text("channel"):
        return _opened(call, call.known_channel(call.args.text("channel")))
    ids = [text(each) for each in call.args.rows("users")]
    if not ids:
        raise Refused("users_list_not_supplied")
    if len(ids) > MOST_IN_A_GROUP:
        raise Refused("too_many_users")
    call.need_scope("im:write" if len(ids) == 1 else "mpim:write")
    users = [call.known_user(each) for each in ids]
    if any(user.is_bot for user in users):
        raise Refused("cannot_dm_bot")
    if any(user.deleted for user in users):
        raise Refused("user_disabled")
    if len(users) == 1:
        return _opened(call, call.state.direct(call.bot, users[0]))
    return _opened(call, _group(call, [call.bot.id, *ids]))


def join(call: Call) -> Object:
    channel = call.known_channel(call.args.text("channel"))
    if channel.kind is not Kind.PUBLIC:
        raise Refused("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise Refused("is_archived")
    if call.bot.id not in channel.members:
        channel.members.append(call.bot.id)
        call.events.joined(call.bot, channel, None)
    return {"channel": channel_object(channel, user_id=call.bot.id, team_id=call.team_id)}


def leave(call: Call) -> Object:
    channel = call.known_channel(call.args.text("channel"))
    if call.bot.id not in channel.members:
        return {"not_in_channel": True}
    call.events.left(call.bot, channel)
    channel.members.remove(call.bot.id)
    return {}


def add_reaction(call: Call) -> Object:
    message, name = _reacted(call, call.args.text("timestamp"))
    who = message.reactions.setdefault(name, [])
    if call.bot.id in who:
        raise Refused("already_reacted")
    who.append(call.bot.id)
    call.events.reacted(message, call.bot, name)
    return {}


def remove_reaction(call: Call) -> Object:
    if not call.args.text("channel") or not call.args.text("timestamp"):
        raise Refused("no_item_specified")
    message, name = _reacted(call, call.args.text("timestamp"))
    who = message.reactions.get(name, [])
    if call.bot.id not in who:
        raise Refused("no_reaction")
    who.remove(call.bot.id)
    if not who:
        del message.reactions[name]
    return {}


def set_status(call: Call) -> Object:
    channel, root = _assistant_thread(call)
    call.state.statuses[channel.id, root] = call.args.text("status")
    return {}


def set_title(call: Call) -> Object:
    _assistant_thread(call)
    return {}


def set_prompts(call: Call) -> Object:
    call.joined_channel(call.args.text("channel_id"))
    return {}


def _assistant_thread(call: Call) -> tuple[Channel, str]:
    channel = call.joined_channel(call.args.text("channel_id"))
    root = call.args.text("thread_ts")
    if call.state.any_message(channel.id, root) is None:
        raise Refused("invalid_thread_ts")
    return channel, root


def _reacted(call: Call, ts: str) -> tuple[Message, str]:
    channel, name = call.joined_channel(call.args.text("channel")), call.args.text("name")
    if not name.replace("_", "").replace("-", "").replace("+", "").isalnum() or len(name) > EMOJI_LENGTH:
        raise Refused("invalid_name")
    message = call.state.message(channel.id, ts)
    if message is None:
        raise Refused("message_not_found")
    return message, name


def _readable(call: Call, right: str) -> Channel:
    channel = call.known_channel(call.args.text("channel"))
    call.need_kind_scope(channel.kind, right)
    return channel


def _joined(call: Call, right: str) -> Channel:
    channel = call.joined_channel(call.args.text("channel"))
    call.need_kind_scope(channel.kind, right)
    return channel


def _channels(call: Call, kinds: list[Kind], *, joined_by: str | None) -> list[Json]:
    """The channels that the app may know of; with `joined_by` only those of that user."""
    chosen = [
        channel
        for channel in call.state.channels.values()
        if channel.kind in kinds
        and call.state.team_knows(call.team_id, channel)
        and (channel.kind is Kind.PUBLIC or call.bot.id in channel.members)
        and (joined_by is None or joined_by in channel.members)
        and not (call.args.flag("exclude_archived") and channel.is_archived)
    ]
    return [
        channel_object(each, user_id=call.bot.id, team_id=call.team_id, with_members=True) for each in chosen
    ]


def _within(call: Call, channel: Channel) -> list[Message]:
    """The channel's messages in the span that was asked for, oldest first."""
    oldest, latest = call.args.text("oldest") or "0", call.args.text("latest")
    try:
        low, high = float(oldest), float(latest) if latest else float("inf")
    except ValueError:
        raise Refused("invalid_ts_oldest") from None
    edge = call.args.flag("inclusive")
    return [
        message
        for message in call.state.messages.get(channel.id, [])
        if message.ephemeral_to is None
        and not message.deleted
        and (low < float(message.ts) < high or (edge and float(message.ts) in (low, high)))
    ]


def _messages(call: Call, shown: list[Message]) -> Object:
    with_metadata = call.args.flag("include_all_metadata")
    drawn: list[Json] = [
        message_object(each, call.state, call.base, with_metadata=with_metadata) for each in shown
    ]
    page = call.page(drawn, "messages", usual=100, most=1000)
    metadata = page.pop("response_metadata")
    more = isinstance(metadata, Mapping) and bool(metadata.get("next_cursor"))
    return page | {"has_more": more, **({"response_metadata": metadata} if more else {})}


def _opened(call: Call, channel: Channel) -> Object:
    if call.args.flag("return_im"):
        return {"channel": channel_object(channel, user_id=call.bot.id, team_id=call.team_id)}
    return {"channel": {"id": channel.id}}


def _group(call: Call, ids: list[str]) -> Channel:
    for channel in call.state.channels.values():
        if channel.kind is Kind.MPIM and set(channel.members) == set(ids):
            return channel
    made = Channel(call.state.new_id("C"), f"mpdm-{len(ids)}", Kind.MPIM, call.installation.workspace, ids)
    call.state.channels[made.id] = made
    return made


CONVERSATIONS: Final[Mapping[str, Handler]] = {
    "conversations.info": info,
    "conversations.list": list_channels,
    "conversations.members": members,
    "conversations.history": history,
    "conversations.replies": replies,
    "conversations.open": open_conversation,
    "conversations.join": join,
    "conversations.leave": leave,
    "users.conversations": users_conversations,
    "reactions.add": add_reaction,
    "reactions.remove": remove_reaction,
    "assistant.threads.setStatus": set_status,
    "assistant.threads.setTitle": set_title,
    "assistant.threads.setSuggestedPrompts": set_prompts,
}
