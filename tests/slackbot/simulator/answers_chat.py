"""chat.*: posting, editing, deleting, streaming."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from assistant.common.types import Json
from tests.slackbot.simulator.arguments import Refused
from tests.slackbot.simulator.block_kit import too_much_text
from tests.slackbot.simulator.calls import Call, Handler
from tests.slackbot.simulator.drawn import message_object, with_ids
from tests.slackbot.simulator.reading import fields, text
from tests.slackbot.simulator.records import Channel, Kind, Message, Object

TEXT_POSTED: Final = 40_000  # longer: cut, with a warning
TEXT_UPDATED: Final = 4_000  # longer: refused (docs.slack.dev/reference/methods/chat.update)
MARKDOWN: Final = 12_000
CHUNKS: Final = ("markdown_text", "task_update", "plan_update", "blocks")


def post_message(call: Call) -> Object:
    channel = call.writable_channel(call.args.text("channel"))
    message = _new_message(call, channel)
    message.broadcast = call.args.flag("reply_broadcast")
    message.metadata = _metadata(call)
    _publish(call, message)
    return {"channel": channel.id, "ts": message.ts, **_with_warning(call, message)}


def post_ephemeral(call: Call) -> Object:
    channel = call.writable_channel(call.args.text("channel"))
    user = call.known_user(call.args.text("user"))
    if user.id not in channel.members:
        raise Refused("user_not_in_channel")
    message = _new_message(call, channel)
    message.ephemeral_to = user.id
    call.state.messages.setdefault(channel.id, []).append(message)
    return {"message_ts": message.ts}


def update(call: Call) -> Object:
    message = _own_message(call, "cant_update_message")
    if message.streaming:
        raise Refused("streaming_state_conflict")
    if len(call.args.text("text")) > TEXT_UPDATED:
        raise Refused("msg_too_long", f"the text field cannot exceed {TEXT_UPDATED} characters")
    written, blocks = _content(call)
    before = call.events.drawn(message)
    message.shown.append((message.text, message.blocks))
    # Without `blocks` the new text takes their place; without `text` the old text stays as the fallback.
    message.text = written if "text" in call.args or "markdown_text" in call.args else message.text
    message.blocks = with_ids(blocks, call.state)
    if "metadata" in call.args:
        message.metadata = _metadata(call)
    if "blocks" not in call.args:
        message.edited = call.state.new_ts()
    call.events.changed(message, before)
    drawn = message_object(message, call.state, call.base, with_metadata=True)
    return {"channel": message.channel.id, "ts": message.ts, "text": message.text, "message": drawn}


def delete(call: Call) -> Object:
    message = _own_message(call, "cant_delete_message")
    before = call.events.drawn(message)
    message.deleted = True
    call.events.deleted(message, before)
    return {"channel": message.channel.id, "ts": message.ts}


def get_permalink(call: Call) -> Object:
    channel = call.known_channel(call.args.text("channel"))
    message = call.state.message(channel.id, call.args.text("message_ts"))
    if message is None:
        raise Refused("message_not_found")
    link = (
        f"https://{channel.workspace.domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    )
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


# Streams: https://docs.slack.dev/reference/methods/chat.startStream


def start_stream(call: Call) -> Object:
    channel = call.writable_channel(call.args.text("channel"))
    if channel.kind is not Kind.IM:
        for name in ("recipient_team_id", "recipient_user_id"):
            if not call.args.text(name):
                raise Refused(f"missing_{name}")
    message = Message(call.state.new_ts(), channel, call.bot, _chunked(call), app_id=call.installation.app.id)
    message.thread_ts = _thread(call, channel)
    message.streaming = True
    _publish(call, message)
    return {"channel": channel.id, "ts": message.ts}


def append_stream(call: Call) -> Object:
    message = _streaming(call)
    more = _chunked(call)
    if not more:
        raise Refused("no_text")
    message.text += more
    return {"channel": message.channel.id, "ts": message.ts}


def stop_stream(call: Call) -> Object:
    message = _streaming(call)
    before = call.events.drawn(message)
    message.text += _chunked(call)
    message.blocks = with_ids(call.args.rows("blocks"), call.state)
    message.metadata = _metadata(call)
    message.streaming = False
    call.events.changed(message, before)
    drawn = message_object(message, call.state, call.base, with_metadata=True)
    return {"channel": message.channel.id, "ts": message.ts, "message": drawn}


def _streaming(call: Call) -> Message:
    channel = call.joined_channel(call.args.text("channel"))
    message = call.state.message(channel.id, call.args.text("ts"))
    if message is None:
        raise Refused("message_not_found")
    if message.app_id != call.installation.app.id:
        raise Refused("message_not_owned_by_app")
    if not message.streaming:
        raise Refused("message_not_in_streaming_state")
    return message


def _chunked(call: Call) -> str:
    """The text in `markdown_text` or in the chunks; other chunks are judged by their type alone."""
    written = call.args.text("markdown_text")
    chunks = [fields(each) for each in call.args.rows("chunks")]
    if any(each.get("type") not in CHUNKS for each in chunks):
        raise Refused("invalid_chunks")
    written += "".join(text(each.get("text")) for each in chunks if each.get("type") == "markdown_text")
    if len(written) > MARKDOWN:
        raise Refused("msg_too_long")
    return written


# What posting and editing share


def _content(call: Call) -> tuple[str, Sequence[Json]]:
    """The text and blocks of a call, within the limits of a message."""
    args = call.args
    written, blocks, markdown = args.text("text"), args.rows("blocks"), args.text("markdown_text")
    if markdown and (written or blocks):
        raise Refused("markdown_text_conflict")
    if len(markdown) > MARKDOWN:
        raise Refused("msg_too_long")
    if not written.strip() and not blocks and not markdown and not args.rows("attachments"):
        raise Refused("no_text")
    if too_much_text(blocks):
        raise Refused("msg_blocks_too_long")
    return markdown or written, blocks


def _new_message(call: Call, channel: Channel) -> Message:
    if "as_user" in call.args:
        raise Refused("as_user_not_supported")
    if any(name in call.args for name in ("username", "icon_url", "icon_emoji")):
        call.need_scope("chat:write.customize")
    written, blocks = _content(call)
    return Message(
        ts=call.state.new_ts(),
        channel=channel,
        user=call.bot,
        text=written[:TEXT_POSTED],
        blocks=with_ids(blocks, call.state),
        thread_ts=_thread(call, channel),
        app_id=call.installation.app.id,
        unfurl_links=call.args.flag("unfurl_links") if "unfurl_links" in call.args else None,
        unfurl_media=call.args.flag("unfurl_media") if "unfurl_media" in call.args else None,
    )


def _thread(call: Call, channel: Channel) -> str | None:
    """The thread to answer in. A reply's own timestamp is refused: Slack's pages say to use its parent's."""
    thread_ts = call.args.text("thread_ts")
    if not thread_ts:
        return None
    root = call.state.any_message(channel.id, thread_ts)
    if root is None or root.ephemeral_to is not None:
        raise Refused("thread_not_found")
    if root.thread_ts not in (None, root.ts):
        raise Refused("invalid_thread_ts", "the timestamp of a reply; use that of its parent")
    return thread_ts


