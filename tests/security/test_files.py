"""Files of conversations leak to nobody, by no route, and change nothing that anybody else sees."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from assistant.access.door import (
    count_readable,
    may_still_read,
    passage_texts,
    passages,
    readable,
    readable_sources,
    surroundings,
)
from assistant.access.inspector import find_documents, inspect, readers, source_shares
from assistant.access.mask import permitted_versions
from assistant.access.viewer import Viewer
from assistant.access.visibility import may_read, visible_documents
from assistant.accounts.models import Connection, User
from assistant.audit.models import AuditEvent
from assistant.chat import selectors
from assistant.chat.events import NoAnswer, Withheld
from assistant.chat.files import remove_file
from assistant.chat.finding import ask, search
from assistant.chat.models import ChatFile, Citation, Share, Turn
from assistant.chat.reading import TurnView
from assistant.chat.runner import run_turn
from assistant.chat.services import start_turn
from assistant.chat.sharing import share_conversation, shared_conversation
from assistant.common.errors import NotFound
from assistant.documents.models import Chunk, Document
from assistant.ingest.building import _company_chunks
from assistant.ingest.indexing import publish_missing, rebuild, searchable_documents, verify
from assistant.retrieval.filters import NO_FILTERS
from assistant.retrieval.narrowing import count_fitting
from tests.chat.files import OFFER, added
from tests.conftest import PEOPLE, SmallWorld
from tests.guardrails.rules import publish, written

QUESTION = "What is served on Fridays under the catering contract?"
REMOTE = "How many days a week is remote work allowed?"
SECRETS = ("Zanthoxylum", "Nordwind", "4,310", "quetzal-offer")
OTHERS = ("bob", "sam", "ada")


@pytest.fixture
def file(small_world: SmallWorld) -> ChatFile:
    """Ann's file, read."""
    row = added(small_world.viewer("ann"), "quetzal-offer.md", OFFER)
    assert row.state == "ready"
    return row


@pytest.fixture
def browsers(people: dict[str, User]) -> dict[str, Client]:
    """A signed-in browser for everybody, by name."""
    clients = {name: Client() for name in people}
    for name, client in clients.items():
        client.force_login(people[name])
    return clients


def asked(viewer: Viewer, question: str, conversation_id: int | None, files: str = "joined") -> TurnView:
    turn = start_turn(viewer=viewer, question=question, conversation_id=conversation_id, files=files)
    assert run_turn(turn.pk)
    return selectors.turn(viewer=viewer, turn_id=turn.pk)


def assert_nothing_in(shown: object) -> None:
    text = shown if isinstance(shown, str) else repr(shown)
    assert not [secret for secret in SECRETS if secret.casefold() in text.casefold()]


def test_its_owner_reads_it_and_nobody_else_whatever_they_are(
    small_world: SmallWorld, file: ChatFile
) -> None:
    chunks = list(Chunk.objects.filter(document=file.pk).values_list("pk", flat=True))
    for name in PEOPLE:
        viewer = small_world.viewer(name)
        mine = name == "ann"
        document = Document.every.get(pk=file.pk)
        assert may_read(viewer, document) == mine
        assert may_still_read(viewer, [file.pk]) == mine
        assert bool(readable(viewer, [file.pk])) == mine
        assert bool(passages(viewer, chunks)) == mine
        assert bool(surroundings(viewer, chunks, neighbours=1, whole_up_to={file.pk: 9999})) == mine
        assert passage_texts(viewer, [(file.pk, 1, 0, 10)]) == ([OFFER[2:12]] if mine else [None])


def test_no_listing_no_count_and_no_mask_knows_of_it_not_even_for_its_owner(
    small_world: SmallWorld, file: ChatFile
) -> None:
    for name in PEOPLE:
        viewer = small_world.viewer(name)
        assert not visible_documents(viewer).filter(pk=file.pk).exists()
        assert not permitted_versions(viewer)[file.pk :].any()
        assert set(readable_sources(viewer)) <= {"world"}
    assert file.pk not in searchable_documents()
    assert [row.name for row in Connection.objects.all()] == ["world"]


def test_the_company_s_search_is_the_same_to_the_last_byte_with_and_without_files(
    small_world: SmallWorld,
) -> None:
    questions = (QUESTION, REMOTE, "contract notice of 45 days", "보증금은 얼마인가요?")

    def everything() -> str:
        seen = []
        for name in PEOPLE:
            viewer = small_world.viewer(name)
            found = [search(question, viewer=viewer, k=10) for question in questions]
            answers = [ask(question, viewer=viewer) for question in questions]
            seen += [found, [{**answer, "ms": 0} for answer in answers]]
            seen += [count_readable(viewer), count_fitting(viewer, NO_FILTERS), readable_sources(viewer)]
        return json.dumps(seen)

    before = everything()
    added(small_world.viewer("ann"))
    added(small_world.viewer("bob"), "twin.md", OFFER)
    assert everything() == before
    assert publish_missing() == 0
    assert verify() == []
    rebuild()
    assert verify() == []
    assert everything() == before


