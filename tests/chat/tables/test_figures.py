"""From a question and tables to one figure: exact beside an oracle apart, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from io import BytesIO

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.chat.tables.answering import Figure, Refused, Why
from assistant.chat.tables.asking import asked_of
from assistant.chat.tables.computing import Refusal
from tests.chat.tables.made import Rows, figure, short, tables

BUDGET = (
    ("팀", "지역", "2025 예산(백만원)", "2026 예산(백만원)"),
    ("개발팀", "서울", "1,200", "1,450"),
    ("영업팀", "부산", "800", "950"),
    ("지원팀", "서울", "(100)", "-"),
    ("합계", "", "1,900", "2,400"),
)
MONTHS = (("팀", "1월", "2월", "3월"), ("개발팀", "120", "130", "140"), ("영업팀", "80", "90", "70"))
SALES = (
    ("월", "매출"),
    ("2026-06", "10"),
    ("2026-07", "20"),
    ("2026-08", "25"),
    ("2026-09", "30"),
    ("2025-09", "500"),
)
PRICES = (
    ("Product", "Price", "Stock"),
    ("Pump", "$310", "4"),
    ("Valve", "$12.50", "900"),
    ("Meter", "$45", "7"),
)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("2026 예산 합계는?", "2,400백만원"),
        ("2025 예산 합계가 얼마예요?", "1,900백만원"),
        ("서울 2025 예산 합계", "1,100백만원"),
        ("서울과 부산의 2025 예산 합계", "1,900백만원"),
        ("개발팀 2026 예산과 영업팀 2026 예산의 차이", "500백만원"),
        ("개발팀의 2025 예산과 2026 예산의 차이", "250백만원"),
        ("2025 예산이 가장 많은 팀은 어디예요?", "개발팀"),
        ("2025 예산이 가장 적은 팀은?", "지원팀"),
        ("영업팀의 2026 예산은?", "950"),
        ("개발팀 2025 예산은 영업팀 2025 예산의 몇 배예요?", "1.5배"),
        ("서울에 있는 팀은 몇 개예요?", "2"),
        ("How many 팀 are in 부산?", "1"),
    ],
)
def test_a_korean_question_gets_its_figure(question: str, expected: str) -> None:
    assert short(question, BUDGET, title="예산") == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Which product is the most expensive?", "Pump"),
        ("Which product is cheapest?", "Valve"),
        ("What is the total stock?", "911"),
        ("What is the average price?", "$122.50"),
        ("How many products are there?", "3"),
        ("What is the difference in price between Pump and Meter?", "$265"),
        ("What is the price of the Meter?", "$45"),
        ("What percentage of the total stock is Meter?", "0.8%"),
    ],
)
def test_an_english_question_gets_its_figure(question: str, expected: str) -> None:
    assert short(question, PRICES) == expected


def test_a_month_is_a_column_or_a_row() -> None:
    assert short("개발팀의 3월 예산은?", MONTHS, title="2026년 예산") == "140"
    assert short("3월 예산 합계", MONTHS, title="2026년 예산") == "210"
    assert short("2025년 3월 예산 합계", MONTHS, title="2026년 예산") is Refusal.NOTHING_FITS
    assert short("2026년 3분기 매출 평균", SALES) == "25"
    assert short("9월 매출 합계", SALES) is Refusal.NOTHING_FITS  # of which year?
    assert short("2025년 9월 매출은?", SALES) is not Refusal.AMBIGUOUS


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("예산 합계가 얼마예요?", Refusal.AMBIGUOUS),  # of which year?
        ("2026 인건비 합계", Refusal.NOTHING_FITS),
        ("대구 2026 예산 합계", Refusal.NOTHING_FITS),
        ("2024 예산 합계", Refusal.NOTHING_FITS),
        ("팀별 2026 예산 합계", Refusal.NOTHING_FITS),
    ],
)
def test_in_doubt_nothing_is_calculated(question: str, why: Refusal) -> None:
    assert short(question, BUDGET, title="예산") in {why, None}


@pytest.mark.parametrize(
    "question",
    [
        "서울을 제외한 2026 예산 합계",
        "1,000 이상인 예산 합계",
        "예산 평균과 합계의 차이",
        "예산은 왜 늘었나요?",
        "How many days a week is remote work allowed, and why?",
        "합계",
        "",
        "연차는 며칠인가요? 그리고 합계는?",
    ],
)
def test_what_is_no_calculation_known_here_is_none(question: str) -> None:
    assert asked_of(question) is None


def test_units_that_differ_prices_and_notes_are_refused() -> None:
    assert short("비용 합계", (("항목", "비용"), ("가", "10 EUR"), ("나", "10 USD"))) is Refusal.MIXED_UNITS
    assert short("단가 합계", (("항목", "단가"), ("가", "10"), ("나", "12"))) is Refusal.NOT_ADDITIVE
    noted = (
        ("항목", "비용"),
        ("가", "10원"),
        ("나", "20원"),
        ("다", "30원"),
        ("라", "40원"),
        ("마", "10원(예정)"),
    )
    assert short("비용 합계", noted) is Refusal.UNREADABLE
    beside = (("item", "cost", "currency"), ("a", "1", "EUR"), ("b", "2", "KRW"))
    assert short("total cost", beside) is Refusal.MIXED_UNITS


@pytest.mark.parametrize(
    ("question", "parts", "told", "columns"),
    [
        ("예산 합계가 얼마예요?", (BUDGET,), Why.COLUMNS, ("2025 예산(백만원)", "2026 예산(백만원)")),
        ("비용 합계", ((("항목", "비용"), ("가", "1 EUR"), ("나", "1 USD")),), Why.MIXED_UNITS, ("비용",)),
        ("단가 합계", ((("항목", "단가"), ("가", "10"), ("나", "12")),), Why.NOT_ADDITIVE, ("단가",)),
        ("비용 합계", ((("항목", "비용"), ("가", "9"), ("합계", "8")),), Why.COUNTED_TWICE, ("비용",)),
        (
            "비용 합계",
            ((("항목", "비용"), ("가", "9")), "# 2", (("항목", "비용"), ("나", "8"))),
            Why.TABLES,
            (),
        ),
        ("비용 합계", ((("항목", "비용"), ("가", "9")), (("항목", "비용"), ("나", "8"))), Why.IN_PARTS, ()),
        ("비용 합계", ((("항목", "비용"), *(("가", "9"),) * 2_001),), Why.IN_PARTS, ()),
        ("서울 비용 합계", ((("지역", "비용"), ("서울", "1"), ("", "2"), ("부산", "3")),), Why.ROWS, ()),
        ("대구 예산 합계", (BUDGET,), None, ()),
        ("매출 합계", (BUDGET,), None, ()),
        ("영업팀 예산은 얼마예요?", (BUDGET,), None, ()),
    ],
)
def test_why_there_is_no_figure_is_told_where_a_table_was_meant(
    question: str, parts: Sequence[str | Rows], told: Why | None, columns: tuple[str, ...]
) -> None:
    found = figure(question, *parts)
    assert isinstance(found, Refused)
    assert (found.told, found.columns) == (told, columns)


def test_a_row_that_adds_others_up_is_found_without_its_name_and_a_false_total_is_not_believed() -> None:
    unnamed = (("항목", "비용"), ("가", "10"), ("나", "20"), ("다", "30"), ("모두 더한 값", "60"))
    assert short("비용 합계", unnamed) is Refusal.COUNTED_TWICE
    false = (("항목", "비용"), ("가", "10"), ("나", "20"), ("합계", "31"))
    assert short("비용 합계", false) is Refusal.COUNTED_TWICE
    levels = (("항목", "비용"), ("가", "10"), ("소계", "10"), ("나", "20"), ("소계", "20"), ("합계", "30"))
    assert short("비용 합계", levels) == "30"


def test_a_table_that_may_be_a_part_of_one_is_not_calculated_with() -> None:
    head = ("항목", "비용")
    for parts in (
        ((head, ("가", "10")), (("나", "20"), ("다", "30"))),
        ((head, ("가", "10")), (head, ("나", "20"))),
    ):
        assert not any(table.is_whole for table in tables(*parts))
        assert short("비용 합계", *parts) is Refusal.NOTHING_FITS
    assert [table.is_whole for table in tables((head, ("가", "10")), "# 다음", (head, ("나", "20")))] == [
        True
    ] * 2
    assert tables((("", "2025", ""), ("팀", "상반기", "하반기"), ("가", "1", "2"))) == []


def test_merged_cells_select_no_rows() -> None:
    merged = (("지역", "팀", "비용"), ("서울", "가", "10"), ("", "나", "20"), ("부산", "다", "30"))
    assert short("서울 비용 합계", merged) is Refusal.AMBIGUOUS
    assert short("비용 합계", merged) == "60"


def test_a_second_table_of_the_same_headings_that_leaves_a_doubt_is_not_passed_over() -> None:
    head = ("Issue", "Error", "Cost")
    first = (head, ("One", "none yet", "10"), ("Two", "timeout", "20"))
    second = (head, ("Three", "timeout", "30"), ("Four", "", "40"))
    assert short("total cost of timeout", first) == "20"
    assert short("total cost of timeout", first, "# Later", second) is Refusal.AMBIGUOUS


def test_empty_cells_are_left_out_and_it_is_said() -> None:
    found = figure("비용 합계", (("항목", "비용"), ("가", "10원"), ("나", "-"), ("다", "5원")))
    assert isinstance(found, Figure)
    assert "숫자가 없는 1개 행은 뺌" in found.sentence


def test_a_caption_gives_the_unit() -> None:
    assert short("비용 합계", "(단위: 천원)", (("항목", "비용"), ("가", "10"), ("나", "20"))) == "30천원"


@given(
    st.lists(st.decimals(min_value=-(10**9), max_value=10**9, places=2), min_size=1, max_size=30),
    st.lists(st.sampled_from(["Seoul", "Busan"]), min_size=30, max_size=30),
    st.sampled_from(["total", "average"]),
)
@settings(max_examples=40, deadline=None)
def test_a_workbook_gives_what_an_oracle_computes_or_is_refused(
    values: list[Decimal], cities: list[str], how: str
) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["Team", "City", "Cost"])
    for at, value in enumerate(values):
        sheet.append([f"Team{at}x", cities[at], float(value)])
    written = BytesIO()
    book.save(written)
    read = openpyxl.load_workbook(BytesIO(written.getvalue()), read_only=True).worksheets[0]
    rows = [["" if cell is None else str(cell) for cell in row] for row in read.iter_rows(values_only=True)]
    found = figure(f"What is the {how} cost in Seoul?", rows)
    numbers = [Fraction(row[2]) for row in rows[1:] if row[1] == "Seoul"]
    if not numbers:
        assert not isinstance(found, Figure)
        return
    if not isinstance(found, Figure):
        assert found is not None
        assert found.why is Refusal.COUNTED_TWICE
        return
    whole = sum(numbers, Fraction(0))
    expected = whole if how == "total" else whole / len(numbers)
    allowed = Fraction(0) if how == "total" else Fraction(1, 200)
    assert abs(Fraction(found.result.value) - expected) <= allowed
    assert found.result.is_rounded == (Fraction(found.result.value) != expected)


@given(
    st.lists(st.lists(st.text(max_size=12), min_size=1, max_size=5), min_size=1, max_size=8),
    st.text(max_size=60),
)
def test_any_table_and_any_question_end_without_an_error(rows: list[list[str]], question: str) -> None:
    if not any(character.isalnum() for row in rows for cell in row for character in cell):
        return
    for asked in (question, f"합계 {question}", f"average {question}", f"{question} 가장 큰"):
        found = figure(asked, "# 제목", rows)
        if isinstance(found, Figure):
            assert all(start < end for start, end in found.spans)
