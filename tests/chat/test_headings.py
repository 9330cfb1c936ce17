"""Headings of an answer's parts, as they are told."""

from __future__ import annotations

import pytest

from assistant.chat.headings import Headings
from assistant.chat.planning import TurnPlan
from assistant.providers.wishes import Part, Task


@pytest.mark.parametrize(
    ("title", "told"),
    [("remote work", "Remote work"), ("연차", "연차"), ("offer.md", "offer.md"), ("r2 plan", "R2 plan")],
)
def test_a_heading_begins_with_a_capital_and_a_file_keeps_its_name(title: str, told: str) -> None:
    plan = TurnPlan(Task.COMPARE, (Part(title, title), Part("other", "other")))
    assert [section.title for section in Headings(plan).before(1)] == [told]
