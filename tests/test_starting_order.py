"""The files that are known to take long exist, and start before all others."""

from __future__ import annotations

from pathlib import Path

from tests.starting_order import LONGEST_FIRST, place

HERE = Path(__file__).parent


def test_every_long_file_exists_and_is_named_once() -> None:
    assert [name for name in LONGEST_FIRST if not (HERE / name).is_file()] == []
    assert len(set(LONGEST_FIRST)) == len(LONGEST_FIRST)


def test_long_files_come_first_then_slow_ones_then_those_with_many_tests() -> None:
    first, second = (HERE / name for name in LONGEST_FIRST[:2])
    few, many, alike, slow = HERE / "few.py", HERE / "many.py", HERE / "alike.py", HERE / "slow.py"
    tests = {first: 1, second: 2, few: 3, many: 400, alike: 3, slow: 1}
    assert sorted(tests, key=lambda file: place(file, tests, {slow})) == [
        first,
        second,
        slow,
        many,
        alike,
        few,
    ]
