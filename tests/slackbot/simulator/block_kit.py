"""Judges blocks and views as Slack does: every block type of the documentation, its fields and limits.

From https://docs.slack.dev/reference/block-kit/blocks and .../reference/views; `block_parts` holds
the elements. Where the pages and slack_sdk's models differ, the stricter one counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from assistant.common.types import Json
from tests.slackbot.simulator.block_parts import (
    CONFIRM,
    ELEMENTS,
    IMAGE_FIELDS,
    IMAGE_SOURCE,
    RICH,
    RICH_TEXT,
    TYPE,
)
from tests.slackbot.simulator.block_rules import (
    Findings,
    Rule,
    address,
    at_least_one,
    boolean,
    integer,
    items,
    maybe,
    one_of,
    plain,
    shape,
    string,
    typed,
    words,
)
from tests.slackbot.simulator.reading import rows, texts

BLOCKS_IN_A_MESSAGE: Final = 50
BLOCKS_IN_A_VIEW: Final = 100
MARKDOWN_TOGETHER: Final = 12_000
# Not documented: chat.postMessage refuses longer ones with `msg_blocks_too_long`. Reported are a refusal
# at 11,341 characters (github.com/slackapi/bolt-js/issues/2867) and of markdown alone above 13,297 (2509).
TEXT_TOGETHER: Final = 11_000
BYTES_IN_A_VIEW: Final = 250_000

MESSAGE, MODAL, HOME = "message", "modal", "home"
EVERYWHERE: Final = frozenset({MESSAGE, MODAL, HOME})
IN_MESSAGES: Final = frozenset({MESSAGE})

SELECTS: Final = frozenset(kind for kind in ELEMENTS if "select" in kind)
PICKERS: Final = frozenset({"datepicker", "timepicker", "datetimepicker"})
CHOOSERS: Final = frozenset({"checkboxes", "radio_buttons"})
BUTTONS: Final = frozenset({"button", "workflow_button"})
IN_SECTION: Final = SELECTS | PICKERS | CHOOSERS | BUTTONS | {"overflow", "image"}
IN_ACTIONS: Final = (
    frozenset(kind for kind in SELECTS if not kind.startswith("multi_"))
    | PICKERS | CHOOSERS | BUTTONS | {"overflow", "rich_text_input"}
)  # fmt: skip
IN_INPUT: Final = SELECTS | PICKERS | CHOOSERS | frozenset(
    kind for kind in ELEMENTS if kind.endswith("_input")
)  # fmt: skip

BLOCK_ID: Final[Mapping[str, Rule]] = {"block_id": string(255)}


def _text_or_image(value: Json, at: str, found: Findings) -> None:
    """What stands in a context block: a text object or an image element."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    (ELEMENTS["image"] if kind == "image" else words(3000))(value, at, found)


def _markdown(value: Mapping[str, Json], at: str, found: Findings) -> None:
    text = value.get("text")
    found.markdown += len(text) if isinstance(text, str) else 0
    if found.markdown > MARKDOWN_TOGETHER:
        found.say(f"markdown blocks hold no more than {MARKDOWN_TOGETHER} characters together", at)


def _input_seen(value: Mapping[str, Json], at: str, found: Findings) -> None:
    found.has_input = True
    element = value.get("element")
    if (
        value.get("dispatch_action") is True
        and isinstance(element, Mapping)
        and element.get("type") == "file_input"
    ):
        found.say("dispatch_action is not for a file_input", at)


def _any_block(value: Json, at: str, found: Findings) -> None:
    typed(BLOCKS)(value, at, found)


