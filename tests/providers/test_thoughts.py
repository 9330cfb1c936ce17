"""Thoughts that a model writes before its answer are not part of it, however they arrive."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from assistant.providers.thoughts import spoken


def cut(text: str, lengths: list[int]) -> list[str]:
    """The text in pieces."""
    pieces, at = [], 0
    for length in lengths:
        pieces.append(text[at : at + length])
        at += length
    return [*pieces, text[at:]]


PIECES = st.lists(st.integers(1, 9), max_size=30)


@given(st.text(alphabet="ab <>/think네.", max_size=60), PIECES)
def test_thoughts_are_left_out_and_the_answer_is_not(thought: str, lengths: list[int]) -> None:
    assume("</think>" not in thought)
    message = f"\n<think>{thought}</think>Three <think> days.</think>"
    assert "".join(spoken(cut(message, lengths))) == "Three <think> days.</think>"
    begun = f"{thought}</think>Three."
    assert "".join(spoken(cut(begun, lengths), thinking=True)) == "Three."


@given(st.text(alphabet="ab <>/think네.", max_size=60), PIECES)
def test_what_does_not_begin_with_thoughts_is_handed_on_as_it_is(message: str, lengths: list[int]) -> None:
    if not message.lstrip().startswith("<think>"):
        assert "".join(spoken(cut(message, lengths))) == message


def test_the_first_word_does_not_wait_for_the_second() -> None:
    def pieces() -> list[str]:
        raise AssertionError("asked for more than was needed")

    def coming() -> object:
        yield "Three"
        yield from pieces()

    assert next(spoken(coming())) == "Three"  # type: ignore[arg-type]


def test_of_thoughts_without_an_end_nothing_is_said() -> None:
    assert list(spoken(["<think>", "Let me see", ""])) == []
