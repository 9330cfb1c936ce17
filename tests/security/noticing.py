"""The checks that must notice the mistakes: each lays a world down, uses it, and asserts what must hold.

Each runs inside a transaction that is rolled back, and passes as long as nothing is broken.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from unittest import mock

from asgiref.sync import async_to_sync
from django.utils import timezone

from assistant.access import door
from assistant.access.viewer import Viewer, viewer_for
from assistant.access.visibility import may_read
from assistant.accounts import principals
from assistant.accounts.api_keys import issue_key, person_with_key, revoke_key
from assistant.accounts.holding import held_by
from assistant.accounts.models import ApiKey, Connection, Principal, Role, User
from assistant.accounts.people import (
    LastManager,
    OwnAccount,
    add_alias,
    close_account,
    link_account,
    release_address,
    reopen_account,
    set_role,
)
from assistant.accounts.principals import replace_membership
from assistant.accounts.revisions import Counter
from assistant.accounts.roles import Right
from assistant.chat import answering, selectors, services
from assistant.chat.answering import Answer, answer
from assistant.chat.events import NoAnswer, NumberedEvent, Token, TurnEvent, Withheld, to_payload
from assistant.chat.exporting import export_shared
from assistant.chat.models import Citation, Conversation, StoredEvent, Turn, TurnState
from assistant.chat.reading import TurnView
from assistant.chat.sharing import (
    share_conversation,
    share_state,
    shared_conversation,
    shared_source,
    stop_sharing,
)
from assistant.common.acl import user as person_named
from assistant.common.errors import MundapError, NotFound
from assistant.documents.models import Chunk, Document
from assistant.index.contract import Candidate
from assistant.providers.contract import AnswerSentence, ModelRequest, Quote
from assistant.retrieval import retrieve as retrieving
from tests.security.gallery import (
    ALL,
    BOB,
    EXHIBITS,
    LIMIT,
    Exhibit,
    Gallery,
    by_mask,
    by_object,
    by_queryset,
    differences,
    hang,
    laid_out,
)

FEW = tuple(
    e for e in EXHIBITS if e.name in {"everyone", "nested", "deepest", "missing", "no-text", "person"}
)
SEEN_BY_BOB = {"everyone", "nested", "deepest"}
REVOKED = Exhibit("nested", {"allow": []}, frozenset())


def the_queryset_decides_each_case() -> None:
    """Every exhibit, for everybody."""
    wrong = differences(laid_out(), by_queryset)
    assert not wrong, wrong


def the_object_test_decides_each_case() -> None:
    """Every exhibit, for those whom it matters most to."""
    wrong = differences(laid_out(), by_object, people=("ann", "bob", "cho"))
    assert not wrong, wrong


def the_mask_decides_each_case() -> None:
    """Every exhibit, for everybody."""
    wrong = differences(laid_out(), by_mask)
    assert not wrong, wrong


def refused(act: Callable[[], object], error: type[MundapError]) -> None:
    """It must end with the error."""
    try:
        act()
    except error:
        return
    raise AssertionError(f"Nothing was refused where {error.__name__} was due.")


# The door.


def passages_pass_the_door() -> None:
    """Only chunks of readable documents come through."""
    gallery = laid_out(FEW)
    shown = door.passages(gallery.viewers["bob"], list(Chunk.objects.values_list("pk", flat=True)))
    assert {passage.external_id for passage in shown} == SEEN_BY_BOB


def passages_are_of_the_current_version() -> None:
    """A chunk of another version than the document's stays inside."""
    gallery = laid_out(FEW)
    row = Chunk.objects.get(document=gallery.documents["nested"])
    Chunk.objects.filter(pk=row.pk).update(version=row.version + 1)
    assert not door.passages(gallery.viewers["bob"], [row.pk])


def cards_pass_the_door() -> None:
    """Titles and sources are those of readable documents."""
    gallery = laid_out(FEW)
    cards = door.readable(gallery.viewers["bob"], list(gallery.names))
    assert {card.external_id for card in cards.values()} == SEEN_BY_BOB


