"""A topic stops the questions that are about it, and lets its neighbours pass."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.guardrails.checks.contract import TopicRule
from assistant.guardrails.checks.legible import legible
from assistant.guardrails.checks.topics import MAX_UNITS, TopicsCheck, units_of
from assistant.guardrails.encoding import RememberingEncoder
from assistant.guardrails.verdict import Stage
from assistant.providers.contract import Vectors
from assistant.providers.registry import embedder
from tests.guardrails.korean_topics import CASES, HELD_OUT, TopicCase
from tests.guardrails.later_topics import LATER

SALARIES = TopicRule(
    id=1,
    name="Salaries of others",
    description="What other employees or executives earn: pay, salary, bonus",
    examples=(
        "What does the CEO earn?",
        "How much is Kim paid?",
        "Show me the salaries of my team.",
        "Did the sales manager get a bonus?",
        "Who has the highest salary in the company?",
    ),
)
MERGER = TopicRule(id=2, name="Merger", description="Plans to merge with, buy or sell a company")


@pytest.fixture(scope="module")
def bundled() -> RememberingEncoder:
    return RememberingEncoder(embedder("sentence-transformers"))


def rule_of(case: TopicCase, number: int = 1) -> TopicRule:
    return TopicRule(number, case.name, case.description, case.examples)


def stopped(check: TopicsCheck, texts: Sequence[str], stage: Stage = Stage.QUESTION) -> list[str]:
    return [text for text in texts if check.first_match(text, stage=stage)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_korean_topic_stops_most_of_its_questions_and_few_others(
    case: TopicCase, bundled: RememberingEncoder
) -> None:
    check = TopicsCheck([rule_of(case)], encoder=bundled)
    others = [q for other in (*CASES, *HELD_OUT) if other is not case for q in other.block + other.near]
    assert len(stopped(check, case.block)) >= 7, stopped(check, case.block)
    assert len(stopped(check, case.near)) <= 2, stopped(check, case.near)
    assert len(stopped(check, others)) <= len(others) * 0.03, stopped(check, others)


def test_korean_topics_that_nothing_was_changed_for_stop_most_of_their_questions(
    bundled: RememberingEncoder,
) -> None:
    blocked = near = 0
    for case in LATER:
        check = TopicsCheck([rule_of(case)], encoder=bundled)
        blocked += len(stopped(check, case.block))
        near += len(stopped(check, case.near))
    assert blocked >= 0.6 * sum(len(case.block) for case in LATER)
    assert near <= 0.2 * sum(len(case.near) for case in LATER)


def test_a_korean_question_that_shares_no_word_with_the_examples_is_stopped_for_its_meaning(
    bundled: RememberingEncoder,
) -> None:
    rule = TopicRule(1, "이직", "회사를 떠나는 이야기", ("퇴사하고 싶어요.", "사표를 언제 내면 좋을까?"))
    check = TopicsCheck([rule], encoder=bundled)

    assert stopped(check, ["직장을 그만두려고 해요."])
    assert not stopped(check, ["회의실은 어떻게 예약해?", "프린터 용지는 어디에 있어?"])


def test_of_several_topics_the_nearest_one_is_named(bundled: RememberingEncoder) -> None:
    check = TopicsCheck([rule_of(case, n) for n, case in enumerate(CASES)], encoder=bundled)
    named = [check.first_match(q, stage=Stage.QUESTION) for case in CASES for q in case.examples]
    assert [rule.name for rule in named if rule] == [case.name for case in CASES for _ in case.examples]


def test_an_english_topic_stops_questions_in_other_words(bundled: RememberingEncoder) -> None:
    check = TopicsCheck([SALARIES], encoder=bundled)
    about = (
        "How much money does our director make?",
        "tell me what my colleague gets paid",
        "Executive pay?",
    )
    assert stopped(check, about) == list(about)


def test_an_english_topic_lets_its_neighbours_pass(bundled: RememberingEncoder) -> None:
    check = TopicsCheck([SALARIES], encoder=bundled)
    near = (
        "When is payday?",
        "How do I book a meeting room?",
        "Who is the sales manager?",
        "What is the price of the team plan?",
        "When is my salary paid?",
    )
    assert stopped(check, near) == []


def test_a_description_alone_makes_a_topic(bundled: RememberingEncoder) -> None:
    check = TopicsCheck([MERGER], encoder=bundled)
    assert stopped(check, ["Are we going to merge with another company?"])
    assert not stopped(check, ["How do I join two sheets in Excel?", "Where is the canteen?"])


def test_an_english_topic_stops_a_korean_question(
    bundled: RememberingEncoder,
) -> None:
    check = TopicsCheck([SALARIES], encoder=bundled)
    assert stopped(check, ["부장님 연봉이 얼마야?"])
    assert not stopped(check, ["회의실은 어떻게 예약해?"])


def test_an_answer_about_the_topic_is_stopped_and_one_beside_it_is_not(bundled: RememberingEncoder) -> None:
    check = TopicsCheck([SALARIES, rule_of(CASES[0], 2)], encoder=bundled)
    about = ("The CEO earns 400 million won a year.", "김 부장의 연봉은 9천만 원입니다.")
    beside = ("Salaries are paid on the 25th of each month.", "급여는 매월 25일에 지급됩니다.")
    assert stopped(check, about, Stage.ANSWER) == list(about)
    assert stopped(check, beside, Stage.ANSWER) == []


def test_passages_are_not_judged_by_topic(bundled: RememberingEncoder) -> None:
    check = TopicsCheck([rule_of(CASES[0])], encoder=bundled)
    assert not stopped(check, CASES[0].examples, Stage.PASSAGE)


def test_a_question_hidden_in_a_long_text_is_found_fast(bundled: RememberingEncoder) -> None:
    padding = "The canteen opens at noon and closes at two. " * 450
    text = f"{padding}What does the CEO earn? {padding}"
    check = TopicsCheck([SALARIES, *(rule_of(case, n) for n, case in enumerate(CASES, 2))], encoder=bundled)
    check.first_match("warm up", stage=Stage.QUESTION)
    start = time.perf_counter()
    assert check.first_match(text, stage=Stage.QUESTION) == SALARIES
    assert time.perf_counter() - start < 5


def test_ten_topics_add_a_few_milliseconds_to_a_korean_question(bundled: RememberingEncoder) -> None:
    rules = [rule_of(case, n) for n, case in enumerate((*CASES, *HELD_OUT))]
    check = TopicsCheck(rules, encoder=bundled)
    questions = [question for case in CASES for question in case.block]
    start = time.perf_counter()
    stopped(check, questions)
    assert (time.perf_counter() - start) / len(questions) < 0.03, (
        "5 ms on an idle core, with room for a busy one"
    )


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=400))
def test_hostile_text_is_judged_without_an_error(bundled: RememberingEncoder, text: str) -> None:
    check = TopicsCheck([rule_of(CASES[0])], encoder=bundled)
    check.first_match(legible(text), stage=Stage.QUESTION)


@given(st.text(max_size=3000))
def test_units_are_few_and_never_blank(text: str) -> None:
    units = units_of(text, topics=[])
    assert len(units) <= MAX_UNITS
    assert all(unit.strip() for unit in units)


def test_a_text_is_embedded_once_though_several_topics_judge_it() -> None:
    class Counting:
        name, dimension = "counting", 3

        def __init__(self) -> None:
            self.embedded: list[str] = []

        def embed(self, texts: Sequence[str]) -> Vectors:
            self.embedded.extend(texts)
            return np.tile(np.array([1, 0, 0], dtype=np.float32), (len(texts), 1))

        embed_questions = embed

    model = Counting()
    encoder = RememberingEncoder(model)
    encoder.vectors(["one", "two", "one"])
    assert encoder.vectors(["two", "three"]).shape == (2, 3)
    assert model.embedded == ["one", "two", "three"]


def test_a_model_that_finds_all_texts_alike_neither_blocks_everything_nor_nothing(
    bundled: RememberingEncoder,
) -> None:
    class Crowded:
        """The bundled model with a large component that all texts share, as some models have."""

        def vectors(self, texts: Sequence[str]) -> Vectors:
            shared = np.full((len(texts), 1), np.sqrt(3.0), dtype=np.float32)
            return (np.hstack([bundled.vectors(texts), shared]) / 2).astype(np.float32)

    check = TopicsCheck([SALARIES], encoder=Crowded())
    assert stopped(check, ["How much money does our director make?", "Executive pay?"])
    assert not stopped(check, ["Where is the canteen?", "How do I reset my password?", "When is payday?"])
