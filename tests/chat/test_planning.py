"""Plans: what a question asks to be done, and that a plain one stays plain."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.chat.planning import MOST_PARTS, plan_of
from assistant.providers.wishes import Task

DATA = Path(__file__).parents[3] / "shared" / "data" / "retrieval"


@pytest.mark.parametrize(
    ("question", "sides", "searched"),
    [
        ("연차휴가와 병가의 차이가 뭐예요?", ("연차휴가", "병가"), ("연차휴가", "병가")),
        ("연차와 병가 차이", ("연차", "병가"), ("연차", "병가")),
        ("연차와 반차는 어떻게 달라요?", ("연차", "반차"), ("연차", "반차")),
        (
            "국내 출장과 해외 출장 일비를 비교해 줘",
            ("국내 출장", "해외 출장"),
            ("국내 출장 일비", "해외 출장 일비"),
        ),
        ("정규직과 계약직의 연차 차이는 무엇인가요?", ("정규직", "계약직"), ("정규직 연차", "계약직 연차")),
        (
            "compare annual leave and sick leave",
            ("annual leave", "sick leave"),
            ("annual leave", "sick leave"),
        ),
        (
            "What is the difference between annual and sick leave?",
            ("annual leave", "sick leave"),
            ("annual leave", "sick leave"),
        ),
        ("How does remote work differ from hybrid work?", ("remote work", "hybrid work"), None),
        ("telenovela vs soap opera", ("telenovela", "soap opera"), None),
    ],
)
def test_a_comparison_has_two_sides_with_what_both_share(
    question: str, sides: tuple[str, str], searched: tuple[str, str] | None
) -> None:
    plan = plan_of(question)
    assert plan.task is Task.COMPARE
    assert tuple(part.title for part in plan.parts) == sides
    assert tuple(part.question for part in plan.parts) == (searched or sides)


@pytest.mark.parametrize(
    ("question", "task", "what"),
    [
        ("출장경비 규정 요약해 줘", Task.SUMMARISE, "출장경비 규정"),
        ("출장경비 규정을 간단히 요약해 주세요.", Task.SUMMARISE, "출장경비 규정"),
        ("Summarize the Remote work guideline", Task.SUMMARISE, "Remote work guideline"),
        ("보안 관련 문서 목록 보여줘", Task.LIST, "보안"),
        ("어떤 규정이 재택근무를 다루나요?", Task.LIST, "재택근무"),
        ("Which policies mention passwords?", Task.LIST, "passwords"),
        ("List all documents about travel", Task.LIST, "travel"),
    ],
)
def test_a_summary_and_a_list_name_what_they_are_about(question: str, task: Task, what: str) -> None:
    plan = plan_of(question)
    assert (plan.task, [part.question for part in plan.parts]) == (task, [what])


def test_several_questions_are_parted_and_the_later_ones_made_whole() -> None:
    plan = plan_of("연차는 며칠인가요? 그리고 신청은 어떻게 하나요?")
    assert plan.task is Task.SEVERAL
    assert [part.title for part in plan.parts] == ["연차는 며칠인가요?", "신청은 어떻게 하나요?"]
    assert plan.parts[1].question == "신청은 어떻게 하나요? — 연차"


@pytest.mark.parametrize(
    "question",
    [
        "비밀번호는 몇 자 이상이어야 하나요?",
        "회의와 보고 일정은 어떻게 되나요?",
        "요약 보고서는 언제 제출하나요?",
        "How do I compare two files with git?",
        "When was the game Plants vs. Zombies released?",
        "Summarize this document",
        "연차 휴가는 며칠인가요? — 계약직은요?",
        "How many days a week is remote work allowed?",
        "What? Why?",
        "I have a question. What is the deadline?",
    ],
)
def test_a_plain_question_stays_one(question: str) -> None:
    plan = plan_of(question)
    assert plan.task is Task.ANSWER
    assert [(part.title, part.question) for part in plan.parts] == [("", question)]


@given(st.text(max_size=400))
def test_every_text_has_a_plan_whose_titles_are_its_own_words(question: str) -> None:
    plan = plan_of(question)
    assert 1 <= len(plan.parts) <= MOST_PARTS
    own = set("".join(question.split()))
    assert all(set("".join(part.title.split())) <= own for part in plan.parts)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["squad2-dev", "tydiqa-en-train", "tydiqa-ko-train", "northwind-dev"])
def test_hardly_a_plain_question_of_the_development_sets_is_taken_for_another_task(name: str) -> None:
    file = DATA / name / "questions.jsonl"
    if not file.is_file():
        reason = f"needs {name} of the shared data"
        if os.environ.get("CI"):
            pytest.fail(f"{reason} (in CI missing data is a failure)")
        pytest.skip(reason)
    asked = [json.loads(line)["question"] for line in file.read_text("utf-8").splitlines()]
    other = [question for question in asked if plan_of(question).task is not Task.ANSWER]
    assert len(other) <= 0.004 * len(asked), other
