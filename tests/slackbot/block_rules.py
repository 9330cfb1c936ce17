"""What Slack would refuse of our messages and views, and what we ourselves never write into one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from assistant.common.types import Json
from assistant.common.web_addresses import web_address
from tests.slackbot.simulator import block_kit

_LONGEST_FALLBACK = 4_000  # of chat.update
_LONGEST_JSON = 13_000  # reports of refused messages begin there


def message_problems(text: str, blocks: Sequence[Json]) -> list[str]:
    """What is wrong with a message."""
    given = list(blocks)
    found = [*block_kit.block_problems(given), *_ours(given)]
    if not 0 < len(text) <= _LONGEST_FALLBACK:
        found.append(f"the fallback has {len(text)} characters")
    if not given:
        found.append("a message without blocks")
    if block_kit.too_much_text(given) or len(json.dumps(given, ensure_ascii=False)) > _LONGEST_JSON:
        found.append("the blocks are too long together")
    return found


def view_problems(view: Mapping[str, Json]) -> list[str]:
    """What is wrong with a modal or a home."""
    found = [*block_kit.view_problems(view), *_ours(view)]
    return [*found, "the view is too large"] if block_kit.view_too_large(view) else found


def every_part(value: Json) -> Iterator[Mapping[str, Json]]:
    """Each object in it, from the outside in."""
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from every_part(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from every_part(inner)


def _ours(value: Json) -> Iterator[str]:
    """Nothing is mrkdwn, no code becomes an emoji, no text is blank, and links are web addresses."""
    for part in every_part(value):
        if part.get("type") in ("mrkdwn", "markdown", "section"):
            yield f"{part['type']} is not used"
        if part.get("type") == "plain_text" and (part["emoji"] is not False or not str(part["text"]).strip()):
            yield f"a blank text, or one with emoji: {part}"
        if "url" in part and not web_address(str(part["url"])):
            yield f"a link to {part['url']!r}"
