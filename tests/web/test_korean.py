"""Particles follow the last sound of the word before them."""

from __future__ import annotations

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from assistant.web.korean import PAIRS, particle, with_particle
from assistant.web.templatetags.reading import with_particle as particle_filter


@pytest.mark.parametrize(
    ("word", "pair", "expected"),
    [
        ("문답", "을/를", "문답을"),
        ("회사", "을/를", "회사를"),
        ("서울", "으로/로", "서울로"),
        ("부산", "으로/로", "부산으로"),
        ("대구", "으로/로", "대구로"),
        ("팀", "이/가", "팀이"),
        ("Slack", "을/를", "Slack을"),
        ("Notion", "은/는", "Notion은"),
        ("Gmail", "으로/로", "Gmail로"),
        ("Jira", "과/와", "Jira와"),
        ("report", "을/를", "report를"),
        ("phone", "이/가", "phone이"),
        ("VPN", "을/를", "VPN을"),
        ("API", "을/를", "API를"),
        ("2026", "은/는", "2026은"),
        ("10", "이/가", "10이"),
        ("5", "이/가", "5가"),
        ("7", "으로/로", "7로"),
        ("“여름휴가는 며칠?”", "을/를", "“여름휴가는 며칠?”을"),
        ("노션(Notion)", "을/를", "노션(Notion)을"),
        ("위키(Wiki)", "을/를", "위키(Wiki)를"),
    ],
)
def test_the_particle_fits_the_last_sound(word: str, pair: str, expected: str) -> None:
    assert with_particle(word, pair) == expected


def test_an_unknown_pair_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="에게/한테"):
        particle("문답", "에게/한테")


@given(st.text(max_size=40), st.sampled_from(PAIRS))
def test_any_text_gets_one_form_of_the_pair(word: str, pair: str) -> None:
    assert particle(word, pair) in pair.split("/")


@given(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3))
def test_every_syllable_is_judged_by_its_final_consonant(syllable: str) -> None:
    final = (ord(syllable) - 0xAC00) % 28
    assert particle(syllable, "을/를") == ("을" if final else "를")
    assert particle(syllable, "으로/로") == ("로" if final in (0, 8) else "으로")


def test_only_korean_pages_get_particles() -> None:
    with translation.override("ko"):
        assert particle_filter("문답", "을/를") == "문답을"
    with translation.override("en"):
        assert particle_filter("문답", "을/를") == "문답"
