"""What is wanted of an answer beside its question: which task, from what, and in which style."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from assistant.common.errors import UsageError

MOST_INSTRUCTIONS = 1_000  # characters


class Task(StrEnum):
    """What a turn is asked to do."""

    ANSWER = "answer"
    SEVERAL = "several"  # several questions in one, answered in order
    COMPARE = "compare"  # two things, side by side
    SUMMARISE = "summarise"
    LIST = "list"  # which documents
    CREATE = "create"  # a draft: a mail, interview questions, code


class Scope(StrEnum):
    """From what sentences may be made."""

    COMPANY = "company"  # documents that the person may read, and nothing else
    GENERAL = "general"  # what the model knows as well, and then marked so


class Length(StrEnum):
    """How long an answer is."""

    SHORT = "short"
    NORMAL = "normal"
    LONG = "long"


class Tone(StrEnum):
    """How a model speaks."""

    NEUTRAL = "neutral"
    FRIENDLY = "friendly"
    FORMAL = "formal"


class Audience(StrEnum):
    """For whom a model writes."""

    EVERYBODY = "everybody"
    NEWCOMERS = "newcomers"
    EXPERTS = "experts"


@dataclass(frozen=True, slots=True)
class Style:
    """How an answer is to be written. `instructions` are wishes in free words: the company's, the person's.

    Raises:
        UsageError: instructions of more than 1,000 characters.
    """

    length: Length = Length.NORMAL
    tone: Tone = Tone.NEUTRAL
    audience: Audience = Audience.EVERYBODY
    instructions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is too long to be a wish."""
        for text in self.instructions:
            if len(text) > MOST_INSTRUCTIONS:
                raise UsageError(
                    f"The instructions have {len(text)} characters; at most {MOST_INSTRUCTIONS} fit."
                )


USUAL_STYLE: Final = Style()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a turn: how it is headed, in the person's own words, and what is asked for it."""

    title: str
    question: str
