"""Follow-ups: what a question takes over from the conversation, and what it leaves alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.chat.condensing import JOINT, MOST_CARRIED, Exchange, condensed, stands_alone

LEAVE = "연차 휴가는 며칠인가요?"
PARENTAL = "How do I apply for parental leave?"


@pytest.mark.parametrize(
    ("earlier", "question", "whole"),
    [
        ((LEAVE,), "그럼 계약직은요?", f"{LEAVE}{JOINT}계약직은요?"),
        ((LEAVE,), "안식휴가는?", f"{LEAVE}{JOINT}안식휴가는?"),
        (("국내 출장 일비는 얼마예요?",), "그럼 해외 출장은요?", "해외 출장 일비는 얼마예요?"),
        (("How many days is annual leave?",), "And sick leave?", "How many days is sick leave?"),
        (("How many days of leave?",), "And sick leave?", f"How many days of leave?{JOINT}sick leave?"),
        ((LEAVE, "그럼 계약직은요?"), "인턴은요?", f"{LEAVE}{JOINT}인턴은요?"),
        (("육아휴직은 얼마나 쓸 수 있어요?",), "신청은 어떻게 해요?", f"신청은 어떻게 해요?{JOINT}육아휴직"),
        (
            ("대전 사무실 주소가 어디예요?",),
            "거기서 주차도 되나요?",
            f"거기서 주차도 되나요?{JOINT}대전 사무실 주소",
        ),
        (
            ("How many days of annual leave do I get?",),
            "and for contractors?",
            f"How many days of annual leave do I get?{JOINT}for contractors?",
        ),
        ((PARENTAL,), "How long does it take?", f"How long does it take?{JOINT}apply parental leave"),
        ((PARENTAL, "How long does it take?"), "Is that paid?", f"Is that paid?{JOINT}apply parental leave"),
    ],
)
def test_a_follow_up_is_made_whole_from_the_questions_before_it(
    earlier: tuple[str, ...], question: str, whole: str
) -> None:
    assert condensed(question, [Exchange(text) for text in earlier]) == whole


@pytest.mark.parametrize(
    ("earlier", "question"),
    [
        (LEAVE, "비밀번호는 몇 자 이상이어야 하나요?"),
        (LEAVE, "VPN은 어떻게 설치하나요?"),
        (PARENTAL, "How long must a password be?"),
        (PARENTAL, "What is the guest network called?"),
        (PARENTAL, "Which documents that mention leave are there?"),
    ],
)
def test_a_question_that_names_its_subject_stays_as_it_is(earlier: str, question: str) -> None:
    assert condensed(question, [Exchange(earlier)]) == question
    assert stands_alone(question)


def test_a_new_subject_ends_the_one_before() -> None:
    history = [Exchange(PARENTAL), Exchange("How long must a password be?")]
    whole = condensed("Who resets it?", history)
    assert "password" in whole
    assert "parental" not in whole


def test_nothing_is_taken_from_answers() -> None:
    history = [Exchange(PARENTAL, "The secret project is called Heron.", frozenset({1}))]
    assert "Heron" not in condensed("How long does it take?", history)


texts = st.text(alphabet="abc 가나다은는요?.,it그럼 that 신청", max_size=60)


@given(texts, st.lists(texts, max_size=5))
def test_whatever_was_said_the_question_stays_in_front_or_behind_and_little_is_added(
    question: str, earlier: list[str]
) -> None:
    whole = condensed(question, [Exchange(text) for text in earlier])
    words = {word for text in [question, *earlier] for word in text.split()}
    assert all(any(part in word for word in words) for part in whole.replace(JOINT, " ").split())
    added = whole.count(" ") - question.count(" ")
    assert added <= MOST_CARRIED + max((text.count(" ") for text in earlier), default=0) + 4
    assert condensed(question, []) == question
