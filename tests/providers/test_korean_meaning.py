from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.providers.contract import Source
from assistant.providers.korean_meaning import likeness, meaning, pieces_of, table
from assistant.providers.meaning_features import HIGHEST_MEANING, MEANING, meaning_features
from assistant.providers.question_type import question_of
from assistant.providers.sentence_ranking import gather


def like(one: str, other: str) -> float:
    return float(likeness(pieces_of(one), pieces_of(other))[0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("퇴사를 결정했어요", ["퇴사", "결정"]),
        ("회사생활이 힘들어서 그만뒀습니다", ["회사", "생활", "힘들", "그만두"]),
        ("아름다운 강산", ["아름답", "강산"]),
        ("GPU 서버 12대", ["gpu", "서버", "12"]),
    ],
)
def test_a_text_is_cut_into_the_words_that_carry_its_meaning(text: str, words: list[str]) -> None:
    found = [piece.text for piece in pieces_of(text)]

    assert [word for word in found if word in words] == words


@pytest.mark.parametrize(
    ("word", "akin", "other"),
    [("퇴사", "이직", "사과"), ("월급", "급여", "병원"), ("사망", "숨진", "시작"), ("총리", "장관", "바다")],
)
def test_words_that_are_used_alike_are_liker_than_others(word: str, akin: str, other: str) -> None:
    assert like(word, akin) > like(word, other) + 0.2


def test_a_word_is_like_itself_whether_the_table_has_it_or_not() -> None:
    assert like("퇴사", "퇴사") == 1.0
    assert like("xyzzy", "xyzzy") == 1.0
    assert like("xyzzy", "plugh") == 0.0


def test_every_row_of_the_table_has_a_direction_and_a_form() -> None:
    known = table()

    assert len(known.forms) == len(known.vectors) == len(known.rarity)
    assert np.allclose(np.linalg.norm(known.vectors, axis=1), 1.0, atol=1e-4)
    assert max(row for row, _ in known.words.values()) == len(known.forms) - 1


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=120))
def test_any_text_is_cut_and_has_a_vector_of_length_one_or_none(text: str) -> None:
    pieces = pieces_of(text)

    assert all(piece.text for piece in pieces)
    length = float(np.linalg.norm(meaning(pieces)))
    assert length == pytest.approx(1.0, abs=1e-4) if any(p.row >= 0 for p in pieces) else length == 0.0


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="가나다라마바사아자차카타파하을를은는이한국회사원급여", max_size=300))
def test_a_long_run_without_spaces_is_cut_without_losing_its_order(text: str) -> None:
    assert pieces_of(text) == pieces_of(text)
    assert len(pieces_of(text)) <= len(text)


def test_the_table_is_read_only_when_a_question_needs_it() -> None:
    script = (
        "import assistant.providers.extractive, assistant.guardrails.checks.topic_words\n"
        "from assistant.providers.korean_meaning import table\n"
        "print(table.cache_info().currsize)"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "0"


LEAVING = Source(1, "인사 규정", "", "직원이 이직하면 남은 휴가는 수당으로 준다. 주차장은 지하에 있다.", 0.9)
PARKING = Source(2, "주차 안내", "", "지하 2층에 차를 댄다. 방문객은 미리 알린다.", 0.8)


def columns(question: str, *sources: Source, language: str = "ko") -> dict[str, list[float]]:
    found = meaning_features(gather(question_of(question, language), sources))
    return {name: found[:, at].tolist() for at, name in enumerate(MEANING)}


def test_a_sentence_in_other_words_means_more_of_the_question_than_its_neighbour() -> None:
    found = columns("퇴직할 때 연차가 남으면 돈으로 받나요?", LEAVING, PARKING)

    for name in ("like", "like_rare", "meaning", "like_titled"):
        assert found[name][0] == max(found[name])
    assert found["like_behind"][0] == 0.0


def test_questions_in_other_languages_are_left_to_the_embedder() -> None:
    found = columns("What is paid when somebody leaves?", LEAVING, language="en")

    assert not any(any(values) for values in found.values())


def test_what_another_source_says_changes_no_word_that_a_sentence_has() -> None:
    alone, beside = columns("퇴사 수당", LEAVING), columns("퇴사 수당", LEAVING, PARKING)

    assert beside["like"][:2] == pytest.approx(alone["like"][:2])
    assert set(HIGHEST_MEANING) <= set(MEANING)