def all_documents_must_be_readable() -> None:
    """One document that may not be read is enough for a no."""
    gallery = laid_out(FEW)
    bob = gallery.viewers["bob"]
    assert door.may_still_read(bob, [gallery.documents["nested"], gallery.documents["everyone"]])
    assert not door.may_still_read(bob, [gallery.documents["nested"], gallery.documents["person"]])


def counts_pass_the_door() -> None:
    """As many as the object test lets through."""
    gallery = laid_out(FEW)
    rows = Document.objects.select_related("connection", "acl")
    bob = gallery.viewers["bob"]
    assert door.count_readable(bob) == sum(may_read(bob, row) for row in rows) == len(SEEN_BY_BOB)


def documents_open_through_the_door() -> None:
    """Every exhibit but the readable ones answers as if it were not there."""
    gallery = laid_out(FEW)
    assert {
        name for name, pk in gallery.documents.items() if _opens(gallery.viewers["bob"], pk)
    } == SEEN_BY_BOB


def texts_pass_the_door() -> None:
    """Spans of documents that may not be read are None, and so are those of another version."""
    gallery = laid_out(FEW)
    spans = [(pk, 1, 0, 4) for name, pk in gallery.documents.items() if name != "no-text"]
    texts = door.passage_texts(gallery.viewers["bob"], spans)
    shown = {gallery.names[span[0]] for span, text in zip(spans, texts, strict=True) if text is not None}
    assert shown == SEEN_BY_BOB
    assert door.passage_texts(gallery.viewers["bob"], [(gallery.documents["nested"], 2, 0, 4)]) == [None]


def _opens(viewer: Viewer, document_id: int) -> bool:
    try:
        return bool(door.open_document(viewer=viewer, document_id=document_id))
    except NotFound:
        return False


# Conversations.


def _turn(gallery: Gallery, person: str, *, cited: bool = True, running: bool = False) -> Turn:
    """A turn whose one sentence stands on "nested": by a citation, or because that is what was read."""
    conversation = Conversation.objects.create(user_id=gallery.viewers[person].user_id, title="About")
    pk = gallery.documents["nested"]
    turn = Turn.objects.create(
        conversation=conversation,
        question="What is this about?",
        language="en",
        model="extractive",
        state=TurnState.RUNNING if running else TurnState.DONE,
        lease_until=timezone.now() + timedelta(minutes=5) if running else None,
        read_documents=[pk, gallery.documents["everyone"]],
    )
    Citation.objects.create(turn=turn, n=1, document_id=pk, version=1, start=0, end=10, quotes=[[0, 4]])
    events: list[TurnEvent] = [Token("This is about nested.", (1,) if cited else ())]
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


def an_old_citation_shows_no_text_of_another_version() -> None:
    """Offsets mean something in the version that was cited, and nowhere else."""
    gallery = laid_out(FEW)
    bob, turn = gallery.viewers["bob"], _turn(gallery, "bob")
    Document.objects.filter(pk=gallery.documents["nested"]).update(version=2)
    gallery_body = Document.objects.get(pk=gallery.documents["nested"]).body
    gallery_body.version = 2
    gallery_body.save()
    assert [passage.passage for passage in _shown(bob, turn).passages] == [""]


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
def _index_that_proposes_everything() -> Iterator[None]:
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
    with _index_that_proposes_everything():
        found = retrieving.retrieve("about", viewer=gallery.viewers["bob"])
    assert {hit.passage.external_id for hit in found.hits} == SEEN_BY_BOB


class _Slow:
    """A chat model during whose second sentence a document is revoked."""

    name = "slow"

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery

    def answer(self, request: ModelRequest) -> Iterator[AnswerSentence]:
        """Two sentences that quote the same source."""
        (source,) = [source for source in request.sources if "nested" in source.text]
        yield AnswerSentence("The first.", (Quote(source.n, 0, 4),))
        hang(self._gallery, REVOKED)
        yield AnswerSentence("The second.", (Quote(source.n, 0, 4),))


def a_sentence_is_released_through_the_door() -> None:
    """The document is gone while the answer is written: what comes next is that the rest is withheld."""
    gallery = laid_out(FEW)
    with _index_that_proposes_everything():
        events = list(answer("about", viewer=gallery.viewers["bob"], model=_Slow(gallery), into=Answer()))
    assert [event.text for event in events if isinstance(event, Token)] == ["The first."]
    assert isinstance(events[-1], Withheld)


