"""`search` and `ask` take the filters as options, and refuse what they cannot mean."""

from __future__ import annotations

from typing import cast

import pytest

from assistant.common.types import Json
from tests.commands.running import Command
from tests.conftest import SmallWorld


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), {"handbook", "policy-ko", "open"}),
        (("--source", "WORLD", "--type", "txt"), {"handbook", "policy-ko", "open"}),
        (("--source", "world", "--source", "other", "--author", "kim"), {"handbook"}),
        (("--attribute", "team=HR", "--attribute", "team=Legal"), {"handbook", "open"}),
        (("--after", "2025-01-01", "--before", "2026-01-01"), {"handbook"}),
        (("--source", "elsewhere"), set()),
        (("--type", "pdf", "--type", ".docx"), set()),
    ],
)
def test_a_search_is_narrowed_by_its_options(
    small_world: SmallWorld, command: Command, options: tuple[str, ...], found: set[str]
) -> None:
    small_world.documents["handbook"].update(
        attributes={"author": "Kim", "team": "HR"}, modified="2025-06-01T00:00:00Z"
    )
    small_world.documents["open"].update(attributes={"team": "Legal"})
    small_world.sync()
    outcome = command("search", "office 휴가 visitors", "--as", "ann@example.com", "--k", "20", *options)
    hits = cast(list[dict[str, Json]], outcome.result["hits"])
    assert (outcome.status, {hit["external_id"] for hit in hits}) == (0, found)


def test_a_question_is_answered_from_what_fits(small_world: SmallWorld, command: Command) -> None:
    question = ("ask", "When does the office in Daejeon open?", "--as", "ann@example.com")
    assert "08:30" in str(command(*question, "--source", "world").result["answer"])
    assert command(*question, "--source", "elsewhere").result["no_answer"] is True


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--type", "exe"), "Known types: pdf"),
        (("--after", "soon"), "a day such as 2024-03-31"),
        (("--after", "2024-01-01", "--after", "2025-01-01"), "only once"),
        (("--attribute", "team"), "name=value"),
        (("--source", ""), "'source' is empty"),
    ],
)
def test_a_bad_filter_is_a_wrong_command(
    people: object, command: Command, options: tuple[str, ...], says: str
) -> None:
    for verb in ("search", "ask"):
        outcome = command(verb, "office", "--as", "sam@example.com", *options)
        assert outcome.status == 2
        assert says in outcome.complaint
