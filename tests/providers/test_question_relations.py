from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.analysis import normalise
from assistant.providers.question_relations import relations_of, share_told


def told(question: str, sentence: str) -> float:
    return share_told(relations_of(question), normalise(sentence))


@pytest.mark.parametrize(
    ("question", "speaks", "is_silent"),
    [
        ("When was the founder born?", "Lena Brandt (1931 - 2004) was a chemist.", "She liked tea."),
        ("Who founded the plant?", "The plant was established by two brothers.", "It stands near a lake."),
        ("How tall is the tower?", "It rises to 48 metres.", "It was painted red."),
        ("What does the lift cost?", "The lift was sold for $4,000.", "The lift is old."),
        ("창업주는 누구인가요?", "두 형제가 1931년에 설립하였다.", "공장은 호숫가에 있었다."),
        ("탑의 높이는 얼마인가요?", "해발 48m에 이른다.", "붉은색으로 칠했다."),
        ("왜 문을 닫았나요?", "비용이 올랐기 때문이다.", "문은 나무로 만들었다."),
    ],
)
def test_a_sentence_speaks_of_what_is_asked_in_other_words(
    question: str, speaks: str, is_silent: str
) -> None:
    assert told(question, speaks) > told(question, is_silent)


def test_a_question_that_names_no_relation_is_spoken_of_by_nothing() -> None:
    assert relations_of("Blue or green?") == ()
    assert told("Blue or green?", "It was established in 1931.") == 0.0


@given(st.text(max_size=60), st.text(max_size=200))
def test_the_share_told_lies_between_none_and_all(question: str, sentence: str) -> None:
    assert 0.0 <= told(question, sentence) <= 1.0
