"""A question that is asked before others is answered for all of them; read alone, it is its owner's again."""

from __future__ import annotations

import time

import pytest
from asgiref.sync import sync_to_async

from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.models import User
from assistant.accounts.people import close_account
from assistant.chat import runner, selectors
from assistant.chat.events import NoAnswer, NumberedEvent, Token, Withheld
from assistant.chat.models import PersonalStyle, Turn
from assistant.chat.reading import TurnView
from assistant.chat.runner import run_turn
from assistant.chat.services import answer_turn, follow_turn, start_turn
from assistant.common.errors import NotFound
from tests.chat.test_streams import QUESTION, SlowModel
from tests.chat.test_written_answers import Serving, serving_model
from tests.chat.told_messages import told
from tests.conftest import SmallWorld
from tests.providers.scripted_model import writes

__all__ = ["serving_model"]

SALARY = "What is the salary band of a senior engineer?"
FOLLOW_UP = "And when does it open?"


def beside(world: SmallWorld, name: str, *others: str) -> Viewer:
    user = User.objects.get(email=f"{name}@example.com")
    return viewer_for(user, beside=[world.viewer(other).user_id for other in others])


def asked(viewer: Viewer, question: str, conversation_id: int | None = None) -> TurnView:
    turn = start_turn(viewer=viewer, question=question, conversation_id=conversation_id)
    assert run_turn(turn.pk)
    return selectors.turn(viewer=viewer, turn_id=turn.pk)


def conversation_of(view: TurnView) -> int:
    return Turn.objects.get(pk=view.id).conversation_id


@pytest.mark.django_db
class TestAnAnswer:
    """Of a turn that has ended."""

    def test_is_made_of_what_all_may_read(self, small_world: SmallWorld) -> None:
        bob, with_ann = beside(small_world, "bob"), beside(small_world, "bob", "ann")
        assert "82 to 96" in repr(asked(bob, SALARY).sentences)
        view = asked(with_ann, SALARY)
        assert "82 to 96" not in repr(view)
        assert "salaries" not in repr(view)
        common = asked(with_ann, QUESTION)
        assert "three days a week" in repr(common.sentences)
        assert common.passages

    def test_is_withheld_from_all_once_one_may_read_no_more_and_stays_its_owner_s(
        self, small_world: SmallWorld
    ) -> None:
        bob, with_ann = beside(small_world, "bob"), beside(small_world, "bob", "ann")
        view = asked(with_ann, QUESTION)
        assert Turn.objects.get(pk=view.id).seen_by == list(with_ann.beside)
        small_world.documents["handbook"]["acl"] = {"allow": ["group:hr"]}
        small_world.sync("permissions")
        assert isinstance(selectors.turn(viewer=with_ann, turn_id=view.id).outcome, Withheld)
        assert "three days" in repr(selectors.turn(viewer=bob, turn_id=view.id).sentences)

    def test_says_nothing_beside_a_closed_account(self, small_world: SmallWorld) -> None:
        with_ann = beside(small_world, "bob", "ann")
        turn = start_turn(viewer=with_ann, question=QUESTION, conversation_id=None)
        close_account(user_id=with_ann.beside[0], actor="test")
        assert run_turn(turn.pk)
        alone = selectors.turn(viewer=beside(small_world, "bob"), turn_id=turn.pk)
        assert not alone.sentences
        assert isinstance(alone.outcome, NoAnswer | Withheld)

    def test_that_was_private_is_not_there_for_others(self, small_world: SmallWorld) -> None:
        private = asked(beside(small_world, "bob"), QUESTION)
        with pytest.raises(NotFound):
            selectors.turn(viewer=beside(small_world, "bob", "ann"), turn_id=private.id)


