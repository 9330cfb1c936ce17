"""Question sets: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from assistant.common.errors import UsageError
from assistant.common.types import Json
from assistant.evaluation.metrics import Question


def read_questions(file: Path) -> list[Question]:
    """The questions of a file.

    Raises:
        UsageError: the file cannot be read, or a line is malformed (it is named).
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The question file {file} cannot be read: {error}.") from error
    questions = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            questions.append(_question(json.loads(line)))
        except (ValueError, TypeError, KeyError) as error:
            raise UsageError(
                f"{file}, line {number}: not a question ({error}). "
                'Expected {"id", "question", "gold": [...], "answers": [...], "answerable": true|false}.'
            ) from error
    if not questions:
        raise UsageError(f"The question file {file} holds no questions.")
    return questions


def _question(value: dict[str, Json]) -> Question:
    text, answerable = value["question"], value.get("answerable", True)
    if not isinstance(text, str) or not text.strip() or not isinstance(answerable, bool):
        raise ValueError("question must be a text and answerable true or false")
    return Question(
        id=str(value["id"]),
        question=text,
        gold=_texts(value.get("gold", [])),
        answers=_texts(value.get("answers", [])),
        answerable=answerable,
    )


def _texts(value: Json) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError("gold and answers must be lists")
    return tuple(str(item) for item in value)
