"""Findings that overlap become findings apart, and nothing that any of them covers is left over."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.guardrails.checks.finding import Finding, apart, masked

FINDINGS = st.lists(
    st.builds(
        lambda kind, start, length, score: Finding(kind, start, start + length, score),
        st.sampled_from("abc"),
        st.integers(0, 40),
        st.integers(1, 20),
        st.sampled_from([0.5, 0.8, 1.0]),
    ),
    max_size=12,
)


def covered(findings: list[Finding]) -> set[int]:
    return {place for finding in findings for place in range(finding.start, finding.end)}


@given(FINDINGS)
def test_findings_apart_are_sorted_and_cover_the_same(findings: list[Finding]) -> None:
    result = apart(findings)
    assert all(one.end <= other.start for one, other in pairwise(result))
    assert covered(result) == covered(findings)


@given(FINDINGS)
def test_at_every_place_the_surest_finding_wins(findings: list[Finding]) -> None:
    for winner in apart(findings):
        for place in range(winner.start, winner.end):
            best = max(f.score for f in findings if f.start <= place < f.end)
            assert winner.score >= best
            assert winner.kind in {f.kind for f in findings if f.start <= place < f.end and f.score == best}


def test_findings_of_one_kind_that_overlap_are_one() -> None:
    one, other = Finding("blocked_word", 0, 2, 0.9), Finding("blocked_word", 1, 3, 1.0)
    assert apart([one, other]) == [Finding("blocked_word", 0, 3, 1.0)]


def test_findings_of_one_kind_that_only_touch_stay_two() -> None:
    one, other = Finding("phone", 0, 2, 1.0), Finding("phone", 2, 4, 1.0)
    assert apart([other, one]) == [one, other]


def test_a_finding_within_a_longer_one_of_the_same_score_is_gone() -> None:
    assert apart([Finding("phone", 4, 8, 0.8), Finding("card", 0, 12, 0.8)]) == [Finding("card", 0, 12, 0.8)]


@given(FINDINGS)
def test_a_masked_text_keeps_what_was_not_found_and_nothing_else(findings: list[Finding]) -> None:
    text = "".join(chr(0x100 + place) for place in range(70))
    result = apart(findings)
    hidden = covered(result)
    left = masked(text, result, lambda _: "#").replace("#", "")
    assert left == "".join(char for place, char in enumerate(text) if place not in hidden)


@pytest.mark.parametrize(("start", "end", "score"), [(3, 3, 1.0), (-1, 2, 1.0), (4, 2, 1.0), (0, 1, 1.5)])
def test_a_finding_of_nothing_or_beyond_certainty_is_refused(start: int, end: int, score: float) -> None:
    with pytest.raises(ValueError, match="finding"):
        Finding("email", start, end, score)
