"""A conversation goes on: what a follow-up takes with it, and that nothing withheld comes along."""

from __future__ import annotations

from assistant.access.viewer import Viewer
from assistant.chat import selectors
from assistant.chat.events import Blocked, NoAnswer, Withheld
from assistant.chat.exporting import export_conversation
from assistant.chat.models import StoredEvent, Turn
from assistant.chat.reading import TurnView
from assistant.chat.runner import run_turn
from assistant.chat.services import start_turn
from assistant.chat.sharing import share_conversation, shared_conversation
from tests.chat.test_written_answers import Serving, serving_model
from tests.chat.told_messages import told
from tests.conftest import SmallWorld
from tests.guardrails.rules import block
from tests.providers.scripted_model import refuses, writes

__all__ = ["serving_model"]

REMOTE = "How many days a week is remote work allowed?"
FOLLOW_UP = "And when does it open?"
SALARY = "What is the salary band of a senior engineer?"
WRITTEN = "Remote work is allowed three days a week [1]."


def asked(viewer: Viewer, question: str, conversation_id: int | None = None) -> TurnView:
    turn = start_turn(viewer=viewer, question=question, conversation_id=conversation_id)
    assert run_turn(turn.pk)
    return selectors.turn(viewer=viewer, turn_id=turn.pk)


def conversation_of(view: TurnView) -> int:
    return Turn.objects.get(pk=view.id).conversation_id


