"""The checks of conversations, answers and shared links that must notice the mistakes; see `noticing`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from unittest import mock

from asgiref.sync import async_to_sync
from django.utils import timezone

from assistant.access.door import readable_sources
from assistant.access.viewer import Viewer
from assistant.accounts.people import (
    close_account,
    reopen_account,
)
from assistant.chat import answering, selectors, services
from assistant.chat.answering import Answer, answer
from assistant.chat.events import (
    NoAnswer,
    Note,
    NotedSource,
    NumberedEvent,
    Token,
    TurnEvent,
    Withheld,
    to_payload,
)
from assistant.chat.exporting import export_shared
from assistant.chat.models import Citation, Conversation, StoredEvent, Turn, TurnState
from assistant.chat.reading import TurnView
from assistant.chat.scope import scope_of
from assistant.chat.sharing import (
    share_conversation,
    share_state,
    shared_conversation,
    shared_source,
    stop_sharing,
)
from assistant.common.errors import NotFound
from assistant.documents.models import Chunk, Document
from assistant.index.contract import Candidate
from assistant.providers.contract import AnswerSentence, ContextWanted, ModelRequest, Quote
from assistant.retrieval import narrowing
from assistant.retrieval import retrieve as retrieving
from assistant.retrieval.filters import Filters
from assistant.retrieval.narrowing import count_fitting
from tests.security.gallery import (
    Gallery,
    hang,
    laid_out,
)
from tests.security.noticing import FEW, REVOKED, SEEN_BY_BOB, refused

# Conversations.


def _turn(
    gallery: Gallery,
    person: str,
    *,
    cited: bool = True,
    quoted: bool = True,
    cites: str = "nested",
    running: bool = False,
) -> Turn:
    """A turn whose one sentence stands on what it `cites`, or on all that was read."""
    conversation = Conversation.objects.create(user_id=gallery.viewers[person].user_id, title="About")
    pk = gallery.documents[cites]
    turn = Turn.objects.create(
        conversation=conversation,
        question="What is this about?",
        language="en",
        model="extractive",
        state=TurnState.RUNNING if running else TurnState.DONE,
        lease_until=timezone.now() + timedelta(minutes=5) if running else None,
        read_documents=[gallery.documents["nested"], gallery.documents["everyone"]],
    )
    Citation.objects.create(turn=turn, n=1, document_id=pk, version=1, start=0, end=10, quotes=[[0, 4]])
    events: list[TurnEvent] = [Token("This is about nested.", (1,) if cited else (), quoted)]
    for number, event in enumerate(events, start=1):
        StoredEvent.objects.create(turn=turn, seq=number, kind="token", payload=to_payload(event))
    return turn


def _shown(viewer: Viewer, turn: Turn) -> TurnView:
    (view,) = selectors.conversation(viewer=viewer, conversation_id=turn.conversation_id).turns
    return view


def an_old_answer_is_withheld() -> None:
    """Once a document that it cites is revoked; before, it is shown."""
    gallery = laid_out(FEW)
    bob, turn = gallery.viewers["bob"], _turn(gallery, "bob")
    assert _shown(bob, turn).sentences
    assert _shown(bob, turn).passages
    hang(gallery, REVOKED)
    for view in (_shown(bob, turn), selectors.turn(viewer=bob, turn_id=turn.pk)):
        assert not view.sentences
        assert not view.passages
        assert isinstance(view.outcome, Withheld)


def an_uncited_sentence_stands_on_all_that_was_read() -> None:
    """It may say what any of the documents said."""
    gallery = laid_out(FEW)
    bob, turn = gallery.viewers["bob"], _turn(gallery, "bob", cited=False)
    assert _shown(bob, turn).sentences
    hang(gallery, REVOKED)
    assert not _shown(bob, turn).sentences


def a_worded_sentence_stands_on_all_that_was_read() -> None:
    """What a model words itself may say what it read anywhere, whatever it cites."""
    gallery = laid_out(FEW)
    bob = gallery.viewers["bob"]
    turn = _turn(gallery, "bob", quoted=False, cites="everyone")
    quoting = _turn(gallery, "bob", cites="everyone")
    assert _shown(bob, turn).sentences
    hang(gallery, REVOKED)
    assert not _shown(bob, turn).sentences
    assert _shown(bob, quoting).sentences
    assert isinstance(_streamed(bob, turn)[0], Withheld)
    assert isinstance(_streamed(bob, quoting)[0], Token)


def an_old_citation_names_no_revoked_document() -> None:
    """Neither its title nor its passage, also where only another document carries the answer."""
    gallery = laid_out(FEW)
    bob, turn = gallery.viewers["bob"], _turn(gallery, "bob")
    Citation.objects.create(
        turn=turn, n=2, document_id=gallery.documents["deepest"], version=1, start=0, end=10
    )
    assert len(_shown(bob, turn).passages) == len(selectors.cited_passages(bob, turn.pk)) == 2
    hang(gallery, replace(REVOKED, name="deepest"))
    assert [passage.external_id for passage in _shown(bob, turn).passages] == ["nested"]
    assert [passage.external_id for passage in selectors.cited_passages(bob, turn.pk)] == ["nested"]


def what_a_citation_stands_for_is_named_through_the_door() -> None:
    """A copy that was revoked since, to its owner and to the reader of a link."""
    gallery = laid_out(FEW)
    bob, turn = gallery.viewers["bob"], _turn(gallery, "bob")
    Citation.objects.filter(turn=turn).update(folded=[[gallery.documents["deepest"], 1, "duplicate"]])
    token = _link(bob, turn)
    owned = selectors.cited_source(viewer=bob, turn_id=turn.pk, n=1)
    shared = shared_source(viewer=gallery.viewers["ann"], token=token, turn_id=turn.pk, n=1)
    assert (len(owned.folded), len(shared.folded)) == (1, 0)
    hang(gallery, replace(REVOKED, name="deepest"))
    assert not selectors.cited_source(viewer=bob, turn_id=turn.pk, n=1).folded


def an_old_citation_shows_no_text_of_another_version() -> None:
    """Offsets mean something in the version that was cited, and nowhere else."""
    gallery = laid_out(FEW)
    bob, turn = gallery.viewers["bob"], _turn(gallery, "bob")
    Document.objects.filter(pk=gallery.documents["nested"]).update(version=2)
    gallery_body = Document.objects.get(pk=gallery.documents["nested"]).body
    gallery_body.version = 2
    gallery_body.save()
    assert [passage.passage for passage in _shown(bob, turn).passages] == [""]


def _noted_turn(gallery: Gallery) -> Turn:
    """A turn of bob's that cites one document and notes that another one replaced it."""
    turn = _turn(gallery, "bob", cites="everyone")
    older, newer = (gallery.documents[name] for name in ("everyone", "nested"))
    Citation.objects.create(turn=turn, n=2, document_id=newer, version=1, start=0, end=10)
    note = Note(
        "superseded", (NotedSource(1, older, "2025", "edition"), NotedSource(2, newer, "2026", "edition"))
    )
    StoredEvent.objects.create(turn=turn, seq=2, kind="note", payload=to_payload(note))
    return turn