def an_empty_answer_counts_what_is_readable() -> None:
    """A model that says nothing leads to a count, which is the reader's own."""
    gallery = laid_out(FEW)
    silent = mock.Mock(answer=lambda _: iter(()))
    with _index_that_proposes_everything():
        events = list(answering.answer("x", viewer=gallery.viewers["bob"], model=silent, into=Answer()))
    assert [event.documents for event in events if isinstance(event, NoAnswer)] == [len(SEEN_BY_BOB)]


# Accounts.


def a_broken_swap_leaves_the_last_membership() -> None:
    """Half a membership is never seen."""
    gallery = laid_out(())
    north = gallery.connections["north"]
    ann = User.objects.get(email="ann@example.com")
    before = held_by(ann, now=gallery.now).ids

    def broken(counter: Counter) -> int:
        raise MundapError(f"{counter} cannot be raised.")

    with mock.patch.object(principals, "bump", broken), contextlib.suppress(MundapError):
        _swap_to(north, "other")
    assert held_by(ann, now=gallery.now).ids == before
    _swap_to(north, "other")
    groups = Principal.objects.filter(
        pk__in=held_by(ann, now=gallery.now).ids, kind="group", connection=north
    )
    assert set(groups.values_list("external_id", flat=True)) == {"other"}


def _swap_to(connection: Connection, group: str) -> None:
    replace_membership(
        connection=connection, groups={group: (person_named("ann@example.com"),)}, now=timezone.now()
    )


def a_key_works_only_while_it_may() -> None:
    """Not once it is revoked, over, or its owner's account is closed."""
    ann = User.objects.create_user("ann@example.com")
    keys = {name: issue_key(user_id=ann.pk, name=name, days=9, actor="test") for name in ("a", "b", "c")}
    assert all(person_with_key(key.text) == ann for key in keys.values())
    assert person_with_key(keys["a"].text[:-1]) is None
    revoke_key(key_id=keys["a"].id, actor="test")
    ApiKey.objects.filter(pk=keys["b"].id).update(expires_at=timezone.now())
    assert [person_with_key(key.text) for key in keys.values()] == [None, None, ann]
    close_account(user_id=ann.pk, actor="test")
    assert person_with_key(keys["c"].text) is None


def each_role_may_do_its_own() -> None:
    """Administering content is not inspecting permissions, auditing changes nothing, closed is closed."""
    may = {
        role: set(User.objects.create_user(f"{role}@example.com", role=role).rights) for role in Role.values
    }
    assert not may[Role.EMPLOYEE]
    assert not may[Role.CONTENT_ADMINISTRATOR] & {
        Right.INSPECT_PERMISSIONS, Right.MANAGE_PEOPLE, Right.SEE_AUDIT,
    }  # fmt: skip
    assert not may[Role.AUDITOR] & {Right.MANAGE_PEOPLE, Right.MANAGE_SOURCES, Right.MANAGE_GUARDRAILS}
    assert not may[Role.SECURITY_ADMINISTRATOR] & {Right.MANAGE_SOURCES, Right.MANAGE_GUARDRAILS}
    closed = User.objects.create_user("closed@example.com", role=Role.ADMINISTRATOR, is_active=False)
    assert not any(closed.has_right(right) for right in Right)


def no_role_opens_a_document() -> None:
    """An administrator of everything reads what everybody reads."""
    gallery = laid_out(FEW)
    User.objects.filter(email="dee@example.com").update(role=Role.ADMINISTRATOR)
    assert door.count_readable(gallery.viewers["dee"]) == 1
    assert by_mask(gallery, "dee") == by_queryset(gallery, "dee") == {"everyone"}


# The mask against the database, kept warm through changes.


def _warm_and_cold_agree(gallery: Gallery, change: Callable[[], object]) -> None:
    """What was made before the change is not used after it."""
    people = ("ann", "bob", "dee", "eve")
    for person in people:
        assert by_mask(gallery, person) == by_queryset(gallery, person)
    change()
    for person in people:
        assert by_mask(gallery, person) == by_queryset(gallery, person)


