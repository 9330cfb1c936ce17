"""The measures against values worked out by hand, and the question file's errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.common.errors import UsageError
from assistant.evaluation.metrics import Question, Result, report
from assistant.evaluation.questions import read_questions


def question(*gold: str, answerable: bool = True) -> Question:
    return Question(id="q", question="?", gold=gold, answers=("three  DAYS",), answerable=answerable)


def test_retrieval_measures_equal_the_hand_made_values() -> None:
    measured = report(
        [
            Result(question("a"), ("a", "b"), ms=1.0),
            Result(question("a"), ("b", "a"), ms=3.0),
            Result(question("a", "c"), ("x", "y", "z"), ms=2.0),
        ]
    )
    assert measured["n"] == 3
    assert measured["recall@1"] == pytest.approx(1 / 3, abs=1e-4)
    assert measured["recall@5"] == pytest.approx(2 / 3, abs=1e-4)
    assert measured["mrr@10"] == pytest.approx((1 + 0.5 + 0) / 3, abs=1e-4)
    assert measured["ndcg@10"] == pytest.approx((1 + 0.6309 + 0) / 3, abs=1e-4)
    assert measured["p50_ms"] == 2.0
    assert measured["p95_ms"] == 3.0
    assert measured["answer_hit"] is None


def test_answer_measures_count_refusals_on_both_sides() -> None:
    measured = report(
        [
            Result(question("a"), ("a",), 1.0, refused=False, quotes=("It is Three days.",), quotes_right=1),
            Result(question("a"), ("a",), 1.0, refused=True),
            Result(question(answerable=False), (), 1.0, refused=True),
            Result(question(answerable=False), (), 1.0, refused=False, quotes=("no",), quotes_right=0),
        ]
    )
    assert measured["answer_hit"] == 0.5
    assert measured["citation_precision"] == 0.5
    assert measured["refusal_precision"] == 0.5
    assert measured["refusal_recall"] == 0.5


def test_a_malformed_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text('{"id": 1, "question": "Why?", "gold": []}\n{"id": 2, "question": 7}\n', encoding="utf-8")
    with pytest.raises(UsageError, match="line 2"):
        read_questions(file)


def test_a_missing_file_and_an_empty_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_questions(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no questions"):
        read_questions(tmp_path / "empty.jsonl")
