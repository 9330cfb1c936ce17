"""With an entailment model a sentence is carried by what entails it, and never by what contradicts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.errors import ModelUnavailable
from assistant.providers.contract import Entailed, Message, ModelRequest, Quote, Source, never
from assistant.providers.entailment import FolderEntailment
from assistant.providers.support import MOST_JUDGED, EvidenceCheck
from assistant.providers.writing import WrittenAnswers
from tests.providers.tiny_entailment import made_entailment

HANDBOOK = "Remote work is allowed three days a week. Laptops must be returned. The office opens at 08:30."
LEAVE = "Annual leave is 15 days. It may be taken from 5 March on. Unused days are not paid out."
SOURCES = (Source(1, "Handbook", "", HANDBOOK), Source(2, "Leave", "Rules", LEAVE))

Verdict = Callable[[str, str], Entailed]
NEUTRAL = Entailed(0.05, 0.05)


class Judge:
    """Judges as a test says, and notes what it is asked."""

    name = "judge"

    def __init__(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self.asked: list[tuple[str, str]] = []

    def judged(self, premise: str, hypothesis: str) -> Entailed:
        self.asked.append((premise, hypothesis))
        return self._verdict(premise, hypothesis)


def entails(needle: str, share: float = 0.97) -> Judge:
    """Whatever holds these words entails every hypothesis; nothing else says anything."""
    return Judge(lambda premise, _: Entailed(share, 0.01) if needle in premise else NEUTRAL)


def quoted(judge: Judge, sentence: str, cited: tuple[int, ...] = ()) -> list[str]:
    """The places that carry the sentence."""
    quotes = EvidenceCheck(SOURCES, entailment=judge).support(sentence, cited).quotes
    return [SOURCES[quote.n - 1].text[quote.start : quote.end] for quote in quotes]


@pytest.mark.parametrize(
    "sentence",
    [
        "Remote work is allowed three days a week.",
        "재택근무는 주 3일까지 가능합니다.",
        "Completely different words stand here.",
        "Annual leave is 16 days.",
        "Unused days are paid out.",
        "",
    ],
)
def test_without_a_model_everything_is_as_words_say_and_so_it_is_with_one_that_says_nothing(
    sentence: str,
) -> None:
    alone = EvidenceCheck(SOURCES).support(sentence, (1,))
    silent = EvidenceCheck(SOURCES, entailment=Judge(lambda *_: NEUTRAL)).support(sentence, (1,))
    assert alone == silent


def test_a_korean_sentence_is_carried_by_an_english_place_that_entails_it() -> None:
    sentence = "재택근무는 일주일에 3일 가능합니다."
    assert EvidenceCheck(SOURCES).support(sentence, (1,)).quotes == ()
    judge = entails("Remote work")
    assert quoted(judge, sentence, (1,)) == ["Remote work is allowed three days a week."]
    premise, hypothesis = judge.asked[0]
    assert premise.startswith("Handbook\n")
    assert hypothesis == sentence


def test_other_words_in_the_same_language_are_carried_too() -> None:
    assert quoted(entails("Remote work"), "Staff can stay at home for part of their tasks.") == [
        "Remote work is allowed three days a week."
    ]


def test_a_model_that_is_not_sure_carries_nothing() -> None:
    assert quoted(entails("Remote work", share=0.89), "재택근무는 일주일에 3일 가능합니다.") == []


@pytest.mark.parametrize(
    "sentence",
    [
        "재택근무는 일주일에 4일 가능합니다.",  # another figure
        "Home office is possible four days.",
        "재택근무는 가능하지 않습니다.",  # denies what is affirmed
        "Staff can never stay at home.",
        "Staff of Heron Logistics stay at home.",  # a name that stands nowhere
    ],
)
def test_figures_denials_and_names_have_their_veto_over_a_model_that_entails_everything(
    sentence: str,
) -> None:
    judge = Judge(lambda *_: Entailed(1.0, 0.0))
    for place in quoted(judge, sentence):
        assert "Remote work" not in place
    assert all("Remote work" not in premise or "not paid" in premise for premise, _ in judge.asked)


def test_months_are_figures_in_another_language() -> None:
    judge = Judge(lambda *_: Entailed(1.0, 0.0))
    assert quoted(judge, "3월 5일부터 쓸 수 있습니다.", (2,)) == ["It may be taken from 5 March on."]
    assert quoted(judge, "4월 5일부터 쓸 수 있습니다.", (2,)) == []
    korean = (Source(1, "휴가", "", "3월 5일부터 쓸 수 있습니다."),)
    assert EvidenceCheck(korean, entailment=judge).support("It can be taken from 5 March.").quotes
    assert not EvidenceCheck(korean, entailment=judge).support("It can be taken from 5 April.").quotes


def test_what_a_place_contradicts_is_not_carried_by_it_however_many_words_they_share() -> None:
    sentence = "Laptops must be returned."
    assert EvidenceCheck(SOURCES).support(sentence).quotes
    judge = Judge(lambda premise, _: Entailed(0.0, 0.95) if "Laptops" in premise else NEUTRAL)
    assert quoted(judge, sentence) == []
    unsure = Judge(lambda premise, _: Entailed(0.0, 0.6) if "Laptops" in premise else NEUTRAL)
    assert quoted(unsure, sentence) == [sentence]


def test_another_place_that_entails_it_takes_over_from_one_that_contradicts_it() -> None:
    def verdict(premise: str, _hypothesis: str) -> Entailed:
        if "Laptops" in premise:
            return Entailed(0.0, 0.95)
        return Entailed(0.95, 0.0) if "office" in premise else NEUTRAL

    assert quoted(Judge(verdict), "Laptops must be returned.") == ["The office opens at 08:30."]


def test_a_cited_source_is_read_first_and_a_narrow_place_before_a_wide_one() -> None:
    judge = Judge(lambda *_: Entailed(1.0, 0.0))
    assert quoted(judge, "휴가는 15일입니다.", (2,)) == ["Annual leave is 15 days."]
    assert len(judge.asked) == 1


def test_only_so_many_places_are_read_for_a_sentence() -> None:
    text = " ".join(f"Sentence about thing {'x' * number}." for number in range(1, 60))
    judge = Judge(lambda *_: NEUTRAL)
    EvidenceCheck((Source(1, "Long", "", text),), entailment=judge).support("전혀 다른 문장입니다.")
    assert len(judge.asked) == MOST_JUDGED


WORDS = st.sampled_from(
    ["remote", "work", "three", "3", "3일", "15", "days", "not", "아닙니다", "휴가", "March", "3월", "Seoul."]
)


@given(st.lists(WORDS, min_size=1, max_size=9).map(" ".join), st.lists(WORDS, min_size=1, max_size=20))
def test_whatever_is_written_a_quote_lies_in_its_source_and_holds_every_figure(
    sentence: str, words: list[str]
) -> None:
    sources = (Source(1, "", "", " ".join(words)), SOURCES[1])
    judge = Judge(lambda *_: Entailed(1.0, 0.0))
    for quote in EvidenceCheck(sources, entailment=judge).support(sentence).quotes:
        (source,) = [each for each in sources if each.n == quote.n]
        assert 0 <= quote.start < quote.end <= len(source.text)
        around = f"{source.title} {source.heading} {source.text[quote.start : quote.end]}"
        if "15" in sentence:
            assert "15" in around


class Writes:
    """A language model that writes this."""

    name = "writes"

    def __init__(self, text: str) -> None:
        self._text = text

    def complete(self, messages: Sequence[Message], *, stop: Callable[[], bool] = never) -> Iterator[str]:
        yield self._text


def test_an_answer_in_the_language_of_the_question_cites_a_page_in_another() -> None:
    model = WrittenAnswers(
        Writes("재택근무는 일주일에 3일 가능합니다 [1]."), entailment=entails("Remote work")
    )
    (sentence,) = model.answer(ModelRequest("재택근무는 며칠?", "ko", SOURCES))
    assert sentence.quotes == (Quote(1, 0, 41),)


def test_a_model_that_cannot_be_loaded_ends_the_answer_instead_of_falling_back(tmp_path: Path) -> None:
    check = EvidenceCheck(SOURCES, entailment=FolderEntailment(model=str(tmp_path / "nowhere")))
    with pytest.raises(ModelUnavailable, match="does not exist"):
        check.support("Remote work is allowed three days a week.")


def test_a_real_model_is_asked(tmp_path: Path) -> None:
    real = FolderEntailment(model=made_entailment(tmp_path / "tiny"))
    found = EvidenceCheck(SOURCES, entailment=real).support("Remote work is allowed three days a week.")
    assert found.share > 0.9
