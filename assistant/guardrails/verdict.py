"""What an inspection says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from assistant.guardrails.masking import Masked


class Stage(StrEnum):
    """Where a text stands when it is inspected."""

    QUESTION = "question"
    PASSAGE = "passage"
    ANSWER = "answer"


class Action(StrEnum):
    """What is done about a text, from the mildest on. Of several the strictest wins."""

    PASS = "pass"  # noqa: S105 - no password
    DETECT = "detect"  # only noted
    RESTRICT = "restrict"  # answered from chosen sources alone
    MASK = "mask"  # what was found is replaced by a label
    BLOCK = "block"

    @property
    def strictness(self) -> int:
        """0 for the mildest."""
        return list(Action).index(self)


def strictest(actions: tuple[Action, ...]) -> Action:
    """The one that wins; `PASS` if there is none."""
    return max(actions, key=lambda action: action.strictness, default=Action.PASS)


@dataclass(frozen=True, slots=True)
class Hit:
    """How often a rule found something of one kind. What it found is told nowhere."""

    rule_id: int
    rule: str
    kind: str  # a kind of a check's catalogue, such as "email"
    action: Action
    count: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with a text, and why.

    `shown` is the text with what must be masked replaced, the text itself where nothing is. `topic` and
    `topic_id` name the rule that blocks if people may be told its name, `message` is for the person.
    `sources`: ids of the connections that alone may answer; None: any.
    """

    action: Action
    shown: Masked
    hits: tuple[Hit, ...] = ()
    topic: str = ""
    topic_id: int | None = None
    message: str = ""
    sources: frozenset[int] | None = None
    kinds: frozenset[str] = field(default=frozenset())  # of the rules that found something

    @property
    def text(self) -> str:
        """The text as it may go on; equal to the text given where nothing is masked."""
        return self.shown.text

    @property
    def blocked(self) -> bool:
        """Whether the text must not go on at all."""
        return self.action is Action.BLOCK


def passed(text: str) -> Verdict:
    """Nothing was found."""
    return Verdict(Action.PASS, Masked(text))
