"""A language model is told of dates, replaced sources and disagreements as data: it need not guess."""

from __future__ import annotations

from datetime import date

from assistant.providers.contract import ModelRequest, Source
from assistant.providers.source_dates import DocumentHead, standing_of
from assistant.providers.writing import messages_for

QUESTION = "How many days a week may office staff work from home?"


def source(
    n: int, title: str, opening: str, text: str = "Office staff may work from home one day."
) -> Source:
    standing = standing_of(DocumentHead(title, opening=opening), today=date(2026, 11, 22))
    return Source(n, title, "", text, standing=standing)


def told(*sources: Source) -> str:
    """What the model is told beside the rules."""
    return messages_for(ModelRequest(QUESTION, "en", sources), sources)[-1].text


def test_a_source_says_since_when_and_until_when_it_holds() -> None:
    said = told(source(1, "Remote work", "In force from 1 February 2025 to 1 March 2026."))
    assert '<source n="1" since="2025-02-01" until="2026-03-01" title="Remote work">' in said
    assert 'revised="2024-06-03"' in told(source(1, "Remote work", "Last change: 3 June 2024."))


def test_without_dates_nothing_is_told_of_any() -> None:
    said = told(source(1, "Remote work", ""), source(2, "Canteen", "", "Lunch is served at noon."))
    assert '<source n="1" title="Remote work">' in said
    assert "replaces" not in said
    assert "disagree" not in said


def test_which_source_replaces_which_is_told() -> None:
    said = told(
        source(1, "Remote work", "Superseded. Replaced on 2 March 2026 by HR-RW-2.0."),
        source(2, "재택근무 가이드라인", "문서번호 HR-RW-2.0 · 시행일 2026년 3월 2일", "주 2일까지 한다."),
    )
    assert "Source 2 replaces source 1" in said
    assert said.rstrip().endswith(QUESTION)


def test_sources_that_disagree_are_told_of() -> None:
    said = told(
        source(1, "Rules", "", "Office staff may work from home three days a week."),
        source(2, "Handbook", "", "Office staff may work from home two days a week."),
    )
    assert "Sources 1 and 2 disagree" in said
