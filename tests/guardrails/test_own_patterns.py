"""Own patterns are checked when they are written, and one that takes too long lets nothing through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.errors import UsageError
from assistant.guardrails.checks.finding import Finding
from assistant.guardrails.checks.own_patterns import (
    MOST_CHARACTERS,
    NOT_JUDGED,
    OWN_PATTERN,
    compile_pattern,
)


def test_a_pattern_is_found_where_it_stands_in_the_text_as_it_was_given() -> None:
    text = "사번은 ＥＭＰ-12\u200b3456이고, EMP-000001도 있다"
    found = compile_pattern(r"EMP-\d{6}").findings(text)
    assert [text[f.start : f.end] for f in found] == ["ＥＭＰ-12\u200b3456", "EMP-000001"]
    assert {f.kind for f in found} == {OWN_PATTERN}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("(a", "ends too early"),
        ("ab[z-a]", "at character 7"),
        ("*a", "at character 1"),
        (r"\p{Foo}", "unknown property"),
        ("a*", "where nothing stands"),
        (r"\b", "where nothing stands"),
        ("(?=[0-9])", "where nothing stands"),
        ("x?|y{0,3}", "where nothing stands"),
        ("a" * (MOST_CHARACTERS + 1), "at most 1000"),
    ],
)
def test_a_bad_pattern_is_refused_with_what_is_wrong_and_where(source: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        compile_pattern(source)


@pytest.mark.parametrize("source", ["(a+)+$", "(x+x+)+y", r"^(\w|\w\w)+$"])
def test_a_pattern_that_takes_too_long_finds_the_whole_text(source: str) -> None:
    text = "a" * 3_000 + "x" * 3_000 + "!"
    assert compile_pattern(source).findings(text, limit=0.02) == [Finding(NOT_JUDGED, 0, len(text), 1.0)]


def test_a_pattern_that_matches_nothing_at_a_place_after_all_finds_the_whole_text() -> None:
    assert compile_pattern("(?<=Q7)").findings("Q7!") == [Finding(NOT_JUDGED, 0, 3, 1.0)]


def test_matches_within_one_character_as_given_are_one_finding() -> None:
    assert compile_pattern("[(주)]").findings("㈜가") == [Finding(OWN_PATTERN, 0, 1, 1.0)]


@given(st.text(max_size=30))
def test_any_source_is_compiled_or_refused(source: str) -> None:
    try:
        pattern = compile_pattern(source)
    except UsageError:
        return
    found = pattern.findings("가나 abc 010-1234", limit=0.02)
    assert all(f.kind in {OWN_PATTERN, NOT_JUDGED} for f in found)
