"""How much of an answer must be carried: at every moment, and nothing shown is taken back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assistant.chat.answering import Answer, answer
from assistant.chat.events import Blocked, Token, TurnEvent
from assistant.guardrails.tally import Tally
from assistant.guardrails.verdict import Action
from assistant.providers.contract import AnswerSentence, ContextWanted, ModelRequest, Quote
from tests.conftest import SmallWorld
from tests.guardrails.rules import publish, written


class Half:
    """A chat model whose sentences are carried where `pattern` has an x."""

    name = "half"
    context = ContextWanted.NONE

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def answer(self, request: ModelRequest) -> Iterator[AnswerSentence]:
        carried = (Quote(1, 0, len(request.sources[0].text)),)
        for number, mark in enumerate(self._pattern):
            yield AnswerSentence(f"Sentence {number}.", carried if mark == "x" else ())


def told(world: SmallWorld, pattern: str) -> tuple[str, list[TurnEvent]]:
    """The released sentences by number, and the events."""
    events = list(
        answer(
            "How many days a week is remote work allowed?",
            viewer=world.viewer("ann"),
            model=Half(pattern),
            into=Answer(),
        )
    )
    numbers = "".join(event.text.split()[1][:-1] for event in events if isinstance(event, Token))
    return numbers, events


@pytest.mark.parametrize(
    ("share", "pattern", "released"),
    [
        (100, "x.x.x", "024"),
        (50, "x.x..", "0123"),
        (50, ".x.", "12"),
        (1, "..x.", "23"),
        (80, "xxxx.", "01234"),
        (81, "xxxx.", "0123"),
        (100, "...", ""),
    ],
)
def test_a_sentence_that_would_miss_the_share_is_left_out(
    small_world: SmallWorld, share: int, pattern: str, released: str
) -> None:
    publish(written("grounding", "Carried", action="mask", share=share))
    assert told(small_world, pattern)[0] == released


def test_the_answer_ends_where_the_rule_blocks(small_world: SmallWorld) -> None:
    publish(written("grounding", "Carried", action="block", share=60, message="Enough."))
    numbers, events = told(small_world, "xx..x")
    assert numbers == "012"
    assert events[-1] == Blocked("", "Enough.")


def test_a_rule_that_only_notes_releases_all_and_counts(small_world: SmallWorld) -> None:
    publish(written("grounding", "Carried", action="detect", share=100))
    into = Answer()
    events = list(answer("remote work?", viewer=small_world.viewer("ann"), model=Half("x.x."), into=into))
    assert sum(isinstance(event, Token) for event in events) == 4
    assert isinstance(into.tally, Tally)
    assert into.tally.count(Action.DETECT) == 2
