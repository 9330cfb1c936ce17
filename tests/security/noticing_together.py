"""What must be noticed where several people read together: each of them limits what all of them are given."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations
from unittest import mock

from django.db import transaction
from django.utils import timezone

from assistant.access import door
from assistant.access.viewer import Viewer, viewer_for
from assistant.access.visibility import may_read, visible_documents
from assistant.accounts.models import Connection, Principal, User
from assistant.accounts.principals import replace_membership
from assistant.accounts.revisions import Counter, bump
from assistant.chat import files_asked, runner, selectors, services
from assistant.chat.answering import Answer, answer
from assistant.chat.events import NoAnswer, Token, TurnEvent, Withheld, to_payload
from assistant.chat.files import files_of
from assistant.chat.models import (
    ChatFile,
    Citation,
    Conversation,
    FilesAsked,
    FileState,
    PersonalStyle,
    Share,
    StoredEvent,
    Turn,
    TurnState,
)
from assistant.chat.past import past
from assistant.chat.sharing import opened_share
from assistant.chat.styles import wishes_of
from assistant.common.acl import user as person_named
from assistant.common.errors import NotFound
from assistant.documents.models import Document
from assistant.guardrails.policy import concerning
from assistant.guardrails.verdict import Stage
from assistant.ingest.private import new_private_document
from assistant.providers.contract import AnswerSentence, ContextWanted, ModelRequest, Quote
from tests.guardrails.rules import publish, written
from tests.security.gallery import (
    ANN,
    BOB,
    EVE,
    EXHIBITS,
    Exhibit,
    Form,
    Gallery,
    by_mask,
    by_object,
    by_queryset,
    hang,
    laid_out,
)
from tests.security.noticing import FEW, refused
from tests.security.noticing_in_conversations import index_that_proposes_everything

_NAMED = {
    *("everyone", "no-clause", "alias", "nested", "deepest", "denied-unknown-group", "deny-nested"),
    *("one-clause", "two-clauses", "second-denies", "deny-first", "linked-account"),
    *("denied-linked-account", "denied-unconfirmed-address"),
}
_PAST = timedelta(days=-1)
# What the asker may read, and another only by what does not count: in the gallery such exhibits are nobody's.
_MORE = (
    Exhibit(
        "over-for-bob",
        {"entries": [["allow", ANN], ["allow", BOB, "until"]]},
        frozenset({"ann"}),
        until=_PAST,
    ),
    Exhibit(
        "denied-bob-once",
        {"entries": [["deny", BOB, "until"], ["allow", "everyone"]]},
        frozenset({"ann", "bob", "dee", "eve"}),
        until=_PAST,
    ),
    Exhibit("unconfirmed-for-dee", {"allow": [ANN, "user:old@example.com"]}, frozenset({"ann"})),
    Exhibit(
        "outdated-link-for-eve", {"allow": [BOB, "account:a-linked"]}, frozenset({"bob"}), source="south"
    ),
    Exhibit(
        "ann-before-a-doubt",
        {"entries": [["allow", ANN], ["deny", "group:ghost"], ["allow", "everyone"]]},
        frozenset({"ann"}),
    ),
    Exhibit("two-of-three", {"all": [{"allow": [ANN, BOB]}, {"allow": [ANN, EVE]}]}, frozenset({"ann"})),
)
SHOWN = (*(exhibit for exhibit in EXHIBITS if exhibit.name in _NAMED), *_MORE)
_OPEN = ("ann", "bob", "dee", "eve")


def with_others(gallery: Gallery, name: str, *others: str) -> Viewer:
    """The person, with these beside."""
    user = User.objects.get(pk=gallery.viewers[name].user_id)
    return viewer_for(user, beside=[gallery.viewers[other].user_id for other in others])


def _all_give_what_each_may_read(form: Form) -> None:
    gallery = laid_out(SHOWN)
    for person in _OPEN:
        form(gallery, person)  # what is kept of one must not serve several
    groups = [*permutations(_OPEN, 2), ("ann", "bob", "eve"), ("ann", "cho")]
    for people in groups:
        together = "+".join(people)
        gallery.viewers[together] = with_others(gallery, *people)
        expected = {exhibit.name for exhibit in SHOWN if set(people) <= exhibit.readers}
        shown = form(gallery, together)
        assert shown == expected, f"{together}: {sorted(shown ^ expected)}"


def the_queryset_gives_what_each_may_read() -> None:
    """Every set of people, those also who are beside a closed account."""
    _all_give_what_each_may_read(by_queryset)


def the_mask_gives_what_each_may_read() -> None:
    """Every set of people, those also who are beside a closed account."""
    _all_give_what_each_may_read(by_mask)


def the_object_test_gives_what_each_may_read() -> None:
    """Every set of people, those also who are beside a closed account."""
    _all_give_what_each_may_read(by_object)


def a_private_document_is_read_alone() -> None:
    """Nobody beside its owner sees it, by either form."""
    gallery = laid_out(())
    ann = gallery.viewers["ann"]
    file = new_private_document(owner_id=ann.user_id, name="plan.md", media_type="")
    Document.every.filter(pk=file.pk).update(version=1)
    assert door.may_still_read(ann, [file.pk])
    together = with_others(gallery, "ann", "bob")
    mine = Viewer(ann.user_id, ann.email, beside=(ann.user_id,))
    for viewer in (together, mine):
        assert not door.may_still_read(viewer, [file.pk])
    row = Document.every.get(pk=file.pk)
    assert not may_read(together, row)
    assert not may_read(mine, row)


def a_statement_holds_for_one_state_of_the_database() -> None:
    """One that was made before something changed lets nothing through after it."""
    gallery = laid_out(FEW)
    together = with_others(gallery, "ann", "bob")
    made = visible_documents(together, now=gallery.now)
    assert made.exists()
    with transaction.atomic():
        bump(Counter.PERMISSIONS)
    assert not made.exists()


def a_statement_asks_whether_all_accounts_are_open() -> None:
    """Also where no counter tells."""
    gallery = laid_out(FEW)
    together = with_others(gallery, "ann", "bob")
    made = visible_documents(together, now=gallery.now)
    assert made.exists()
    User.objects.filter(pk=gallery.viewers["bob"].user_id).update(is_active=False)
    assert not made.exists()
    assert not door.may_still_read(together, [])


# Conversations.


def _asked(
    gallery: Gallery, *others: str, cites: str = "everyone", conversation: Conversation | None = None
) -> Turn:
    """A running turn of bob's, before others, with one sentence."""
    bob = gallery.viewers["bob"].user_id
    turn = Turn.objects.create(
        conversation=conversation or Conversation.objects.create(user_id=bob, title="About"),
        question="What is this about?",
        language="en",
        model="extractive",
        state=TurnState.RUNNING,
        lease_until=timezone.now() + timedelta(minutes=5),
        read_documents=[gallery.documents[cites]],
        seen_by=sorted(gallery.viewers[other].user_id for other in others),
    )
    pk = gallery.documents[cites]
    Citation.objects.create(turn=turn, n=1, document_id=pk, version=1, start=0, end=10, quotes=[[0, 4]])
    StoredEvent.objects.create(
        turn=turn, seq=1, kind="token", payload=to_payload(Token("This is about it.", (1,), quoted=True))
    )
    return turn


