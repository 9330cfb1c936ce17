"""What a check is given and what it says. A check is one file here and one line in `registry`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from assistant.guardrails.verdict import Stage
from assistant.providers.contract import Vectors


@dataclass(frozen=True, slots=True)
class TopicRule:
    """An enabled topic block, as far as checks need it."""

    id: int
    name: str
    description: str = ""
    examples: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    message: str = ""


class Encoder(Protocol):
    """Meaning as vectors, remembered for texts seen lately."""

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text.

        Raises:
            ModelUnavailable: the model cannot be loaded or reached.
        """
        ...


class Check(Protocol):
    """A set of rules made ready. Judging is a pure function of the text."""

    def first_match(self, text: str, *, stage: Stage) -> TopicRule | None:
        """The first rule (by name) that the text falls under; `text` went through `legible()`."""
        ...
