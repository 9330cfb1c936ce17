"""What must go with a file: its document, the bytes that waited, and the sentences that stand on it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from assistant.chat import files_kept
from assistant.chat.events import Withheld, to_payload
from assistant.chat.models import ChatFile, Citation, StoredEvent, Turn, TurnState
from assistant.chat.selectors import notes_in, said_in, stands_on
from assistant.documents.models import Document

_SAYING = ("token", "note", "section", "searched", "citations", "no_answer", "done", "blocked")


@receiver(post_delete, sender=ChatFile, dispatch_uid="chat_file_takes_its_document_along")
def _take_along(sender: type[ChatFile], instance: ChatFile, **_: Any) -> None:  # noqa: ARG001 - Django's signature
    """However a file goes, alone, with its conversation or with the person."""
    Document.every.filter(pk=instance.document_id).delete()
    kept_as = instance.kept_as
    transaction.on_commit(lambda: files_kept.drop(kept_as))


def forget_answers(conversation_id: int, document_id: int) -> None:
    """Forget what finished turns of the conversation said that may tell of the document.

    Nothing of them can be shown without it anyway. Must run inside the caller's transaction.
    """
    turns = Turn.objects.filter(conversation=conversation_id).exclude(
        state__in=(TurnState.PENDING, TurnState.RUNNING)
    )
    for turn in turns.prefetch_related("events", "citations"):
        tokens, _ = said_in(turn)
        needed = stands_on(tokens, list(turn.citations.all()), turn.read_documents)
        noted = {source.document for note in notes_in(turn) for source in note.sources}
        if document_id in needed | noted | set(turn.carried_documents):
            _forget(turn)


def _forget(turn: Turn) -> None:
    events = StoredEvent.objects.filter(turn=turn)
    last = events.order_by("-seq").values_list("seq", flat=True).first() or 0
    events.filter(kind__in=_SAYING).delete()
    if not events.filter(kind="withheld").exists():
        StoredEvent.objects.create(turn=turn, seq=last + 1, kind="withheld", payload=to_payload(Withheld()))
    Citation.objects.filter(turn=turn).delete()