def _next(viewer: Viewer, turn: Turn, after: int = 0) -> TurnEvent | None:
    coming = services._next(viewer, turn.pk, after)
    return None if coming is None else coming.event


def a_stream_is_cut_for_all_when_one_may_read_no_more() -> None:
    """Also when an account is closed beside an answer that stands on nothing."""
    gallery = laid_out(FEW)
    together = with_others(gallery, "bob", "ann")
    turn = _asked(gallery, "ann", cites="nested")
    assert isinstance(_next(together, turn), Token)
    hang(gallery, Exhibit("nested", {"allow": [BOB]}, frozenset({"bob"})))
    assert isinstance(_next(together, turn), Withheld)
    assert isinstance(_next(gallery.viewers["bob"], turn), Token)
    silent = _asked(gallery, "ann")
    told = {"step": "searching", "documents": 0}
    StoredEvent.objects.filter(turn=silent).update(kind="status", payload=told)
    assert not isinstance(_next(together, silent), Withheld)
    User.objects.filter(pk=gallery.viewers["ann"].user_id).update(is_active=False)
    assert isinstance(_next(together, silent), Withheld)


def a_count_is_of_what_all_may_read() -> None:
    """And tells of no files of a conversation."""
    gallery = laid_out(FEW)
    together = with_others(gallery, "bob", "ann")
    common = sum(1 for exhibit in FEW if {"ann", "bob"} <= exhibit.readers)
    turn = _asked(gallery, "ann")
    StoredEvent.objects.filter(turn=turn).update(kind="no_answer", payload=to_payload(NoAnswer(4711)))
    assert _next(together, turn) == NoAnswer(common)
    Turn.objects.filter(pk=turn.pk).update(files=FilesAsked.ONLY)
    assert _next(together, turn) == NoAnswer(common)


