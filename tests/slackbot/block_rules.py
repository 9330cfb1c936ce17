"""Slack's limits on Block Kit, as far as Mundap's messages and views use it. Each finding is a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from assistant.common.types import Json
from assistant.slackbot.rendering.blocks import web_address

_MOST_JSON = 13_000
_LEAVES = {"text", "link", "user"}


def message_problems(text: str, blocks: Sequence[Json]) -> list[str]:
    """What Slack would refuse of a message."""
    found = list(_blocks(blocks, most=50))
    if not 0 < len(text) <= 4_000:
        found.append(f"the fallback has {len(text)} characters")
    if len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))) > _MOST_JSON:
        found.append("the blocks are too long together")
    return found


def view_problems(view: Mapping[str, Json]) -> list[str]:
    """What Slack would refuse of a modal or a home."""
    blocks = view["blocks"]
    assert isinstance(blocks, list)
    found = list(_blocks(blocks, most=100))
    for name in ("title", "submit", "close"):
        if name in view:
            found += _plain(view[name], 24)
    if view["type"] == "modal" and "title" not in view:
        found.append("a modal without a title")
    if any(_part(block)["type"] == "input" for block in blocks) and "submit" not in view:
        found.append("an input without a way to send it")
    if len(str(view.get("private_metadata", ""))) > 3_000 or len(str(view.get("callback_id", ""))) > 255:
        found.append("too long metadata or callback")
    return found


def every_part(value: Json) -> Iterator[Mapping[str, Json]]:
    """Each object in it, from the outside in."""
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from every_part(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from every_part(inner)


def _part(value: Json) -> Mapping[str, Json]:
    assert isinstance(value, Mapping), value
    return value


def _list(value: Json) -> Sequence[Json]:
    assert isinstance(value, list), value
    return value


def _blocks(blocks: Sequence[Json], *, most: int) -> Iterator[str]:
    if not 0 < len(blocks) <= most:
        yield f"{len(blocks)} blocks"
    ids = [part["action_id"] for part in every_part(list(blocks)) if "action_id" in part]
    # The same field name in two inputs is fine: Slack wants ids to be unique within a block.
    buttons = [action for action in ids if ids.count(action) > 1 and action != "entered"]
    if buttons:
        yield f"ids that occur twice: {sorted(map(str, set(buttons)))}"
    for block in blocks:
        yield from _block(_part(block))


def _block(block: Mapping[str, Json]) -> Iterator[str]:
    match block["type"]:
        case "divider":
            return
        case "header":
            yield from _plain(block["text"], 150)
        case "context":
            yield from _count(block, 10)
            for element in _list(block["elements"]):
                yield from _plain(element, 3_000)
        case "actions":
            yield from _count(block, 25)
            for element in _list(block["elements"]):
                yield from _button(_part(element))
        case "input":
            yield from _plain(block["label"], 2_000)
            yield from _field(_part(block["element"]))
        case "rich_text":
            yield from _count(block, 1_000)
            for element in _list(block["elements"]):
                yield from _rich(_part(element))
        case other:
            yield f"a block that is not used here: {other}"


def _count(part: Mapping[str, Json], most: int) -> Iterator[str]:
    if not 0 < len(_list(part["elements"])) <= most:
        yield f"{part['type']} with {len(_list(part['elements']))} elements"


def _plain(value: Json, most: int) -> Iterator[str]:
    text = _part(value)
    if text["type"] != "plain_text" or text["emoji"] is not False:
        yield f"not plain text: {text}"
    if not str(text["text"]).strip() or len(str(text["text"])) > most:
        yield f"a text of {len(str(text['text']))} characters, at most {most}"


def _button(button: Mapping[str, Json]) -> Iterator[str]:
    if button["type"] != "button" or not 0 < len(str(button["action_id"])) <= 255:
        yield f"not a button: {button}"
    yield from _plain(button["text"], 75)
    if len(str(button.get("value", ""))) > 2_000:
        yield "a value that is too long"
    if "url" in button and not 0 < len(web_address(str(button["url"]))) <= 3_000:
        yield f"a button that opens {button['url']!r}"


def _field(field: Mapping[str, Json]) -> Iterator[str]:
    if field["type"] == "checkboxes":
        options = _list(field["options"])
        if not 0 < len(options) <= 10:
            yield f"{len(options)} options"
        for option in options:
            yield from _plain(_part(option)["text"], 75)
            if len(str(_part(option)["value"])) > 150:
                yield "the value of an option is too long"
    elif field["type"] != "plain_text_input" or not 0 < int(str(field["max_length"])) <= 3_000:
        yield f"not a field: {field}"


def _rich(part: Mapping[str, Json]) -> Iterator[str]:
    yield from _count(part, 1_000)
    if part["type"] == "rich_text_list":
        for item in _list(part["elements"]):
            yield from _rich(_part(item))
    elif part["type"] in ("rich_text_section", "rich_text_quote"):
        for leaf in _list(part["elements"]):
            yield from _leaf(_part(leaf))
    else:
        yield f"an unknown part of rich text: {part['type']}"


def _leaf(leaf: Mapping[str, Json]) -> Iterator[str]:
    if leaf["type"] not in _LEAVES:
        yield f"an element that is not used here: {leaf['type']}"
    if leaf["type"] != "user" and not 0 < len(str(leaf["text"])) <= 3_000:
        yield f"an element of {len(str(leaf['text']))} characters"
    if leaf["type"] == "link" and not 0 < len(web_address(str(leaf["url"]))) <= 3_000:
        yield f"a link to {leaf['url']!r}"
