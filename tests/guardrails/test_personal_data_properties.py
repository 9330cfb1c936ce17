"""Whatever the text: places are right, apart and in order, masks hide what was found, and no text takes long.

Time is judged by structure: no pattern of a detector repeats anything without a bound, so each place of a
text costs at most a constant, and what Python does for a text is counted in calls.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from random import Random
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.guardrails.checks import personal_data
from assistant.guardrails.checks.finding import masked
from assistant.guardrails.checks.personal_data import KINDS, findings

ALL = {kind for kind, _ in KINDS}
SCRAPS = [
    "010-1234-5678", "hong@example.com", "900101-1234568", "4111 1111 1111 1111", "서울 강남구 테헤란로 152",
    "DE89370400440532013000",
    "M12345678", "여권", "계좌", "국민은행 123456-01-123456", "124-81-00998", "０１０",
    "SSN 308-63-0237", "전화", "phone", "면허", "123 Main Street", "1.2.3.4", "fe80::1", "\u200b", "\u0301",
    "@", ".", "-", "+", "(", ")", " ", "\n", "ㅇ", "㈜", "O", "l", "가", "a", "0",
]  # fmt: skip
TEXTS = st.lists(st.one_of(st.sampled_from(SCRAPS), st.text(max_size=6)), max_size=14).flatmap(
    lambda parts: st.sampled_from(["", " ", "-"]).map(lambda joint: joint.join(parts))
)


@given(TEXTS)
def test_findings_lie_in_the_text_in_order_and_apart(text: str) -> None:
    found = findings(text, ALL)
    assert all(0 <= f.start < f.end <= len(text) and f.kind in ALL and 0 < f.score <= 1 for f in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert found == findings(text, ALL)


@given(TEXTS)
def test_a_mask_takes_out_what_was_found_and_nothing_else(text: str) -> None:
    found = findings(text, ALL)
    pieces = iter(found)
    hidden = masked(text, found, lambda f: f"\ue000{text[f.start : f.end]}\ue001")
    assert hidden.replace("\ue000", "").replace("\ue001", "") == text.replace("\ue000", "").replace(
        "\ue001", ""
    )
    assert masked(text, found, lambda _: text[(f := next(pieces)).start : f.end]) == text


@pytest.mark.parametrize(
    "value",
    ["010-1234-5678", "hong@example.com", "900101-1234568", "4111-1111-1111-1111", "124-81-00998"],
)
@given(data=st.data())
def test_invisible_characters_and_widths_hide_nothing(value: str, data: st.DataObject) -> None:
    written = ""
    for char in value:
        wide = data.draw(st.booleans()) and char.isdigit()
        written += data.draw(st.sampled_from(["", "", "", "\u200b", "\u2060", "\u00ad", "\ufeff"]))
        written += chr(ord(char) + 0xFEE0) if wide else char
    particle = data.draw(st.sampled_from(["", "로", "입니다", "은", " 으로", "."]))
    text = f"연락은 {written}{particle}"
    covered = {place for f in findings(text) for place in range(f.start, f.end)}
    shown = "".join(char for place, char in enumerate(text) if place not in covered)
    assert not any(char.isdigit() or char == "@" for char in shown)


@given(
    st.integers(0, 99999999), st.sampled_from(["-", ".", " ", ""]), st.sampled_from(["로", "이고", "", "은"])
)
def test_every_mobile_number_is_found_whole(number: int, sign: str, particle: str) -> None:
    digits = f"{number:08}"
    value = sign.join(["010", digits[:4], digits[4:]])
    text = f"번호는 {value}{particle}"
    assert [text[f.start : f.end] for f in findings(text, {"phone"})] == [value]


def detector_patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Every compiled pattern of the detectors, with its name."""
    for module in pkgutil.iter_modules(personal_data.__path__, personal_data.__name__ + "."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern):
                yield f"{module.name}.{name}", value


def test_no_pattern_repeats_without_a_bound() -> None:
    patterns = dict(detector_patterns())
    assert len(patterns) > 30
    unbounded = re.compile(r"(?<!\\)(?:\\\\)*(?:[*+]|\{\d+,\})")
    loose = {
        name: pattern.pattern
        for name, pattern in patterns.items()
        # Within a class "*" and "+" are signs; a single class of digits is a run that is taken once.
        if unbounded.search(re.sub(r"\[\^?\]?(?:\\.|[^\]\\])*\]", "S", pattern.pattern))
        and pattern.pattern != "[0-9]+"
    }
    assert loose == {}


def calls_of(work: Callable[[], object]) -> int:
    """How many functions, also compiled ones, were called meanwhile."""
    count = 0

    def counted(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "12 ",
        "1 ",
        "@",
        "a@",
        "a.",
        "010-",
        "4444 ",
        "phone 123 ",
        "강남구 ",
        "0\u200b",
        "GB12 1234 ",
        "1.@-",
    ],
)
def test_a_hostile_text_twice_as_long_costs_twice_the_steps(piece: str) -> None:
    steps = [calls_of(partial(findings, piece * times, ALL)) for times in (500, 1_000)]
    assert steps[1] <= 2.2 * steps[0] + 500
    assert steps[1] <= 80 * len(piece) * 1_000


@given(st.integers(0, 1_000))
@settings(max_examples=2, deadline=None)
def test_a_hundred_thousand_digits_dots_and_signs_cost_a_bounded_number_of_steps(seed: int) -> None:
    text = "".join(Random(seed).choices("0123456789.@-", k=100_000))
    assert calls_of(lambda: findings(text, ALL)) <= 30 * len(text)
