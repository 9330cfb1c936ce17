"""A shared conversation shows each reader only what they may read themselves, at that moment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assistant.access.viewer import Viewer
from assistant.accounts.models import User
from assistant.audit.models import AuditEvent
from assistant.chat import runner, selectors
from assistant.chat.events import Blocked, NoAnswer, Withheld
from assistant.chat.models import Share, StoredEvent, Turn
from assistant.chat.runner import run_turn
from assistant.chat.services import delete_conversation, start_turn
from assistant.chat.sharing import (
    share_conversation,
    share_state,
    shared_conversation,
    shared_question,
    shared_source,
    stop_sharing,
)
from assistant.common.errors import NotFound, UsageError
from assistant.documents.models import Document
from assistant.providers.contract import AnswerSentence, ContextWanted, ModelRequest, Quote
from tests.conftest import SmallWorld
from tests.guardrails.rules import block

REMOTE = "How many days a week is remote work allowed?"
MERGER = "When does the merger with Heron Logistics close?"
GUESTS = "What is the guest network called?"
ZEBRA = "Which zebra won the Antarctic chess tournament?"
# What each question's document says and no other; who may not read it must never see it.
CANARIES = {"handbook": "three days a week", "merger": "30 September", "open": "ondam-guest"}
TITLES = {"handbook": "Employee handbook", "merger": "Project Heron", "open": "Visitor information"}
READS = {
    "ann": {"handbook", "open"},
    "bob": {"handbook", "open"},
    "cho": {"handbook", "open", "merger"},
    "sam": {"open"},
    "ada": {"open"},
}


def asked(viewer: Viewer, question: str, conversation_id: int | None = None) -> Turn:
    """A turn that has been run to its end in this thread."""
    turn = start_turn(viewer=viewer, question=question, conversation_id=conversation_id)
    assert run_turn(turn.pk)
    return turn


def shared_by(viewer: Viewer, *questions: str) -> tuple[int, str]:
    """The conversation in which the questions were asked, and its link's token."""
    conversation_id: int | None = None
    for question in questions:
        conversation_id = asked(viewer, question, conversation_id).conversation_id
    assert conversation_id is not None
    share_conversation(viewer=viewer, conversation_id=conversation_id)
    return conversation_id, share_state(viewer=viewer, conversation_id=conversation_id).token


@pytest.mark.parametrize("name", list(READS))
def test_each_reader_sees_exactly_the_answers_that_stand_on_what_they_may_read(
    small_world: SmallWorld, name: str
) -> None:
    _, token = shared_by(small_world.viewer("cho"), REMOTE, MERGER, GUESTS)
    shown = shared_conversation(viewer=small_world.viewer(name), token=token)
    assert [turn.question for turn in shown.turns] == [REMOTE, MERGER, GUESTS]
    for turn, document in zip(shown.turns, ("handbook", "merger", "open"), strict=True):
        readable = document in READS[name]
        assert (CANARIES[document] in repr(turn.sentences)) is readable
        assert {passage.title for passage in turn.passages} == ({TITLES[document]} if readable else set())
        assert (turn.outcome == Withheld()) is not readable
    for document in CANARIES.keys() - READS[name]:
        assert CANARIES[document] not in repr(shown)
        assert TITLES[document] not in repr(shown)
    assert not shown.nothing_open


def test_a_reader_who_may_read_none_of_it_is_told_so(small_world: SmallWorld) -> None:
    _, token = shared_by(small_world.viewer("cho"), REMOTE, MERGER)
    assert shared_conversation(viewer=small_world.viewer("sam"), token=token).nothing_open
    assert not shared_conversation(viewer=small_world.viewer("bob"), token=token).nothing_open


def test_a_withheld_answer_tells_neither_sources_nor_how_many_there_were(small_world: SmallWorld) -> None:
    _, token = shared_by(small_world.viewer("cho"), MERGER)
    turn = shared_conversation(viewer=small_world.viewer("ann"), token=token).turns[0]
    assert (turn.sentences, turn.passages, turn.last_seq) == ((), (), 0)
    for n in range(1, 12):
        with pytest.raises(NotFound):
            shared_source(viewer=small_world.viewer("ann"), token=token, turn_id=turn.id, n=n)


