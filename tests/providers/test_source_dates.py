"""Dates are read from what a document says of itself, and of nothing else that it speaks of."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.providers.source_dates import (
    Dated,
    DocumentHead,
    SourceDates,
    dates_of,
    first_day,
    last_day,
    standing_of,
)


def dates(opening: str = "", title: str = "Note", changed: str = "") -> SourceDates:
    return dates_of(DocumentHead(title=title, opening=opening, changed=changed))


@pytest.mark.parametrize(
    ("opening", "day", "dated"),
    [
        ("문서번호 HR-RW-2.0 · 시행일: 2026년 3월 2일 · 담당 인사팀", "2026-03-02", Dated.EFFECTIVE),
        ("이 규정은 2026. 1. 1.부터 시행한다.", "2026-01-01", Dated.EFFECTIVE),
        ("Effective date: 1 March 2026", "2026-03-01", Dated.EFFECTIVE),
        ("In force since March 2, 2026.", "2026-03-02", Dated.EFFECTIVE),
        ("As of Sept. 14, 2026", "2026-09-14", Dated.EFFECTIVE),
        ("개정이력: 2.0(2022.01.01), 2.1(2024.01.01)", "2024-01-01", Dated.REVISED),
        ("Last reviewed 2 June 2026, after the outage.", "2026-06-02", Dated.REVISED),
        ("시행일 2020-01-01 · 최종 수정 2026-05-01", "2026-05-01", Dated.REVISED),
        ("작성일: 2026.11.02", "2026-11-02", Dated.WRITTEN),
        ("게시 2026년 11월", "2026-11", Dated.WRITTEN),
    ],
)
def test_the_day_of_a_version_is_what_the_document_says(opening: str, day: str, dated: Dated) -> None:
    found = dates(f"# Title\n\n{opening}\n\nText.")
    assert (found.day, found.dated) == (day, dated)


def test_a_date_far_after_the_last_change_is_not_that_of_writing() -> None:
    contract = "Supplier | Date\nHansol | 2028-03-31"
    assert dates(contract, changed="2026-11-02").dated is Dated.CHANGED
    assert dates("Published: 20 November 2026", changed="2026-11-02").day == "2026-11-20"
    assert dates("Last updated: 1 March 2029", changed="2026-11-02").day == "2026-11-02"
    assert dates("Effective from 1 January 2028", changed="2026-11-02").day == "2028-01-01"


def test_without_a_word_of_its_own_the_title_counts_and_then_the_source() -> None:
    assert dates(title="Price list 2026", changed="2025-12-01").day == "2026"
    assert dates(title="조직도_2026-10", changed="2025-12-01").day == "2026-10"
    found = dates(title="Price list", changed="2025-12-01")
    assert (found.day, found.dated) == ("2025-12-01", Dated.CHANGED)
    assert dates().dated is Dated.UNKNOWN
    assert dates(title="Budget 2025 and 2026").dated is Dated.UNKNOWN


@pytest.mark.parametrize(
    ("opening", "until"),
    [
        ("Document HR-RW-1.1, in force from 1 February 2025 to 1 March 2026.", "2026-03-01"),
        ("Valid 15 January 2025 to 14 January 2026", "2026-01-14"),
        ("유효기간: 2025년 1월 1일 ~ 2025년 12월 31일", "2025-12-31"),
        ("> Deprecated since 16 June 2026. Use version 3.", "2026-06-16"),
        ("**Status: obsolete since 10 February 2026.** See the new run-book.", "2026-02-10"),
        ("폐지일: 2025-12-31", "2025-12-31"),
        ("이 규정은 2025년 12월 31일에 폐지되었다.", "2025-12-31"),
    ],
)
def test_a_document_that_ended_says_when(opening: str, until: str) -> None:
    found = dates(opening)
    assert found.until == until
    assert found.has_ended(date(2026, 7, 1))
    assert not found.has_ended(date(2024, 7, 1))


@pytest.mark.parametrize(
    "opening",
    [
        "휴가 신청은 2025년 11월 30일까지 받습니다.",
        "The present CA certificate expires on 9 April 2025.",
        "It replaces the 2024 rules (2.1), which ended on 31 December 2024.",
        "이 규정은 2.1(2024)을 대체한다. 2024년판은 2024년 12월 31일에 폐지되었다.",
        "Obsolete parts are returned to the store by 1 March 2025.",
        "The contract with Noord ended on 1 March 2025.",
        "v2는 2025년 3월 31일에 종료합니다.",
    ],
)
def test_the_end_of_something_else_is_not_the_documents(opening: str) -> None:
    assert dates(opening).until == ""
    assert not standing_of(DocumentHead("Note", opening=opening), today=date(2026, 7, 1)).ended


def test_a_document_names_what_replaced_it_and_what_it_replaces() -> None:
    old = dates('> **Superseded.** Replaced on 2 March 2026 by "재택근무 가이드라인 2026" (HR-RW-2.0).')
    assert "재택근무 가이드라인 2026" in old.ended_by[0]
    assert old.numbers == ()  # the number of the other one
    new = dates("시행일: 2026년 3월 2일 (2025년판 remote-work-guideline-2025를 대체)")
    assert "remote-work-guideline-2025" in new.replaces[0]
    assert not new.retired
    assert "the 2024 rules" in dates("This policy replaces the 2024 rules.").replaces[0]


def test_attributes_count_like_words() -> None:
    told = (("effective_date", "2026-03-02"), ("status", "superseded"), ("replaced_by", "Rules 3"))
    found = dates_of(DocumentHead("Rules", attributes=told))
    assert (found.since, found.retired, found.ended_by) == ("2026-03-02", True, ("rules 3",))


def test_closing_lines_of_a_regulation_say_since_when() -> None:
    found = dates_of(DocumentHead("규정", ending="부칙\n이 규정은 2026년 4월 1일부터 시행한다."))
    assert found.since == "2026-04-01"
    assert dates_of(DocumentHead("규정", ending="접수는 2026년 4월 1일부터 받는다.")).since == ""


def test_what_is_yet_to_come_has_not_begun() -> None:
    head = DocumentHead("규정", opening="시행일: 2027년 1월 1일")
    assert standing_of(head, today=date(2026, 11, 22)).coming
    assert not standing_of(head, today=date(2027, 1, 1)).coming


def test_years_held_are_those_it_held_for_the_greater_part() -> None:
    held = dates("In force from 1 February 2025 to 1 March 2026.").years_held()
    assert held == {2025}


def test_days_that_do_not_exist_are_no_days() -> None:
    assert dates("시행일: 2026년 13월 40일").since == ""
    assert dates("Effective date: 31 February 2026").since == ""


@given(st.text(max_size=400), st.text(max_size=60))
def test_any_text_gives_days_that_exist(opening: str, title: str) -> None:
    found = dates(opening, title=title)
    for day in filter(None, (found.day, found.since, found.until)):
        assert first_day(day) <= last_day(day)


_WORDS = """
    시행일: 개정 2026년 3월 2일 까지 effective from to until 2025-01-01 2026.02.30. replaced by
    status: ~ · | ( ) 0 99 valid 부터 2024. 1. 1. expires
"""
WORDS = st.sampled_from([*_WORDS.split(), "\n"])


@given(st.lists(WORDS, max_size=30).map(" ".join))
def test_an_end_never_comes_before_its_beginning(opening: str) -> None:
    found = dates(opening)
    if found.since and found.until:
        assert last_day(found.until) >= first_day(found.since)
