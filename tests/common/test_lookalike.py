"""Addresses that a hurried reader takes for one another have one shape; others do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.lookalike import looks_like


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("minseo@ondam.example", "mіnseo@ondam.example"),  # Cyrillic i
        ("minseo@ondam.example", "mınseo@ondam.example"),  # dotless i
        ("paul@example.com", "pаul@example.com"),  # Cyrillic a
        ("paul@example.com", "ρaul@example.com"),  # Greek rho
        ("bill@example.com", "bi11@example.com"),
        ("modern@example.com", "modem@example.com"),
        ("jose@example.com", "josé@example.com"),
        ("leo@example.com", "le0@example.com"),
    ],
)
def test_addresses_that_look_alike_have_one_shape(one: str, other: str) -> None:
    assert one != other
    assert looks_like(one) == looks_like(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann@example.com", "bob@example.com"),
        ("minseo@ondam.example", "minsu@ondam.example"),
        ("ann@example.com", "ann+sales@example.com"),
        ("김민서@example.com", "김민수@example.com"),
    ],
)
def test_other_addresses_do_not(one: str, other: str) -> None:
    assert looks_like(one) != looks_like(other)


@given(st.text(max_size=40))
def test_any_text_has_a_shape(text: str) -> None:
    assert isinstance(looks_like(text), str)
