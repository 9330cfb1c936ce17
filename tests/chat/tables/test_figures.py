"""From a question and tables to one figure: exact beside an oracle apart, or refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from io import BytesIO

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.chat.tables.answering import Figure, Refused, Why
from assistant.chat.tables.asking import asked_of
from assistant.chat.tables.results import Refusal
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
        ("본부별 2026 예산 합계", Refusal.NOTHING_FITS),
        ("1억 달러 이상인 2026 예산 합계", Refusal.NOTHING_FITS),
        ("3월부터 6월까지 2026 예산 합계", Refusal.NOTHING_FITS),
    ],
)
def test_in_doubt_nothing_is_calculated(question: str, why: Refusal) -> None:
    assert short(question, BUDGET, title="예산") in {why, None}


@pytest.mark.parametrize(
    "question",
    [
        "서울을 제외한 2026 예산 합계",
        "1,000 이상 2,000 이하인 예산 합계",
        "부서별 팀별 예산 합계",
        "팀별로 예산이 가장 많은 사람은?",
        "100만원 이상인 항목은 무엇인가요?",
        "3월부터 예산 합계",
        "total cost since March",
        "difference in price over 500",
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


COSTS = (
    ("항목", "부서", "월", "금액(원)"),
    ("복사지", "총무", "2026-03", "400,000"),
    ("서버", "개발", "2026-04", "3,200,000"),
    ("의자", "총무", "2026-05", "1,000,000"),
    ("모니터", "개발", "2026-06", "1,500,000"),
    ("택배", "영업", "2026-07", "90,000"),
)
SPENT = (
    ("Item", "City", "Month", "Cost"),
    ("Paper", "Seoul", "2026-03", "400"),
    ("Server", "Busan", "2026-04", "3,200"),
    ("Chair", "Seoul", "2026-05", "500"),
    ("Screen", "Busan", "2026-06", "1,500"),
)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("부서별 금액 합계", "총무 1,400,000원, 개발 4,700,000원, 영업 90,000원"),
        ("부서별로 금액 평균을 알려줘", "총무 700,000원, 개발 2,350,000원, 영업 90,000원"),
        ("부서별 항목은 몇 개예요?", "총무 2, 개발 2, 영업 1"),
        ("월별 금액 합계", "2026-03 400,000원, 2026-04 3,200,000원"),
        ("total cost per city", "Seoul 900, Busan 4,700"),
        ("What is the average cost by city?", "Seoul 450, Busan 2,350"),
        ("How many items are there in each city?", "Seoul 2, Busan 2"),
    ],
)
def test_a_figure_is_told_for_each_group(question: str, expected: str) -> None:
    found = figure(question, SPENT if question.isascii() else COSTS)
    assert isinstance(found, Figure)
    assert expected in found.sentence
    assert found.short is None


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("100만원 이상인 항목은 몇 개예요?", "3"),
        ("금액이 100만 원을 넘는 항목은 몇 개예요?", "2"),
        ("100만원 미만인 금액 합계", "490,000원"),
        ("1,000,000 이하인 금액 합계", "1,490,000원"),
        ("3백만원보다 큰 금액 합계", "3,200,000원"),
        ("2026년 3월부터 6월까지 금액 합계", "6,100,000원"),
        ("3~6월 금액 평균", "1,525,000원"),
        ("개발 부서의 3월부터 6월까지 금액 합계", "4,700,000원"),
        ("How many items are over 500?", "2"),
        ("How many items cost at least 500?", "3"),
        ("total cost of items under 1,000", "900"),
        ("total cost between March and June", "5,600"),
        ("total cost from March 2026 to May 2026", "4,100"),
        ("Which item over 500 is the cheapest?", "Screen"),
    ],
)
def test_a_bound_and_a_stretch_of_time_narrow_the_rows(question: str, expected: str) -> None:
    assert short(question, SPENT if question.isascii() else COSTS) == expected


def test_a_bound_is_held_against_figures_in_thousands_and_millions() -> None:
    assert (
        short("1억 원 이상인 팀은 몇 개예요?", BUDGET[:1] + BUDGET[2:3], title="2026") is Refusal.NOTHING_FITS
    )
    millions = (("팀", "예산(백만원)"), ("가", "120"), ("나", "80"), ("합계", "200"))
    assert short("1억 원 이상인 팀은 몇 개예요?", millions) == "1"
    assert short("8천만원 이상인 팀은 몇 개예요?", millions) == "2"
    assert short("1억 달러 이상인 팀은 몇 개예요?", millions) is Refusal.NOTHING_FITS
    bare = (("항목", "금액", "달성률"), ("가", "1200000", "0.8"), ("나", "900000", "0.4"))
    assert short("100만원 이상인 항목은 몇 개예요?", bare) is Refusal.NOTHING_FITS  # two columns
    assert short("금액이 100만원 이상인 항목은 몇 개예요?", bare) == "1"
    assert short("금액이 100달러 이상인 항목은 몇 개예요?", bare) is Refusal.NOTHING_FITS
    assert short("달성률이 50% 이상인 항목은 몇 개예요?", bare) is Refusal.NOTHING_FITS
    beside = (("item", "cost", "currency"), ("a", "100", "EUR"), ("b", "700", "KRW"))
    assert short("How many items cost over 500?", beside) is Refusal.NOTHING_FITS
    mixed = (("항목", "비용"), ("가", "10 EUR"), ("나", "30 USD"))
    assert short("20달러 이상인 비용 합계", mixed) is Refusal.NOTHING_FITS
    none = (
        ("항목", "비용"),
        *(("가나다라"[at], f"{9 + at}원") for at in range(4)),
        ("마", "없음"),
        ("바", "-"),
    )
    assert short("10원 이상인 항목은 몇 개예요?", none) == "3"
    assert short("10원 이하인 항목은 몇 개예요?", none) is Refusal.UNREADABLE
    noted = (
        ("항목", "비용"),
        ("가", "10원"),
        ("나", "20원"),
        ("다", "30원"),
        ("라", "40원"),
        ("마", "50원쯤"),
    )
    assert short("20원 이상인 비용 합계", noted) in {Refusal.UNREADABLE, Refusal.NOTHING_FITS}


def test_a_stretch_of_which_a_part_has_no_row_and_groups_that_shade_into_each_other_are_refused() -> None:
    assert short("3월부터 9월까지 금액 합계", COSTS) is Refusal.NOTHING_FITS
    assert short("total cost between June and March", SPENT) in {Refusal.NOTHING_FITS, None}
    gap = (("월", "매출"), ("2026-03", "1"), ("2026-05", "2"))
    assert short("3월부터 5월까지 매출 합계", gap) is Refusal.NOTHING_FITS
    days = (("날짜", "비용"), ("2026-03-02", "1"), ("2026-05-09", "2"))
    assert short("3월부터 5월까지 비용 합계", days) == "3"
    assert short("3월부터 6월까지 비용 합계", days) is Refusal.NOTHING_FITS
    years = (("월", "매출"), ("2025-03", "1"), ("2025-04", "2"), ("2026-03", "4"), ("2026-04", "8"))
    assert short("3월부터 4월까지 매출 합계", years) is Refusal.NOTHING_FITS
    assert short("2026년 3월부터 4월까지 매출 합계", years) == "12"
    alike = (("지역", "팀", "비용"), ("서울", "가", "1"), ("서울(본사)", "나", "2"), ("부산", "다", "4"))
    assert short("지역별 비용 합계", alike) is Refusal.NOTHING_FITS
    merged = (("지역", "팀", "비용"), ("서울", "가", "1"), ("", "나", "2"), ("부산", "다", "4"))
    assert short("지역별 비용 합계", merged) is Refusal.NOTHING_FITS
    assert short(
        "total cost paid by Kim", (("Item", "Payer", "Cost"), ("A", "Kim", "1"), ("B", "Lee", "2"))
    ) in {
        "1",
        Refusal.NOTHING_FITS,
    }


@given(
    st.lists(
        st.tuples(st.sampled_from(["Seoul", "Busan", "Jeju"]), st.integers(1, 999)), min_size=2, max_size=25
    ),
    st.integers(0, 1_000),
    st.sampled_from(
        [("over", int.__gt__), ("at least", int.__ge__), ("under", int.__lt__), ("up to", int.__le__)]
    ),
)
@settings(max_examples=60, deadline=None)
def test_groups_and_bounds_give_what_an_oracle_computes_or_are_refused(
    paid: list[tuple[str, int]], limit: int, side: tuple[str, Callable[[int, int], bool]]
) -> None:
    rows = [
        ("Item", "City", "Cost"),
        *((f"I{at}x", city, f"{cost:,}") for at, (city, cost) in enumerate(paid)),
    ]
    words, holds = side
    kept = [cost for _, cost in paid if holds(cost, limit)]
    for question, expected in (
        (f"How many items cost {words} {limit:,}?", len(kept)),
        (f"total cost {words} {limit:,}", sum(kept)),
    ):
        found = figure(question, rows)
        if isinstance(found, Figure):
            assert found.result.value == expected
        else:
            assert found is not None
            assert not kept or found.why is Refusal.COUNTED_TWICE
    found = figure("total cost per city", rows)
    cities = dict.fromkeys(city for city, _ in paid)
    if isinstance(found, Figure):
        told = {name: int(one.value) for name, one in found.result.groups}
        assert told == {city: sum(cost for own, cost in paid if own == city) for city in cities}
    else:
        assert found is not None
        assert len(cities) == 1 or found.why is Refusal.COUNTED_TWICE


@given(
    st.dictionaries(st.integers(1, 12), st.integers(1, 999), min_size=1, max_size=12),
    st.integers(1, 12),
    st.integers(1, 12),
)
@settings(max_examples=40, deadline=None)
def test_a_stretch_of_months_gives_what_an_oracle_computes_or_is_refused(
    months: dict[int, int], first: int, last: int
) -> None:
    rows = [("월", "매출"), *((f"2026-{month:02}", str(figure)) for month, figure in months.items())]
    found = figure(f"2026년 {first}월부터 {last}월까지 매출 합계", rows)
    wanted = range(first, last + 1)
    if isinstance(found, Figure):
        assert set(wanted) <= set(months)
        assert found.result.value == sum(months[month] for month in wanted)
    else:
        own = [months.get(month, 0) for month in wanted]
        doubled = len(own) > 1 and sum(own) in {2 * own[0], 2 * own[-1]}
        assert first >= last or doubled or not set(wanted) <= set(months) or len(months) < 2


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
    unknown = (head, ("Five", "N/A", "10"), ("Six", "N/A", "20"), ("Seven", "timeout", "20"))
    assert short("How many Issue have Error N/A?", unknown) is Refusal.NOTHING_FITS


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