def a_private_turn_stays_private() -> None:
    """In no stream, page or list, and no past of a turn that others see."""
    gallery = laid_out(FEW)
    together = with_others(gallery, "bob", "ann")
    alone = _asked(gallery)
    shared = _asked(gallery, "ann", conversation=alone.conversation)
    later = _asked(gallery, "ann", conversation=alone.conversation)
    assert [len(past(viewer, later)) for viewer in (gallery.viewers["bob"], together)] == [2, 1]
    assert not past(with_others(gallery, "bob", "ann", "dee"), later)
    assert selectors.turn(viewer=together, turn_id=shared.pk).sentences
    assert services.owned_turn(together, shared.pk)
    refused(lambda: selectors.turn(viewer=together, turn_id=alone.pk), NotFound)
    refused(lambda: services.owned_turn(together, alone.pk), NotFound)
    refused(lambda: selectors.conversation(viewer=together, conversation_id=alone.conversation_id), NotFound)
    assert not selectors.conversations(viewer=together)


def a_question_is_answered_for_those_it_was_asked_before() -> None:
    """It is kept who they are, and the thread that answers reads for all of them."""
    gallery = laid_out(FEW)
    together = with_others(gallery, "bob", "ann", "eve")
    with mock.patch.object(services, "ensure_running"):
        turn = services.start_turn(viewer=together, question="What is this about?", conversation_id=None)
    seen: list[Viewer] = []

    def answering(_question: str, *, viewer: Viewer, **_: object) -> list[TurnEvent]:
        seen.append(viewer)
        return [NoAnswer(0)]

    with mock.patch.object(runner, "answer", answering):
        assert runner.run_turn(turn.pk)
    assert [viewer.beside for viewer in seen] == [together.beside]


def _asks_files(gallery: Gallery, conversation: Conversation) -> None:
    bob = gallery.viewers["bob"]
    document = new_private_document(owner_id=bob.user_id, name="plan.md", media_type="")
    ChatFile.objects.create(
        conversation=conversation, document=document, name="plan.md", size=3, state=FileState.READY
    )