def a_note_is_left_out_with_its_documents() -> None:
    """The sentence that does not stand on the newer document stays."""
    gallery = laid_out(FEW)
    bob, turn = gallery.viewers["bob"], _noted_turn(gallery)
    assert [note.kind for note in _shown(bob, turn).notes] == ["superseded"]
    hang(gallery, REVOKED)
    assert _shown(bob, turn).sentences
    assert not _shown(bob, turn).notes


def a_streamed_note_is_left_out_with_its_documents() -> None:
    """A stream that is followed anew tells of no note whose document was revoked."""
    gallery = laid_out(FEW)
    bob, turn = gallery.viewers["bob"], _noted_turn(gallery)
    assert any(isinstance(event, Note) for event in _streamed(bob, turn))
    hang(gallery, REVOKED)
    events = list(_streamed(bob, turn))
    assert any(isinstance(event, Token) for event in events)
    assert not any(isinstance(event, Note) for event in events)


def a_citation_opens_nothing_revoked() -> None:
    """The source behind a number is asked for again each time."""
    gallery = laid_out(FEW)
    bob, turn = gallery.viewers["bob"], _turn(gallery, "bob")
    assert selectors.cited_source(viewer=bob, turn_id=turn.pk, n=1).quotes
    hang(gallery, REVOKED)
    assert not _cites(bob, turn)


def _cites(viewer: Viewer, turn: Turn) -> bool:
    try:
        return bool(selectors.cited_source(viewer=viewer, turn_id=turn.pk, n=1))
    except NotFound:
        return False


def nothing_found_counts_what_is_readable_now() -> None:
    """The count in "I searched so many documents" is not the one of then."""
    gallery = laid_out(FEW)
    bob, turn = gallery.viewers["bob"], _turn(gallery, "bob")
    StoredEvent.objects.filter(turn=turn).update(kind="no_answer", payload=to_payload(NoAnswer(4711)))
    hang(gallery, REVOKED)
    outcome = _shown(bob, turn).outcome
    assert isinstance(outcome, NoAnswer)
    assert outcome.documents == len(SEEN_BY_BOB) - 1
    assert [event.documents for event in _streamed(bob, turn) if isinstance(event, NoAnswer)] == [
        len(SEEN_BY_BOB) - 1
    ]


