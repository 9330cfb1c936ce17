"""The app's home in Slack: how to ask, recent conversations, and the way to sign in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import formats, timezone
from django.utils.translation import gettext

from assistant.slackbot import actions as ids
from assistant.slackbot.rendering.blocks import (
    Block,
    actions,
    bullets,
    button,
    context,
    header,
    link,
    one_line,
    rich_text,
    section,
    words,
)
from assistant.slackbot.rendering.views import View

MOST_CONVERSATIONS = 10
_LONGEST_TITLE = 100


@dataclass(frozen=True, slots=True)
class HomeConversation:
    """A conversation of the person who looks. `when`: its last question; `address`: where it is in Mundap."""

    title: str
    when: datetime
    address: str


def home(
    joined: bool,  # noqa: FBT001 - the two homes
    *,
    conversations: Sequence[HomeConversation],
    address: str,
    join_address: str,
) -> View:
    """What one person sees. Of somebody who is not joined, no conversation is shown."""
    lead = section(words(gettext("Ask your company’s documents, and see where each answer stands.")))
    blocks: list[Block] = [header("Mundap"), *rich_text([lead])]
    if joined:
        blocks += _how_to_ask()
        blocks.append({"type": "divider"})
        blocks += _recent(conversations)
        blocks += actions(button(gettext("Open Mundap"), ids.HOME, url=address))
    else:
        blocks += _sign_in(join_address)
        blocks += _how_to_ask()
    return {"type": "home", "blocks": blocks}


def _sign_in(join_address: str) -> list[Block]:
    why = gettext(
        "Sign in once, so that Mundap knows which documents you may read. Answers are made from those only."
    )
    return [
        *rich_text([section(words(why))]),
        *actions(button(gettext("Sign in to Mundap"), ids.JOIN, url=join_address, primary=True)),
    ]


def _how_to_ask() -> list[Block]:
    title = section(words(gettext("How to ask"), bold=True))
    ways = (
        gettext("Write to Mundap in a direct message. A thread is one conversation."),
        gettext("Mention Mundap in a channel or a thread."),
        gettext("Type /ask and your question anywhere; /new begins a new conversation."),
        gettext("Choose “Ask about this” in the menu of a message."),
    )
    return rich_text([title, bullets(words(way) for way in ways)])


def _recent(conversations: Sequence[HomeConversation]) -> list[Block]:
    title = section(words(gettext("Recent conversations"), bold=True))
    if not conversations:
        return [*rich_text([title]), *context(gettext("Nothing was asked yet."))]
    items = [
        [
            *link(one_line(one.title, _LONGEST_TITLE) or gettext("Conversation"), one.address),
            *words(f" · {formats.date_format(timezone.localtime(one.when), 'DATE_FORMAT')}"),
        ]
        for one in conversations[:MOST_CONVERSATIONS]
    ]
    return rich_text([title, bullets(items)])
