"""Messages of ours in Slack: each is sent once, can be changed later, and is found again after a crash.

Before a message is sent there is a row of it, whose id goes along as the message's metadata. Whoever takes a
job over whose message may have arrived looks for that id first. What one person alone sees in a channel
cannot be looked for: of a crash in the moment between sending and writing it down, that one comes twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from assistant.common.types import JsonObject
from assistant.slackbot.failures import SlackRefused
from assistant.slackbot.models import Post, PostState, Workspace
from assistant.slackbot.rendering.messages import Message
from assistant.slackbot.slack_api import respond

METADATA = "mundap_answer"
_PAGE, _MOST_PAGES = 200, 10
_EARLIER_S = 60.0  # our clock may be ahead of Slack's
_DIRECT = "D"  # how the ids of direct messages begin
# Not `channel_not_found`: Slack says it of a private channel that we were taken out of, where it stands on.
_GONE = frozenset({"message_not_found", "thread_not_found"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where one person alone is told something.

    `response_url` came with a command or a click; `replaces`: in place of the message that was clicked, which
    that person alone sees.
    """

    channel: str
    user: str
    thread: str = ""
    response_url: str = ""
    replaces: bool = False


def show(client: WebClient, post: Post, message: Message, *, final: bool, is_new: bool) -> None:
    """Let the post say this: send it, or change it.

    `is_new`: nobody can have sent it before, so that it need not be looked for.

    Raises:
        SlackBusy, SlackRefused, SlackClosed.
    """
    if not post.ts and not is_new:
        post.ts = _find(client, post)
    if post.ts:
        client.chat_update(channel=post.channel_id, ts=post.ts, **_content(message))
    else:
        metadata = {"event_type": METADATA, "event_payload": {"post": str(post.pk)}}
        sent = _post(
            client, message, channel=post.channel_id, thread_ts=post.thread or None, metadata=metadata
        )
        post.ts = str(sent["ts"])
    post.state = PostState.FINAL if final else PostState.OPEN
    post.judged_at = timezone.now()
    post.save(update_fields=["ts", "state", "judged_at"])


def take_back(client: WebClient, post: Post, message: Message | None) -> None:
    """Let the post say this in place of its answer, or delete it. What is gone at Slack is gone, and with it
    who could read it.

    Raises:
        SlackBusy, SlackClosed.
        SlackRefused: it is still there, and Slack does not let us change it.
    """
    post.ts = post.ts or _find(client, post)
    try:
        if post.ts and message is not None:
            client.chat_update(channel=post.channel_id, ts=post.ts, **_content(message))
        elif post.ts:
            client.chat_delete(channel=post.channel_id, ts=post.ts)
    except SlackRefused as refused:
        if refused.code not in _GONE:
            raise
    post.state = PostState.WITHDRAWN
    post.judged_at = timezone.now()
    post.judged_beside, post.judged_people = [], ""
    post.save(update_fields=["ts", "state", "judged_at", "judged_beside", "judged_people"])


def tell(client: WebClient, workspace: Workspace, message: Message, place: Place) -> None:
    """Show a message to one person alone: where they asked, else directly. Nobody else sees it.

    Raises:
        SlackBusy, SlackRefused, SlackClosed.
    """
    if place.response_url and responded(workspace, message, place):
        return
    thread = place.thread or None
    try:
        if place.channel.startswith(_DIRECT):
            _post(client, message, channel=place.channel, thread_ts=thread)
        else:
            client.chat_postEphemeral(
                channel=place.channel, user=place.user, thread_ts=thread, **_content(message)
            )
    except SlackRefused:  # we are not in it, or it is archived
        opened = client.conversations_open(users=place.user)
        _post(client, message, channel=opened["channel"]["id"])


def _post(client: WebClient, message: Message, **where: Any) -> SlackResponse:
    return client.chat_postMessage(
        unfurl_links=False, unfurl_media=False, mrkdwn=False, **where, **_content(message)
    )


def responded(workspace: Workspace, message: Message, place: Place) -> bool:
    """Whether it was taken at the address that Slack gave for replies, which counts for half an hour.

    Raises:
        SlackBusy, SlackClosed.
    """
    shown: JsonObject = {"text": message.text, "blocks": list(message.blocks), "mrkdwn": False}
    how: JsonObject = {"replace_original": True}
    if not place.replaces:
        how = {"response_type": "ephemeral", "replace_original": False}
    try:
        respond(workspace, place.response_url, {**shown, **how, "unfurl_links": False, "unfurl_media": False})
    except SlackRefused:  # used up, or its time is over
        return False
    return True


def _content(message: Message) -> dict[str, Any]:
    return {
        "text": message.text,
        "blocks": list(message.blocks),
        "parse": "none",
        "link_names": False,
    }


def _find(client: WebClient, post: Post) -> str:
    """The ts of the message that carries the post's id; empty where there is none."""
    wanted = str(post.pk)
    for message in _messages(client, post):
        metadata = message.get("metadata") or {}
        told = metadata.get("event_payload") or {}
        if metadata.get("event_type") == METADATA and told.get("post") == wanted:
            return str(message.get("ts") or "")
    return ""


def _messages(client: WebClient, post: Post) -> Iterator[Mapping[str, Any]]:
    """What was written where the post would stand, since about then."""
    oldest = f"{post.created_at.timestamp() - _EARLIER_S:.6f}"
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        if post.thread:
            page = client.conversations_replies(
                channel=post.channel_id,
                ts=post.thread,
                oldest=oldest,
                include_all_metadata=True,
                limit=_PAGE,
                cursor=cursor,
            )
        else:
            page = client.conversations_history(
                channel=post.channel_id, oldest=oldest, include_all_metadata=True, limit=_PAGE, cursor=cursor
            )
        yield from page.get("messages") or ()
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
        if cursor is None:
            return