def no_file_of_a_conversation_is_asked() -> None:
    """Where others read along, whatever the turn says."""
    gallery = laid_out(FEW)
    bob, together = gallery.viewers["bob"], with_others(gallery, "bob", "ann")
    conversation = Conversation.objects.create(user_id=bob.user_id, title="About")
    _asks_files(gallery, conversation)
    asked = {}
    for viewer in (bob, together):
        with mock.patch.object(services, "ensure_running"):
            asked[viewer] = services.start_turn(
                viewer=viewer, question="How long is leave?", conversation_id=conversation.pk
            )
    assert [turn.files for turn in asked.values()] == [FilesAsked.JOINED, FilesAsked.NONE]
    assert len(files_asked.asked_over(asked[bob]).files) == 1
    Turn.objects.filter(pk=asked[together].pk).update(files=FilesAsked.JOINED)
    assert not files_asked.asked_over(Turn.objects.get(pk=asked[together].pk)).files
    assert files_of(viewer=bob, conversation_id=conversation.pk).files
    assert not files_of(viewer=together, conversation_id=conversation.pk).files


def a_rule_concerns_whoever_reads_along() -> None:
    """A rule for a group that one beside is in, or might be in."""
    gallery = laid_out(())
    sales = _group(gallery, "ann")
    [rule] = publish(written("words", "Heron", words=["heron"], groups=[{"id": sales.pk, "name": "sales"}]))

    def concerned(*people: str) -> bool:
        return bool(concerning(with_others(gallery, *people), [rule], stage=Stage.QUESTION))

    assert [concerned("bob"), concerned("bob", "dee"), concerned("ann")] == [False, False, True]
    assert concerned("bob", "dee", "ann")
    User.objects.filter(pk=gallery.viewers["eve"].user_id).update(is_active=False)
    assert concerned("bob", "eve")
    Principal.objects.filter(pk=sales.pk).update(settled_in=0)
    assert concerned("bob", "dee")


def _group(gallery: Gallery, *members: str) -> Principal:
    connection = Connection.objects.get(pk=gallery.connections["west"].pk)
    inside = tuple(person_named(f"{name}@example.com") for name in members)
    replace_membership(connection=connection, groups={"sales": inside}, now=timezone.now())
    Connection.objects.exclude(pk=connection.pk).update(principals_confirmed_at=timezone.now())
    return Principal.objects.get(connection=connection, external_id="sales")


def wishes_are_obeyed_alone() -> None:
    """What somebody wrote for their own answers is told to nobody else."""
    gallery = laid_out(())
    bob = gallery.viewers["bob"]
    PersonalStyle.objects.create(user_id=bob.user_id, instructions="I lead the Heron project.")
    assert wishes_of(bob).instructions
    assert not wishes_of(with_others(gallery, "bob", "ann")).instructions


def a_link_opens_for_nobody_beside_a_closed_account() -> None:
    """Its title and questions are told to people with open accounts."""
    gallery = laid_out(FEW)
    turn = _asked(gallery)
    Share.objects.create(conversation=turn.conversation, token="t" * 43, until=turn)
    assert opened_share(with_others(gallery, "ann", "dee"), "t" * 43)
    refused(lambda: opened_share(with_others(gallery, "ann", "cho"), "t" * 43), NotFound)


class _Quoting:
    """A chat model that quotes one document twice; between, somebody beside the asker loses it."""

    name = "quoting"

    context = ContextWanted.NONE

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery

    def answer(self, request: ModelRequest) -> Iterator[AnswerSentence]:
        """Two sentences by what bob and ann may read."""
        [source] = [source for source in request.sources if "nested" in source.text]
        yield AnswerSentence(source.text[:4], (Quote(source.n, 0, 4),), quoted=True)
        hang(self._gallery, Exhibit("nested", {"allow": [BOB]}, frozenset({"bob"})))
        yield AnswerSentence(source.text[:4], (Quote(source.n, 0, 4),), quoted=True)


def a_sentence_is_released_for_all_who_read_along() -> None:
    """One beside who loses a document while the answer is written ends it."""
    gallery = laid_out(FEW)
    together = with_others(gallery, "bob", "ann")
    with index_that_proposes_everything():
        events = list(answer("about", viewer=together, model=_Quoting(gallery), into=Answer()))
    assert len([event for event in events if isinstance(event, Token)]) == 1
    assert isinstance(events[-1], Withheld)
