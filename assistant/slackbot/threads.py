"""Which conversation is a thread of Slack, and what do others say in it?"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from slack_sdk import WebClient

from assistant.access.viewer import Viewer
from assistant.chat.condensing import Overheard
from assistant.chat.models import Conversation
from assistant.slackbot.failures import SlackRefused
from assistant.slackbot.models import LONGEST_TS, Thread, Workspace
from assistant.slackbot.profiles import Unreadable, profile_of
from assistant.slackbot.shapes import plain_text as storable

BY_COMMAND = "/ask"  # the thread of what is asked by command or dialog
_PAGE, _MOST_KEPT, _MOST_OVERHEARD = 200, 1_000, 10  # messages of a thread
_MOST_PAGES = 50  # of a very long thread, before we give up to reach its end
_SPANS_S = (90 * 86_400, 14 * 86_400, 2 * 86_400, 8 * 3_600, 3_600, 600)  # before a question in it
LONGEST_OVERHEARD = 600  # characters of one
_MENTION = re.compile(r"<(?P<kind>[@#!])(?P<id>[^|>]*)(?:\|(?P<label>[^>]*))?>")
_LINK = re.compile(r"<(?P<address>(?:https?|mailto|tel):[^|>]*)(?:\|(?P<label>[^>]*))?>")
_EMOJI = re.compile(r":[\w+'-]+(?:::skin-tone-\d)?:")
_SAYS_SOMETHING = re.compile(r"[^\W_]")


def conversation_of(workspace: Workspace, channel: str, thread: str, user_id: int) -> int | None:
    """The id of the person's conversation there; None where a new one begins."""
    return (
        Thread.objects.filter(
            workspace=workspace, channel_id=channel, thread=thread[:LONGEST_TS], user_id=user_id
        )
        .values_list("conversation_id", flat=True)
        .first()
    )


def remember(workspace: Workspace, channel: str, thread: str, conversation: Conversation) -> None:
    """From now on this thread is that conversation of its owner."""
    key: dict[str, Any] = {
        "workspace": workspace,
        "channel_id": channel,
        "thread": thread[:LONGEST_TS],
        "user_id": conversation.user_id,
    }
    try:
        with transaction.atomic():
            Thread.objects.update_or_create(**key, defaults={"conversation": conversation})
    except IntegrityError:  # a second question of the same person, at the same moment, was first
        Thread.objects.filter(**key).update(conversation=conversation)


def begin_anew(workspace: Workspace, channel: str, viewer: Viewer) -> None:
    """What the person asks there next, outside threads, belongs to a conversation of its own."""
    Thread.objects.filter(
        workspace=workspace, channel_id=channel, user_id=viewer.user_id, thread__in=("", BY_COMMAND)
    ).delete()


def messages_before(client: WebClient, *, channel: str, thread: str, before: str) -> list[Mapping[str, Any]]:
    """The thread's messages before that moment, oldest first; of more than a thousand its first one and the
    newest, between two hundred and a thousand of them.

    Slack gives a thread from its beginning on, in pages. Where a thousand are not all, a shorter and shorter
    time before the moment is asked for, as long as that holds more than a page, and is read to its end.

    Raises:
        SlackBusy, SlackRefused, SlackClosed.
    """

    def page(since: str | None, cursor: str | None) -> tuple[list[Mapping[str, Any]], str | None]:
        answer = client.conversations_replies(
            channel=channel,
            ts=thread,
            oldest=since,
            latest=before,
            inclusive=False,
            limit=_PAGE,
            cursor=cursor,
        )
        more = (answer.get("response_metadata") or {}).get("next_cursor") or None
        return [one for one in answer.get("messages") or () if str(one.get("ts", "")) < before], more

    def read(found: list[Mapping[str, Any]], pages: int, since: str | None, cursor: str | None) -> str | None:
        for _ in range(pages):
            if cursor is None:
                break
            later, cursor = page(since, cursor)
            found[:] = [*found, *later][-_MOST_KEPT:]
        return cursor

    found, cursor = page(None, None)
    first, since = found[:1], None
    cursor = read(found, _MOST_KEPT // _PAGE - 1, since, cursor)
    for seconds in _SPANS_S if cursor is not None else ():
        moment = f"{float(before) - seconds:.6f}"
        later, more = page(moment, None)
        if more is None:
            break
        found, cursor, since = later, more, moment
    read(found, _MOST_PAGES, since, cursor)
    return _once([*first, *found])


def _once(messages: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Each message once, oldest first: the first one of a thread comes with each of its pages."""
    return [one for _, one in sorted({str(one.get("ts", "")): one for one in messages}.items())]


def overheard_in(
    client: WebClient, workspace: Workspace, messages: Sequence[Mapping[str, Any]], *, asker: str
) -> list[Overheard]:
    """What others wrote in a thread, oldest first, each under their name: the newest, ten at most, and the
    thread's first message among them.

    The asker's own words to us are in the conversation already; of bots, ours too, nothing counts, nor what
    a message quotes from elsewhere.
    """
    said: list[tuple[str, str]] = []
    begins = False  # whether the first message is one of them
    for message in messages:
        if message.get("bot_id") or message.get("subtype") or not message.get("user"):
            continue
        text = str(message.get("text") or "")
        calls_us = f"<@{workspace.bot_user_id}>" in text
        shown = plain_text(text, bot=workspace.bot_user_id)[:LONGEST_OVERHEARD]
        if shown and not (message["user"] == asker and calls_us):
            said.append((str(message["user"]), shown))
            begins = begins or message is messages[0]
    kept = [*said[:1], *said[1:][-(_MOST_OVERHEARD - 1) :]] if begins else said[-_MOST_OVERHEARD:]
    names = {user: _name(client, workspace, user) for user in {user for user, _ in kept}}
    return [Overheard(names[user], text) for user, text in kept]


def _name(client: WebClient, workspace: Workspace, user: str) -> str:
    """What they call themselves; their id where Slack does not say."""
    try:
        return profile_of(workspace, client.users_info(user=user).get("user")).name or user
    except (SlackRefused, Unreadable):
        return user


def plain_text(text: str, *, bot: str) -> str:
    """What a person typed, without Slack's marks: ours is no part of it, links keep their words.

    Mentions of people stay as their id. The name of a channel is not put in: it may be a private one's.
    """

    def named(found: re.Match[str]) -> str:
        if found["kind"] == "@":
            return "" if found["id"] == bot else f"@{found['label'] or found['id']}"
        return f"#{found['id']}" if found["kind"] == "#" else f"@{found['id'].partition('^')[0]}"

    def linked(found: re.Match[str]) -> str:
        return found["label"] or found["address"].removeprefix("mailto:").removeprefix("tel:")

    # Clean at the end: an entity, too, may stand for what no store takes, and threads are read from Slack.
    return storable(html.unescape(_LINK.sub(linked, _MENTION.sub(named, text)))).strip()


def says_something(text: str) -> bool:
    """Whether there are words in it: letters or digits outside the names of emoji."""
    return _SAYS_SOMETHING.search(_EMOJI.sub(" ", text)) is not None


def files_of(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The files that these messages bring, once each."""
    found: dict[str, Mapping[str, Any]] = {}
    for message in messages:
        for file in message.get("files") or ():
            found.setdefault(str(file.get("id")), file)
    return list(found.values())
