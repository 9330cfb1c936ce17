"""Plain choices of a schedule and the cron text that they stand for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.http import QueryDict

from assistant.console.timing import Timing, timing_of, typed_timing

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)  # a Sunday, 10:00 in Seoul


@pytest.mark.parametrize(
    ("cron", "every"),
    [
        ("0 * * * *", "hour"),
        ("7 * * * *", "hour"),
        ("30 2 * * *", "day"),
        ("5 23 * * 0", "week"),
        ("0 4 28 * *", "month"),
        ("0 4 31 * *", "cron"),
        ("61 * * * *", "cron"),
        ("*/10 * * * *", "cron"),
        ("30 2 * * 1-5", "cron"),
        ("", "never"),
    ],
)
def test_a_stored_schedule_is_shown_as_the_choice_that_it_is_and_saved_unchanged(
    cron: str, every: str
) -> None:
    timing = timing_of(cron, "Asia/Seoul")
    assert (timing.every, timing.text) == (every, cron)


@pytest.mark.parametrize(
    ("typed", "cron"),
    [
        ("every=hour", "0 * * * *"),
        ("every=day&time=02:30", "30 2 * * *"),
        ("every=week&time=00:05&weekday=1", "5 0 * * 1"),
        ("every=month&time=23:59&monthday=28", "59 23 28 * *"),
        ("every=cron&cron=+30+2+*+*+1-5+", "30 2 * * 1-5"),
        ("every=never", ""),
        ("every=nonsense", "0 2 * * *"),
    ],
)
def test_what_is_chosen_becomes_cron(typed: str, cron: str) -> None:
    timing = typed_timing(QueryDict(f"{typed}&time_zone=Asia/Seoul"), Timing())
    assert timing.wrong == ()
    assert (timing.text, timing.time_zone) == (cron, "Asia/Seoul")


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ("every=day&time=24:00", "time"),
        ("every=day&time=", "time"),
        ("every=week&time=01:00&weekday=7", "weekday"),
        ("every=month&time=01:00&monthday=29", "monthday"),
        ("every=month&time=01:00&monthday=x", "monthday"),
        ("every=cron&cron=hourly", "cron"),
        ("every=cron&cron=0+0+30+2+*", "cron"),
        ("every=cron&cron=", "cron"),
        ("every=cron&cron=0+0+*+*+*+*", "cron"),
        ("every=day&time=01:00&time_zone=Mars/Base", "time_zone"),
        ("every=day&time=01:00&time_zone=../etc/passwd", "time_zone"),
    ],
)
def test_what_names_no_time_is_told_at_its_field(typed: str, field: str) -> None:
    timing = typed_timing(QueryDict(typed), Timing())
    assert list(timing.mistakes) == [field]
    assert timing.text == ""
    assert timing.following(NOW) == []


def test_the_next_times_are_told_in_the_zone_of_the_source() -> None:
    timing = timing_of("30 2 * * 1", "Asia/Seoul")
    assert [f"{time:%m-%d %H:%M %Z}" for time in timing.following(NOW)] == [
        "11-23 02:30 KST",
        "11-30 02:30 KST",
        "12-07 02:30 KST",
    ]