def test_another_model_s_index_is_built_without_it(small_world: SmallWorld, file: ChatFile) -> None:
    assert not _company_chunks().filter(document=file.pk).exists()
    assert _company_chunks().count() == Chunk.objects.exclude(document=file.pk).count()


def test_another_conversation_of_the_same_person_does_not_find_it(
    small_world: SmallWorld, file: ChatFile
) -> None:
    ann = small_world.viewer("ann")
    assert "Zanthoxylum" in repr(asked(ann, QUESTION, file.conversation_id).sentences)
    for question in (QUESTION, "Summarise quetzal-offer.md", "Summarise this file"):
        view = asked(ann, question, None, "only")
        assert view.files == ""
        assert_nothing_in((view.sentences, view.passages, view.outcome))
    other = added(ann, "other.md", "# Other\n\nThe picnic is held in May.\n")
    view = asked(ann, QUESTION, other.conversation_id, "only")
    assert_nothing_in((view.sentences, view.passages))


def test_the_reader_of_a_shared_link_sees_neither_file_nor_what_stands_on_it(
    small_world: SmallWorld, file: ChatFile, browsers: dict[str, Client]
) -> None:
    ann = small_world.viewer("ann")
    private = asked(ann, QUESTION, file.conversation_id)
    open_to_all = asked(ann, REMOTE, file.conversation_id)
    summary = asked(ann, "Summarise this file", file.conversation_id)
    added(ann, "quetzal-offer 2.md", OFFER, file.conversation_id)
    compared = asked(ann, "Compare these two files", file.conversation_id)
    none = asked(ann, "Who painted the Mona Lisa in Florence?", file.conversation_id, "only")
    assert isinstance(none.outcome, NoAnswer)
    share_conversation(viewer=ann, conversation_id=file.conversation_id)
    token = Share.objects.get().token
    for name in OTHERS:
        shown = shared_conversation(viewer=small_world.viewer(name), token=token)
        by_id = {turn.id: turn for turn in shown.turns}
        for turn in (private, summary, compared, none):
            assert isinstance(by_id[turn.id].outcome, Withheld)
            assert not by_id[turn.id].parts
            assert (by_id[turn.id].files, by_id[turn.id].left_out) == ("", 0)
        assert_nothing_in(
            [(turn.sentences, turn.passages, turn.parts, turn.searched) for turn in shown.turns]
        )
        pages = [
            reverse("web:shared", args=[token]),
            reverse("web:export-shared", args=[token]) + "?format=md",
            reverse("web:export-shared", args=[token]) + "?format=html",
            *(reverse("web:shared-source", args=[token, private.id, n]) for n in range(1, 9)),
        ]
        for page in pages:
            assert_nothing_in(browsers[name].get(page).content.decode())
    bob = shared_conversation(viewer=small_world.viewer("bob"), token=token)
    assert "three days" in repr(next(turn for turn in bob.turns if turn.id == open_to_all.id).sentences)
    assert "Zanthoxylum" in browsers["ann"].get(reverse("web:shared", args=[token])).content.decode()


def test_no_address_of_the_pages_gives_it_to_others(
    small_world: SmallWorld, file: ChatFile, browsers: dict[str, Client]
) -> None:
    ann = small_world.viewer("ann")
    turn = asked(ann, QUESTION, file.conversation_id)
    number = file.conversation_id
    addresses = [
        reverse("web:document", args=[file.pk]),
        reverse("web:conversation", args=[number]),
        reverse("web:files", args=[number]),
        reverse("web:export", args=[number]) + "?format=md",
        reverse("web:delete", args=[number]),
        reverse("web:turn", args=[turn.id]),
        *(reverse("web:cited-source", args=[turn.id, n]) for n in range(1, 9)),
    ]
    for name in OTHERS:
        for address in addresses:
            for headers in ({}, {"HX-Request": "true"}):
                response = browsers[name].get(address, headers=headers)
                assert response.status_code == 404, (name, address)
                assert_nothing_in(response.content.decode())
        for conversation in (number, number + 1):
            remove = reverse("web:remove-file", args=[conversation, file.pk])
            assert browsers[name].post(remove).status_code == 404
        upload = {"conversation": str(number)}
        assert browsers[name].post(reverse("web:add-files"), upload).status_code == 404
    assert ChatFile.objects.filter(pk=file.pk).exists()
    assert browsers["ann"].get(addresses[0]).status_code == 200
    assert b"Zanthoxylum" in browsers["ann"].get(reverse("web:cited-source", args=[turn.id, 1])).content
    export = b"".join(browsers["ann"].get(addresses[3]))
    assert b"Zanthoxylum" in export


