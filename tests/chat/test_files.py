"""Files in a conversation: asked alone or with company documents, and gone with it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.db import connection as database
from pypdf import PdfWriter

from assistant.access.viewer import Viewer
from assistant.accounts.models import User
from assistant.chat import file_limits, file_reading, files_kept, selectors
from assistant.chat.events import Failed, NoAnswer, Withheld
from assistant.chat.file_limits import FileRefused, Refusal
from assistant.chat.files import Upload, add_file, files_of, remove_file
from assistant.chat.models import ChatFile, Conversation, FileState, StoredEvent, Turn
from assistant.chat.reading import TurnView
from assistant.chat.runner import run_turn
from assistant.chat.services import delete_conversation, start_turn
from assistant.common.errors import NotFound
from assistant.documents.models import Body, Chunk, Document, Embedding, PrivateVectors
from assistant.ingest.private import understood
from assistant.ingest.sandbox import ParserProcess
from assistant.ingest.storing import Prepared
from tests.chat.files import CONTRACT_KO, OFFER, added, only_file
from tests.conftest import SmallWorld


def asked(viewer: Viewer, question: str, conversation_id: int, files: str = "joined") -> TurnView:
    turn = start_turn(viewer=viewer, question=question, conversation_id=conversation_id, files=files)
    assert run_turn(turn.pk)
    return selectors.turn(viewer=viewer, turn_id=turn.pk)


def said(view: TurnView) -> str:
    return " ".join(sentence.text for sentence in view.sentences)


def test_a_file_is_read_and_its_question_answered_with_an_exact_quote(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    row = added(ann)
    assert row.state == FileState.READY, row.failure
    view = asked(ann, "How many days' notice ends the catering contract?", row.conversation_id)
    assert "45 days" in said(view)
    source = selectors.cited_source(viewer=ann, turn_id=view.id, n=view.sentences[0].citations[0])
    assert source.document.id == row.pk
    assert source.document.title == "offer.md"
    text = "\n\n".join(block.text for block in source.document.blocks)
    start, end = source.quotes[0]
    assert text[start:end] == view.sentences[0].text


def test_a_korean_file_is_asked_in_korean(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    row = added(ann, "임대차 계약.md", CONTRACT_KO)
    view = asked(ann, "보증금은 얼마인가요?", row.conversation_id)
    assert "7,300만 원" in said(view)


def test_company_documents_are_searched_beside_the_files(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    row = added(ann)
    view = asked(ann, "How many days a week is remote work allowed?", row.conversation_id)
    assert view.files == "joined"
    assert "three days a week" in said(view)
    assert {passage.title for passage in view.passages} >= {"Employee handbook"}


@pytest.mark.parametrize("chosen", ["only", "joined"])
def test_a_question_of_the_files_alone_finds_nothing_else(small_world: SmallWorld, chosen: str) -> None:
    ann = small_world.viewer("ann")
    row = added(ann)
    question = "How many days a week is remote work allowed?"
    if chosen == "joined":
        question = f"According to this file: {question[0].lower()}{question[1:]}"
    view = asked(ann, question, row.conversation_id, chosen)
    assert view.files == "only"
    assert {passage.document_id for passage in view.passages} <= {row.pk}
    assert "three days" not in said(view)
    if not view.sentences:
        assert view.outcome == NoAnswer(1)


@pytest.mark.parametrize(
    "question",
    ["Summarise this document", "이 파일 요약해 줘", "summarize offer.md", "요약해 주세요", "이 문서 요약"],
)
def test_a_summary_is_of_the_file(small_world: SmallWorld, question: str) -> None:
    ann = small_world.viewer("ann")
    row = added(ann)
    view = asked(ann, question, row.conversation_id)
    assert {passage.document_id for passage in view.passages} == {row.pk}
    assert "26 months" in said(view)


@pytest.mark.parametrize(
    "question", ["Compare these two files", "두 파일을 비교해 줘", "이 두 문서의 차이점은 뭐야?"]
)
def test_two_files_are_compared_side_by_side(small_world: SmallWorld, question: str) -> None:
    ann = small_world.viewer("ann")
    row = added(ann)
    other = added(ann, "rival.md", OFFER.replace("4,310", "3,980"), row.conversation_id)
    view = asked(ann, question, row.conversation_id)
    assert [part.title for part in view.parts] == ["offer.md", "rival.md"]
    assert "4,310" in " ".join(s.text for s in view.parts[0].sentences)
    assert "3,980" in " ".join(s.text for s in view.parts[1].sentences)
    assert {passage.document_id for passage in view.passages if passage.cited} == {row.pk, other.pk}


def test_several_files_are_summarised_one_after_the_other(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    row = added(ann)
    added(ann, "임대차 계약.md", CONTRACT_KO, row.conversation_id)
    view = asked(ann, "Summarise both files", row.conversation_id)
    assert [part.title for part in view.parts] == ["offer.md", "임대차 계약.md"]
    assert all(part.sentences for part in view.parts)


def test_the_conversation_is_named_after_its_first_question_and_never_after_a_file(
    small_world: SmallWorld,
) -> None:
    ann = small_world.viewer("ann")
    row = added(ann, "secret plan.md")
    assert "secret" not in Conversation.objects.get(pk=row.conversation_id).title
    asked(ann, "When does the contract begin?", row.conversation_id)
    assert Conversation.objects.get(pk=row.conversation_id).title == "When does the contract begin?"


def test_a_question_waits_for_files_that_are_being_read(
    small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that should read it has died: the turn's own wait takes the file up again."""
    monkeypatch.setattr(file_reading, "ensure_read", file_reading.read_file)
    ann = small_world.viewer("ann")
    data = OFFER.encode()
    conversation = add_file(
        viewer=ann, conversation_id=None, upload=Upload("offer.md", "", len(data), [data])
    )
    view = asked(ann, "How many days' notice ends the catering contract?", conversation)
    assert "45 days" in said(view)
    told = StoredEvent.objects.filter(turn=view.id, kind="status").values_list("payload", flat=True)
    assert {"step": "files", "documents": 1} in list(told)