def test_a_follow_up_is_searched_for_with_what_it_refers_to_and_says_so(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    first = asked(ann, "경조사 휴가는 며칠까지 쓸 수 있어요?")
    assert first.searched == ""
    then = asked(ann, "그럼 연차 휴가는요?", conversation_of(first))
    assert then.searched == "연차 휴가는 며칠까지 쓸 수 있어요?"
    assert then.passages[0].external_id == "policy-ko"


def test_without_a_conversation_nothing_is_added(small_world: SmallWorld) -> None:
    view = asked(small_world.viewer("ann"), FOLLOW_UP)
    assert view.searched == ""
    assert not StoredEvent.objects.filter(kind="searched").exists()


def test_a_follow_up_after_a_revocation_carries_nothing_of_the_withheld_turn(small_world: SmallWorld) -> None:
    bob = small_world.viewer("bob")
    first = asked(bob, SALARY)
    assert first.sentences
    small_world.documents["salaries"]["acl"] = {"allow": ["group:executives"]}
    small_world.groups["executives"]["members"] = ["user:cho@example.com"]
    small_world.sync()
    then = asked(bob, "And when is it paid?", conversation_of(first))
    assert then.searched == ""
    for word in ("salary", "senior", "82 to 96"):
        assert word not in repr(
            list(StoredEvent.objects.filter(turn=then.id).values_list("payload", flat=True))
        )


def test_a_model_is_told_no_word_of_an_answer_that_is_withheld_now(
    small_world: SmallWorld, serving_model: Serving
) -> None:
    bob = small_world.viewer("bob")
    with serving_model(writes("The salary band is 82 to 96 million won [1].")):
        first = asked(bob, SALARY)
    small_world.documents["salaries"]["acl"] = {"allow": ["group:executives"]}
    small_world.groups["executives"]["members"] = ["user:cho@example.com"]
    small_world.sync()
    with serving_model(writes("NO_ANSWER")) as server:
        then = asked(bob, "And when is it paid?", conversation_of(first))
        sent = " ".join(seen.body.decode() for seen in server.seen)
    assert isinstance(then.outcome, NoAnswer)
    assert sent
    for word in ("salary", "senior", "82 to 96", "Salary"):
        assert word not in sent


def test_a_model_makes_a_follow_up_whole_and_is_told_the_conversation(
    small_world: SmallWorld, serving_model: Serving
) -> None:
    ann = small_world.viewer("ann")
    with serving_model(writes(WRITTEN)):
        first = asked(ann, REMOTE)
    whole = "When does the office in Daejeon open?"
    with serving_model(writes(whole), writes("The office in Daejeon opens at 08:30 [1].")) as server:
        then = asked(ann, FOLLOW_UP, conversation_of(first))
        rewriting, answering = told(server)
    assert then.searched == whole
    assert then.sentences[0].citations == (1,)
    assert "Remote work is allowed three days a week." in repr(rewriting)
    assert [role for role, _ in answering] == ["system", "user", "assistant", "user"]
    assert answering[-1][1].endswith(f"Question: {whole}")


def test_what_a_model_makes_of_a_follow_up_is_checked_and_else_the_rules_hold(
    small_world: SmallWorld, serving_model: Serving
) -> None:
    ann = small_world.viewer("ann")
    for reply in ("", "x" * 2_000, "회사는 언제 문을 여나요?", "One line?\nAnother line?"):
        with serving_model(writes(WRITTEN)):
            first = asked(ann, REMOTE)
        with serving_model(writes(reply), writes("NO_ANSWER")):
            then = asked(ann, FOLLOW_UP, conversation_of(first))
        assert then.searched == "when does it open? — days week remote work allowed"


def test_a_model_that_cannot_be_reached_for_a_follow_up_is_not_replaced_by_rules(
    small_world: SmallWorld, serving_model: Serving
) -> None:
    ann = small_world.viewer("ann")
    with serving_model(writes(WRITTEN)):
        first = asked(ann, REMOTE)
    with serving_model(refuses(401)):
        then = asked(ann, FOLLOW_UP, conversation_of(first))
    assert (then.state, then.searched) == ("failed", "")


def test_a_question_that_names_its_subject_asks_the_model_once_and_tells_it_nothing_else(
    small_world: SmallWorld, serving_model: Serving
) -> None:
    ann = small_world.viewer("ann")
    with serving_model(writes(WRITTEN)):
        first = asked(ann, REMOTE)
    with serving_model(writes("It is called ondam-guest [1].")) as server:
        asked(ann, "What is the guest network called?", conversation_of(first))
        (request,) = told(server)
    assert [role for role, _ in request] == ["system", "user"]


def test_a_follow_up_is_withheld_once_what_its_model_was_told_may_not_be_read(
    small_world: SmallWorld, serving_model: Serving
) -> None:
    bob = small_world.viewer("bob")
    with serving_model(writes("The salary band is 82 to 96 million won [1].")):
        first = asked(bob, SALARY)
    rewritten = "Is the salary band of 82 to 96 million won known at the front desk?"
    with serving_model(writes(rewritten), writes("Visitors register at the front desk [1].")):
        then = asked(bob, "Is it known at the front desk?", conversation_of(first))
    assert then.searched == rewritten
    share_conversation(viewer=bob, conversation_id=conversation_of(first))
    small_world.documents["salaries"]["acl"] = {"allow": ["group:executives"]}
    small_world.groups["executives"]["members"] = ["user:cho@example.com"]
    small_world.sync()
    after = selectors.turn(viewer=bob, turn_id=then.id)
    assert isinstance(after.outcome, Withheld)
    file = export_conversation(viewer=bob, conversation_id=conversation_of(first), kind="md").content.decode()
    token = Turn.objects.get(pk=first.id).conversation.share.token
    shared = shared_conversation(viewer=small_world.viewer("sam"), token=token)
    for shown in (repr(after), file, repr(shared)):
        assert "82 to 96" not in shown
        assert "front desk [" not in shown


def test_a_reader_of_a_link_is_not_told_what_was_searched_for(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    first = asked(ann, REMOTE)
    asked(ann, FOLLOW_UP, conversation_of(first))
    share_conversation(viewer=ann, conversation_id=conversation_of(first))
    token = Turn.objects.get(pk=first.id).conversation.share.token
    shared = shared_conversation(viewer=small_world.viewer("bob"), token=token)
    assert [turn.searched for turn in shared.turns] == ["", ""]


def test_a_blocked_question_cannot_be_put_together_from_two(small_world: SmallWorld) -> None:
    block("Heron", words=["price merger"])
    cho = small_world.viewer("cho")
    first = asked(cho, "When does the merger close?")
    assert first.sentences
    then = asked(cho, "What is its price?", conversation_of(first))
    assert isinstance(then.outcome, Blocked)
    assert then.searched == ""
