"""Times, days, links and numbers in the reader's language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from assistant.accounts.how_long import duration
from assistant.chat.reading import ConversationItem
from assistant.common.web_addresses import web_address
from assistant.web.days import by_day
from assistant.web.moments import moment, relative
from assistant.web.templatetags.reading import cells, number, place_label

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)  # noon in Seoul


@pytest.mark.parametrize(
    ("passed", "english", "korean"),
    [
        (timedelta(seconds=20), "just now", "방금 전"),
        (timedelta(minutes=1), "1 minute ago", "1분 전"),
        (timedelta(minutes=12), "12 minutes ago", "12분 전"),
        (timedelta(hours=5), "5 hours ago", "5시간 전"),
        (timedelta(days=6), "6 days ago", "6일 전"),
        (timedelta(minutes=-48), "in 48 minutes", "48분 뒤"),
        (timedelta(days=-2), "in 2 days", "2일 뒤"),
        (timedelta(days=30), "Oct. 21, 2026", "2026년 10월 21일"),
    ],
)
def test_relative_times_speak_both_languages(passed: timedelta, english: str, korean: str) -> None:
    with translation.override("en"):
        assert relative(NOW - passed, now=NOW) == english
    with translation.override("ko"):
        assert relative(NOW - passed, now=NOW) == korean


def test_a_moment_carries_the_exact_time_and_survives_nonsense() -> None:
    with translation.override("en"):
        drawn = moment("2026-01-05T09:30:00+09:00")
    assert 'datetime="2026-01-05T09:30:00+09:00"' in drawn
    assert "9:30" in drawn
    assert moment("yesterday or so") == ""
    assert moment(None) == ""
    assert moment("") == ""


def test_durations_are_rounded_to_what_a_person_would_say() -> None:
    with translation.override("en"):
        assert [duration(value) for value in (0.2, 40, 200, 7_300, None)] == [
            "1 second",
            "40 seconds",
            "3 minutes",
            "2 hours",
            "",
        ]


def test_conversations_stand_under_their_day_newest_first() -> None:
    ages = {1: timedelta(days=40), 2: timedelta(hours=1), 3: timedelta(hours=20), 4: timedelta(days=3)}
    items = [ConversationItem(id=key, title="", updated_at=NOW - age) for key, age in ages.items()]
    with translation.override("en"):
        days = by_day(items, now=NOW)
    assert [(day.label, [item.id for item in day.items]) for day in days] == [
        ("Today", [2]),
        ("Yesterday", [3]),
        ("Last 7 days", [4]),
        ("October 2026", [1]),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//elsewhere.example/x",
        "/documents/1/",
        " https://a.example",
        "java\nscript:alert(1)",
        "http://[broken",
        "https://",
        "",
    ],
)
def test_only_plain_web_addresses_become_links(url: str) -> None:
    assert web_address(url) == ""


def test_a_web_address_stays_as_it_is() -> None:
    assert web_address("https://wiki.example/페이지?a=1#b") == "https://wiki.example/페이지?a=1#b"


def test_numbers_and_places_follow_the_language() -> None:
    with translation.override("ko"):
        assert number(1_284) == "1,284"
        assert place_label("page", "3") == "3쪽"
    with translation.override("en"):
        assert place_label("sheet", "Prices") == "Sheet “Prices”"
        assert place_label("", "") == ""


def test_a_quoted_table_row_falls_into_its_cells() -> None:
    assert cells("Seoul\t150,000\t") == ["Seoul", "150,000"]
    assert cells("plain words") == ["plain words"]
