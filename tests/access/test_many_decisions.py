"""A hundred thousand decisions, each one as the oracle has it, in every run of the tests.

`python tests/access/decisions.py --decisions 5000000` is the same for a longer night.
"""

from __future__ import annotations

import pytest

from tests.access.decisions import Size, compare

pytestmark = pytest.mark.django_db


def test_a_hundred_thousand_decisions_are_as_the_oracle_has_them() -> None:
    report = compare(100_000, 7, Size(people=40, papers=250))
    print(report)
    assert report["decisions"] >= 100_000
    assert report["by_object"] >= 1_000
    assert report["allowed"] > 3_000
    assert report["mismatches"] == 0