@pytest.mark.django_db
class TestAConversation:
    """What a model is told of it."""

    def test_brings_along_only_what_was_asked_before_all(
        self, small_world: SmallWorld, serving_model: Serving
    ) -> None:
        """Also where all may read every document that the private answer stands on."""
        bob, with_ann = beside(small_world, "bob"), beside(small_world, "bob", "ann")
        reply = "Remote work is allowed three days a week [1]."
        with serving_model(writes(reply)):
            private = asked(bob, "Heron: how many days a week is remote work allowed?")
        with serving_model(writes(reply), writes(reply)) as server:
            shared = asked(with_ann, QUESTION, conversation_of(private))
            assert "Heron" not in " ".join(seen.body.decode() for seen in server.seen)
        whole = "When does the office in Daejeon open?"
        with serving_model(writes(whole), writes("The office in Daejeon opens at 08:30 [1].")) as server:
            then = asked(with_ann, FOLLOW_UP, conversation_of(private))
            rewriting, _ = told(server)
        assert then.searched == whole
        assert QUESTION in repr(rewriting)
        assert "Heron" not in repr(rewriting)
        with serving_model(writes(whole), writes("The office in Daejeon opens at 08:30 [1].")) as server:
            asked(bob, FOLLOW_UP, conversation_of(private))
            assert "Heron" in " ".join(seen.body.decode() for seen in server.seen)
        assert shared.sentences

    def test_tells_nobody_what_its_owner_wishes_of_answers(
        self, small_world: SmallWorld, serving_model: Serving
    ) -> None:
        bob = User.objects.get(email="bob@example.com")
        PersonalStyle.objects.create(user=bob, instructions="Remember that I lead project Quetzal.")
        for viewer, is_told in ((viewer_for(bob), True), (beside(small_world, "bob", "ann"), False)):
            with serving_model(writes("Remote work is allowed three days a week [1].")) as server:
                asked(viewer, QUESTION)
                assert ("Quetzal" in " ".join(seen.body.decode() for seen in server.seen)) is is_told


@pytest.mark.django_db(transaction=True)
async def test_a_running_stream_is_cut_within_two_seconds_when_one_beside_may_read_no_more(
    small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "named_chat_model", lambda _name: SlowModel())
    with_ann = await sync_to_async(beside)(small_world, "bob", "ann")
    turn = await sync_to_async(start_turn)(viewer=with_ann, question=QUESTION, conversation_id=None)
    revoked_at = 0.0
    last: NumberedEvent | None = None
    tokens_after = 0
    async for event in follow_turn(viewer=with_ann, turn_id=turn.pk, after=0):
        last = event
        if isinstance(event.event, Token):
            if revoked_at:
                tokens_after += 1
            else:
                small_world.documents["handbook"]["acl"] = {"allow": ["group:hr"]}
                await sync_to_async(small_world.sync)("permissions")
                revoked_at = time.monotonic()
    assert last is not None
    assert isinstance(last.event, Withheld)
    assert time.monotonic() - revoked_at < 2
    assert tokens_after == 0
    stored = await sync_to_async(lambda: Turn.objects.get(pk=turn.pk))()
    assert stored.seen_by == list(with_ann.beside)


@pytest.mark.django_db(transaction=True)
async def test_a_question_asked_and_followed_in_one_tells_nothing_that_a_member_may_not_read(
    small_world: SmallWorld,
) -> None:
    """Through the door that a channel uses: what bob may read, and ann and sam beside him may not."""
    for others, question, secrets in (
        (("ann",), SALARY, ("82 to 96", "Salary bands", "salaries")),
        (("ann", "sam"), QUESTION, ("three days", "Employee handbook", "handbook")),
    ):
        viewer = await sync_to_async(beside)(small_world, "bob", *others)
        told_all = [event async for event in answer_turn(viewer=viewer, conversation=None, question=question)]
        assert told_all
        for secret in secrets:
            assert secret not in repr(told_all)
        alone = await sync_to_async(beside)(small_world, "bob")
        told_bob = [event async for event in answer_turn(viewer=alone, conversation=None, question=question)]
        assert secrets[0] in repr(told_bob)