def _metadata(call: Call) -> Mapping[str, Json] | None:
    metadata = call.args.fields("metadata")
    if metadata is None:
        return None
    if not isinstance(metadata.get("event_type"), str) or not isinstance(
        metadata.get("event_payload"), Mapping
    ):
        raise Refused("invalid_metadata_format")
    return metadata


def _publish(call: Call, message: Message) -> None:
    call.state.messages.setdefault(message.channel.id, []).append(message)
    call.events.posted(message)


def _with_warning(call: Call, message: Message) -> Object:
    answer: Object = {"message": message_object(message, call.state, call.base, with_metadata=True)}
    if len(call.args.text("text")) > TEXT_POSTED:
        call.state.fault(call.method.name, "message_truncated", f"text over {TEXT_POSTED} characters")
        answer["response_metadata"] = {"warnings": ["message_truncated"]}
    return answer


def _own_message(call: Call, error: str) -> Message:
    """The app's own message; ephemeral messages cannot be changed through chat.*."""
    channel = call.known_channel(call.args.text("channel"))
    message = call.state.message(channel.id, call.args.text("ts"))
    if message is None:
        raise Refused("message_not_found")
    if message.app_id != call.installation.app.id or message.user.id != call.bot.id:
        raise Refused(error)
    return message


CHAT: Final[Mapping[str, Handler]] = {
    "chat.postMessage": post_message,
    "chat.postEphemeral": post_ephemeral,
    "chat.update": update,
    "chat.delete": delete,
    "chat.getPermalink": get_permalink,
    "chat.startStream": start_stream,
    "chat.appendStream": append_stream,
    "chat.stopStream": stop_stream,
}
