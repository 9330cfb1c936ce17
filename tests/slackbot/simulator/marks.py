"""Whom a message would notify and where it would lead, as Slack reads its text and blocks.

https://docs.slack.dev/messaging/formatting-message-text: in `mrkdwn` (and in a message's `text`) an angle
bracket begins a mention or a link, and bare addresses become links unless `verbatim` is set; `plain_text`
holds none; in rich text only elements of their own do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from assistant.common.types import Json
from tests.slackbot.simulator.reading import rows, text
from tests.slackbot.simulator.records import Message

BRACKETS: Final = re.compile(r"<([^<>]+)>")
BARE: Final = re.compile(r"https?://[^\s<>|]+", re.IGNORECASE)
ELEMENTS: Final[Mapping[str, tuple[str, str]]] = {
    "user": ("user_id", "@"),
    "usergroup": ("usergroup_id", "!subteam^"),
    "channel": ("channel_id", "#"),
    "broadcast": ("range", "!"),
}
ADDRESSES: Final = ("url", "image_url", "video_url", "thumbnail_url", "title_url", "provider_icon_url")


@dataclass(frozen=True, slots=True)
class Marks:
    """`mentions` as in the wire format without brackets: `@U1`, `#C1`, `!channel`, `!subteam^S1`."""

    mentions: frozenset[str]
    links: frozenset[str]


def marks_of(message: Message) -> Marks:
    return marks_in(message.text, message.blocks)


def marks_in(written: str, blocks: Sequence[Json] = ()) -> Marks:
    """Everything in a message's text and in its blocks (or a view's) that is more than letters."""
    found = [*_in_mrkdwn(written, verbatim=False), *_in_json(list(blocks))]
    mentions = frozenset(each for each in found if each[:1] in ("@", "#", "!"))
    return Marks(mentions, frozenset(found) - mentions)


def _in_mrkdwn(written: str, *, verbatim: bool) -> Iterator[str]:
    for inside in BRACKETS.findall(written):
        yield inside.partition("|")[0]
    if not verbatim:
        yield from BARE.findall(BRACKETS.sub(" ", written))


def _in_json(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        kind = text(value.get("type"))
        if kind in ("mrkdwn", "markdown"):
            yield from _in_mrkdwn(text(value.get("text")), verbatim=value.get("verbatim") is True)
        if kind in ELEMENTS:
            name, sign = ELEMENTS[kind]
            yield sign + text(value.get(name))
        yield from (text(value[name]) for name in ADDRESSES if text(value.get(name)))
        for each in value.values():
            yield from _in_json(each)
    else:
        for each in rows(value):
            yield from _in_json(each)