def a_conversation_is_its_owners() -> None:
    """Nobody else finds it, its turns or its stream, and nobody stops or deletes it."""
    gallery = laid_out(FEW)
    turn, ann = _turn(gallery, "bob"), gallery.viewers["ann"]
    attempts: tuple[Callable[[], object], ...] = (
        lambda: selectors.conversation(viewer=ann, conversation_id=turn.conversation_id),
        lambda: selectors.turn(viewer=ann, turn_id=turn.pk),
        lambda: selectors.cited_source(viewer=ann, turn_id=turn.pk, n=1),
        lambda: services.owned_turn(ann, turn.pk),
        lambda: services.owned_conversation(ann, turn.conversation_id),
        lambda: services.stop_turn(viewer=ann, turn_id=turn.pk),
        lambda: _streamed(ann, turn),
    )
    for number, attempt in enumerate(attempts):
        with contextlib.suppress(NotFound):
            attempt()
            raise AssertionError(f"attempt {number} was let in")
    assert not selectors.conversations(viewer=ann)


def a_closed_account_finds_no_conversation() -> None:
    """Not even its own, and its stream ends."""
    gallery = laid_out(FEW)
    turn, bob = _turn(gallery, "bob"), gallery.viewers["bob"]
    close_account(user_id=bob.user_id, actor="test")
    attempts: tuple[Callable[[], object], ...] = (
        lambda: selectors.turn(viewer=bob, turn_id=turn.pk),
        lambda: services.owned_conversation(bob, turn.conversation_id),
        lambda: _streamed(bob, turn),
    )
    for attempt in attempts:
        with contextlib.suppress(NotFound):
            attempt()
            raise AssertionError("a closed account was let in")


def a_running_stream_is_cut() -> None:
    """After the first sentence a document is revoked: the next event is that the rest is withheld."""
    gallery = laid_out(FEW)
    bob, turn = gallery.viewers["bob"], _turn(gallery, "bob", running=True)
    assert [type(event) for event in _streamed(bob, turn, at_most=1)] == [Token]
    hang(gallery, REVOKED)
    assert [type(event) for event in _streamed(bob, turn, at_most=1)] == [Withheld]


def _streamed(viewer: Viewer, turn: Turn, *, at_most: int = 9) -> list[TurnEvent]:
    async def watched() -> list[TurnEvent]:
        events: AsyncIterator[NumberedEvent] = services.follow_turn(viewer=viewer, turn_id=turn.pk, after=0)
        seen: list[TurnEvent] = []
        async for numbered in events:
            seen.append(numbered.event)
            if len(seen) >= at_most:
                break
        return seen

    return async_to_sync(watched)()


# Search and answers. The index is made to propose everything, as a stale or altered one might.


@contextlib.contextmanager
def index_that_proposes_everything() -> Iterator[None]:
    def everything(*_: object) -> list[Candidate]:
        rows = Chunk.objects.order_by("pk").values_list("pk", "document_id", "version")
        return [_candidate(*row) for row in rows]

    with mock.patch.object(retrieving, "_candidates", everything):
        yield


def _candidate(chunk_id: int, document_id: int, version: int) -> Candidate:
    return Candidate(chunk_id, document_id, version, score=1.0, dense=1.0, lexical=1.0)


def hits_pass_the_door() -> None:
    """What the index proposes is only a number."""
    gallery = laid_out(FEW)
    with index_that_proposes_everything():
        found = retrieving.retrieve("about", viewer=gallery.viewers["bob"])
    assert {hit.passage.external_id for hit in found.hits} == SEEN_BY_BOB


class _Slow:
    """A chat model during whose second sentence a document is revoked."""

    name = "slow"

    context = ContextWanted.NONE

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery

    def answer(self, request: ModelRequest) -> Iterator[AnswerSentence]:
        """Two sentences that quote the same source."""
        (source,) = [source for source in request.sources if "nested" in source.text]
        yield AnswerSentence("The first.", (Quote(source.n, 0, 4),), quoted=True)
        hang(self._gallery, REVOKED)
        yield AnswerSentence("The second.", (Quote(source.n, 0, 4),), quoted=True)


def a_sentence_is_released_through_the_door() -> None:
    """The document is gone while the answer is written: what comes next is that the rest is withheld."""
    gallery = laid_out(FEW)
    with index_that_proposes_everything():
        events = list(answer("about", viewer=gallery.viewers["bob"], model=_Slow(gallery), into=Answer()))
    assert [event.text for event in events if isinstance(event, Token)] == ["The first."]
    assert isinstance(events[-1], Withheld)