def test_somebody_else_s_question_cannot_name_the_conversation(
    small_world: SmallWorld, file: ChatFile
) -> None:
    with pytest.raises(NotFound):
        start_turn(viewer=small_world.viewer("bob"), question=QUESTION, conversation_id=file.conversation_id)


def test_the_inspector_does_not_know_it(
    small_world: SmallWorld, file: ChatFile, browsers: dict[str, Client]
) -> None:
    ada, ann = small_world.viewer("ada"), small_world.viewer("ann")
    document = Document.every.get(pk=file.pk)
    for text in (str(file.pk), document.external_id, "quetzal-offer.md"):
        assert find_documents(viewer=ada, text=text) == ()
    with pytest.raises(NotFound):
        readers(viewer=ada, document_id=file.pk)
    for person in (ann, ada):
        with pytest.raises(NotFound):
            inspect(viewer=ada, person_id=person.user_id, document_id=file.pk)
    assert [share.source for share in source_shares(viewer=ada, person_id=ann.user_id)] == ["world"]
    pages = [
        reverse(f"console:{name}") for name in ("sources", "permissions", "guardrails", "ranking", "people")
    ]
    pages += [reverse("console:shares", args=[ann.user_id]), reverse("console:guardrail-new", args=["words"])]
    for page in pages:
        response = browsers["ada"].get(page)
        assert response.status_code == 200, page
        assert_nothing_in(response.content.decode())
        assert "private documents" not in response.content.decode()
    assert browsers["ada"].get(reverse("console:readers", args=[file.pk])).status_code == 404


def test_the_audit_trail_holds_numbers_only(small_world: SmallWorld, file: ChatFile) -> None:
    ann = small_world.viewer("ann")
    asked(ann, QUESTION, file.conversation_id)
    remove_file(viewer=ann, conversation_id=file.conversation_id, file_id=file.pk)
    kinds = set(AuditEvent.objects.values_list("event", flat=True))
    assert {"chat_file_added", "chat_file_removed"} <= kinds
    assert_nothing_in(json.dumps(list(AuditEvent.objects.values_list("event", "data"))))


def test_an_address_inherits_nothing(small_world: SmallWorld, file: ChatFile) -> None:
    """Whoever has the owner's address now is not the owner; the owner keeps the file under another one."""
    ann, bob = (User.objects.get(email=f"{name}@example.com") for name in ("ann", "bob"))
    User.objects.filter(pk=ann.pk).update(email="ann.new@example.com")
    User.objects.filter(pk=bob.pk).update(email="ann@example.com")
    for address in bob.addresses.all():
        address.delete()
    ann.addresses.update(user=bob, confirmed=True)
    heir = Viewer(user_id=bob.pk, email="ann@example.com")
    assert not may_still_read(heir, [file.pk])
    assert may_still_read(Viewer(user_id=ann.pk, email="ann.new@example.com"), [file.pk])


def test_a_closed_account_reads_its_files_no_more(small_world: SmallWorld, file: ChatFile) -> None:
    ann = small_world.viewer("ann")
    User.objects.filter(pk=ann.user_id).update(is_active=False)
    assert not may_still_read(ann, [file.pk])
    assert not may_read(ann, Document.every.get(pk=file.pk))


def test_an_owner_alone_does_not_open_a_hidden_or_unread_document(
    small_world: SmallWorld, file: ChatFile
) -> None:
    ann = small_world.viewer("ann")
    for change in ({"hidden": "permissions"}, {"hidden": "", "version": 0}):
        Document.every.filter(pk=file.pk).update(**change)
        assert not may_still_read(ann, [file.pk])
        assert not may_read(ann, Document.every.get(pk=file.pk))


def test_a_file_that_goes_takes_the_answer_out_of_an_open_stream(
    small_world: SmallWorld, file: ChatFile
) -> None:
    ann = small_world.viewer("ann")
    view = asked(ann, QUESTION, file.conversation_id)
    Document.every.filter(pk=file.pk).delete()
    shown = selectors.turn(viewer=ann, turn_id=view.id)
    assert isinstance(shown.outcome, Withheld)
    assert not shown.sentences
    assert not Citation.objects.filter(turn=view.id, document=file.pk).exists()


def test_guardrails_hold_for_passages_of_files(small_world: SmallWorld, file: ChatFile) -> None:
    publish(written("words", "spices", words=["Zanthoxylum"], stages=["passage"]))
    view = asked(small_world.viewer("ann"), QUESTION, file.conversation_id, "only")
    assert "Zanthoxylum" not in repr((view.sentences, view.passages))


def test_a_turn_of_before_there_were_files_is_drawn_as_it_was(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    view = asked(ann, REMOTE, None)
    assert Turn.objects.get(pk=view.id).files == ""
    assert "three days" in repr(view.sentences)
