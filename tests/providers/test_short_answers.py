"""Short answers: a stretch of the sentence, of the sort asked for, and only where it is nearly certain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.analysis import language_of
from assistant.providers.contract import ModelRequest, Source
from assistant.providers.extractive import ExtractiveModel
from assistant.providers.question_type import question_of
from assistant.providers.short_answers import short_answer
from assistant.providers.short_spans import Sort, sort_of, spans_of

SURE = 0.97


def short(question: str, sentence: str, share: float = SURE) -> str | None:
    found = short_answer(question_of(question, language_of(question)), sentence, share)
    return None if found is None else sentence[slice(*found)]


@pytest.mark.parametrize(
    ("question", "sentence", "expected"),
    [
        ("연차는 며칠인가요?", "입사 1년 뒤부터 연차는 15일입니다.", "15일"),
        ("How many days of annual leave do we get?", "Annual leave is 15 days.", "15 days"),
        ("When was the company founded?", "The company was founded on 13 March 2011.", "13 March 2011"),
        ("회사는 언제 설립되었나요?", "회사는 2011년 3월 13일에 설립되었습니다.", "2011년 3월 13일"),
        ("How much is the meal allowance?", "The meal allowance is $12 a day.", "$12"),
    ],
)
def test_the_best_sentence_leads_with_what_was_asked_for(question: str, sentence: str, expected: str) -> None:
    question_taken = question_of(question, language_of(question))
    sort = sort_of(question_taken)
    assert sort is not None
    spans = spans_of(question_taken, sort, sentence)
    assert expected in {sentence[span.start : span.end] for span in spans}
    assert short(question, sentence) in {expected, None}


def test_a_single_date_in_a_certain_sentence_is_shown() -> None:
    assert short("회사는 언제 설립되었나요?", "회사는 2011년 3월 13일에 설립되었습니다.") == "2011년 3월 13일"
    assert (
        short("When was the company founded?", "The company was founded on 13 March 2011.") == "13 March 2011"
    )


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("회사는 언제 설립되었나요?", "회사는 정밀 계측기를 만듭니다."),
        ("Why was the company founded?", "The company was founded in 2011 to build loggers."),
        ("회사는 왜 설립되었나요?", "회사는 2011년에 설립되었습니다."),
        ("When was the company founded in 2011?", "The company was founded in 2011."),
    ],
)
def test_nothing_is_shown_where_nothing_of_the_sort_answers(question: str, sentence: str) -> None:
    assert short(question, sentence) is None


def test_a_doubtful_sentence_shows_nothing_short() -> None:
    question, sentence = "회사는 언제 설립되었나요?", "회사는 2011년 3월 13일에 설립되었습니다."
    assert short(question, sentence, share=0.1) is None


def test_an_answer_that_is_refused_has_none_and_an_answer_carries_offsets_of_its_own_text() -> None:
    source = Source(1, "Company", "", "The company was founded on 13 March 2011. It builds loggers.", 1.0)
    model = ExtractiveModel(None)
    request = ModelRequest("When was the company founded?", "en", (source,))
    first, *others = model.answer(request)
    if first.short is not None:
        assert first.text[slice(*first.short)] == "13 March 2011"
    assert all(other.short is None for other in others)
    zebra = ModelRequest("Which zebra won the Antarctic chess tournament?", "en", (source,))
    assert list(model.answer(zebra)) == []


@given(st.text(max_size=80), st.text(max_size=120), st.floats(min_value=0, max_value=1))
def test_any_question_and_sentence_give_a_stretch_of_the_sentence_or_nothing(
    question: str, sentence: str, share: float
) -> None:
    for asked in (question, f"언제 {question}", f"How many {question}", f"Who {question}"):
        found = short_answer(question_of(asked, language_of(asked)), sentence, share)
        assert found is None or 0 <= found[0] < found[1] <= len(sentence)


def test_every_sort_is_asked_for_in_some_way() -> None:
    asked = {
        Sort.YEAR: "What year did it open?",
        Sort.DATE: "When did it open?",
        Sort.TIME: "몇 시에 여나요?",
        Sort.DURATION: "How long does it take?",
        Sort.MONEY: "식대는 얼마인가요?",
        Sort.PERCENT: "What percentage is paid?",
        Sort.COUNT: "방은 몇 개인가요?",
        Sort.NUMBER: "How far is the plant?",
        Sort.PERSON: "Who leads the team?",
        Sort.PLACE: "Where is the plant?",
    }
    found = {sort: sort_of(question_of(text, language_of(text))) for sort, text in asked.items()}
    assert found == {sort: sort for sort in asked}
