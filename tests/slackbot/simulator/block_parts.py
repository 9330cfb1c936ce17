"""The elements and composition objects of Block Kit, as tables.

From https://docs.slack.dev/reference/block-kit/block-elements and .../composition-objects, and the
limits that slack_sdk's models carry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from assistant.common.types import Json
from tests.slackbot.simulator.block_rules import (
    Findings,
    Rule,
    address,
    at_least_one,
    at_most_one,
    boolean,
    integer,
    items,
    one_of,
    plain,
    shape,
    string,
    typed,
    words,
)

TYPE: Final = string(40)
STYLE: Final = one_of("primary", "danger")
CONFIRM: Final = shape(
    {"title": plain(100), "text": words(300), "confirm": plain(30), "deny": plain(30)}, {"style": STYLE}
)
OPTION: Final = shape(
    {"text": words(75), "value": string(150)}, {"description": words(75), "url": address(3000)}
)
GROUP: Final = shape({"label": plain(75), "options": items(OPTION, 1, 100)})
FILTER: Final = shape(
    {},
    {
        "include": items(one_of("im", "mpim", "private", "public"), 1, 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)
DISPATCH: Final = shape(
    {}, {"trigger_actions_on": items(one_of("on_enter_pressed", "on_character_entered"), 1, 2)}
)
SLACK_FILE: Final = shape({}, {"id": string(40), "url": address(3000)}, at_least_one("id", "url"))
IMAGE_FIELDS: Final[Mapping[str, Rule]] = {
    "image_url": address(3000, "http", "https"),
    "slack_file": SLACK_FILE,
}
IMAGE_SOURCE: Final = (at_least_one("image_url", "slack_file"), at_most_one("image_url", "slack_file"))


def unique_action_id(value: Mapping[str, Json], at: str, found: Findings) -> None:
    """An action_id stands once in its block; `Findings.action_ids` begins anew with each block."""
    action_id = value.get("action_id")
    if isinstance(action_id, str):
        if action_id in found.action_ids:
            found.say(f"`action_id` {action_id} already exists in this block", f"{at}/action_id")
        found.action_ids.add(action_id)


def one_focus(value: Mapping[str, Json], at: str, found: Findings) -> None:
    if value.get("focus_on_load") is True:
        found.focused += 1
        if found.focused > 1:
            found.say("only one element may have focus_on_load", at)


def acting(required: Mapping[str, Rule], optional: Mapping[str, Rule]) -> Rule:
    """An element that a person acts on."""
    both = {"action_id": string(255), **optional}
    return shape({"type": TYPE, **required}, both, unique_action_id, one_focus)


INPUT: Final[Mapping[str, Rule]] = {
    "confirm": CONFIRM,
    "placeholder": plain(150),
    "focus_on_load": boolean,
}
CHOSEN: Final[Mapping[str, Rule]] = {"confirm": CONFIRM, "focus_on_load": boolean}
SEVERAL: Final[Mapping[str, Rule]] = {**INPUT, "max_selected_items": integer(1, 100)}
CHOICES: Final[Mapping[str, Rule]] = {
    "options": items(OPTION, 1, 100),
    "option_groups": items(GROUP, 1, 100),
}
ID: Final = string(40)
IDS: Final = items(ID, 1, 100)
FEEDBACK: Final = shape({"text": plain(75), "value": string(2000)}, {"accessibility_label": string(75)})


def _select(required: Mapping[str, Rule], optional: Mapping[str, Rule]) -> Rule:
    return acting(required, {**INPUT, **optional})


def _static(*, several: bool) -> Rule:
    initial: Mapping[str, Rule] = (
        {"initial_options": items(OPTION, 1, 100)} if several else {"initial_option": OPTION}
    )
    base = SEVERAL if several else INPUT
    return shape(
        {"type": TYPE},
        {"action_id": string(255), **base, **CHOICES, **initial},
        unique_action_id,
        one_focus,
        at_least_one("options", "option_groups"),
        at_most_one("options", "option_groups"),
    )


def _text_input(**more: Rule) -> Rule:
    return acting(
        {}, {**INPUT, "initial_value": string(3000, least=0), "dispatch_action_config": DISPATCH, **more}
    )


DATE: Final = string(10, pattern=r"\d{4}-\d{2}-\d{2}", form="YYYY-MM-DD")
TIME: Final = string(5, pattern=r"\d{2}:\d{2}", form="HH:mm")

ELEMENTS: Final[dict[str, Rule]] = {
    "button": acting(
        {"text": plain(75)},
        {
            "url": address(3000),
            "value": string(2000),
            "style": STYLE,
            "confirm": CONFIRM,
            "accessibility_label": string(75),
            "agent_prompt": string(4000),
            "agent_prompt_display": string(4000),
            "visible_to_user_ids": IDS,
        },
    ),
    "checkboxes": acting(
        {"options": items(OPTION, 1, 10)}, {**CHOSEN, "initial_options": items(OPTION, 1, 10)}
    ),
    "radio_buttons": acting({"options": items(OPTION, 1, 10)}, {**CHOSEN, "initial_option": OPTION}),
    "overflow": acting({"options": items(OPTION, 2, 5)}, {"confirm": CONFIRM}),
    "datepicker": acting({}, {**INPUT, "initial_date": DATE}),
    "timepicker": acting({}, {**INPUT, "initial_time": TIME, "timezone": string(60)}),
    "datetimepicker": acting({}, {**CHOSEN, "initial_date_time": integer(0, 9_999_999_999)}),
    "email_text_input": _text_input(),
    "url_text_input": _text_input(),
    "number_input": acting(
        {"is_decimal_allowed": boolean},
        {
            **INPUT,
            "initial_value": string(40),
            "min_value": string(40),
            "max_value": string(40),
            "dispatch_action_config": DISPATCH,
        },
    ),
    "plain_text_input": _text_input(
        multiline=boolean, min_length=integer(0, 3000), max_length=integer(1, 3000)
    ),
    "file_input": acting({}, {"filetypes": items(string(20), 1, 100), "max_files": integer(1, 10)}),
    "static_select": _static(several=False),
    "multi_static_select": _static(several=True),
    "external_select": _select({}, {"initial_option": OPTION, "min_query_length": integer(0, 100)}),
    "multi_external_select": acting(
        {}, {**SEVERAL, "initial_options": items(OPTION, 1, 100), "min_query_length": integer(0, 100)}
    ),
    "users_select": _select({}, {"initial_user": ID}),
    "multi_users_select": acting({}, {**SEVERAL, "initial_users": IDS}),
    "conversations_select": _select(
        {},
        {
            "initial_conversation": ID,
            "default_to_current_conversation": boolean,
            "response_url_enabled": boolean,
            "filter": FILTER,
        },
    ),
    "multi_conversations_select": acting(
        {},
        {
            **SEVERAL,
            "initial_conversations": IDS,
            "default_to_current_conversation": boolean,
            "filter": FILTER,
        },
    ),
    "channels_select": _select({}, {"initial_channel": ID, "response_url_enabled": boolean}),
    "multi_channels_select": acting({}, {**SEVERAL, "initial_channels": IDS}),
    "workflow_button": acting(
        {
            "text": plain(75),
            "workflow": shape(
                {
                    "trigger": shape(
                        {"url": address(3000)},
                        {
                            "customizable_input_parameters": items(
                                shape({"name": string(255), "value": string(3000)}), 0, 100
                            )
                        },
                    )
                }
            ),
        },
        {"style": STYLE, "accessibility_label": string(75)},
    ),
    "feedback_buttons": acting({"positive_button": FEEDBACK, "negative_button": FEEDBACK}, {}),
    "icon_button": acting(
        {"icon": one_of("trash"), "text": plain(75)},
        {
            "value": string(2000),
            "confirm": CONFIRM,
            "accessibility_label": string(75),
            "visible_to_user_ids": IDS,
        },
    ),
    "image": shape({"type": TYPE, "alt_text": string(2000)}, IMAGE_FIELDS, *IMAGE_SOURCE),
    "url": shape({"type": TYPE, "url": address(3000), "text": string(3000)}),
}

# Rich text: https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
TEXT_STYLE: Final = shape({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline"), boolean))
MENTION_STYLE: Final = shape(
    {}, dict.fromkeys(("bold", "italic", "strike", "highlight", "client_highlight", "unlink"), boolean)
)
INLINE: Final[dict[str, Rule]] = {
    "text": shape({"type": TYPE, "text": string(40_000)}, {"style": TEXT_STYLE}),
    "link": shape(
        {"type": TYPE, "url": address(3000)},
        {"text": string(3000, least=0), "unsafe": boolean, "style": TEXT_STYLE},
    ),
    "emoji": shape(
        {"type": TYPE, "name": string(100)},
        {"unicode": string(100), "skin_tone": integer(1, 6), "style": TEXT_STYLE},
    ),
    "user": shape({"type": TYPE, "user_id": ID}, {"style": MENTION_STYLE}),
    "usergroup": shape({"type": TYPE, "usergroup_id": ID}, {"style": MENTION_STYLE}),
    "channel": shape({"type": TYPE, "channel_id": ID}, {"style": MENTION_STYLE}),
    "team": shape({"type": TYPE, "team_id": ID}, {"style": MENTION_STYLE}),
    "broadcast": shape(
        {"type": TYPE, "range": one_of("here", "channel", "everyone")}, {"style": MENTION_STYLE}
    ),
    "color": shape({"type": TYPE, "value": string(20)}, {"style": TEXT_STYLE}),
    "date": shape(
        {"type": TYPE, "timestamp": integer(0, 9_999_999_999), "format": string(200)},
        {"url": address(3000), "fallback": string(200), "style": TEXT_STYLE},
    ),
}
PIECES: Final = items(typed(INLINE), 0, 10_000)
BORDER: Final = integer(0, 1)
SECTION: Final = shape({"type": TYPE, "elements": PIECES})
RICH: Final[dict[str, Rule]] = {
    "rich_text_section": SECTION,
    "rich_text_list": shape(
        {"type": TYPE, "style": one_of("bullet", "ordered"), "elements": items(SECTION, 1, 1000)},
        {"indent": integer(0, 8), "offset": integer(0, 10_000), "border": BORDER},
    ),
    "rich_text_preformatted": shape(
        {"type": TYPE, "elements": items(typed(INLINE, ("text", "link")), 0, 10_000)},
        {"border": BORDER, "language": string(60)},
    ),
    "rich_text_quote": shape({"type": TYPE, "elements": PIECES}, {"border": BORDER}),
}
RICH_TEXT: Final = shape({"type": TYPE, "elements": items(typed(RICH), 0, 1000)}, {"block_id": string(255)})
ELEMENTS["rich_text_input"] = acting(
    {},
    {
        **INPUT,
        "initial_value": RICH_TEXT,
        "dispatch_action_config": DISPATCH,
        "min_lines": integer(1, 100),
        "max_lines": integer(1, 100),
    },
)
