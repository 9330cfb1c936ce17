"""Files that a person adds to a conversation: added, shown, removed. Private to it, and gone with it.

A file's text is a private document (`documents.models`): its owner is the only one whom the door lets
read it, and only questions of this conversation search it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from assistant.access.viewer import Viewer
from assistant.accounts.models import User
from assistant.audit.trail import Event, record
from assistant.chat import files_kept
from assistant.chat.file_limits import (
    MOST_FILES,
    FileRefused,
    Refusal,
    most_bytes,
    require_pace,
    require_room,
    within_a_day,
)
from assistant.chat.file_names import clean_name, told_apart
from assistant.chat.file_reading import ensure_read, take_up
from assistant.chat.file_reasons import failure_words
from assistant.chat.files_forgotten import forget_answers
from assistant.chat.models import ChatFile, Conversation, FileState, Turn, TurnState
from assistant.common.errors import NotFound
from assistant.documents.models import Document
from assistant.ingest.disk_room import DiskNearlyFull, require_disk_room, told_when_full
from assistant.ingest.private import new_private_document


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it comes in: what its sender calls it, and its bytes in pieces."""

    name: str
    media_type: str
    size: int
    pieces: Iterable[bytes]


@dataclass(frozen=True, slots=True)
class FileView:
    """A file as its owner sees it. `why`: the sentence that says why it cannot be used."""

    id: int
    name: str
    size: int
    state: str
    why: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class FilesView:
    """The files of a conversation in the order in which they came. `is_asked`: it has a question already."""

    conversation_id: int | None
    files: tuple[FileView, ...] = ()
    is_asked: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(one.name for one in self.files)

    @property
    def is_reading(self) -> bool:
        """Whether one of them is still being read."""
        return any(one.state == FileState.READING for one in self.files)

    @property
    def is_full(self) -> bool:
        """Whether no other fits."""
        return len(self.files) >= MOST_FILES


def add_file(*, viewer: Viewer, conversation_id: int | None, upload: Upload) -> int:
    """Take a file into the conversation, or into a new one; returns the conversation's id.

    It is read outside the request. Bytes are on the disk before the row that asks for them is written.

    Raises:
        FileRefused: it is not taken, and why; nothing of it stays.
        NotFound: no such conversation of this person.
    """
    name = clean_name(upload.name)
    if conversation_id is not None:
        _owned(viewer, conversation_id)
    require_pace(viewer.user_id, name)
    if upload.size > most_bytes():
        raise FileRefused(Refusal.TOO_LARGE, name)
    require_room(viewer.user_id, conversation_id, upload.size, name)
    try:
        require_disk_room(upload.size)
        with told_when_full():
            kept_as, size = files_kept.keep(upload.pieces, most=most_bytes())
    except files_kept.TooManyBytes as error:
        raise FileRefused(Refusal.TOO_LARGE, name) from error
    except DiskNearlyFull as error:
        raise FileRefused(Refusal.DISK, name) from error
    try:
        if not size:
            raise FileRefused(Refusal.EMPTY, name)
        with within_a_day(viewer.user_id, size, name), transaction.atomic():
            # Before the room is measured: files of one person that come at once are measured one by one.
            User.objects.select_for_update(no_key=True).get(pk=viewer.user_id)
            conversation = _locked(viewer, conversation_id)
            require_room(viewer.user_id, conversation.pk, size, name)
            others = ChatFile.objects.filter(conversation=conversation).values_list("name", flat=True)
            name = told_apart(name, list(others))
            media_type = upload.media_type[:120]
            document = new_private_document(owner_id=viewer.user_id, name=name, media_type=media_type)
            ChatFile.objects.create(
                document=document,
                conversation=conversation,
                name=name,
                media_type=media_type,
                size=size,
                kept_as=kept_as,
            )
            _audit(Event.CHAT_FILE_ADDED, viewer, document, bytes=size)
            transaction.on_commit(lambda: ensure_read(document.pk))
    except BaseException:
        files_kept.drop(kept_as)
        raise
    return conversation.pk


def files_of(*, viewer: Viewer, conversation_id: int | None) -> FilesView:
    """The files of the viewer's conversation. What a dead process left unread is taken up again.

    None where others read along: their names are the owner's alone.

    Raises:
        NotFound: no such conversation of this person.
    """
    if conversation_id is None:
        return FilesView(None)
    conversation = _owned(viewer, conversation_id)
    rows = [] if viewer.beside else list(ChatFile.objects.filter(conversation=conversation))
    take_up([row for row in rows if row.state == FileState.READING])
    return FilesView(
        conversation.pk,
        tuple(
            FileView(
                id=row.pk,
                name=row.name,
                size=row.size,
                state=row.state,
                why=failure_words(row.failure) if row.state == FileState.FAILED else "",
                added_at=row.created_at,
            )
            for row in rows
        ),
        is_asked=Turn.objects.filter(conversation=conversation).exists(),
    )


def remove_file(*, viewer: Viewer, conversation_id: int, file_id: int) -> bool:
    """Remove a file with everything that was made of it, sentences of answers included.

    A conversation that then holds nothing goes with its last file. True if the conversation is still there.

    Raises:
        NotFound: no such conversation of this person, or no such file in it.
        FileRefused: BUSY, while an answer is being written.
    """
    with transaction.atomic():
        conversation = _locked(viewer, conversation_id)
        row = ChatFile.objects.filter(conversation=conversation, pk=file_id).first()
        if row is None:
            raise NotFound("There is no such file.")
        turns = Turn.objects.filter(conversation=conversation)
        if turns.filter(state__in=(TurnState.PENDING, TurnState.RUNNING)).exists():
            raise FileRefused(Refusal.BUSY, row.name)
        forget_answers(conversation.pk, file_id)
        _audit(Event.CHAT_FILE_REMOVED, viewer, row.document)
        row.delete()
        if turns.exists() or ChatFile.objects.filter(conversation=conversation).exists():
            return True
        conversation.delete()
        return False


def _locked(viewer: Viewer, conversation_id: int | None) -> Conversation:
    """The viewer's conversation, held until the transaction ends; a new one without an id.

    Raises:
        NotFound: no such conversation of this person.
    """
    if conversation_id is None:
        title = gettext("Conversation with files")
        return Conversation.objects.create(user_id=viewer.user_id, title=title)
    rows = Conversation.objects.select_for_update().filter(user_id=viewer.user_id, user__is_active=True)
    found = rows.filter(pk=conversation_id).first()
    if found is None:
        raise NotFound("There is no such conversation.")
    Conversation.objects.filter(pk=found.pk).update(updated_at=timezone.now())
    return found


def _owned(viewer: Viewer, conversation_id: int) -> Conversation:
    mine = Conversation.objects.filter(user_id=viewer.user_id, user__is_active=True)
    found = mine.filter(pk=conversation_id).first()
    if found is None:
        raise NotFound("There is no such conversation.")
    return found


def _audit(event: Event, viewer: Viewer, document: Document, **counts: int) -> None:
    record(event, actor_id=viewer.user_id, actor=viewer.email, file=document.pk, **counts)
