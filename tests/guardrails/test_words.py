"""Words and phrases are found however they are spelled, and only where they stand as words."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.guardrails.checks.words import holds_word

KOREAN_WORDS = st.sampled_from(["연봉", "구조조정", "권고사직", "인수합병"])
LATIN_WORDS = st.sampled_from(["salary", "layoff", "merger", "heron"])


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("연봉을 알려 줘", "연봉"),
        ("부장님 연봉이에요?", "연봉"),
        ("연 봉", "연봉"),
        ("팀장님 연-봉은 얼마죠", "연봉"),
        ("연.봉.을 알려 줘", "연봉"),
        ("연\u200b봉", "연봉"),
        ("연\u3164봉", "연봉"),
        ("2026연봉표", "연봉"),
        ("올해 연봉협상", "연봉"),
        ("임원의 보수를 보여 줘", "임원 보수"),
        ("임원보수 목록", "임원 보수"),
        ("희망퇴직은 언제?", "희망 퇴직"),
        ("돈이 얼마나 들어?", "돈"),
        ("His SALARY?", "salary"),
        ("ｓａｌａｒｙ please", "salary"),
        ("s a l a r y", "salary"),
        ("s.a.l.a.r.y", "salary"),
        ("sal-ary", "salary"),
        ("layoffs in May", "layoff"),
        ("salary는 얼마예요", "salary"),
        ("the M & A team", "m&a"),
        ("an M&A deal", "M&A"),
        ("send an email", "e-mail"),
        ("the project\n  heron", "Project Heron"),
    ],
)
def test_a_word_is_found_in_every_spelling_of_it(text: str, word: str) -> None:
    assert holds_word(text, word)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("공연봉투를 주문했어요", "연봉"),
        ("공연 봉투", "연봉"),
        ("이연 봉사 활동", "연봉"),
        ("이사 회의는 언제야?", "이사회"),
        ("돈까스가 먹고 싶다", "돈"),
        ("therapist", "rapist"),
        ("the rapid change", "rap"),
        ("classic assets", "ass"),
        ("so il is not a word", "soil"),
        ("i'm a manager", "m&a"),
        ("in a mall", "all"),
        ("", "연봉"),
        ("연봉", "..."),
    ],
)
def test_a_word_is_not_found_inside_unrelated_words(text: str, word: str) -> None:
    assert not holds_word(text, word)


@given(word=KOREAN_WORDS, before=st.sampled_from(["", "우리 ", "2026 ", "("]), data=st.data())
def test_a_korean_word_survives_any_sign_between_its_syllables_and_any_particle(
    word: str, before: str, data: st.DataObject
) -> None:
    sign = data.draw(st.sampled_from(["", " ", "-", ".", "\u200b", "*", " - "]))
    particle = data.draw(st.sampled_from(["", "을", "은", "에서", "이에요", "입니다", "까지"]))
    text = before + sign.join(word) + particle
    assert holds_word(text, word)
    assert holds_word(unicodedata.normalize("NFD", text), word)


@given(word=LATIN_WORDS, data=st.data())
def test_a_latin_word_survives_case_width_and_spelling_out(word: str, data: st.DataObject) -> None:
    sign = data.draw(st.sampled_from(["", " ", "-", ".", "_", "\u00ad", "\u2060"]))
    letters = [data.draw(st.sampled_from([c, c.upper(), chr(ord(c) + 0xFEE0)])) for c in word]
    assert holds_word(f"about the {sign.join(letters)}, please", word)


@given(word=LATIN_WORDS, before=st.text("abcdefgh", min_size=1, max_size=4))
def test_a_latin_word_within_a_longer_one_is_another_word(word: str, before: str) -> None:
    assert not holds_word(f"the {before}{word} here", word)
    assert not holds_word(f"the {word}{before} here", word)


@given(st.text(max_size=300), st.text(max_size=20))
def test_any_text_and_any_word_are_judged_without_an_error(text: str, word: str) -> None:
    assert isinstance(holds_word(text, word), bool)


def test_a_text_of_forty_thousand_characters_takes_little_time() -> None:
    start = time.perf_counter()
    for text in ("연 " * 20_000, "연봉투" * 13_333, "s a l a r " * 4_000):
        holds_word(text, "구조조정 계획")
        holds_word(text, "salary")
    assert time.perf_counter() - start < 2
