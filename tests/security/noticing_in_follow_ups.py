"""What must be noticed where a conversation goes on: nothing that is withheld may come along."""

from __future__ import annotations

from assistant.chat import selectors, services
from assistant.chat.events import Searched, Token, TurnEvent, Withheld, to_payload
from assistant.chat.models import Citation, Conversation, StoredEvent, Turn, TurnState
from assistant.chat.past import past
from tests.security.gallery import Gallery, hang, laid_out
from tests.security.noticing import FEW, REVOKED


def _turn(gallery: Gallery, conversation: Conversation, *, told: str = "") -> Turn:
    """A turn of bob's that cites what everyone reads; `told`: what its model was told of besides."""
    pk = gallery.documents["everyone" if told else "nested"]
    turn = Turn.objects.create(
        conversation=conversation,
        question="What is this about?",
        language="en",
        model="extractive",
        state=TurnState.DONE,
        read_documents=[pk],
        carried_documents=[gallery.documents[told]] if told else [],
    )
    Citation.objects.create(turn=turn, n=1, document_id=pk, version=1, start=0, end=10, quotes=[[0, 4]])
    events: list[TurnEvent] = [Searched("About nested?"), Token("About it.", (1,), quoted=True)]
    for number, event in enumerate(events, start=1):
        kind = "searched" if isinstance(event, Searched) else "token"
        StoredEvent.objects.create(turn=turn, seq=number, kind=kind, payload=to_payload(event))
    return turn


def _conversation(gallery: Gallery) -> Conversation:
    return Conversation.objects.create(user_id=gallery.viewers["bob"].user_id, title="About")


def a_withheld_turn_is_no_past() -> None:
    """Neither its answer nor its question is told to what comes after it."""
    gallery = laid_out(FEW)
    bob, conversation = gallery.viewers["bob"], _conversation(gallery)
    _turn(gallery, conversation)
    later = _turn(gallery, conversation, told="nested")
    assert len(past(bob, later)) == 1
    hang(gallery, REVOKED)
    assert past(bob, later) == ()


def an_answer_stands_on_what_its_model_was_told() -> None:
    """On the page, and what was searched for with it."""
    gallery = laid_out(FEW)
    bob, turn = gallery.viewers["bob"], _turn(gallery, _conversation(gallery), told="nested")
    assert selectors.turn(viewer=bob, turn_id=turn.pk).searched
    hang(gallery, REVOKED)
    view = selectors.turn(viewer=bob, turn_id=turn.pk)
    assert isinstance(view.outcome, Withheld)
    assert not view.searched
    assert not view.sentences


def a_stream_stands_on_what_its_model_was_told() -> None:
    """In the stream too."""
    gallery = laid_out(FEW)
    bob, turn = gallery.viewers["bob"], _turn(gallery, _conversation(gallery), told="nested")
    hang(gallery, REVOKED)
    coming = services._next(bob, turn.pk, 0)
    assert coming is not None
    assert isinstance(coming.event, Withheld)


def a_reader_is_shown_nothing_that_a_model_was_told() -> None:
    """A colleague who reads what is cited, but not what the model was told, is shown nothing."""
    gallery = laid_out(FEW)
    turn = _turn(gallery, _conversation(gallery), told="nested")
    reader = gallery.viewers["bob"]
    assert selectors.turn_for_reader(reader, turn).sentences
    hang(gallery, REVOKED)
    assert not selectors.turn_for_reader(reader, turn).sentences
