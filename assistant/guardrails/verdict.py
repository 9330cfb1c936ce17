"""What an inspection says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a text stands when it is inspected."""

    QUESTION = "question"
    PASSAGE = "passage"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`blocked` with the topic's name and the message for the person, or let through."""

    blocked: bool
    topic: str = ""
    topic_id: int | None = None
    message: str = ""


PASSED = Verdict(blocked=False)
