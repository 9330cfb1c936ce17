"""Streams: replay, resume, the end of a right in the middle, and the answer_turn contract."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from asgiref.sync import sync_to_async

from assistant.access.viewer import Viewer
from assistant.chat import runner
from assistant.chat.events import Citations, Done, NumberedEvent, Status, Token, Withheld
from assistant.chat.services import answer_turn, follow_turn, start_turn
from assistant.common.errors import NotFound
from assistant.providers.contract import AnswerSentence, ContextWanted, ModelRequest, Quote
from tests.conftest import SmallWorld

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "How many days a week is remote work allowed?"


async def followed(viewer: Viewer, turn_id: int, after: int = 0) -> list[NumberedEvent]:
    return [event async for event in follow_turn(viewer=viewer, turn_id=turn_id, after=after)]


async def test_a_turn_streams_its_events_to_the_end(small_world: SmallWorld) -> None:
    ann = await sync_to_async(small_world.viewer)("ann")
    events = [event async for event in answer_turn(viewer=ann, conversation=None, question=QUESTION)]
    assert events[0] == Status("searching")
    assert any(isinstance(event, Token) and "three days" in event.text for event in events)
    citations = next(event for event in events if isinstance(event, Citations))
    assert citations.passages[0].external_id == "handbook"
    assert citations.passages[0].cited
    assert isinstance(events[-1], Done)


async def test_a_second_tab_sees_the_same_and_a_lost_line_continues(small_world: SmallWorld) -> None:
    ann = await sync_to_async(small_world.viewer)("ann")
    turn = await sync_to_async(start_turn)(viewer=ann, question=QUESTION, conversation_id=None)
    first, second = await asyncio.gather(followed(ann, turn.pk), followed(ann, turn.pk))
    assert first == second
    assert [event.seq for event in first] == list(range(1, len(first) + 1))
    assert await followed(ann, turn.pk, after=2) == first[2:]
    assert await followed(ann, turn.pk, after=len(first)) == []


async def test_somebody_elses_stream_is_not_there(small_world: SmallWorld) -> None:
    ann = await sync_to_async(small_world.viewer)("ann")
    turn = await sync_to_async(start_turn)(viewer=ann, question=QUESTION, conversation_id=None)
    bob = await sync_to_async(small_world.viewer)("bob")
    with pytest.raises(NotFound):
        await followed(bob, turn.pk)
    await followed(ann, turn.pk)


class SlowModel:
    """Quotes its first source again and again, slowly, as a model on a busy server would."""

    name = "slow"

    context = ContextWanted.NONE

    def answer(self, request: ModelRequest) -> Iterator[AnswerSentence]:
        """A sentence each 100 ms for up to 20 seconds."""
        for _ in range(200):
            source = request.sources[0]
            yield AnswerSentence(source.text[:40], (Quote(1, 0, 40),), quoted=True)
            time.sleep(0.1)


async def test_a_running_stream_is_cut_within_two_seconds_of_a_revocation(
    small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "named_chat_model", lambda _name: SlowModel())
    ann = await sync_to_async(small_world.viewer)("ann")
    turn = await sync_to_async(start_turn)(viewer=ann, question=QUESTION, conversation_id=None)
    revoked_at = 0.0
    last: NumberedEvent | None = None
    tokens_after = 0
    async for event in follow_turn(viewer=ann, turn_id=turn.pk, after=0):
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
