"""Cron expressions in a time zone, also when the clock is changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.errors import UsageError
from assistant.sync.schedule import check_schedule, next_after

BERLIN = "Europe/Berlin"


def local(moment: datetime, zone: str) -> str:
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("0 * * * *", "Asia/Seoul", datetime(2026, 3, 1, 0, 0, tzinfo=UTC), "2026-03-01 10:00"),
        ("30 6 * * 1-5", "Asia/Seoul", datetime(2026, 3, 6, 22, 0, tzinfo=UTC), "2026-03-09 06:30"),
        ("0 3 1 * *", BERLIN, datetime(2026, 1, 15, tzinfo=UTC), "2026-02-01 03:00"),
        ("0 0 29 2 *", BERLIN, datetime(2026, 1, 1, tzinfo=UTC), "2028-02-29 00:00"),
    ],
)
def test_the_next_time_is_that_of_the_clock_on_the_wall(
    cron: str, zone: str, after: datetime, expected: str
) -> None:
    assert local(next_after(cron, zone, after=after), zone) == expected


def test_a_daily_time_stays_the_same_over_both_changes_of_the_clock() -> None:
    moment = next_after("15 8 * * *", BERLIN, after=datetime(2026, 3, 26, 12, tzinfo=UTC))
    for _ in range(250):
        following = next_after("15 8 * * *", BERLIN, after=moment)
        assert local(following, BERLIN).endswith("08:15")
        assert timedelta(hours=22) < following - moment < timedelta(hours=26)
        moment = following


def test_a_time_that_the_clock_shows_twice_comes_once_and_one_that_it_skips_is_not_lost() -> None:
    def times(start: datetime, end: datetime) -> list[datetime]:
        found, moment = [], start
        while (moment := next_after("30 2 * * *", BERLIN, after=moment)) < end:
            found.append(moment)
        return found

    autumn = times(datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 26, 12, tzinfo=UTC))
    spring = times(datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 30, 12, tzinfo=UTC))
    assert len(autumn) == 2
    assert len(spring) == 2


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    after=st.datetimes(
        min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - hypothesis adds it
        max_value=datetime(2028, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    zone=st.sampled_from(["UTC", "Asia/Seoul", BERLIN, "America/New_York"]),
)
def test_the_next_time_is_later_and_at_most_two_days_away(
    minute: int, hour: int, after: datetime, zone: str
) -> None:
    following = next_after(f"{minute} {hour} * * *", zone, after=after)
    assert after < following <= after + timedelta(days=2)


@pytest.mark.parametrize("cron", ["", "x", "* * * *", "60 * * * *", "0 0 31 2 *", "@hourly", "0 0 * * * *"])
def test_what_names_no_time_is_refused(cron: str) -> None:
    with pytest.raises(UsageError):
        next_after(cron, "UTC", after=datetime(2026, 1, 1, tzinfo=UTC))
    if cron:
        with pytest.raises(UsageError):
            check_schedule(cron, "UTC")