CELL: Final = typed(
    {
        "raw_text": shape({"type": TYPE, "text": string(3000)}),
        "raw_number": shape({"type": TYPE, "text": string(3000), "value": integer(-(2**53), 2**53)}),
        "rich_text": RICH_TEXT,
    }
)
TASK: Final = shape(
    {
        "type": TYPE,
        "task_id": string(255),
        "title": string(3000),
        "status": one_of("pending", "in_progress", "complete", "error"),
    },
    {
        **BLOCK_ID,
        "details": RICH_TEXT,
        "output": RICH_TEXT,
        "sources": items(typed(ELEMENTS, ("url",)), 0, 100),
    },
)
CARD: Final = shape(
    {"type": TYPE},
    {
        **BLOCK_ID,
        "hero_image": ELEMENTS["image"],
        "icon": ELEMENTS["image"],
        "title": words(150),
        "subtitle": words(150),
        "body": words(200),
        "actions": items(typed(ELEMENTS, BUTTONS), 1, 3),
    },
    at_least_one("hero_image", "title", "actions", "body"),
)

BLOCKS: Final[dict[str, Rule]] = {
    "section": shape(
        {"type": TYPE},
        {
            **BLOCK_ID,
            "text": words(3000),
            "fields": items(words(2000), 1, 10),
            "accessory": typed(ELEMENTS, IN_SECTION),
            "expand": boolean,
        },
        at_least_one("text", "fields"),
    ),
    "divider": shape({"type": TYPE}, BLOCK_ID),
    "header": shape({"type": TYPE, "text": plain(150)}, BLOCK_ID),
    "context": shape({"type": TYPE, "elements": items(_text_or_image, 1, 10)}, BLOCK_ID),
    "actions": shape({"type": TYPE, "elements": items(typed(ELEMENTS, IN_ACTIONS), 1, 25)}, BLOCK_ID),
    "context_actions": shape(
        {"type": TYPE, "elements": items(typed(ELEMENTS, ("feedback_buttons", "icon_button")), 1, 5)},
        BLOCK_ID,
    ),
    "image": shape(
        {"type": TYPE, "alt_text": string(2000)},
        {**BLOCK_ID, **IMAGE_FIELDS, "title": plain(2000)},
        *IMAGE_SOURCE,
    ),
    "input": shape(
        {"type": TYPE, "label": plain(2000), "element": typed(ELEMENTS, IN_INPUT)},
        {**BLOCK_ID, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
        _input_seen,
    ),
    "file": shape({"type": TYPE, "external_id": string(255), "source": one_of("remote")}, BLOCK_ID),
    "call": shape({"type": TYPE, "call_id": string(255)}, {**BLOCK_ID, "api_decoration_available": boolean}),
    "markdown": shape({"type": TYPE, "text": string(MARKDOWN_TOGETHER)}, BLOCK_ID, _markdown),
    "video": shape(
        {
            "type": TYPE,
            "alt_text": string(2000),
            "title": plain(199),
            "thumbnail_url": address(3000, "https"),
            "video_url": address(3000, "https"),
        },
        {
            **BLOCK_ID,
            "author_name": string(49),
            "description": plain(200),
            "provider_icon_url": address(3000),
            "provider_name": string(200),
            "title_url": address(3000, "https"),
        },
    ),
    "rich_text": RICH_TEXT,
    "table": shape(
        {"type": TYPE, "rows": items(items(CELL, 1, 20), 1, 100)},
        {
            **BLOCK_ID,
            "column_settings": items(
                maybe(shape({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean})), 0, 20
            ),
        },
    ),
    "task_card": TASK,
    "plan": shape(
        {"type": TYPE, "title": string(3000)},
        {**BLOCK_ID, "tasks": items(typed({"task_card": TASK}), 0, 50)},
    ),
    "alert": shape(
        {"type": TYPE, "text": words(200)},
        {**BLOCK_ID, "level": one_of("default", "info", "warning", "error", "success")},
    ),
    "card": CARD,
    "carousel": shape({"type": TYPE, "elements": items(typed({"card": CARD}), 1, 10)}, BLOCK_ID),
    "container": shape(
        {"type": TYPE, "child_blocks": items(_any_block, 1, 10)},
        {
            **BLOCK_ID,
            "title": plain(150),
            "rich_text_title": RICH_TEXT,
            "subtitle": words(150),
            "width": one_of("narrow", "standard", "wide", "full"),
            "icon": ELEMENTS["image"],
            "is_collapsible": boolean,
            "default_collapsed": boolean,
            "has_header_divider": boolean,
        },
        at_least_one("title", "rich_text_title"),
    ),
    "auth_provider": shape(
        {"type": TYPE, "value": string(150), "name": plain(75), "is_connected": boolean},
        {
            **BLOCK_ID,
            "description": plain(150),
            "icon_url": address(3000, "https"),
            "auth_url": address(3000, "https"),
            "disconnect_url": address(3000, "https"),
            "connected_identity": plain(75),
            "connected_context": plain(75),
            "accessory": typed(ELEMENTS, ("overflow",)),
            "fallback": items(_any_block, 1, 10),
        },
    ),
}
SURFACES: Final[Mapping[str, frozenset[str]]] = dict.fromkeys(BLOCKS, EVERYWHERE) | dict.fromkeys(
    (
        "context_actions", "file", "call", "markdown", "table", "task_card", "plan", "card", "carousel",
        "container",
    ),
    IN_MESSAGES,
)  # fmt: skip


def block_problems(blocks: Json, *, surface: str = MESSAGE, at: str = "/blocks") -> list[str]:
    """What Slack would name as wrong with `blocks`, each with its JSON pointer; empty when all is well."""
    found = Findings(surface)
    _check_blocks(blocks, at, found)
    return found.problems


def too_much_text(blocks: Json) -> bool:
    """Whether the blocks of one message hold more text together than chat.postMessage takes."""
    return texts(blocks) > TEXT_TOGETHER


def view_problems(view: Json) -> list[str]:
    """What Slack would name as wrong with a modal or home tab."""
    kind = view.get("type") if isinstance(view, Mapping) else None
    if not isinstance(view, Mapping) or not isinstance(kind, str) or kind not in VIEWS:
        return ["must be one of modal, home [json-pointer:/view/type]"]
    found = Findings(kind)
    VIEWS[kind](view, "/view", found)
    if found.has_input and kind == MODAL and view.get("submit") is None:
        found.say("submit is required when an input block is in the view", "/view")
    return found.problems


def view_too_large(view: Json) -> bool:
    return len(json.dumps(view, ensure_ascii=False).encode()) > BYTES_IN_A_VIEW


def _check_blocks(blocks: Json, at: str, found: Findings) -> None:
    most = BLOCKS_IN_A_MESSAGE if found.surface == MESSAGE else BLOCKS_IN_A_VIEW
    items(_block, 0, most)(blocks, at, found)


def _block(value: Json, at: str, found: Findings) -> None:
    found.action_ids = set()
    typed(BLOCKS)(value, at, found)
    if not isinstance(value, Mapping):
        return
    kind, block_id = value.get("type"), value.get("block_id")
    if isinstance(kind, str) and found.surface not in SURFACES.get(kind, EVERYWHERE):
        found.say(f"block type {kind} is not for a {found.surface}", at)
    if isinstance(block_id, str):
        if block_id in found.block_ids:
            found.say(f"`block_id` {block_id} already exists", f"{at}/block_id")
        found.block_ids.add(block_id)


def _blocks_of_view(value: Json, at: str, found: Findings) -> None:
    _check_blocks(value, at, found)
    if found.surface == MODAL and not rows(value):
        found.say("no fewer than 1 items allowed", at)


KEPT: Final[Mapping[str, Rule]] = {
    "private_metadata": string(3000, least=0),
    "callback_id": string(255, least=0),
    "external_id": string(255, least=0),
}
VIEWS: Final[Mapping[str, Rule]] = {
    MODAL: shape(
        {"type": TYPE, "title": plain(24), "blocks": _blocks_of_view},
        {
            **KEPT,
            "submit": plain(24),
            "close": plain(24),
            "clear_on_close": boolean,
            "notify_on_close": boolean,
            "submit_disabled": boolean,
        },
    ),
    HOME: shape({"type": TYPE, "blocks": _blocks_of_view}, KEPT),
}

__all__ = ["BLOCKS", "CONFIRM", "RICH", "block_problems", "too_much_text", "view_problems", "view_too_large"]
