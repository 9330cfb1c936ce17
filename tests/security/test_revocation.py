"""What a sync has recorded is obeyed by the next request, everywhere."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.utils import timezone

from assistant.access.door import open_document
from assistant.access.viewer import Viewer
from assistant.chat import selectors
from assistant.chat.events import Token, Withheld
from assistant.chat.finding import ask, search
from assistant.chat.models import Citation, Conversation, StoredEvent, Turn, TurnState
from assistant.chat.runner import run_turn
from assistant.chat.services import follow_turn
from assistant.common.errors import NotFound
from assistant.documents.models import Document
from tests.conftest import SmallWorld
from tests.security.second_process import SecondProcess

QUESTION = "How many days a week is remote work allowed?"
SECRET = "three days a week"


def _by_the_list(world: SmallWorld) -> None:
    world.documents["handbook"]["acl"] = {"allow": ["group:executives"]}


def _by_the_group(world: SmallWorld) -> None:
    world.groups["staff"]["members"] = ["group:hr", "group:executives"]


def _by_a_nested_group(world: SmallWorld) -> None:
    world.groups["staff"]["members"] = ["group:office"]
    world.groups["office"] = {"group": "office", "members": ["group:hr"]}


def _by_a_deny(world: SmallWorld) -> None:
    world.documents["handbook"]["acl"] = {"deny": ["user:ann@example.com"], "allow": ["group:staff"]}


def _by_no_list(world: SmallWorld) -> None:
    del world.documents["handbook"]["acl"]


def _by_deletion(world: SmallWorld) -> None:
    del world.documents["handbook"]


CHANGES = [_by_the_list, _by_the_group, _by_a_nested_group, _by_a_deny, _by_no_list, _by_deletion]
QUICK = [(change, "permissions") for change in CHANGES[:5]]


def _answered_turn(viewer: Viewer) -> Turn:
    conversation = Conversation.objects.create(user_id=viewer.user_id, title="Remote work")
    turn = Turn.objects.create(
        conversation=conversation, question=QUESTION, language="en", model="extractive"
    )
    assert run_turn(turn.pk)
    assert SECRET in _shown(viewer, turn)
    return turn


def _shown(viewer: Viewer, turn: Turn) -> str:
    view = selectors.conversation(viewer=viewer, conversation_id=turn.conversation_id)
    return repr([(shown.sentences, shown.passages, shown.outcome) for shown in view.turns])


def _searched(viewer: Viewer) -> str:
    return json.dumps(search("remote work laptop", viewer=viewer, k=10))


@pytest.mark.parametrize(
    ("change", "kind"),
    [*((change, "incremental") for change in CHANGES), *QUICK],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_recorded_change_is_obeyed_on_every_way_out(
    small_world: SmallWorld, change: Callable[[SmallWorld], None], kind: str
) -> None:
    ann = small_world.viewer("ann")
    turn = _answered_turn(ann)
    cited = Citation.objects.filter(turn=turn, document__external_id="handbook").exclude(quotes=[]).first()
    document = Document.objects.get(external_id="handbook").pk
    assert cited is not None
    assert selectors.cited_source(viewer=ann, turn_id=turn.pk, n=cited.n).quotes
    assert "handbook" in _searched(ann)

    change(small_world)
    small_world.sync(kind)

    assert "handbook" not in _searched(ann)
    assert SECRET not in json.dumps(ask(QUESTION, viewer=ann))
    shown = _shown(ann, turn)
    assert SECRET not in shown
    assert "Withheld" in shown
    with pytest.raises(NotFound):
        selectors.cited_source(viewer=ann, turn_id=turn.pk, n=cited.n)
    with pytest.raises(NotFound):
        open_document(viewer=ann, document_id=document)


def test_what_was_given_back_is_shown_again(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    turn = _answered_turn(ann)
    kept = dict(small_world.documents["handbook"])
    _by_the_list(small_world)
    small_world.sync("permissions")
    assert SECRET not in _shown(ann, turn)
    small_world.documents["handbook"] = kept
    small_world.sync("permissions")
    assert SECRET in _shown(ann, turn)


def _still_running(viewer: Viewer) -> Turn:
    """A turn whose sentences are out and whose end is not."""
    turn = _answered_turn(viewer)
    StoredEvent.objects.filter(turn=turn, kind__in=["done", "citations"]).delete()
    Turn.objects.filter(pk=turn.pk).update(
        state=TurnState.RUNNING, lease_until=timezone.now() + timedelta(minutes=5)
    )
    return turn


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", [_by_the_list, _by_the_group], ids=lambda change: change.__name__)
def test_a_running_stream_is_cut_within_two_seconds(
    small_world: SmallWorld, change: Callable[[SmallWorld], None]
) -> None:
    ann = small_world.viewer("ann")
    turn = _still_running(ann)
    change(small_world)
    recorded: list[float] = []

    def revoke() -> None:
        small_world.sync("permissions")
        recorded.append(time.monotonic())
        connections.close_all()

    async def watched() -> float:
        revoking: asyncio.Task[None] | None = None
        texts = []
        async for numbered in follow_turn(viewer=ann, turn_id=turn.pk, after=0):
            match numbered.event:
                case Token(text=text):
                    texts.append(text)
                    revoking = revoking or asyncio.create_task(
                        sync_to_async(revoke, thread_sensitive=False)()
                    )
                case Withheld():
                    ended = time.monotonic()
                    assert revoking is not None
                    await revoking
                    assert SECRET in " ".join(texts)
                    return ended
        raise AssertionError("the stream ended without a word")

    ended = asyncio.run(asyncio.wait_for(watched(), timeout=30))
    assert ended - recorded[0] < 2.0


@pytest.mark.django_db(transaction=True)
def test_a_second_process_with_a_warm_mask_obeys_at_once(small_world: SmallWorld, tmp_path: Path) -> None:
    with SecondProcess(tmp_path) as other:
        assert other.ask("ann", "mask") == ["handbook", "open", "policy-ko"]
        assert "handbook" in other.ask("ann", "search", "remote work")
        assert SECRET in other.ask("ann", "ask", QUESTION)[0]
        for change in (_by_the_list, _by_no_list):
            kept = {name: dict(document) for name, document in small_world.documents.items()}
            change(small_world)
            small_world.sync("permissions")
            assert other.ask("ann", "mask") == ["open", "policy-ko"]
            assert "handbook" not in other.ask("ann", "search", "remote work")
            assert SECRET not in other.ask("ann", "ask", QUESTION)[0]
            small_world.documents = kept
            small_world.sync("permissions")
            assert other.ask("ann", "door") == ["handbook", "open", "policy-ko"]
        _by_the_group(small_world)
        small_world.sync("permissions")
        assert other.ask("ann", "mask") == other.ask("ann", "door") == ["open"]
        assert SECRET not in other.ask("ann", "ask", QUESTION)[0]
        small_world.documents["new"] = {
            "id": "new",
            "title": "New",
            "text": "New.",
            "acl": {"allow": ["everyone"]},
        }
        small_world.sync()
        assert other.ask("sam", "mask") == other.ask("sam", "door") == ["new", "open"]
