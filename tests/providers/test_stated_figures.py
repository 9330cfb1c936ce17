"""A question over all records is answered by a sentence that states what it asks for, or by none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.providers.contract import ModelRequest, Source
from assistant.providers.extractive import ExtractiveModel
from assistant.providers.stated_figures import OverRecords, states, wanted_over_records
from assistant.providers.wishes import Length, Style

LOOSE = "2026년 가격표는 영업본부가 관리하는 제품 문서이다. 제품 가격은 분기마다 검토한다."
STATED = "2026년 가격표에서 가장 비싼 제품은 극저온 기록계이다."


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("2026년 가격표에서 가장 비싼 제품은 무엇인가요?", OverRecords.PRICIEST),
        ("제일 저렴한 요금제는?", OverRecords.CHEAPEST),
        ("매출이 가장 많은 부서는 어디예요?", OverRecords.MOST),
        ("인원이 가장 적은 팀은?", OverRecords.LEAST),
        ("출장비 합계가 얼마예요?", OverRecords.SUM),
        ("평균 단가는 얼마인가요?", OverRecords.AVERAGE),
        ("Which product is the most expensive?", OverRecords.PRICIEST),
        ("Which customer has the most complaints?", OverRecords.MOST),
        ("What is the sum of all invoices?", OverRecords.SUM),
        ("What is the average seats of rooms?", OverRecords.AVERAGE),
    ],
)
def test_what_is_asked_of_all_records_is_known_by_its_words(question: str, wanted: OverRecords) -> None:
    assert wanted_over_records(question) is wanted


@pytest.mark.parametrize(
    "question",
    [
        "연차는 총 며칠인가요?",
        "가장 먼저 해야 할 일은 무엇인가요?",
        "우리 회사에서 가장 큰 공장은 대전에 있는 것으로 알려져 있습니까?",
        "Is the tiger the largest cat?",
        "What does isobaric mean?",
        "Who do I ask for most things?",
    ],
)
def test_an_ordinary_question_asks_for_nothing_of_all_records(question: str) -> None:
    assert wanted_over_records(question) is None


def _answered(question: str, text: str, length: Length = Length.NORMAL) -> list[str]:
    source = Source(1, "가격표 안내", "", text, 0.9)
    request = ModelRequest(question, "ko", (source,), style=Style(length=length))
    return [sentence.text for sentence in ExtractiveModel(None).answer(request)]


def test_sentences_that_only_share_words_with_the_question_are_not_its_answer() -> None:
    question = "2026년 가격표에서 가장 비싼 제품은 무엇인가요?"
    assert _answered("2026년 가격표는 누가 관리하나요?", LOOSE)
    assert _answered(question, LOOSE) == []
    for length in Length:
        assert _answered(question, f"{LOOSE} {STATED}", length) == [STATED]


def test_a_price_is_not_stated_by_another_superlative() -> None:
    assert not states(OverRecords.PRICIEST, "가장 최근 문서는 2026년 판이다.")
    assert not states(OverRecords.CHEAPEST, "The largest plan has 50 seats.")
    assert not states(OverRecords.MOST, "경보는 가장 오래된 알림의 나이로 바꾼다.")
    assert not states(OverRecords.MOST, "The request goes to the oldest branch.")
    assert not states(OverRecords.LEAST, "서울 지점의 매출이 가장 많다.")
    assert states(OverRecords.CHEAPEST, "The Basic plan has the lowest price.")


@given(st.text(max_size=80))
def test_any_text_ends_without_an_error(text: str) -> None:
    wanted = wanted_over_records(text)
    assert wanted is None or states(wanted, text) in {True, False}