def a_warm_mask_follows_each_change() -> None:
    """After each committed change the mask equals the queryset at that moment."""
    gallery = laid_out(FEW)
    ann, bob = (gallery.viewers[name].user_id for name in ("ann", "bob"))
    changes: tuple[Callable[[], object], ...] = (
        lambda: hang(gallery, REVOKED),
        lambda: hang(gallery, replace(REVOKED, acl=ALL)),
        lambda: hang(gallery, replace(REVOKED, name="everyone", acl=ALL, version=2)),
        lambda: hang(gallery, Exhibit("named for the first time", {"allow": [BOB]}, frozenset({"bob"}))),
        lambda: hang(gallery, Exhibit("of an alias", {"allow": ["user:b@example.com"]}, frozenset())),
        lambda: add_alias(user_id=bob, address="b@example.com", actor="test"),
        lambda: release_address(address="b@example.com", actor="test"),
        lambda: _swap_to(gallery.connections["north"], "staff"),
        lambda: close_account(user_id=ann, actor="test"),
    )
    for change in changes:
        _warm_and_cold_agree(gallery, change)


def a_warm_mask_obeys_the_clock() -> None:
    """An entry expires, a list and a membership grow too old, and a run confirms lists anew."""
    gallery = laid_out(FEW)
    hour, tick = timedelta(hours=1), timedelta(microseconds=1)
    hang(
        gallery,
        Exhibit("for an hour", {"entries": [["allow", "everyone", "until"]]}, frozenset(), until=hour),
    )
    # Groups of east were read as long ago as its limit allows, its documents just now.
    hang(gallery, Exhibit("by an old membership", {"allow": ["group:staff"]}, frozenset(), source="east"))
    hang(gallery, Exhibit("confirmed long ago", ALL, frozenset(), age=LIMIT - 2 * hour))
    hang(gallery, Exhibit("never confirmed by itself", ALL, frozenset(), source="dark", age=None))

    def pass_time(by: timedelta) -> Callable[[], None]:
        def later() -> None:
            gallery.now += by

        return later

    def confirm_lists() -> None:
        dark = Connection.objects.filter(pk=gallery.connections["dark"].pk)
        dark.update(permissions_confirmed_at=gallery.now)

    for change in (confirm_lists, *map(pass_time, (tick, hour - 2 * tick, tick, hour, tick, 4 * hour))):
        _warm_and_cold_agree(gallery, change)


def a_warm_mask_knows_who_holds_what() -> None:
    """Two who hold the same, one of them with an address in doubt, do not share what a deny decides."""
    gallery = laid_out(FEW)
    hang(
        gallery,
        Exhibit("denied to old", {"deny": ["user:old@example.com"], "allow": ["everyone"]}, frozenset()),
    )
    for name in ("fay", "gus"):
        gallery.viewers[name] = viewer_for(User.objects.create_user(f"{name}@example.com"))
    release_address(address="old@example.com", actor="test")
    add_alias(user_id=gallery.viewers["gus"].user_id, address="old@example.com", actor="test")
    for _ in range(2):
        for person, sees in (("fay", True), ("gus", False)):
            assert ("denied to old" in by_mask(gallery, person)) is sees
            assert ("denied to old" in by_queryset(gallery, person)) is sees


# Shared conversations, and people who change themselves.


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


def nobody_widens_what_they_may_read() -> None:
    """By an address, an account or a role of their own."""
    gallery = laid_out(FEW)
    ann, north = gallery.viewers["ann"], gallery.connections["north"]
    for widen in (
        lambda: add_alias(user_id=ann.user_id, address="chief@example.com", actor=ann.email),
        lambda: set_role(user_id=ann.user_id, role=Role.ADMINISTRATOR, actor=ann.email),
        lambda: link_account(
            connection_id=north.pk, account_id="chief", user_id=ann.user_id, actor=ann.email
        ),
    ):
        refused(widen, OwnAccount)


def somebody_can_always_manage_people() -> None:
    """The last who can is neither closed nor given another role."""
    last = User.objects.create_user("last@example.com", role=Role.SECURITY_ADMINISTRATOR)
    refused(lambda: set_role(user_id=last.pk, role=Role.EMPLOYEE, actor="test"), LastManager)
    refused(lambda: close_account(user_id=last.pk, actor="test"), LastManager)
