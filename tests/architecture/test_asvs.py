"""ASVS.md names every requirement of levels 1 and 2 once, and nothing that is not there."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "ASVS.md"
STATES = ("met", "partly", "not met", "does not apply")

# OWASP ASVS 5.0.0, by section: the requirements of level 1 / those of level 2. The others are of level 3.
NUMBERS = """
1.1: / 1-2        1.2: 1-5 / 6-9    1.3: 1-2 / 3-11   1.4: / 1-3      1.5: 1 / 2
2.1: 1 / 2-3      2.2: 1-2 / 3      2.3: 1 / 2-4      2.4: / 1
3.2: 1-2 /        3.3: 1 / 2-4      3.4: 1-2 / 3-6    3.5: 1-3 / 4-5  3.7: / 1-2
4.1: 1 / 2-3      4.2: / 1          4.3: / 1-2        4.4: 1 / 2-4
5.1: / 1          5.2: 1-2 / 3      5.3: 1-2 /        5.4: / 1-3
6.1: 1 / 2-3      6.2: 1-8 / 9-12   6.3: 1-2 / 3-4    6.4: 1-2 / 3-4  6.5: / 1-5   6.6: / 1-3   6.8: / 1-4
7.1: / 1-3        7.2: 1-4 /        7.3: / 1-2        7.4: 1-2 / 3-5  7.5: / 1-2   7.6: / 1-2
8.1: 1 / 2        8.2: 1-2 / 3      8.3: 1 /          8.4: / 1
9.1: 1-3 /        9.2: 1 / 2-4
10.1: / 1-2       10.2: / 1-2       10.3: / 1-4       10.4: 1-5 / 6-11
10.5: / 1-5       10.6: / 1-2       10.7: / 1-3
11.1: / 1-2       11.2: / 1-3       11.3: 1-2 / 3     11.4: 1 / 2-4   11.5: / 1    11.6: / 1
12.1: 1 / 2-3     12.2: 1-2 /       12.3: / 1-4
13.1: / 1         13.2: / 1-5       13.3: / 1-2       13.4: 1 / 2-5
14.1: / 1-2       14.2: 1 / 2-4     14.3: 1 / 2-3
15.1: 1 / 2-3     15.2: 1 / 2-3     15.3: 1 / 2-7
16.1: / 1         16.2: / 1-5       16.3: / 1-4       16.4: / 1-3     16.5: / 1-3
17.1: / 1         17.2: / 1-4       17.3: / 1-2
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A requirement as the page judges it."""

    number: str
    level: int
    words: str
    state: str
    where: str
    shown: str
    remark: str


def wanted() -> dict[str, int]:
    """The level of each requirement."""
    levels: dict[str, int] = {}
    for section, first, second in re.findall(r"(\d+\.\d+): ([\d-]*) ?/ ?([\d-]*)", NUMBERS):
        for level, span in ((1, first), (2, second)):
            if span:
                begin, _, end = span.partition("-")
                for number in range(int(begin), int(end or begin) + 1):
                    levels[f"{section}.{number}"] = level
    return levels


def rows() -> list[Row]:
    """The page's rows, in its order."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"^\| (\d+\.\d+\.\d+) \| (\d) \|(.*)\|$", text, flags=re.MULTILINE)
    read = []
    for number, level, rest in found:
        cells = [cell.strip() for cell in rest.split("|")]
        assert len(cells) == 5, f"{number} has {len(cells) + 2} cells"
        read.append(Row(number, int(level), *cells))
    return read


def names(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def test_the_list_has_as_many_requirements_as_the_standard() -> None:
    assert Counter(wanted().values()) == {1: 70, 2: 183}


def test_every_requirement_stands_on_the_page_once_in_its_order_with_its_level() -> None:
    found = [row.number for row in rows()]
    assert len(found) == len(set(found))
    assert found == sorted(found, key=lambda number: [int(part) for part in number.split(".")])
    assert {row.number: row.level for row in rows()} == wanted()


def test_the_counts_at_the_top_are_those_of_the_rows() -> None:
    text = PAGE.read_text(encoding="utf-8")
    counted = Counter((row.state, row.level) for row in rows())
    for state in STATES:
        first, second = counted[state, 1], counted[state, 2]
        assert f"\n| {state} | {first} | {second} | {first + second} |\n" in text
    assert "\n| all | 70 | 183 | 253 |\n" in text


def test_every_row_says_what_its_state_needs() -> None:
    for row in rows():
        assert row.words, row.number
        assert row.state in STATES, row.number
        if row.state == "met":
            assert names(row.where), f"{row.number}: where?"
            assert names(row.shown) or "CONTROLS.md#" in row.shown, f"{row.number}: shown by what?"
        else:
            assert row.remark, f"{row.number}: why?"
        if row.state == "partly":
            assert names(row.where), f"{row.number}: where?"


def test_every_path_of_the_code_is_there() -> None:
    for row in rows():
        for path in names(row.where):
            assert (REPOSITORY / path).exists(), f"{row.number} names {path}"


def test_every_test_is_there_and_named_by_a_beginning_that_no_other_has() -> None:
    for row in rows():
        for name in names(row.shown):
            path, _, test = name.partition("::")
            assert path.startswith("tests/"), f"{row.number} names {path} as its test"
            file = REPOSITORY / path
            assert file.is_file(), f"{row.number} names {path}"
            text = file.read_text(encoding="utf-8")
            defined = re.findall(r"^(?:async )?def (test_\w+)", text, re.MULTILINE)
            meant = [one for one in defined if one.startswith(test)] if test not in defined else [test]
            assert len(meant) == 1 or (meant and "::" not in name), f"{row.number} names {name}: {meant}"