def test_a_file_whose_reader_died_is_taken_up_again(
    small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = small_world.viewer("ann")

    class Killed(BaseException):
        """What no handler catches, as no handler runs after kill -9."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(file_reading, "ensure_read", lambda _: None)
    with monkeypatch.context() as dying:
        dying.setattr(file_reading, "understood", die)
        with pytest.raises(Killed):
            added(ann)
    row = ChatFile.objects.get()
    assert row.state == FileState.READING
    assert row.lease_until is not None
    assert not file_reading.read_file(row.pk)  # somebody might still be at it
    ChatFile.objects.update(lease_until=row.created_at)
    taken: list[int] = []
    monkeypatch.setattr(file_reading, "ensure_read", taken.append)
    files_of(viewer=ann, conversation_id=row.conversation_id)
    assert taken == [row.pk]
    assert file_reading.read_file(row.pk)
    assert only_file(ann, row.conversation_id).state == FileState.READY
    assert Document.every.get(pk=row.pk).version == 1
    assert not list(files_kept.place_of("").iterdir())


def test_a_file_that_kills_its_readers_is_given_up(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    row = added(ann)
    ChatFile.objects.update(state=FileState.READING, attempts=3)
    assert file_reading.read_file(row.pk)
    assert only_file(ann, row.conversation_id).state == FileState.FAILED


def _encrypted_pdf() -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret")
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def _zip_bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
        with archive.open("word/document.xml", "w", force_zip64=True) as member:
            for _ in range(1100):
                member.write(b"\0" * (1 << 20))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("offer.pdf", _encrypted_pdf, "encrypted"),
        ("offer.docx", _zip_bomb, "too_large"),
        ("offer.pdf", lambda: b"no pdf at all", "mislabelled"),
        ("offer.exe", lambda: b"MZ\x90\x00" + bytes(range(256)), "unsupported"),
        ("offer.hwp", lambda: b"\xd0\xcf\x11\xe0", "unsupported"),
        ("blank.txt", lambda: b"   \n  ", "no_text"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_nothing_else_is_lost(
    small_world: SmallWorld, name: str, content: object, code: str
) -> None:
    ann = small_world.viewer("ann")
    good = added(ann)
    assert callable(content)
    bad = added(ann, name, content(), good.conversation_id)
    assert (bad.state, bad.failure) == (FileState.FAILED, code)
    shown = files_of(viewer=ann, conversation_id=good.conversation_id).files
    assert [one.state for one in shown] == ["ready", "failed"]
    assert shown[1].why.endswith(".")
    view = asked(ann, "How many days' notice ends the catering contract?", good.conversation_id)
    assert "45 days" in said(view)
    assert view.left_out == 1
    assert not list(files_kept.place_of("").iterdir())


def test_where_no_file_can_be_read_a_question_of_them_says_so(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    row = added(ann, "offer.pdf", b"nothing")
    assert asked(ann, "Summarise this file", row.conversation_id).outcome == Failed("no_file_ready")


def test_limits_are_kept(
    small_world: SmallWorld, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_reading, "ensure_read", lambda _: None)
    ann = small_world.viewer("ann")

    def add(conversation: int | None, data: bytes = b"x", size: int | None = None) -> int:
        told = len(data) if size is None else size
        return add_file(
            viewer=ann, conversation_id=conversation, upload=Upload("a.txt", "text/plain", told, [data])
        )

    def refused(conversation: int | None, data: bytes = b"x", size: int | None = None) -> Refusal:
        before = (ChatFile.objects.count(), Conversation.objects.count())
        with pytest.raises(FileRefused) as caught:
            add(conversation, data, size)
        assert (ChatFile.objects.count(), Conversation.objects.count()) == before
        return caught.value.why

    assert refused(None, b"") == Refusal.EMPTY
    settings.MUNDAP_MAX_FILE_BYTES = 10
    assert refused(None, b"x" * 11) == Refusal.TOO_LARGE
    assert refused(None, b"x" * 11, size=3) == Refusal.TOO_LARGE  # what is told of the size proves nothing
    conversation = add(None)
    for _ in range(9):
        add(conversation)
    assert refused(conversation) == Refusal.TOO_MANY
    names = [one.name for one in files_of(viewer=ann, conversation_id=conversation).files]
    assert names[:2] == ["a.txt", "a (2).txt"]
    assert len(set(names)) == 10
    settings.MUNDAP_PERSON_FILES_BYTES = 10
    assert refused(None) == Refusal.NO_ROOM
    monkeypatch.setattr(file_limits, "_MOST_ADDED", 10)
    assert refused(None) == Refusal.TOO_FAST
    kept = {path.name for path in files_kept.place_of("").iterdir()}
    assert kept == set(ChatFile.objects.values_list("kept_as", flat=True))


def everywhere(words: str, home: Path) -> list[str]:
    """Where in any table and in any file below the home the words stand."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        with database.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {database.ops.quote_name(model._meta.db_table)}")
            found += [model._meta.label for row in cursor.fetchall() if words in repr(row)]
    for path in home.rglob("*"):
        if path.is_file() and words.encode() in path.read_bytes():
            found.append(str(path))
    return found


