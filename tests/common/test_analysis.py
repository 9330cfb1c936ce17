"""Both sides of a search must cut text into the same terms, whatever form it came in."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.analysis import language_of, normalise, query_terms, terms

MIXED = st.text(
    alphabet=st.one_of(st.characters(), st.sampled_from("휴가는ㄱㅏ한글abcXYZ019-_.@,'’/ ＡＢ１éǅ\u200b"))
)


@given(MIXED)
def test_any_text_is_cut_without_an_error_and_always_alike(text: str) -> None:
    assert terms(text) == terms(text)
    assert all(term and not term.isspace() for term in (*terms(text), *query_terms(text)))
    assert language_of(text) in ("ko", "en")


@given(MIXED)
def test_composed_and_decomposed_text_give_the_same_terms(text: str) -> None:
    composed, split = unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)
    assert normalise(composed) == normalise(split)
    assert terms(composed) == terms(split)
    assert query_terms(composed) == query_terms(split)
    assert language_of(composed) == language_of(split)


@given(MIXED)
def test_a_question_holds_no_term_that_its_text_does_not(text: str) -> None:
    assert set(query_terms(text)) <= set(terms(text))
    assert bool(query_terms(text)) == bool(terms(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("휴가를", "휴가"),
        ("출장규정에서는", "출장규정"),
        ("지급합니다", "지급"),
        ("15일까지", "15일"),
        ("VPN을", "vpn"),
        ("ＶＰＮ １２", "vpn 12"),
        ("policies", "policy"),
        ("the company's", "the company’s"),
        ("Café", "cafe"),
        ("1,000,000원은", "1000000원"),
        ("연\u00ad차", "연차"),
    ],
)
def test_two_ways_to_write_a_word_give_the_same_terms(one: str, other: str) -> None:
    assert terms(one) == terms(other)


@pytest.mark.parametrize("noun", ["회의", "휴가", "평가", "결과", "제도"])
def test_a_short_noun_that_ends_like_a_particle_stays_whole(noun: str) -> None:
    assert noun in terms(noun)
    assert noun in terms(noun + "를")


def test_compounds_match_with_and_without_a_space() -> None:
    assert set(terms("휴가 규정")) - set(terms("휴가규정")) == {"^규"}


def test_codes_are_kept_whole_and_in_parts() -> None:
    assert {"hr", "2024", "017", "hr2024017"} <= set(terms("HR-2024-017"))
    assert "hr2024017" in terms("hr2024017")
    assert {"report", "v2", "pdf", "reportv2pdf"} <= set(terms("report_v2.pdf"))
    assert {"kim", "kimexamplecom"} <= set(terms("kim@example.com"))
    assert "covid" in terms("COVID19")
    assert {"covid", "19"} <= set(terms("covid-19"))


def test_a_decimal_point_is_not_lost() -> None:
    assert "1.5" in terms("1.5")
    assert "15" not in terms("1.5")


def test_words_that_only_ask_are_left_out_unless_nothing_else_is_there() -> None:
    assert query_terms("What is the travel policy?") == terms("travel policy")
    assert query_terms("연차는 며칠인가요, 어디에서 무엇을?") == terms("연차는 며칠인가요")
    assert query_terms("who are we") == terms("who are we")
    assert "it" in query_terms("IT support")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("연차는 며칠인가요?", "ko"),
        ("How many days?", "en"),
        ("SSO 로그인 reset 방법", "ko"),
        ("", "en"),
        ("123", "en"),
    ],
)
def test_the_language_follows_the_letters(text: str, language: str) -> None:
    assert language_of(text) == language
