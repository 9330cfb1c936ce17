"""A sentence counts as carried only where the evidence says the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.providers.contract import Source
from assistant.providers.support import EvidenceCheck

ENGLISH = Source(
    1,
    "Remote work",
    "Policy",
    "Employees may work remotely three days a week. The manager must approve the plan. "
    "Remote work from abroad is not allowed. Requests are made in the HR portal by Friday 5 pm. "
    "Travel over 1,200 euros is booked by Kim Minsu in Busan.",
)
KOREAN = Source(
    2,
    "경조사 규정",
    "휴가",
    "본인 결혼은 5일의 유급휴가를 쓸 수 있습니다. 배우자 출산은 20일입니다. "
    "휴가는 사유가 생긴 날부터 90일 안에 써야 합니다. 계약직은 제외합니다.",
)
SOURCES = (ENGLISH, KOREAN)


def carried(sentence: str, *cited: int) -> str:
    """The text that carries the sentence, or nothing."""
    quotes = EvidenceCheck(SOURCES).support(sentence, cited).quotes
    return " ".join(SOURCES[quote.n - 1].text[quote.start : quote.end] for quote in quotes)


@pytest.mark.parametrize(
    ("sentence", "by"),
    [
        ("You may work remotely three days a week.", "Employees may work remotely three days a week."),
        ("You may work remotely 3 days per week.", "Employees may work remotely three days a week."),
        ("Working from abroad is not allowed.", "Remote work from abroad is not allowed."),
        ("Kim Minsu books travel over €1200.", "Travel over 1,200 euros is booked by Kim Minsu in Busan."),
        ("본인이 결혼하면 유급휴가 5일을 쓸 수 있어요.", "본인 결혼은 5일의 유급휴가를 쓸 수 있습니다."),
        ("계약직은 제외돼요.", "계약직은 제외합니다."),
    ],
)
def test_what_the_evidence_says_in_other_words_is_carried(sentence: str, by: str) -> None:
    assert carried(sentence) == by


@pytest.mark.parametrize(
    "sentence",
    [
        "You may work remotely four days a week.",
        "You may work remotely 30 days a week.",
        "Remote work from abroad is allowed.",
        "Employees may not work remotely three days a week.",
        "Travel over 1,200 euros is booked by Lee Jiwon in Busan.",
        "Travel over 12,000 euros is booked by Kim Minsu in Busan.",
        "Employees get free lunch in Seoul.",
        "본인이 결혼하면 유급휴가 7일을 쓸 수 있어요.",
        "계약직도 쓸 수 있어요.",
        "계약직은 제외되지 않아요.",
        "휴가는 사유가 생긴 날부터 60일 안에 써야 해요.",
        "",
        "…",
        "[1]",
    ],
)
@pytest.mark.parametrize("cited", [(), (1,), (2,), (1, 2, 99)])
def test_another_figure_name_or_the_opposite_is_not_carried_whatever_is_cited(
    sentence: str, cited: tuple[int, ...]
) -> None:
    assert carried(sentence, *cited) == ""


def test_a_sentence_about_two_things_is_carried_by_both_sentences() -> None:
    both = carried("결혼하면 5일, 배우자가 출산하면 20일을 쓸 수 있어요.")
    assert both == "본인 결혼은 5일의 유급휴가를 쓸 수 있습니다. 배우자 출산은 20일입니다."


def test_a_wrong_citation_is_set_right() -> None:
    quotes = EvidenceCheck(SOURCES).support("Remote work from abroad is not allowed.", (2,)).quotes
    assert [quote.n for quote in quotes] == [1]


def test_of_two_sources_that_say_it_the_cited_one_counts() -> None:
    twin = Source(3, "Remote work", "Policy", ENGLISH.text)
    check = EvidenceCheck((ENGLISH, twin))
    for n in (1, 3):
        (quote,) = check.support("The manager must approve the plan.", (n,)).quotes
        assert quote.n == n


def test_without_evidence_nothing_is_carried() -> None:
    assert EvidenceCheck(()).support("The manager must approve the plan.").quotes == ()


@given(st.text(max_size=80), st.text(max_size=200), st.lists(st.integers(-3, 5), max_size=3))
def test_quotes_always_lie_in_their_source(sentence: str, text: str, cited: list[int]) -> None:
    source = Source(1, "", "", text)
    for quote in EvidenceCheck((source,)).support(sentence, cited).quotes:
        assert quote.n == 1
        assert text[quote.start : quote.end].strip()
