"""Every engine passes the suite, another engine than ours can pass it, and a wrong one cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.common.errors import IndexDamaged
from assistant.index.registry import ENGINES
from tests.index.conformance import CHECKS, Bench, IndexConformance
from tests.index.reference_engine import ReferenceIndex
from tests.index.wrong_engines import CAUGHT_BY


class TestLocal(IndexConformance):
    engine = "local"


class TestReference(IndexConformance):
    engine = "reference"

    @pytest.fixture(autouse=True)
    def _registered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(ENGINES, "reference", "tests.index.reference_engine:ReferenceIndex")


def test_every_engine_runs_the_suite() -> None:
    assert {suite.engine for suite in (TestLocal,)} == set(ENGINES)


def test_every_check_has_an_engine_that_it_catches() -> None:
    assert set(CAUGHT_BY.values()) == set(CHECKS)


@pytest.mark.parametrize("wrong", CAUGHT_BY, ids=lambda wrong: wrong.__name__)
def test_a_wrong_engine_is_caught_by_its_check(
    wrong: type[ReferenceIndex], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENGINES, "wrong", f"{wrong.__module__}:{wrong.__name__}")
    with pytest.raises((AssertionError, IndexDamaged, pytest.fail.Exception)):
        CHECKS[CAUGHT_BY[wrong]](Bench("wrong", tmp_path, shrinks=False))