def test_only_cited_sources_are_named_to_a_reader_and_their_numbers_have_no_gaps(
    small_world: SmallWorld,
) -> None:
    cho, ann = small_world.viewer("cho"), small_world.viewer("ann")
    conversation_id, token = shared_by(cho, REMOTE)
    own = selectors.conversation(viewer=cho, conversation_id=conversation_id).turns[0]
    assert "Project Heron" in {passage.title for passage in own.passages}  # read and not used
    turn = shared_conversation(viewer=ann, token=token).turns[0]
    assert [passage.n for passage in turn.passages] == list(range(1, len(turn.passages) + 1))
    assert {passage.title for passage in turn.passages} == {"Employee handbook"}
    statuses = []
    for passage in own.passages:
        try:
            shared_source(viewer=ann, token=token, turn_id=turn.id, n=passage.n)
            statuses.append(passage.n)
        except NotFound:
            pass
    assert statuses == [passage.n for passage in turn.passages]


def test_a_sentence_without_a_citation_stands_on_all_that_was_read(
    small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Loose:
        """Cites its first source, and then says something for which it cites nothing."""

        name = "loose"

        context = ContextWanted.NONE

        def answer(self, request: ModelRequest) -> Iterator[AnswerSentence]:
            yield AnswerSentence(request.sources[0].text, (Quote(1, 0, 5),))
            yield AnswerSentence("And more of what was read.", ())

    monkeypatch.setattr(runner, "named_chat_model", lambda _name: Loose())
    _, token = shared_by(small_world.viewer("cho"), GUESTS)
    turn = Turn.objects.get()
    merger = Document.objects.get(external_id="merger").pk
    assert merger in turn.read_documents
    assert shared_conversation(viewer=small_world.viewer("cho"), token=token).turns[0].sentences
    for name in ("ann", "bob", "sam"):
        shown = shared_conversation(viewer=small_world.viewer(name), token=token)
        assert shown.turns[0].outcome == Withheld()
        assert CANARIES["open"] not in repr(shown)


def test_the_owners_count_of_searched_documents_is_nobody_elses(small_world: SmallWorld) -> None:
    cho = small_world.viewer("cho")
    conversation_id, token = shared_by(cho, ZEBRA)
    own = selectors.conversation(viewer=cho, conversation_id=conversation_id).turns[0]
    assert own.outcome == NoAnswer(4)
    Turn.objects.update(read_documents=[])
    assert shared_conversation(viewer=small_world.viewer("sam"), token=token).turns[0].outcome == NoAnswer(0)


def test_that_there_was_no_answer_tells_of_all_that_was_read(small_world: SmallWorld) -> None:
    _, token = shared_by(small_world.viewer("cho"), ZEBRA)
    Turn.objects.update(read_documents=[Document.objects.get(external_id="merger").pk])
    assert shared_conversation(viewer=small_world.viewer("cho"), token=token).turns[0].outcome == NoAnswer(0)
    assert shared_conversation(viewer=small_world.viewer("sam"), token=token).turns[0].outcome == Withheld()


def test_a_block_of_the_answer_tells_of_what_was_read_and_a_block_of_the_question_does_not(
    small_world: SmallWorld,
) -> None:
    block("Money", words=["zebra"], message="Ask finance.")
    _, token = shared_by(small_world.viewer("cho"), ZEBRA)
    sam = small_world.viewer("sam")
    assert shared_conversation(viewer=sam, token=token).turns[0].outcome == Blocked("Money", "Ask finance.")
    Turn.objects.update(read_documents=[Document.objects.get(external_id="merger").pk])
    assert shared_conversation(viewer=sam, token=token).turns[0].outcome == Withheld()


def test_a_revoked_document_is_gone_from_the_open_link_and_back_with_the_right(
    small_world: SmallWorld,
) -> None:
    ann = small_world.viewer("ann")
    _, token = shared_by(small_world.viewer("cho"), REMOTE)
    turn = shared_conversation(viewer=ann, token=token).turns[0]
    assert shared_source(viewer=ann, token=token, turn_id=turn.id, n=1).document.external_id == "handbook"
    small_world.documents["handbook"]["acl"] = {"allow": ["group:executives"]}
    small_world.sync("permissions")
    shown = shared_conversation(viewer=ann, token=token)
    assert shown.nothing_open
    assert CANARIES["handbook"] not in repr(shown)
    with pytest.raises(NotFound):
        shared_source(viewer=ann, token=token, turn_id=turn.id, n=1)
    assert shared_conversation(viewer=small_world.viewer("cho"), token=token).turns[0].sentences
    small_world.documents["handbook"]["acl"] = {"allow": ["group:staff"]}
    small_world.sync("permissions")
    assert shared_conversation(viewer=ann, token=token).turns[0].sentences


def test_the_owner_who_lost_a_document_does_not_see_it_behind_their_own_link(
    small_world: SmallWorld,
) -> None:
    cho = small_world.viewer("cho")
    _, token = shared_by(cho, MERGER)
    small_world.documents["merger"]["acl"] = {"allow": ["group:hr"]}
    small_world.sync("permissions")
    assert shared_conversation(viewer=cho, token=token).nothing_open
    assert shared_conversation(viewer=small_world.viewer("bob"), token=token).turns[0].sentences


def test_an_answer_whose_cited_document_is_gone_altogether_is_withheld(small_world: SmallWorld) -> None:
    cho = small_world.viewer("cho")
    conversation_id, token = shared_by(cho, REMOTE)
    document = Document.objects.get(external_id="handbook")
    document.chunks.all().delete()
    document.delete()
    assert shared_conversation(viewer=cho, token=token).nothing_open
    assert selectors.conversation(viewer=cho, conversation_id=conversation_id).turns[0].outcome == Withheld()


def test_a_link_covers_what_was_finished_when_it_was_made_until_it_is_moved_on(
    small_world: SmallWorld,
) -> None:
    cho, ann = small_world.viewer("cho"), small_world.viewer("ann")
    conversation_id, token = shared_by(cho, REMOTE)
    later = asked(cho, GUESTS, conversation_id)
    assert [turn.question for turn in shared_conversation(viewer=ann, token=token).turns] == [REMOTE]
    with pytest.raises(NotFound):
        shared_question(viewer=ann, token=token, turn_id=later.pk)
    with pytest.raises(NotFound):
        shared_source(viewer=ann, token=token, turn_id=later.pk, n=1)
    state = share_state(viewer=cho, conversation_id=conversation_id)
    assert (state.covered, state.newer) == (1, 1)
    share_conversation(viewer=cho, conversation_id=conversation_id)
    state = share_state(viewer=cho, conversation_id=conversation_id)
    assert (state.token, state.covered, state.newer) == (token, 2, 0)
    assert len(shared_conversation(viewer=ann, token=token).turns) == 2


def test_a_turn_that_is_still_open_is_not_shared(small_world: SmallWorld) -> None:
    cho = small_world.viewer("cho")
    turn = start_turn(viewer=cho, question=REMOTE, conversation_id=None)
    with pytest.raises(UsageError):
        share_conversation(viewer=cho, conversation_id=turn.conversation_id)
    assert not Share.objects.exists()
    assert run_turn(turn.pk)
    share_conversation(viewer=cho, conversation_id=turn.conversation_id)
    Turn.objects.filter(pk=turn.pk).update(state="running")
    token = Share.objects.get().token
    assert shared_conversation(viewer=cho, token=token).turns == ()


def test_an_ended_link_an_unknown_one_and_one_of_a_deleted_conversation_answer_alike(
    small_world: SmallWorld,
) -> None:
    cho, ann = small_world.viewer("cho"), small_world.viewer("ann")
    conversation_id, ended = shared_by(cho, REMOTE)
    stop_sharing(viewer=cho, conversation_id=conversation_id)
    stop_sharing(viewer=cho, conversation_id=conversation_id)
    other, deleted = shared_by(cho, REMOTE)
    turn = Turn.objects.latest("pk")
    delete_conversation(viewer=cho, conversation_id=other)
    for ask in (
        lambda token: shared_conversation(viewer=ann, token=token),
        lambda token: shared_source(viewer=ann, token=token, turn_id=turn.pk, n=1),
        lambda token: shared_question(viewer=ann, token=token, turn_id=turn.pk),
    ):
        messages = set()
        for token in (ended, deleted, "x" * 43, ""):
            with pytest.raises(NotFound) as caught:
                ask(token)
            messages.add(str(caught.value))
        assert len(messages) == 1


def test_sharing_again_makes_another_link(small_world: SmallWorld) -> None:
    cho = small_world.viewer("cho")
    conversation_id, first = shared_by(cho, REMOTE)
    stop_sharing(viewer=cho, conversation_id=conversation_id)
    share_conversation(viewer=cho, conversation_id=conversation_id)
    second = share_state(viewer=cho, conversation_id=conversation_id).token
    assert len(first) == len(second) == 43  # 256 bits
    assert first != second


@pytest.mark.parametrize("closed", ["ann", "cho"])
def test_a_closed_account_opens_nothing_and_shares_nothing(small_world: SmallWorld, closed: str) -> None:
    _, token = shared_by(small_world.viewer("cho"), REMOTE)
    ann = small_world.viewer("ann")
    assert shared_conversation(viewer=ann, token=token).turns
    User.objects.filter(email=f"{closed}@example.com").update(is_active=False)
    with pytest.raises(NotFound):
        shared_conversation(viewer=ann, token=token)


def test_nobody_else_can_share_a_conversation_end_its_link_or_see_it(small_world: SmallWorld) -> None:
    conversation_id, token = shared_by(small_world.viewer("cho"), REMOTE)
    ann = small_world.viewer("ann")
    for act in (share_conversation, stop_sharing, share_state):
        messages = set()
        for number in (conversation_id, conversation_id + 1000):
            with pytest.raises(NotFound) as caught:
                act(viewer=ann, conversation_id=number)
            messages.add(str(caught.value))
        assert len(messages) == 1
    assert Share.objects.get().token == token


def test_sharing_is_audited_with_numbers_only(small_world: SmallWorld) -> None:
    cho = small_world.viewer("cho")
    conversation_id, token = shared_by(cho, REMOTE)
    share_conversation(viewer=cho, conversation_id=conversation_id)  # nothing newer: nothing happens
    share, turn = Share.objects.get(), Turn.objects.get()
    stop_sharing(viewer=cho, conversation_id=conversation_id)
    events = AuditEvent.objects.filter(event__in=("conversation_shared", "share_revoked")).order_by("pk")
    assert [(event.event, event.actor, event.data) for event in events] == [
        (
            "conversation_shared",
            "cho@example.com",
            {"conversation": conversation_id, "share": share.pk, "until": turn.pk},
        ),
        ("share_revoked", "cho@example.com", {"conversation": conversation_id, "share": share.pk}),
    ]
    assert token not in repr(list(AuditEvent.objects.values()))


def test_a_failed_turn_keeps_its_log_reference_for_its_owner(small_world: SmallWorld) -> None:
    _, token = shared_by(small_world.viewer("cho"), REMOTE)
    StoredEvent.objects.filter(kind="done").update(
        kind="failed", payload={"code": "internal", "reference": "deadbeef"}
    )
    assert "deadbeef" not in repr(shared_conversation(viewer=small_world.viewer("ann"), token=token))


def test_a_later_question_is_answered_without_anything_of_a_withheld_answer(
    small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[ModelRequest] = []

    class Listening:
        """Notes what it is given, and repeats all of it."""

        name = "listening"

        context = ContextWanted.NONE

        def answer(self, request: ModelRequest) -> Iterator[AnswerSentence]:
            requests.append(request)
            for source in request.sources:
                yield AnswerSentence(source.text, (Quote(source.n, 0, 5),))

    monkeypatch.setattr(runner, "named_chat_model", lambda _name: Listening())
    ann = small_world.viewer("ann")
    first = asked(ann, REMOTE)
    assert CANARIES["handbook"] in repr(requests)
    small_world.documents["handbook"]["acl"] = {"allow": ["group:hr"]}
    small_world.sync("permissions")
    requests.clear()
    again = asked(ann, "How many days was that again, and where is it written?", first.conversation_id)
    assert len(requests) == 1
    assert requests[0].sources
    for text in (CANARIES["handbook"], TITLES["handbook"]):
        assert text not in repr(requests)
        assert text not in repr(selectors.turn(viewer=ann, turn_id=again.pk))
    assert Document.objects.get(external_id="handbook").pk not in Turn.objects.get(pk=again.pk).read_documents
