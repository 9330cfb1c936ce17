"""How waits grow and shrink, whatever was counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from assistant.accounts.throttle import ACCOUNT, RULES, Kind
from assistant.accounts.throttle_rules import CLOSED, Count, Doubling, Leaking

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
GAPS = st.lists(st.floats(0, 7 * 24 * 3600), max_size=60)


def test_five_mistakes_are_free_then_each_wait_is_twice_the_one_before() -> None:
    waits, count = [], Count(0, NOW)
    for _ in range(16):
        waits.append(ACCOUNT.wait_s(count, NOW))
        count = ACCOUNT.counted(count, NOW)
    assert waits[:5] == [0] * 5
    assert waits[5:] == [4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600]


def test_a_hundred_failures_in_a_row_close_an_account_for_unknown_devices() -> None:
    count, now = Count(0, NOW), NOW
    tried = 0
    while (wait := ACCOUNT.wait_s(count, now)) != CLOSED:
        now += timedelta(seconds=wait)
        count = ACCOUNT.counted(count, now)
        tried += 1
    assert tried == 100
    assert now - NOW > timedelta(days=3)  # so long somebody must keep guessing without a pause
    assert ACCOUNT.wait_s(count, now + timedelta(days=3650)) == CLOSED
    assert not ACCOUNT.is_spent(count, now + timedelta(days=3650))


@given(gaps=GAPS)
def test_no_pattern_of_guesses_is_let_through_more_often_than_the_rule_says(gaps: list[float]) -> None:
    rule = Doubling(free=3, first_s=10, longest_s=100, most=1_000, forgotten_s=10**9)
    count, now, let_through = Count(0, NOW), NOW, []
    for gap in gaps:
        now += timedelta(seconds=gap)
        if rule.wait_s(count, now) == 0:
            count = rule.counted(count, now)
            let_through.append(now)
    for n, (earlier, later) in enumerate(pairwise(let_through[2:])):
        # Floating point may make a microsecond of difference.
        assert later - earlier >= timedelta(seconds=min(100, 10 * 2**n) - 0.001)


@given(gaps=GAPS)
def test_a_leaking_counter_lets_at_most_its_capacity_and_what_flowed_off_through(gaps: list[float]) -> None:
    rule = Leaking(capacity=4, each_s=50)
    count, now, let_through = Count(0, NOW), NOW, 0
    for gap in gaps:
        now += timedelta(seconds=gap)
        if rule.wait_s(count, now) == 0:
            count = rule.counted(count, now)
            let_through += 1
    assert let_through <= 4 + (now - NOW).total_seconds() / 50 + 0.001


@given(failures=st.integers(0, 200), seconds=st.floats(0, 10**7))
def test_whoever_waits_as_long_as_was_said_is_let_through(failures: int, seconds: float) -> None:
    now = NOW + timedelta(seconds=seconds)
    for rule in RULES.values():
        wait = rule.wait_s(Count(failures, NOW), now)
        if wait != CLOSED:
            assert rule.wait_s(Count(failures, NOW), now + timedelta(seconds=wait + 0.001)) == 0


@given(failures=st.integers(0, 99), seconds=st.floats(0, 10**8))
def test_a_spent_counter_says_no_more_than_none(failures: int, seconds: float) -> None:
    now = NOW + timedelta(seconds=seconds)
    for rule in RULES.values():
        count = Count(failures, NOW)
        if rule.is_spent(count, now):
            assert rule.wait_s(count, now) == 0
            assert rule.counted(count, now).failures == 1


def test_a_clock_that_was_set_back_shortens_no_wait() -> None:
    for rule in (ACCOUNT, RULES[Kind.ADDRESS]):
        count = Count(70, NOW)
        assert rule.wait_s(count, NOW - timedelta(hours=5)) == rule.wait_s(count, NOW)
