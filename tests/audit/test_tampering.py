"""Whatever somebody with the database alone does to the log is found, and found where it was done."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.audit.verifying import verify
from tests.audit.tampering import fill_over_time, tamper

ENTRIES = 24


@pytest.fixture
def log(transactional_db: None) -> None:
    """Entries of a company's day, examined once."""
    fill_over_time(Random(1), ENTRIES)
    assert verify(actor="test").ok  # which is entry 25


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random=st.randoms(use_true_random=False))
def test_every_tampering_is_located(log: None, random: Random) -> None:
    done, missed = tamper(1, random, ENTRIES + 1)
    assert done.total() == 1
    assert missed == []


def test_an_untouched_log_is_whole(log: None) -> None:
    verdict = verify(actor="test")
    assert verdict.ok
    assert verdict.entries == ENTRIES + 1
