"""Copies and older versions are folded; whatever differs in its meaning stays."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.access.door import Passage
from assistant.providers.source_dates import DocumentHead, Standing, standing_of
from assistant.retrieval.folding import Folded, Kept, Reason, fold
from assistant.retrieval.same_words import covers, wording
from tests.retrieval.made_passages import made

ENGLISH = (
    "The travel allowance is 30,000 won a day for domestic trips and is paid with the next salary. "
    "Requests are approved by Minsu Kim of the finance team and must be filed before 31 March 2026. "
    "Receipts for hotels are kept for five years and trips to Busan are not paid on weekends."
)
KOREAN = (
    "국내 출장 일비는 하루 30,000원이며 다음 달 급여와 함께 지급한다. "
    "출장 신청은 재무팀 김민수 팀장이 승인하고 2026년 3월 31일까지 제출해야 한다. "
    "숙박 영수증은 5년 동안 보관하며 주말 출장에는 일비를 지급하지 않는다."
)
# What changes the meaning, in the same place of the text.
ENGLISH_CHANGES = (
    ("30,000", "50,000"),
    ("30,000", "3,000"),
    ("31 March", "30 April"),
    ("March", "May"),
    ("2026", "2025"),
    ("Minsu Kim", "Jiwoo Park"),
    ("Busan", "Daegu"),
    ("five", "ten"),
    ("are not paid", "are paid"),
    ("is paid", "is never paid"),
    ("must be filed", "may be filed"),
    ("before", "after"),
    ("domestic", "foreign"),
    ("Requests", "Only requests"),
    ("approved by Minsu Kim", "approved by Minsu Kim and Jiwoo Park"),
    ("30,000 won", "-30,000 won"),
    ("30,000 won", "30,000 dollars"),
)
KOREAN_CHANGES = (
    ("30,000원", "50,000원"),
    ("30,000원", "3,000원"),
    ("김민수", "박지우"),
    ("3월 31일까지", "4월 30일까지"),
    ("2026년", "2025년"),
    ("5년", "10년"),
    ("지급하지 않는다", "지급한다"),
    ("승인하고", "승인하지 않고"),
    ("해야 한다", "할 수 있다"),
    ("국내", "해외"),
    ("재무팀", "인사팀"),
    ("하루", "사흘"),
    ("출장 신청은", "본부장 이상의 출장 신청은"),
)


def folded(passages: list[Passage], question: str = "What is the travel allowance?") -> list[Kept]:
    return fold(question, passages)


def shape(kept: list[Kept]) -> list[tuple[int, list[str]]]:
    """(which passage, reasons of what is folded under it)."""
    return [(one.at, [folded.reason.value for folded in one.folded]) for one in kept]


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(("old", "new"), ENGLISH_CHANGES)
def test_english_passages_that_differ_in_one_figure_date_name_or_negation_both_stay(
    old: str, new: str
) -> None:
    other = changed(ENGLISH, old, new)
    assert shape(folded([made(ENGLISH), made(other)])) == [(0, []), (1, [])]
    assert shape(folded([made(other), made(ENGLISH)])) == [(0, []), (1, [])]


@pytest.mark.parametrize(("old", "new"), KOREAN_CHANGES)
def test_korean_passages_that_differ_in_one_figure_date_name_or_negation_both_stay(
    old: str, new: str
) -> None:
    other = changed(KOREAN, old, new)
    question = "출장 일비는 얼마인가요?"
    assert shape(folded([made(KOREAN), made(other)], question)) == [(0, []), (1, [])]
    assert shape(folded([made(other), made(KOREAN)], question)) == [(0, []), (1, [])]


@pytest.mark.parametrize(
    "copy",
    [
        ENGLISH,
        ENGLISH.upper(),
        ENGLISH.replace(" ", "\n"),
        ENGLISH.replace("30,000", "30000"),
        ENGLISH.replace("The travel allowance", "Travel allowance"),
        ENGLISH.replace(". ", ".  • "),
        ENGLISH.replace("won", "ｗｏｎ"),
    ],
)
def test_an_english_copy_is_folded(copy: str) -> None:
    assert shape(folded([made(ENGLISH), made(copy)])) == [(0, ["duplicate"])]


@pytest.mark.parametrize(
    "copy",
    [
        KOREAN,
        KOREAN.replace("함께 지급한다", "함께지급합니다"),
        KOREAN.replace(" ", "  "),
        KOREAN.replace("제출해야 한다", "제출해야 합니다").replace("않는다", "않습니다"),
        KOREAN.replace("30,000", "30000"),
    ],
)
def test_a_korean_copy_is_folded(copy: str) -> None:
    assert shape(folded([made(KOREAN), made(copy)], "출장 일비는 얼마인가요?")) == [(0, ["duplicate"])]


def test_a_copy_with_a_line_around_it_is_folded_under_the_fuller_one_at_the_better_place() -> None:
    fuller = f"Company handbook, for internal use\n\n{ENGLISH}"
    assert shape(folded([made(fuller), made(ENGLISH)])) == [(0, ["duplicate"])]
    (kept,) = folded([made(ENGLISH), made(fuller)])
    assert (kept.at, kept.place) == (1, 0)


@pytest.mark.parametrize(
    "addition",
    [
        " Executives are excluded.",
        " It was 20,000 won.",
        " Ask Jiwoo Park for exceptions.",
        " Not abroad.",
        "\n박서연 팀장",
    ],
)
def test_a_copy_that_says_more_of_weight_stays(addition: str) -> None:
    assert len(folded([made(ENGLISH + addition), made(ENGLISH)])) == 2


def test_two_people_who_changed_places_are_no_copy() -> None:
    one = "In the workshop of the plant in the south Minsu reports to Jiwoo on every working day of the week."
    other = (
        "In the workshop of the plant in the south Jiwoo reports to Minsu on every working day of the week."
    )
    assert len(folded([made(one), made(other)])) == 2


def test_short_texts_are_copies_only_word_for_word() -> None:
    assert len(folded([made("Requests go to the lead."), made("All requests go to the lead.")])) == 2
    assert len(folded([made("Requests go to the lead."), made("requests go to the lead")])) == 1


def test_figures_do_not_run_together() -> None:
    assert len(folded([made("Rooms 1 2 are open."), made("Rooms 12 are open.")])) == 2


def test_of_equal_texts_the_newer_stands_and_of_equally_old_ones_the_first() -> None:
    texts = [made(ENGLISH, year=2023), made(ENGLISH, year=2025), made(ENGLISH, year=2024), made(ENGLISH)]
    (kept,) = folded(texts)
    assert (kept.at, kept.place) == (1, 0)
    assert [one.passage for one in kept.folded] == [texts[0], texts[2], texts[3]]
    assert shape(folded([made(ENGLISH, year=2024), made(ENGLISH, year=2024)])) == [(0, ["duplicate"])]


def test_nothing_and_empty_texts_fold_nothing() -> None:
    assert folded([]) == []
    assert len(folded([made(" "), made("—")])) == 2


TRAVEL = ("출장 여비 규정 (2024)", "출장 여비 규정 (2026)")


def test_an_older_version_is_folded_under_the_newer_one_at_its_place() -> None:
    old, new = made(KOREAN, title=TRAVEL[0]), made(KOREAN.replace("30,000", "50,000"), title=TRAVEL[1])
    between = made("회의실은 그룹웨어에서 예약한다.", title="회의실 안내")
    kept = folded([old, between, new], "출장 일비는 얼마인가요?")
    assert [(one.at, one.place, one.folded) for one in kept] == [
        (2, 0, (Folded(old, Reason.SUPERSEDED),)),
        (1, 1, ()),
    ]


@pytest.mark.parametrize(
    "question",
    [
        "2024년 출장 일비는 얼마였나요?",
        "예전 출장 일비는 얼마였나요?",
        "작년... 아니 2024년과 2026년 출장 일비를 비교해 주세요.",
    ],
)
def test_a_question_about_an_older_version_leaves_it_standing(question: str) -> None:
    old, new = made(KOREAN, title=TRAVEL[0]), made(KOREAN.replace("30,000", "50,000"), title=TRAVEL[1])
    assert sorted(shape(folded([new, old], question))) == [(0, []), (1, [])]


def test_of_versions_with_equal_text_the_one_asked_for_stands() -> None:
    old, new = made(KOREAN, title=TRAVEL[0], year=2024), made(KOREAN, title=TRAVEL[1], year=2026)
    assert shape(folded([new, old], "2024년 출장 일비는 얼마였나요?")) == [(1, ["duplicate"])]
    assert shape(folded([new, old], "출장 일비는 얼마인가요?")) == [(0, ["superseded"])]


def test_a_retired_document_is_folded_whatever_the_passage_says() -> None:
    old = made("Send your key in the query string.", title="Cloud API v2 (deprecated)")
    new = made("An access token is valid for 60 minutes.", title="Cloud API v3 guide")
    assert shape(folded([old, new], "How do I sign in to the API?")) == [(1, ["superseded"])]
    assert len(folded([old, new], "How do I sign in to API v2?")) == 2
    assert len(folded([old, new], "When is API version 4 released?")) == 2


def test_a_section_that_the_newer_version_was_not_found_with_stays() -> None:
    old = made("Company cars are cleaned on Fridays by the workshop.", title="Office rules 2024")
    new = made("Visitors wear a badge and are met at the gate.", title="Office rules 2026")
    assert len(folded([old, new], "Who cleans the cars?")) == 2
    headed = [made(one.text, title=one.title, headings=f"{one.title} › Cars") for one in (old, new)]
    assert shape(folded(headed, "Who cleans the cars?")) == [(1, ["superseded"])]


@pytest.mark.parametrize(
    "titles",
    [
        ("Safety report Daejeon 2024", "Safety report Busan 2025"),
        ("Leave policy 2024", "Leave policy of Rotterdam 2025"),
        ("Minutes of the board 2026-03", "Minutes of the board 2026-04"),
        ("Travel policy", "Travel policy"),
    ],
)
def test_what_only_looks_like_versions_stays(titles: tuple[str, str]) -> None:
    one, other = made(ENGLISH, title=titles[0]), made(ENGLISH.replace("30,000", "50,000"), title=titles[1])
    assert len(folded([one, other])) == 2


_VOCABULARY = """
    the plant opens gate Kim 08:30 not never 50,000 won a day 2025 team Busan
    일비는 하루 30,000원 지급한다 않는다 김민수 팀장 제출 영수증
    only and or approved rejected -5 1.5 % end. 끝.
