"""What people say of their answers."""

from __future__ import annotations

import pytest

from assistant.chat.feedback import give_feedback
from assistant.chat.models import Feedback
from assistant.chat.runner import run_turn
from assistant.chat.services import start_turn
from assistant.common.errors import NotFound, UsageError
from tests.conftest import SmallWorld
from tests.guardrails.rules import publish, written

QUESTION = "How many days a week is remote work allowed?"


def answered(world: SmallWorld, name: str = "ann") -> int:
    turn = start_turn(viewer=world.viewer(name), question=QUESTION, conversation_id=None)
    assert run_turn(turn.pk)
    return turn.pk


def test_the_last_word_of_a_person_counts(small_world: SmallWorld) -> None:
    ann, turn = small_world.viewer("ann"), answered(small_world)
    give_feedback(viewer=ann, turn_id=turn, useful=True)
    why = ["wrong", "outdated"]
    give_feedback(viewer=ann, turn_id=turn, useful=False, reasons=why, comment=" It is two. ")
    [row] = Feedback.objects.all()
    assert (row.useful, row.reasons, row.comment) == (False, ["outdated", "wrong"], "It is two.")
    give_feedback(viewer=ann, turn_id=turn, useful=True)
    [row] = Feedback.objects.all()
    assert (row.useful, row.reasons, row.comment) == (True, [], "")


def test_nobody_speaks_of_somebody_elses_answer(small_world: SmallWorld) -> None:
    turn = answered(small_world)
    with pytest.raises(NotFound):
        give_feedback(viewer=small_world.viewer("bob"), turn_id=turn, useful=True)
    assert not Feedback.objects.exists()


def test_an_answer_that_is_still_written_cannot_be_judged(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    turn = start_turn(viewer=ann, question=QUESTION, conversation_id=None)
    with pytest.raises(UsageError, match="still being written"):
        give_feedback(viewer=ann, turn_id=turn.pk, useful=True)


@pytest.mark.parametrize(
    ("reasons", "comment", "said"),
    [(["because"], "", "'because' is no reason"), ([], "x" * 1_001, "1001 characters")],
)
def test_what_cannot_be_kept_is_refused(
    small_world: SmallWorld, reasons: list[str], comment: str, said: str
) -> None:
    turn = answered(small_world)
    with pytest.raises(UsageError, match=said):
        give_feedback(
            viewer=small_world.viewer("ann"),
            turn_id=turn,
            useful=False,
            reasons=reasons,
            comment=comment,
        )
    assert not Feedback.objects.exists()


def test_what_a_rule_hides_is_hidden_in_a_comment(small_world: SmallWorld) -> None:
    publish(written("words", "W", action="mask", words=["falcon"]))
    turn = answered(small_world)
    give_feedback(viewer=small_world.viewer("ann"), turn_id=turn, useful=False, comment="See project falcon.")
    assert "falcon" not in Feedback.objects.get().comment
