"""A note on an answer's sources names only what its reader may read at that moment."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.utils import timezone

from assistant.accounts.models import User
from assistant.chat import selectors
from assistant.chat.events import NumberedEvent, to_payload
from assistant.chat.exporting import FORMATS, export_conversation, export_shared
from assistant.chat.finding import ask
from assistant.chat.models import PersonalStyle, Turn
from assistant.chat.runner import run_turn
from assistant.chat.services import follow_turn, start_turn
from assistant.chat.sharing import share_conversation, share_state, shared_conversation, shared_source
from assistant.common.errors import NotFound
from assistant.guardrails.services import install_rules
from assistant.providers.wishes import Length
from tests.chat.test_source_notes import CHAIR, DOCUMENTS, HOME, THEN, word_rule
from tests.conftest import SmallWorld
from tests.retrieval.test_retrieve import seen_with_and_without, world_of
from tests.security.asking import everything_seen

NEWER = "재택근무 가이드라인 2026"
NEWER_DAY = ("2026-03-02", "March 2, 2026", "2026년 3월 2일")
QUERIES = ("remote work", "재택근무 가이드라인 2026", "HR-RW-2.0", "home office days")


@pytest.fixture(autouse=True)
def _on_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "localdate", lambda: date(2026, 11, 22))


@pytest.fixture
def world(people: dict[str, User], tmp_path: Path, settings: LazySettings) -> SmallWorld:
    return world_of(DOCUMENTS, tmp_path / "noted", settings)


def asked(world: SmallWorld, name: str, question: str) -> Turn:
    turn = start_turn(viewer=world.viewer(name), question=question, conversation_id=None)
    if not run_turn(turn.pk):  # after a commit a thread of this process may be faster
        assert streamed(world, name, turn)[-1].startswith("done")
    return turn


def streamed(world: SmallWorld, name: str, turn: Turn) -> list[str]:
    async def follow() -> list[NumberedEvent]:
        return [one async for one in follow_turn(viewer=viewer, turn_id=turn.pk, after=0)]

    viewer = world.viewer(name)
    return [f"{one.kind} {json.dumps(to_payload(one.event))}" for one in async_to_sync(follow)()]


def everything_of(world: SmallWorld, name: str, turn: Turn) -> str:
    """All ways in which the owner sees the turn, as one text."""
    viewer = world.viewer(name)
    shown = [repr(selectors.turn(viewer=viewer, turn_id=turn.pk)), *streamed(world, name, turn)]
    shown += [
        export_conversation(viewer=viewer, conversation_id=turn.conversation_id, kind=kind).content.decode()
        for kind in FORMATS
    ]
    return "\n".join(shown)


def hide_newer(world: SmallWorld) -> None:
    world.documents["remote-new"]["acl"] = {"allow": ["group:executives"], "deny": ["user:bob@example.com"]}
    world.sync("permissions")


@pytest.mark.django_db(transaction=True)
def test_revoking_only_the_newer_document_takes_the_note_and_leaves_the_rest(world: SmallWorld) -> None:
    turn = asked(world, "bob", HOME)
    before = everything_of(world, "bob", turn)
    assert NEWER in before
    assert "superseded" in before
    hide_newer(world)
    after = everything_of(world, "bob", turn)
    assert "one day a week" in after
    assert "superseded" not in after
    assert not any(day in after for day in NEWER_DAY)
    assert NEWER not in after
    (note,) = selectors.turn(viewer=world.viewer("bob"), turn_id=turn.pk).notes
    assert note.kind == "ended"  # the older one says that itself
    number = next(n for n in range(1, 9) if not _opens(world, turn, n))
    with pytest.raises(NotFound):
        selectors.cited_source(viewer=world.viewer("bob"), turn_id=turn.pk, n=number)


def _opens(world: SmallWorld, turn: Turn, n: int) -> bool:
    try:
        selectors.cited_source(viewer=world.viewer("bob"), turn_id=turn.pk, n=n)
    except NotFound:
        return False
    return True


def test_the_reader_of_a_shared_link_is_told_only_of_what_is_theirs(world: SmallWorld) -> None:
    turn = asked(world, "bob", HOME)
    bob, ann = world.viewer("bob"), world.viewer("ann")
    share_conversation(viewer=bob, conversation_id=turn.conversation_id)
    token = share_state(viewer=bob, conversation_id=turn.conversation_id).token
    (mine,) = shared_conversation(viewer=bob, token=token).turns
    assert [note.kind for note in mine.notes] == ["superseded"]
    newer = mine.notes[0].sources[1].n
    assert shared_source(viewer=bob, token=token, turn_id=turn.pk, n=newer).document.title == NEWER
    (theirs,) = shared_conversation(viewer=ann, token=token).turns
    assert theirs.sentences == mine.sentences
    assert [note.kind for note in theirs.notes] == ["ended"]
    assert [passage.external_id for passage in theirs.passages] == ["remote-old"]
    with pytest.raises(NotFound):
        shared_source(viewer=ann, token=token, turn_id=turn.pk, n=newer)
    for kind in FORMATS:
        file = export_shared(viewer=ann, token=token, kind=kind).content.decode()
        assert "is an older version" not in file
        assert not any(day in file for day in NEWER_DAY[:1])


def test_a_stranger_sees_neither_answer_nor_note_of_a_shared_link(world: SmallWorld) -> None:
    turn = asked(world, "bob", HOME)
    bob = world.viewer("bob")
    share_conversation(viewer=bob, conversation_id=turn.conversation_id)
    token = share_state(viewer=bob, conversation_id=turn.conversation_id).token
    (theirs,) = shared_conversation(viewer=world.viewer("sam"), token=token).turns
    assert (theirs.sentences, theirs.notes, theirs.passages) == ((), (), ())


def test_a_hidden_newer_version_changes_no_byte(
    people: dict[str, User], tmp_path: Path, settings: LazySettings
) -> None:
    def look(world: SmallWorld) -> str:
        seen = everything_seen(world.viewer("ann"), queries=QUERIES, questions=(HOME, THEN, CHAIR))
        return json.dumps(seen, ensure_ascii=False, sort_keys=True)

    full, alone = seen_with_and_without(look, tmp_path, settings, DOCUMENTS)
    assert full == alone
    assert '"ended' in full.replace("\\", "")


@pytest.mark.django_db(transaction=True)
def test_revoking_one_side_of_a_conflict_takes_the_note_and_leaves_what_it_does_not_stand_on(
    world: SmallWorld,
) -> None:
    bob = User.objects.get(email="bob@example.com")
    PersonalStyle.objects.create(user=bob, length=Length.SHORT)  # one sentence, so that one side is cited
    turn = asked(world, "bob", CHAIR)
    before = selectors.turn(viewer=world.viewer("bob"), turn_id=turn.pk)
    assert [note.kind for note in before.notes] == ["conflict"]
    cited = {n for sentence in before.sentences for n in sentence.citations}
    other = next(one for one in before.notes[0].sources if one.n not in cited)
    world.documents[other.external_id]["acl"] = {"allow": ["user:sam@example.com"]}
    world.sync("permissions")
    after = everything_of(world, "bob", turn)
    assert before.sentences[0].text in after
    assert '"conflict"' not in after
    assert other.title not in after
    hidden, kept = ("350,000", "300,000") if "350" in other.quote else ("300,000", "350,000")
    assert hidden not in after
    assert kept in after


def test_a_conflict_with_what_is_hidden_is_none(world: SmallWorld) -> None:
    assert "conflict" in json.dumps(ask(CHAIR, viewer=world.viewer("bob")))
    assert "conflict" not in json.dumps(ask(CHAIR, viewer=world.viewer("ann")))


def test_who_may_read_the_newer_version_is_told_of_it(world: SmallWorld) -> None:
    """The comparison above can fail."""
    assert "superseded" in json.dumps(ask(HOME, viewer=world.viewer("bob")))
    assert "superseded" not in json.dumps(ask(HOME, viewer=world.viewer("ann")))


def test_a_newer_version_that_a_rule_blocks_is_not_named(world: SmallWorld) -> None:
    install_rules([word_rule("성수 본사", action="block", stages=["passage"])], actor="test")
    said = json.dumps(ask(HOME, viewer=world.viewer("bob")), ensure_ascii=False)
    assert "one day a week" in said
    assert '"ended"' in said
    assert '"superseded"' not in said