def _with_an_answer(ann: Viewer) -> tuple[ChatFile, TurnView]:
    row = added(ann, "Quetzal.md", OFFER)
    view = asked(ann, "What is served on Fridays under this contract?", row.conversation_id, "only")
    assert "Zanthoxylum" in said(view)
    return row, view


def test_nothing_of_a_removed_file_is_left(small_world: SmallWorld, tmp_path: Path) -> None:
    ann = small_world.viewer("ann")
    before = Embedding.objects.count()
    row, view = _with_an_answer(ann)
    assert everywhere("Zanthoxylum", tmp_path)
    remove_file(viewer=ann, conversation_id=row.conversation_id, file_id=row.pk)
    assert everywhere("Zanthoxylum", tmp_path) == []
    assert everywhere("Quetzal", tmp_path) == []
    assert not Document.every.exclude(owner=None).exists()
    assert not PrivateVectors.objects.exists()
    assert Embedding.objects.count() == before
    assert isinstance(selectors.turn(viewer=ann, turn_id=view.id).outcome, Withheld)
    shown = selectors.conversation(viewer=ann, conversation_id=row.conversation_id)
    assert [turn.question for turn in shown.turns] == [view.question]  # the person's own words stay


def test_what_stands_on_other_documents_stays(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    row = added(ann)
    company = asked(ann, "How many days a week is remote work allowed?", row.conversation_id)
    assert row.pk in Turn.objects.get(pk=company.id).read_documents
    remove_file(viewer=ann, conversation_id=row.conversation_id, file_id=row.pk)
    assert "three days a week" in said(selectors.turn(viewer=ann, turn_id=company.id))


@pytest.mark.parametrize("way", ["conversation", "person"])
def test_files_go_with_their_conversation_and_with_their_person(
    small_world: SmallWorld, tmp_path: Path, way: str
) -> None:
    ann = small_world.viewer("ann")
    counts = (Body.objects.count(), Chunk.objects.count(), Embedding.objects.count())
    row, _ = _with_an_answer(ann)
    if way == "conversation":
        delete_conversation(viewer=ann, conversation_id=row.conversation_id)
    else:
        User.objects.get(pk=ann.user_id).delete()
    assert everywhere("Zanthoxylum", tmp_path) == []
    assert everywhere("Quetzal", tmp_path) == []
    assert (Body.objects.count(), Chunk.objects.count(), Embedding.objects.count()) == counts


def test_a_file_that_is_removed_while_it_is_read_leaves_nothing(
    small_world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = small_world.viewer("ann")

    def removed_meanwhile(parser: ParserProcess, path: Path, *, name: str, media_type: str) -> Prepared:
        prepared = understood(parser, path, name=name, media_type=media_type)
        row = ChatFile.objects.get()
        assert not remove_file(viewer=ann, conversation_id=row.conversation_id, file_id=row.pk)
        return prepared

    monkeypatch.setattr(file_reading, "understood", removed_meanwhile)
    data = OFFER.encode()
    monkeypatch.setattr(file_reading, "ensure_read", lambda _: None)
    add_file(viewer=ann, conversation_id=None, upload=Upload("offer.md", "", len(data), [data]))
    assert file_reading.read_file(ChatFile.objects.get().pk)
    assert everywhere("Zanthoxylum", tmp_path) == []
    assert not Conversation.objects.exists()  # it held nothing else


def test_a_file_stays_while_an_answer_is_written(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    row = added(ann)
    Turn.objects.create(conversation_id=row.conversation_id, question="?", language="en", model="extractive")
    with pytest.raises(FileRefused) as caught:
        remove_file(viewer=ann, conversation_id=row.conversation_id, file_id=row.pk)
    assert caught.value.why == Refusal.BUSY


def test_nobody_else_adds_or_removes(small_world: SmallWorld) -> None:
    ann, bob = small_world.viewer("ann"), small_world.viewer("bob")
    row = added(ann)
    with pytest.raises(NotFound):
        added(bob, conversation_id=row.conversation_id)
    with pytest.raises(NotFound):
        remove_file(viewer=bob, conversation_id=row.conversation_id, file_id=row.pk)
    other = added(bob)
    with pytest.raises(NotFound):
        remove_file(viewer=bob, conversation_id=other.conversation_id, file_id=row.pk)
    assert ChatFile.objects.filter(pk=row.pk).exists()
    assert not list(files_kept.place_of("").iterdir())
