"""Words and phrases are found however they are spelled, and only where they stand as words."""

from __future__ import annotations

import time
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.guardrails.checks.finding import Finding
from assistant.guardrails.checks.words import BLOCKED_WORD, IN_DISGUISE, findings, holds_word

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
        ("ㅇㅕㄴㅂㅗㅇ", "연봉"),
        ("ㅇ ㅕ ㄴ ㅂ ㅗ ㅇ은?", "연봉"),
        ("ㅇ.ㅕ.ㄴ.ㅂ.ㅗ.ㅇ", "연봉"),
        ("여ㄴ봉", "연봉"),
        ("연ㅂㅗㅇ이 궁금", "연봉"),
        ("ㅋㅋㅇㅕㄴㅂㅗㅇ", "연봉"),
        ("ﾧﾧ ㅇㅕㄴ봉", "연봉"),
        ("ㅅㅣ발점", "시발점"),
        ("급여ㅋㅋ", "급여"),
        ("연1봉", "연봉"),
        ("연x봉을", "연봉"),
        ("ㅅㅂ", "ㅅㅂ"),
        ("s\u0430l\u0430ry", "salary"),
        ("ѕаӏагу", "salary"),
        ("\u03b1ll", "all"),
        ("sálary", "salary"),
        ("s4l4ry?", "salary"),
        ("5alary", "salary"),
        ("$alary", "salary"),
        ("s@lary는", "salary"),
        ("1ayoff", "layoff"),
        ("h1ring", "hiring"),
        ("우리s4lary", "salary"),
        ("нет", "нет"),
        ("개병신", "*병신"),
        ("hackers", "hack*"),
        ("the unhackable", "*hack*"),
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
        ("개병신", "병신"),
        ("hackers", "hack"),
        ("unhack", "hack*"),
        ("ㅇㅂ", "연봉"),
        ("ㅇㅂㅇㅂ", "연봉"),
        ("제1조", "제조"),
        ("3월4일", "월일"),
        ("a55", "ass"),
        ("в лесу нет кота", "kota"),
        ("이 나라 여성", "나라녀"),
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


@pytest.mark.parametrize(
    ("text", "covered", "score"),
    [
        ("내 연봉을 알려 줘", "연봉", 1.0),
        ("연 봉은?", "연 봉", 1.0),
        ("(연\u200b봉)", "연\u200b봉", 1.0),
        ("올해 연봉협상", "연봉", 1.0),
        ("ㅋㅋ ㅇㅕㄴㅂㅗㅇ이", "ㅇㅕㄴㅂㅗㅇ", IN_DISGUISE),
        ("연1봉", "연1봉", IN_DISGUISE),
        ("his ＳＡＬＡＲＹ.", "ＳＡＬＡＲＹ", 1.0),
        ("his s4lary.", "s4lary", IN_DISGUISE),
        ("the projects of Project\n Heron", "Project\n Heron", 1.0),
    ],
)
def test_a_finding_covers_the_word_as_it_was_given(text: str, covered: str, score: float) -> None:
    found = findings(text, ["연봉", "salary", "project heron"])
    start = text.index(covered)
    assert found == [Finding(BLOCKED_WORD, start, start + len(covered), score)]


def test_every_place_of_every_word_is_found() -> None:
    text = "연봉과 salary, 그리고 연봉"
    assert [text[f.start : f.end] for f in findings(text, ["salary", "연봉"])] == ["연봉", "salary", "연봉"]
    assert findings(text, []) == []


@given(word=KOREAN_WORDS, data=st.data())
def test_a_korean_word_pulled_apart_into_its_letters_is_found(word: str, data: st.DataObject) -> None:
    letters = []
    for syllable in word:
        code = ord(syllable) - 0xAC00
        final = "\0ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"[code % 28].strip("\0")
        letters += [
            "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"[code // 588],
            chr(0x314F + code // 28 % 21),
            final,
        ]
    sign = data.draw(st.sampled_from(["", " ", ".", "\u200b"]))
    text = "오늘 " + sign.join(filter(None, letters)) + "?"
    assert holds_word(text, word)
    assert [(f.start, f.end) for f in findings(text, [word])] == [(3, len(text) - 1)]


@given(st.text(max_size=80), st.lists(st.text(max_size=8), max_size=4))
def test_findings_lie_in_the_text_apart_and_agree_with_the_question_whether_there_are_any(
    text: str, words: list[str]
) -> None:
    found = findings(text, words)
    assert all(0 <= f.start < f.end <= len(text) for f in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert bool(found) == any(holds_word(text, word) for word in words)
