"""Turns: what is stored, what is shown, and to whom."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assistant.access.viewer import Viewer
from assistant.accounts.models import User
from assistant.audit.models import AuditEvent
from assistant.chat import runner, selectors
from assistant.chat.events import Blocked, NoAnswer, Withheld
from assistant.chat.models import StoredEvent, Turn
from assistant.chat.runner import fail_if_orphaned, run_turn
from assistant.chat.services import delete_conversation, start_turn, stop_turn
from assistant.common.errors import NotFound, UsageError
from assistant.providers.contract import AnswerSentence, ContextWanted, ModelRequest, Quote
from tests.conftest import SmallWorld
from tests.guardrails.rules import block

QUESTION = "How many days a week is remote work allowed?"


def asked(viewer: Viewer, question: str = QUESTION, conversation_id: int | None = None) -> Turn:
    """A turn that has been run to its end in this thread."""
    turn = start_turn(viewer=viewer, question=question, conversation_id=conversation_id)
    assert run_turn(turn.pk)
    return turn


def test_an_answer_quotes_its_source_with_exact_offsets(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    turn = asked(ann)
    view = selectors.turn(viewer=ann, turn_id=turn.pk)
    assert view.state == "done"
    assert "three days a week" in view.sentences[0].text
    assert view.sentences[0].citations == (1,)
    source = selectors.cited_source(viewer=ann, turn_id=turn.pk, n=1)
    assert source.document.external_id == "handbook"
    text = "\n\n".join(block.text for block in source.document.blocks)
    start, end = source.quotes[0]
    assert text[start:end] == view.sentences[0].text


def test_a_korean_question_is_answered_in_korean(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    view = selectors.turn(viewer=ann, turn_id=asked(ann, "경조사 휴가는 며칠까지 쓸 수 있어요?").pk)
    assert "5일" in view.sentences[0].text
    assert view.passages[0].external_id == "policy-ko"


def test_a_question_about_what_may_not_be_read_is_answered_as_if_it_did_not_exist(
    small_world: SmallWorld,
) -> None:
    question = "What is the salary band of a senior engineer?"
    ann, bob = small_world.viewer("ann"), small_world.viewer("bob")
    assert "82 to 96" in selectors.turn(viewer=bob, turn_id=asked(bob, question).pk).sentences[0].text
    view = selectors.turn(viewer=ann, turn_id=asked(ann, question).pk)
    shown = repr(view)
    assert "82 to 96" not in shown
    assert "Salary bands" not in shown


def test_a_stranger_gets_no_answer_and_is_told_how_little_was_searched(small_world: SmallWorld) -> None:
    sam = small_world.viewer("sam")
    view = selectors.turn(viewer=sam, turn_id=asked(sam).pk)
    assert view.outcome == NoAnswer(documents=1)
    assert view.sentences == ()


def test_the_events_of_a_turn_are_stored_in_order_and_carry_no_passages(small_world: SmallWorld) -> None:
    turn = asked(small_world.viewer("ann"))
    events = list(StoredEvent.objects.filter(turn=turn))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    kinds = [event.kind for event in events]
    assert kinds[:3] == ["status", "status", "status"]
    assert kinds[-2:] == ["citations", "done"]
    assert events[-2].payload == {}


def test_a_turn_runs_once(small_world: SmallWorld) -> None:
    turn = asked(small_world.viewer("ann"))
    assert not run_turn(turn.pk)


def test_an_answer_is_withheld_once_its_document_is_revoked_and_shown_again_with_the_right(
    small_world: SmallWorld,
) -> None:
    ann = small_world.viewer("ann")
    turn = asked(ann)
    small_world.documents["handbook"]["acl"] = {"allow": ["group:hr"]}
    small_world.sync()
    view = selectors.conversation(viewer=ann, conversation_id=turn.conversation_id).turns[0]
    assert view.outcome == Withheld()
    assert view.sentences == ()
    assert view.passages == ()
    with pytest.raises(NotFound):
        selectors.cited_source(viewer=ann, turn_id=turn.pk, n=1)
    small_world.documents["handbook"]["acl"] = {"allow": ["group:staff"]}
    small_world.sync()
    assert selectors.turn(viewer=ann, turn_id=turn.pk).sentences


def test_a_source_that_changed_since_is_opened_without_marks(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    turn = asked(ann)
    small_world.documents["handbook"]["text"] = "Remote work now needs an agreement with the manager."
    small_world.sync()
    source = selectors.cited_source(viewer=ann, turn_id=turn.pk, n=1)
    assert source.changed
    assert source.quotes == ()
    assert source.passage is None


def test_nobody_else_can_read_stop_or_delete_a_conversation(small_world: SmallWorld) -> None:
    turn = asked(small_world.viewer("ann"))
    bob = small_world.viewer("bob")
    missing = turn.pk + 1000
    for act in (
        lambda number: selectors.turn(viewer=bob, turn_id=number),
        lambda number: selectors.conversation(viewer=bob, conversation_id=number),
        lambda number: selectors.cited_source(viewer=bob, turn_id=number, n=1),
        lambda number: stop_turn(viewer=bob, turn_id=number),
        lambda number: delete_conversation(viewer=bob, conversation_id=number),
        lambda number: start_turn(viewer=bob, question="hello there", conversation_id=number),
    ):
        messages = []
        for number in (turn.pk, missing):
            with pytest.raises(NotFound) as caught:
                act(number)
            messages.append(str(caught.value))
        assert messages[0] == messages[1]
    assert selectors.conversations(viewer=bob) == []


@pytest.mark.parametrize("question", ["", "   \n", "x" * 4001])
def test_an_empty_or_endless_question_is_refused_and_leaves_nothing(
    small_world: SmallWorld, question: str
) -> None:
    with pytest.raises(UsageError):
        start_turn(viewer=small_world.viewer("ann"), question=question, conversation_id=None)
    assert selectors.conversations(viewer=small_world.viewer("ann")) == []


def test_a_stopped_turn_keeps_what_came(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    turn = start_turn(viewer=ann, question=QUESTION, conversation_id=None)
    stop_turn(viewer=ann, turn_id=turn.pk)
    run_turn(turn.pk)
    view = selectors.turn(viewer=ann, turn_id=turn.pk)
    assert view.state == "stopped"
    assert not view.is_open


def test_a_blocked_question_names_its_topic_and_is_audited(small_world: SmallWorld) -> None:
    block("Mergers", words=["merger"], message="Ask the legal team.")
    cho = small_world.viewer("cho")
    turn = asked(cho, "When does the merger close?")
    view = selectors.turn(viewer=cho, turn_id=turn.pk)
    assert view.state == "blocked"
    assert view.outcome == Blocked("Mergers", "Ask the legal team.")
    assert view.sentences == ()
    event = AuditEvent.objects.get(event="turn_blocked")
    assert event.actor == "cho@example.com"
    assert event.data == {"turn": turn.pk, "topic": "Mergers"}


def test_an_answer_on_a_blocked_topic_is_not_released(small_world: SmallWorld) -> None:
    block("Money", words=["billion"])
    cho = small_world.viewer("cho")
    view = selectors.turn(viewer=cho, turn_id=asked(cho, "What is the price of Project Heron?").pk)
    assert "41" not in repr(view.sentences)


def test_a_turn_whose_process_died_ends_as_failed(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    turn = start_turn(viewer=ann, question=QUESTION, conversation_id=None)
    Turn.objects.filter(pk=turn.pk).update(state="running", lease_until="2020-01-01T00:00:00Z")
    assert fail_if_orphaned(turn.pk)
    assert not fail_if_orphaned(turn.pk)
    view = selectors.turn(viewer=ann, turn_id=turn.pk)
    assert view.state == "failed"
    assert not view.is_open


def test_several_turns_share_a_conversation_titled_by_its_first_question(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    first = asked(ann)
    asked(ann, "When does the office in Daejeon open?", first.conversation_id)
    view = selectors.conversation(viewer=ann, conversation_id=first.conversation_id)
    assert [turn.question for turn in view.turns] == [QUESTION, "When does the office in Daejeon open?"]
    assert [item.title for item in selectors.conversations(viewer=ann)] == [QUESTION]


def test_a_sentence_without_a_citation_is_withheld_with_anything_that_was_read(
    small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Loose:
        """A model that forgets to cite, and cites what does not exist."""

        name = "loose"

        context = ContextWanted.NONE

        def answer(self, request: ModelRequest) -> Iterator[AnswerSentence]:
            yield AnswerSentence(request.sources[0].text, ())
            yield AnswerSentence("And more.", (Quote(99, 0, 5),))

    monkeypatch.setattr(runner, "named_chat_model", lambda _name: Loose())
    ann = small_world.viewer("ann")
    turn = asked(ann)
    shown = selectors.turn(viewer=ann, turn_id=turn.pk)
    assert [sentence.citations for sentence in shown.sentences] == [(), ()]
    small_world.documents["handbook"]["acl"] = {"allow": ["group:hr"]}
    small_world.sync()
    assert selectors.turn(viewer=ann, turn_id=turn.pk).outcome == Withheld()


def test_a_count_of_what_was_searched_is_that_of_the_moment_it_is_read(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    turn = asked(ann, "Who won the football world cup of 1954?")
    assert selectors.turn(viewer=ann, turn_id=turn.pk).outcome == NoAnswer(3)
    small_world.groups["staff"]["members"] = []
    small_world.sync()
    assert selectors.turn(viewer=ann, turn_id=turn.pk).outcome == NoAnswer(1)


def test_a_closed_account_reads_nothing_any_more(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    turn = asked(ann)
    User.objects.filter(pk=ann.user_id).update(is_active=False)
    assert selectors.conversations(viewer=ann) == []
    with pytest.raises(NotFound):
        selectors.turn(viewer=ann, turn_id=turn.pk)
