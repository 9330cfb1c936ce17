"""Two sources disagree only if they speak of the same thing and state different values of what was asked."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.analysis import normalise
from assistant.providers.contract import Source
from assistant.providers.source_conflicts import conflicts, statements_of
from assistant.providers.source_dates import DocumentHead, standing_of
from assistant.providers.stated_values import values_of, without_values


def found(question: str, one: str, other: str, *, titles: tuple[str, str] = ("Rules", "Handbook")) -> bool:
    """Whether the first text, which is cited, is contradicted by the other one."""
    sources = [
        Source(n, title, "", text) for n, (title, text) in enumerate(zip(titles, (one, other), strict=True))
    ]
    return bool(conflicts(question, sources, statements_of(sources[0], 0)))


DISAGREEING = [
    (
        "How many days a week is remote work allowed?",
        "Remote work is allowed three days a week with the consent of the team lead.",
        "With the consent of the team lead, remote work is allowed 2 days a week.",
    ),
    (
        "When does the office in Daejeon open?",
        "The office in Daejeon opens at 08:30 and closes at 19:00.",
        "The office in Daejeon opens at 9 a.m. and closes at 7 p.m.",
    ),
    (
        "연차는 며칠까지 이월되나요?",
        "사용하지 못한 연차휴가는 최대 5일까지 다음 해로 이월한다.",
        "사용하지 못한 연차휴가는 다음 해로 최대 이레까지 이월할 수 있다.",
    ),
    (
        "계약 검토는 얼마부터 받나요?",
        "판매 계약은 5,000만 원 이상이면 법무 검토를 받는다.",
        "판매 계약은 3천만원 이상이면 법무 검토를 받는다.",
    ),
    (
        "What share of sales goes abroad?",
        "About 46 % of all sales go abroad.",
        "About 20 percent of all sales go abroad.",
    ),
    (
        "May visitors park for free?",
        "Visitors may park in the yard for free.",
        "Visitors may not park in the yard for free.",
    ),
    (
        "반려동물과 함께 출근해도 되나요?",
        "반려동물과 함께 출근할 수 있습니다.",
        "반려동물과 함께 출근할 수 없습니다.",
    ),
    (
        "When is the deadline for expense claims?",
        "Expense claims are due on 31 March.",
        "Expense claims are due on April 15.",
    ),
]
AGREEING = [
    ("How many days?", "Remote work is allowed three days a week.", "Remote work is allowed 3 days a week."),
    ("How much?", "The fee for a new card is 8,000 won.", "The fee for a new card is KRW 8,000."),
    ("얼마인가요?", "지원금은 모두 1억 2천만 원이다.", "지원금은 모두 120,000,000원이다."),
    ("When does it open?", "The office opens at 7 p.m. every day.", "The office opens at 19:00 every day."),
    ("How many people came?", "About 1,000 people came to the fair.", "About 1,050 people came to the fair."),
]
APART = [
    # another place, another group, another time, another thing
    (
        "When does the office open?",
        "The office in Daejeon opens at 08:30.",
        "The office in Busan opens at 09:00.",
    ),
    (
        "How many days of leave?",
        "Employees have 15 days of leave a year.",
        "Contractors have 10 days of leave a year.",
    ),
    (
        "What was the revenue?",
        "In 2024 the revenue was 5 million euros.",
        "In 2025 the revenue was 6 million euros.",
    ),
    ("병가는 며칠인가요?", "유급 병가는 연 10일이다.", "유급 하계휴가는 연 5일이다."),
    ("How many steps?", "1 Learn about the new card.", "2 Learn about the new card."),
    # not of the kind asked for
    ("When is the fee due?", "The fee of 50 euros is due on 3 May.", "The fee of 60 euros is due on 3 May."),
]


@pytest.mark.parametrize(("question", "one", "other"), DISAGREEING)
def test_different_values_of_the_same_thing_disagree(question: str, one: str, other: str) -> None:
    assert found(question, one, other)
    assert found(question, other, one)


@pytest.mark.parametrize(("question", "one", "other"), [*AGREEING, *APART])
def test_the_same_value_or_another_thing_does_not(question: str, one: str, other: str) -> None:
    assert not found(question, one, other)


@pytest.mark.parametrize(
    "titles",
    [
        ("Office guide Rotterdam", "Office guide Seoul"),
        ("Rules 2024", "Rules 2025"),
        ("API v2", "API v3"),
        ("Rules (deprecated)", "Handbook"),
    ],
)
def test_titles_that_part_two_documents_are_obeyed(titles: tuple[str, str]) -> None:
    question, one, other = DISAGREEING[1]
    assert found(question, one, other)
    assert not found(question, one, other, titles=titles)


def test_a_document_that_ended_contradicts_nothing() -> None:
    question, one, other = DISAGREEING[0]
    over = standing_of(DocumentHead("Rules", opening="Valid until 1 May 2025."), today=date(2026, 1, 1))
    sources = [Source(1, "Rules", "", one), Source(2, "Handbook", "", other, standing=over)]
    assert not conflicts(question, sources, statements_of(sources[0], 0))


def test_rows_are_compared_by_what_they_are_of() -> None:
    table = "Grade\tDays\nManager\t{}\nExpert\t12"
    question = "How many days does a manager get?"
    assert found(question, table.format(15), table.format(18))
    assert not found(
        question, table.format(15), table.format(15).replace("12", "14").replace("Expert", "Senior")
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("사흘 전까지 두 명이", [("duration", "day", 3), ("count", "명", 2)]),
        ("within 10 working days, at 7 p.m.", [("duration", "working day", 10), ("time", "", 1140)]),
        ("1억 2천만 원 또는 $2.5 million", [("money", "krw", 120_000_000), ("money", "usd", 2_500_000)]),
        ("on 30 June, 2026년 3월 2일", [("date", "md", 630), ("date", "ymd", 20_260_302)]),
        ("7 %와 35만 원", [("percent", "percent", 7), ("money", "krw", 350_000)]),
    ],
)
def test_values_read_alike_in_both_languages(text: str, told: list[tuple[str, str, int]]) -> None:
    assert [(one.kind, one.unit, one.amount) for one in values_of(text)] == [
        (kind, unit, Decimal(amount)) for kind, unit, amount in told
    ]


@given(st.text(alphabet="0123456789.,:-%$₩ 만억천원일시월년 한두세 daysmarchpm[]()", max_size=60))
def test_values_lie_apart_inside_the_text(text: str) -> None:
    values = values_of(text)
    whole = normalise(text)
    assert all(0 <= one.start < one.end <= len(whole) for one in values)
    assert all(one.end <= other.start for one, other in pairwise(values))
    assert len(without_values(text)) == len(whole)


@given(st.integers(1, 400), st.integers(1, 400))
def test_numbers_disagree_exactly_if_they_differ(one: int, other: int) -> None:
    text = "Staff may carry {} days of unused leave into the next year."
    assert found("How many days of leave?", text.format(one), text.format(other)) is (one != other)
