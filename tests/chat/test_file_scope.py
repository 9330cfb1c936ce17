"""Which questions are about a conversation's files, and about which of them."""

from __future__ import annotations

import pytest

from assistant.chat.file_scope import AskedFile, AskedFiles, is_about_files, planned, without_names
from assistant.chat.planning import plan_of
from assistant.providers.wishes import Task

NAMES = ("offer.md", "임대차 계약.pdf", "travel policy.docx")
FILES = AskedFiles(tuple(AskedFile(number, name) for number, name in enumerate(NAMES, start=1)), only=True)


@pytest.mark.parametrize(
    "question",
    [
        "Summarise this document",
        "summarize",
        "Please summarise it.",
        "What does this file say about notice?",
        "When does the attached contract file end?",
        "Compare these two files",
        "Which of both documents is cheaper?",
        "Who signed offer.md?",
        "What does the travel policy say about hotels?",
        "이 파일 요약해 줘",
        "이 문서에서 보증금은 얼마예요?",
        "요약해 줘",
        "간단히 요약해 주세요",
        "첨부한 자료의 결론은?",
        "올린 파일 두 개를 비교해 줘",
        "임대차 계약.pdf 해지 조건은?",
        "두 문서의 차이점은?",
    ],
)
def test_what_points_at_files_is_asked_of_them_alone(question: str) -> None:
    assert is_about_files(question, NAMES)
    assert not is_about_files(question, ())


@pytest.mark.parametrize(
    "question",
    [
        "How many days a week may employees work from home?",
        "Does this file comply with our policy?",
        "이 문서가 우리 회사 규정에 맞나요?",
        "연차는 며칠인가요?",
        "Where do I file a complaint?",
        "Summarise the remote work guideline",
        "휴가 규정을 요약해 줘",
        "파일럿 프로젝트는 언제 시작해요?",
        "프로파일은 어디서 바꿔요?",
    ],
)
def test_other_questions_are_asked_of_the_company_too(question: str) -> None:
    assert not is_about_files(question, NAMES)


@pytest.mark.parametrize(
    ("question", "task", "read"),
    [
        ("Summarise this document", Task.SUMMARISE, ((1,), (2,), (3,))),
        ("Summarise offer.md", Task.SUMMARISE, ((1,),)),
        ("임대차 계약 요약해 줘", Task.SUMMARISE, ((2,),)),
        ("Compare offer.md with the travel policy", Task.COMPARE, ((1,), (3,))),
        ("이 파일들을 비교해 줘", Task.COMPARE, ((1,), (2,), (3,))),
        ("What is the notice in this file?", Task.ANSWER, ()),
    ],
)
def test_files_are_read_from_their_beginning_for_summaries_and_comparisons(
    question: str, task: Task, read: tuple[tuple[int, ...], ...]
) -> None:
    plan, asked = planned(question, plan_of(question), FILES)
    assert plan.task == task
    assert asked.read == read
    assert len(plan.parts) == max(1, len(read))


def test_a_question_that_names_a_file_is_asked_of_that_one() -> None:
    question = "Who signed offer.md?"
    assert planned(question, plan_of(question), FILES)[1].ids == (1,)


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("How much is the monthly fee in offer.md?", "How much is the monthly fee ?"),
        ("임대차 계약.pdf에서 해지 조건은 무엇인가요?", "해지 조건은 무엇인가요?"),
        ("According to “offer.md”, who pays the fee?", ", who pays the fee?"),
        ("offer.md", "offer.md"),
        ("What is new?", "What is new?"),
    ],
)
def test_names_of_files_are_not_searched_for(question: str, left: str) -> None:
    assert without_names(question, NAMES) == left