class _Wording:
    """A chat model that cites one source and may have used another, which is revoked meanwhile."""

    name = "wording"

    context = ContextWanted.NONE

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery

    def answer(self, request: ModelRequest) -> Iterator[AnswerSentence]:
        """Two sentences in words of its own, both by the document that everyone may read."""
        (source,) = [source for source in request.sources if "everyone" in source.text]
        yield AnswerSentence("The first.", (Quote(source.n, 0, 4),))
        hang(self._gallery, REVOKED)
        yield AnswerSentence("The second.", (Quote(source.n, 0, 4),))


def a_worded_sentence_is_released_through_the_door_of_all_that_was_read() -> None:
    """What was revoked is not what it cites, and yet it may say what stood there."""
    gallery = laid_out(FEW)
    with index_that_proposes_everything():
        events = list(answer("about", viewer=gallery.viewers["bob"], model=_Wording(gallery), into=Answer()))
    assert [event.text for event in events if isinstance(event, Token)] == ["The first."]
    assert isinstance(events[-1], Withheld)


def an_empty_answer_counts_what_is_readable() -> None:
    """A model that says nothing leads to a count, which is the reader's own."""
    gallery = laid_out(FEW)
    silent = mock.Mock(answer=lambda _: iter(()))
    with index_that_proposes_everything():
        events = list(answering.answer("x", viewer=gallery.viewers["bob"], model=silent, into=Answer()))
    assert [event.documents for event in events if isinstance(event, NoAnswer)] == [len(SEEN_BY_BOB)]


def a_scope_tells_only_what_is_readable() -> None:
    """Its count, the sources that are offered, and those that are named over an old answer."""
    gallery = laid_out(FEW)
    narrowing.forget()
    everywhere = Filters(sources=tuple(source.name for source in gallery.connections.values()))
    readers = {"bob": SEEN_BY_BOB, "cho": set[str]()}  # the account of cho is closed
    for reader, names in readers.items():
        viewer = gallery.viewers[reader]
        seen = Document.objects.filter(pk__in=[gallery.documents[name] for name in names])
        sources = tuple(sorted(set(seen.values_list("connection__name", flat=True))))
        assert count_fitting(viewer, everywhere) == len(names)
        assert readable_sources(viewer) == sources
        told = scope_of(viewer, everywhere)
        assert told is not None
        assert (told.sources, told.unnamed) == (sources, len(gallery.connections) - len(sources))


# Shared conversations.


def _link(owner: Viewer, turn: Turn) -> str:
    share_conversation(viewer=owner, conversation_id=turn.conversation_id)
    return share_state(viewer=owner, conversation_id=turn.conversation_id).token


def a_shared_answer_is_checked_for_its_reader() -> None:
    """On the page, at its sources, and in a file."""
    gallery = laid_out(FEW)
    bob, dee = gallery.viewers["bob"], gallery.viewers["dee"]
    turn = _turn(gallery, "bob")
    token = _link(bob, turn)
    for reader, shown in ((gallery.viewers["ann"], True), (dee, False)):
        (view,) = shared_conversation(viewer=reader, token=token).turns
        assert bool(view.sentences) is bool(view.passages) is shown
        file = export_shared(viewer=reader, token=token, kind="md").content
        assert (b"about nested" in file) is shown
        assert _shares_source(reader, token, turn) is shown


def _shares_source(reader: Viewer, token: str, turn: Turn) -> bool:
    try:
        return bool(shared_source(viewer=reader, token=token, turn_id=turn.pk, n=1))
    except NotFound:
        return False


def a_link_opens_only_while_and_what_its_owner_shares() -> None:
    """Not a later turn, not once it ended, and not once somebody's account is closed."""
    gallery = laid_out(FEW)
    bob, ann = gallery.viewers["bob"], gallery.viewers["ann"]
    turn = _turn(gallery, "bob")
    token = _link(bob, turn)
    Turn.objects.create(
        conversation=turn.conversation,
        question="Later?",
        language="en",
        model="extractive",
        state=TurnState.DONE,
    )
    assert len(shared_conversation(viewer=ann, token=token).turns) == 1
    refused(lambda: share_conversation(viewer=ann, conversation_id=turn.conversation_id), NotFound)
    close_account(user_id=ann.user_id, actor="test")
    refused(lambda: shared_conversation(viewer=ann, token=token), NotFound)
    reopen_account(user_id=ann.user_id, actor="test")
    close_account(user_id=bob.user_id, actor="test")
    refused(lambda: shared_conversation(viewer=ann, token=token), NotFound)
    reopen_account(user_id=bob.user_id, actor="test")
    stop_sharing(viewer=bob, conversation_id=turn.conversation_id)
    refused(lambda: shared_conversation(viewer=ann, token=token), NotFound)
