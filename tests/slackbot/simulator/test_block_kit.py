"""Block Kit: what is right passes, each limit is where slack_sdk has it, and no JSON breaks the judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import block_elements, blocks
from slack_sdk.models.blocks.basic_components import ConfirmObject, Option
from slack_sdk.models.views import View

from assistant.common.types import Json
from tests.slackbot.simulator.block_kit import BLOCKS, block_problems, too_much_text, view_problems
from tests.slackbot.simulator.block_parts import ELEMENTS, INLINE, RICH
from tests.slackbot.simulator.block_rules import Shape


def plain(text: str) -> dict[str, Json]:
    return {"type": "plain_text", "text": text}


def section(text: str) -> dict[str, Json]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(text: str = "Go", **more: Json) -> dict[str, Json]:
    return {"type": "button", "action_id": "go", "text": plain(text), **more}


def actions(*elements: dict[str, Json]) -> dict[str, Json]:
    return {"type": "actions", "elements": list(elements)}


def rich(text: str) -> dict[str, Json]:
    inside: Json = [{"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}]
    return {"type": "rich_text", "elements": inside}


def overflow(count: int) -> dict[str, Json]:
    options: list[Json] = [{"text": plain("a"), "value": str(number)} for number in range(count)]
    return actions({"type": "overflow", "action_id": "more", "options": options})


def confirmed(**changes: Json) -> dict[str, Json]:
    usual: dict[str, Json] = {
        "title": plain("t"),
        "text": plain("t"),
        "confirm": plain("y"),
        "deny": plain("n"),
    }
    return actions(button(confirm={**usual, **changes}))


def option(text: str, value: str) -> dict[str, Json]:
    chosen: Json = [{"text": plain(text), "value": value}]
    return actions({"type": "static_select", "action_id": "s", "options": chosen})


def image(address: str, alt: str, title: str = "t") -> dict[str, Json]:
    return {"type": "image", "image_url": address, "alt_text": alt, "title": plain(title)}


def long_address(length: int) -> str:
    return "https://example.com/".ljust(length, "x")


# Each makes blocks of one size; beside it the largest size that slack_sdk's models (or the pages) allow.
LIMITS: dict[str, tuple[Callable[[int], dict[str, Json]], int]] = {
    "section text": (lambda n: section("x" * n), blocks.SectionBlock.text_max_length),
    "section fields": (
        lambda n: {"type": "section", "fields": [plain("x")] * n},
        blocks.SectionBlock.fields_max_length,
    ),
    "a field": (lambda n: {"type": "section", "fields": [plain("x" * n)]}, 2000),
    "header": (lambda n: {"type": "header", "text": plain("x" * n)}, blocks.HeaderBlock.text_max_length),
    "context": (
        lambda n: {"type": "context", "elements": [plain("x")] * n},
        blocks.ContextBlock.elements_max_length,
    ),
    "actions": (
        lambda n: actions(*(button() | {"action_id": str(each)} for each in range(n))),
        blocks.ActionsBlock.elements_max_length,
    ),
    "block_id": (lambda n: {"type": "divider", "block_id": "x" * n}, blocks.Block.block_id_max_length),
    "action_id": (
        lambda n: actions(button() | {"action_id": "x" * n}),
        block_elements.InteractiveElement.action_id_max_length,
    ),
    "button text": (lambda n: actions(button("x" * n)), block_elements.ButtonElement.text_max_length),
    "button value": (
        lambda n: actions(button(value="x" * n)),
        block_elements.ButtonElement.value_max_length,
    ),
    "button url": (
        lambda n: actions(button(url=long_address(n))),
        block_elements.ButtonElement.url_max_length,
    ),
    "accessibility label": (lambda n: actions(button(accessibility_label="x" * n)), 75),
    "option text": (lambda n: option("x" * n, "v"), Option.label_max_length),
    "option value": (lambda n: option("t", "x" * n), Option.value_max_length),
    "overflow": (overflow, block_elements.OverflowMenuElement.options_max_length),
    "confirm title": (lambda n: confirmed(title=plain("x" * n)), ConfirmObject.title_max_length),
    "confirm text": (lambda n: confirmed(text=plain("x" * n)), ConfirmObject.text_max_length),
    "confirm yes": (lambda n: confirmed(confirm=plain("x" * n)), ConfirmObject.confirm_max_length),
    "confirm no": (lambda n: confirmed(deny=plain("x" * n)), ConfirmObject.deny_max_length),
    "image address": (lambda n: image(long_address(n), "a"), blocks.ImageBlock.image_url_max_length),
    "image alt text": (lambda n: image(long_address(30), "x" * n), blocks.ImageBlock.alt_text_max_length),
    "image title": (
        lambda n: image(long_address(30), "a", "x" * n),
        blocks.ImageBlock.title_max_length,
    ),
    "markdown": (lambda n: {"type": "markdown", "text": "x" * n}, blocks.MarkdownBlock.text_max_length),
    "card title": (
        lambda n: {"type": "card", "title": plain("x" * n)},
        blocks.CardBlock.title_max_length,
    ),
    "table rows": (
        lambda n: {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]] * n},
        100,
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_where_slack_has_it(name: str) -> None:
    make, most = LIMITS[name]
    assert block_problems([make(most)]) == []
    (problem, *_) = block_problems([make(most + 1)])
    assert "json-pointer:/blocks/0" in problem


def view(**changes: Json) -> dict[str, Json]:
    return {"type": "modal", "title": plain("T"), "blocks": [{"type": "divider"}], **changes}


VIEW_LIMITS: dict[str, tuple[Callable[[int], dict[str, Json]], int]] = {
    "title": (lambda n: view(title=plain("가" * n)), View.title_max_length),
    "submit": (lambda n: view(submit=plain("x" * n)), View.submit_max_length),
    "close": (lambda n: view(close=plain("x" * n)), View.close_max_length),
    "blocks": (lambda n: view(blocks=[{"type": "divider"}] * n), View.blocks_max_length),
    "private_metadata": (lambda n: view(private_metadata="x" * n), View.private_metadata_max_length),
    "callback_id": (lambda n: view(callback_id="x" * n), View.callback_id_max_length),
}


@pytest.mark.parametrize("name", VIEW_LIMITS)
def test_a_limit_of_views_is_where_slack_has_it(name: str) -> None:
    make, most = VIEW_LIMITS[name]
    assert view_problems(make(most)) == []
    assert view_problems(make(most + 1)) != []


INPUT: dict[str, Json] = {
    "type": "input",
    "label": plain("L"),
    "element": {"type": "plain_text_input", "action_id": "a"},
}
WRONG: dict[str, Json] = {
    "51 blocks": [{"type": "divider"}] * 51,
    "no list": {"type": "divider"},
    "no object": ["divider"],
    "unknown type": [{"type": "sparkle"}],
    "unknown field": [{"type": "divider", "colour": "red"}],
    "empty section": [{"type": "section"}],
    "empty text": [section("")],
    "emoji in mrkdwn": [{"type": "section", "text": {"type": "mrkdwn", "text": "a", "emoji": True}}],
    "mrkdwn in a header": [{"type": "header", "text": {"type": "mrkdwn", "text": "a"}}],
    "no alt text": [{"type": "image", "image_url": "https://example.com/a.png"}],
    "script address": [actions(button(url="javascript:alert(1)"))],
    "relative address": [actions(button(url="/chat"))],
    "same block_id": [{"type": "divider", "block_id": "a"}] * 2,
    "same action_id": [actions(button(), button())],
    "one option in a menu": [overflow(1)],
    "button in a context": [{"type": "context", "elements": [button()]}],
    "empty actions": [actions()],
    "unknown style": [actions(button(style="loud"))],
    "markdown together": [{"type": "markdown", "text": "x" * 7000}] * 2,
    "unknown rich text": [{"type": "rich_text", "elements": [{"type": "text", "text": "a"}]}],
    "empty rich text": [rich("")],
    "broadcast to all": [
        {
            "type": "rich_text",
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "broadcast", "range": "world"}]}
            ],
        }
    ],
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_blocks_are_named(name: str) -> None:
    assert block_problems(WRONG[name]) != []


WRONG_VIEWS: dict[str, Json] = {
    "no type": {"blocks": []},
    "no title": {"type": "modal", "blocks": [{"type": "divider"}]},
    "no blocks": view(blocks=[]),
    "no submit with an input": view(blocks=[INPUT]),
    "markdown in a modal": view(blocks=[{"type": "markdown", "text": "a"}]),
    "title in a home": {"type": "home", "title": plain("T"), "blocks": []},
    "two focused": view(
        submit=plain("Go"),
        blocks=[
            INPUT | {"element": {"type": "plain_text_input", "action_id": each, "focus_on_load": True}}
            for each in "ab"
        ],
    ),
}


@pytest.mark.parametrize("name", WRONG_VIEWS)
def test_wrong_views_are_named(name: str) -> None:
    assert view_problems(WRONG_VIEWS[name]) != []


def test_what_an_answer_is_made_of_passes() -> None:
    shown: list[Json] = [
        rich("Twenty-five days. [1]"),
        {"type": "divider"},
        {"type": "context", "elements": [plain("1 Handbook"), {"type": "mrkdwn", "text": "*2026*"}]},
        actions(button(value="7"), button(url="https://mundap.example/c/1") | {"action_id": "open"}),
        {
            "type": "context_actions",
            "elements": [
                {
                    "type": "feedback_buttons",
                    "action_id": "rate",
                    "positive_button": {"text": plain("Good"), "value": "1"},
                    "negative_button": {"text": plain("Bad"), "value": "0"},
                }
            ],
        },
    ]
    assert block_problems(shown) == []
    assert view_problems(view(submit=plain("Send"), blocks=[INPUT])) == []
    assert view_problems({"type": "home", "blocks": [section("Hello")]}) == []


def test_the_text_of_one_message_is_counted_together() -> None:
    assert not too_much_text([rich("x" * 5_500), rich("x" * 5_500)])
    assert too_much_text([rich("x" * 5_500), rich("x" * 5_501)])


def all_kinds(base: type[Any]) -> Iterator[Any]:
    for kind in base.__subclasses__():
        yield kind
        yield from all_kinds(kind)


INHERITED = {"alt_text", "placeholder", "confirm", "focus_on_load"}


@pytest.mark.parametrize(
    ("base", "table"),
    [(blocks.Block, BLOCKS), (block_elements.BlockElement, {**RICH, **INLINE, **ELEMENTS})],
)
def test_the_tables_hold_every_type_and_field_of_slack_sdk(base: type, table: dict[str, Any]) -> None:
    kinds = [kind for kind in all_kinds(base) if isinstance(getattr(kind, "type", None), str)]
    assert len(kinds) > 20
    for kind in kinds:
        assert kind.type in table, kind
        rule = table[kind.type]
        assert isinstance(rule, Shape)
        theirs = set(object.__new__(kind).attributes) - INHERITED - {"call"}
        assert theirs <= rule.names, (kind.type, theirs - rule.names)


def with_type(kind: str, rest: dict[str, Json]) -> Json:
    return {**rest, "type": kind}


anything: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "elements", "blocks", "options", "url"]), inner)
        | st.builds(
            with_type,
            st.sampled_from([*BLOCKS, *ELEMENTS, *RICH, *INLINE, "modal", "home", "plain_text"]),
            st.dictionaries(st.sampled_from(["text", "elements", "blocks", "title", "rows", "url"]), inner),
        )
    ),
    max_leaves=6,
)


@settings(max_examples=25, deadline=None)
@given(anything)
def test_the_judge_never_raises(value: Json) -> None:
    for problem in (*block_problems(value), *view_problems(value)):
        assert "json-pointer:" in problem
