"""What every check judges holds no character that a person does not see, and keeps all that he does."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.guardrails.checks.legible import legible

INVISIBLE = (
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u061c\u180e\u202a\u202e\u2066\u2069\u115f\u1160\u3164\uffa0\u2800"
    "\ufe0f\U000e0041\U000e0100\U0001d159\U0001d173\U0001bca0\U000e0001"
)


@pytest.mark.parametrize("char", INVISIBLE, ids=lambda char: f"U+{ord(char):04X}")
def test_an_invisible_character_is_dropped(char: str) -> None:
    assert legible(f"sal{char}ary 연{char}봉") == "salary 연봉"


@given(st.text())
def test_what_is_legible_stays_as_it_is(text: str) -> None:
    assert legible(legible(text)) == legible(text)


@given(st.text())
def test_nothing_invisible_is_left(text: str) -> None:
    left = legible(text)
    assert not set(left) & set(INVISIBLE)
    assert all(unicodedata.category(c) not in {"Cf", "Cs", "Cn", "Mn", "Me", "Mc"} for c in left)


@given(st.text(), st.text(alphabet=INVISIBLE, max_size=5), st.integers(min_value=0))
def test_invisible_characters_change_nothing_wherever_they_are_put(text: str, hidden: str, at: int) -> None:
    at %= len(text) + 1
    assert legible(text[:at] + hidden + text[at:]) == legible(text)


@given(st.text(alphabet=st.characters(categories=("Lu", "Ll", "Nd", "Zs", "Po"), max_codepoint=0x7F)))
def test_plain_text_is_left_alone(text: str) -> None:
    assert legible(text) == text