"""
WORDS = st.sampled_from(_VOCABULARY.split())
TEXTS = st.lists(WORDS, min_size=1, max_size=60).map(" ".join)


def _figures(text: str) -> list[str]:
    return sorted(re.findall(r"\d+", text.replace(",", "")))


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6), st.integers(0, 59), WORDS)
def test_nothing_is_lost_and_nothing_comes_twice(texts: list[str], at: int, word: str) -> None:
    """Each passage is kept or folded once; what stands for it holds its words and the same figures."""
    words = texts[0].split()
    passages = [made(text) for text in (*texts, " ".join([*words[:at], word, *words[at:]]))]
    kept = folded(passages)
    seen = [passages[one.at] for one in kept] + [below.passage for one in kept for below in one.folded]
    assert sorted(passage.chunk_id for passage in seen) == sorted(one.chunk_id for one in passages)
    assert [one.place for one in kept] == sorted({one.place for one in kept})
    for one in kept:
        for below in one.folded:
            fuller, other = wording(passages[one.at].text), wording(below.passage.text)
            assert covers(fuller, other)
            assert set(other.words) <= set(fuller.words)
            assert _figures(below.passage.text) == _figures(passages[one.at].text)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.booleans())
def test_one_word_put_in_anothers_place_is_never_a_copy(data: st.DataObject, korean: bool) -> None:
    words = (KOREAN if korean else ENGLISH).split()
    at = data.draw(st.integers(0, len(words) - 1))
    other = data.draw(st.sampled_from(["9", "never", "박서연", "Sora", "December", "않고", "7월", "17"]))
    text = " ".join([*words[:at], other, *words[at + 1 :]])
    assert len(folded([made(" ".join(words)), made(text)])) == 2


@settings(max_examples=150, deadline=None)
@given(st.data(), st.booleans())
def test_one_word_put_between_others_is_never_a_copy(data: st.DataObject, korean: bool) -> None:
    words = (KOREAN if korean else ENGLISH).split()
    at = data.draw(st.integers(0, len(words)))
    other = data.draw(st.sampled_from(["9", "never", "박서연", "Sora", "December", "않고", "7월", "17"]))
    text = " ".join([*words[:at], other, *words[at:]])
    assert len(folded([made(" ".join(words)), made(text)])) == 2


REPLACED = 'Superseded. Replaced on 2 March 2026 by "재택근무 가이드라인 2026" (HR-RW-2.0).'
ENGLISH_OLD = "Staff may work from home one day a week, on Wednesday or Thursday."
KOREAN_NEW = "성수 본사 직원은 주 2일까지 재택근무를 할 수 있다."
SINCE = "시행일: 2026년 3월 2일"


def standing(text: str, title: str, name: str = "") -> Standing:
    return standing_of(DocumentHead(title, name, text), today=date(2026, 11, 22))


def told(*pairs: tuple[Passage, str]) -> dict[int, Standing]:
    """What the documents say of themselves, by their first lines."""
    return {passage.document_id: standing(text, passage.title) for passage, text in pairs}


def test_what_a_document_names_as_its_successor_stands_for_it() -> None:
    old = made("육아휴직자는 주 1일 재택근무를 할 수 있다.", title="재택 안내")
    new = made(KOREAN_NEW, title="재택근무 가이드라인 2026")
    known = told((old, REPLACED), (new, SINCE))
    assert shape(fold("재택근무는 며칠인가요?", [old, new], known)) == [(1, ["superseded"])]
    assert len(fold("2025년 이전 재택근무는 며칠이었나요?", [old, new], known)) == 2


def test_a_successor_that_the_asker_cannot_be_answered_from_does_not_hide_the_older_one() -> None:
    old = made(ENGLISH_OLD, title="Remote work guideline")
    new = made(KOREAN_NEW, title="재택근무 가이드라인 2026")
    known = told((old, REPLACED), (new, SINCE))
    assert len(fold("How many days may I work from home?", [old, new], known)) == 2
    assert shape(fold("재택근무는 며칠인가요?", [old, new], known)) == [(1, ["superseded"])]


def test_a_document_number_with_a_higher_version_stands_for_the_lower() -> None:
    old, new = made(ENGLISH_OLD, title="Remote work"), made("Two days a week are open.", title="Home office")
    known = told((old, "Document HR-RW-1.1"), (new, "Document HR-RW-2.0"))
    assert shape(fold("How many days may I work from home?", [old, new], known)) == [(1, ["superseded"])]
    apart = told((old, "Document HR-RW-1.1"), (new, "Document HR-LV-2.0"))
    assert len(fold("How many days may I work from home?", [old, new], apart)) == 2


def test_what_is_yet_to_come_replaces_nothing_today() -> None:
    old, new = made(ENGLISH_OLD, title="Remote work"), made("Two days a week are open.", title="Home office")
    known = told((old, "Document HR-RW-1.1"), (new, "Document HR-RW-2.0, in force from 1 January 2027"))
    assert len(fold("How many days may I work from home?", [old, new], known)) == 2
