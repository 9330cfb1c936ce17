"""Numbers in cells: read whole and exactly, or not at all."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.chat.tables.amounts import amount_of, rounded, shown


@pytest.mark.parametrize(
    ("cell", "value", "unit"),
    [
        ("1,234,000원", 1_234_000, "원"),
        ("₩1,234", 1_234, "원"),
        ("(1,234)", -1_234, ""),
        ("△300", -300, ""),
        ("-12.50", "-12.5", ""),
        ("$-5", -5, "$"),
        ("3억 6,000만 원", 360_000_000, "원"),
        ("25억 원", 2_500_000_000, "원"),
        ("1.5억", 150_000_000, ""),
        ("500천원", 500_000, "원"),
        ("12.5%", "12.5", "%"),
        ("34 %", 34, "%"),
        ("13.5 million", 13_500_000, ""),
        ("EUR 190", 190, "€"),
        ("190 EUR", 190, "€"),
        ("10 days", 10, "일"),
        ("7일", 7, "일"),
        ("１２３", 123, ""),
        ("0.5", "0.5", ""),
    ],
)
def test_a_cell_that_is_a_number_is_read_with_its_unit(cell: str, value: str, unit: str) -> None:
    found = amount_of(cell)
    assert found is not None
    assert (found.value, found.unit) == (Decimal(value), unit)


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "없음",
        "3,000만~3,700만 원",
        "20일(3회 분할 가능)",
        "첫째 200만 원, 둘째 이상 300만 원",
        "1.234,56",
        "12,34",
        "2026-10-01",
        "010-1234-5678",
        "0317",
        "10월",
        "1분기",
        "2026년",
        "5% 이내",
        "09:00",
        "$5 EUR",
        "만 3억",
        "--5",
        "(-5)",
        "1e5",
        "4 times a month",
        "▲300",
    ],
)
def test_what_is_more_or_less_than_a_number_is_none(cell: str) -> None:
    assert amount_of(cell) is None


@given(st.decimals(min_value=0, max_value=10**12, places=2), st.sampled_from(["", "원", "%", "kg"]))
def test_what_is_written_is_read_back(value: Decimal, unit: str) -> None:
    found = amount_of(f"{value:,.2f}{unit}")
    assert found is not None
    assert found.value == value
    assert amount_of(shown(value, found, places=found.places)) == found


@given(st.integers(min_value=0, max_value=10**15))
def test_korean_ten_thousands_are_read_back(value: int) -> None:
    like = amount_of("1만 원")
    assert like is not None
    found = amount_of(shown(Decimal(value), like, places=0))
    assert found is not None
    assert (found.value, found.unit) == (Decimal(value), "원")


@given(st.text(max_size=60))
def test_any_cell_is_read_without_an_error(cell: str) -> None:
    amount_of(cell)


@given(st.fractions(max_denominator=1_000), st.integers(min_value=0, max_value=4))
def test_rounding_is_half_away_from_nought_and_says_whether_it_changed_anything(
    value: Fraction, places: int
) -> None:
    result, exact = rounded(value, places=places)
    assert abs(Fraction(result) - value) * 2 * 10**places <= 1
    assert exact == (Fraction(result) == value)
