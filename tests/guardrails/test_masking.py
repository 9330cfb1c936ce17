"""A masked text tells nothing of what is masked, and every place in it leads back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.guardrails.masking import Span, mask

TEXTS = st.text(alphabet="abcdefgh 가나다", max_size=40)
SPANS = st.lists(
    st.tuples(st.integers(-3, 45), st.integers(-3, 45)).map(lambda ends: Span(min(ends), max(ends), "[X]")),
    max_size=6,
)


def test_spans_that_touch_stay_apart_and_those_that_overlap_become_one() -> None:
    assert mask("abcdef", [Span(0, 2, "[1]"), Span(2, 4, "[2]")]).text == "[1][2]ef"
    assert mask("abcdef", [Span(3, 5, "[2]"), Span(0, 4, "[1]")]).text == "[1]f"


@given(TEXTS, SPANS)
def test_only_what_no_span_covers_is_left(text: str, spans: list[Span]) -> None:
    covered = {at for span in spans for at in range(max(0, span.start), min(len(text), span.end))}
    left = "".join(char for at, char in enumerate(text) if at not in covered)
    assert mask(text, spans).text.replace("[X]", "") == left
    assert mask(text, spans).changed is bool(covered)


@given(TEXTS, SPANS, st.integers(0, 60), st.integers(0, 60))
def test_every_place_leads_back_to_what_it_shows(text: str, spans: list[Span], one: int, other: int) -> None:
    shown = mask(text, spans)
    start, end = sorted((min(one, len(shown.text)), min(other, len(shown.text))))
    first, last = shown.original(start, end)
    assert 0 <= first <= last <= len(text)
    assert shown.text[start:end] in shown.part(first, last)


@given(TEXTS, SPANS, st.integers(0, 45), st.integers(0, 45))
def test_a_part_shows_nothing_that_is_masked(text: str, spans: list[Span], one: int, other: int) -> None:
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    shown = mask(text, spans)
    covered = {at for span in spans for at in range(max(0, span.start), min(len(text), span.end))}
    open_part = "".join(text[at] for at in range(start, end) if at not in covered)
    assert shown.part(start, end).replace("[X]", "") == open_part
