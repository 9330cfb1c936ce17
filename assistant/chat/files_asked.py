"""A turn's files: waited for until they are read, then given as what may be searched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from django.db.models import QuerySet

from assistant.chat.events import Status
from assistant.chat.file_reading import take_up
from assistant.chat.file_scope import NO_FILES, AskedFile, AskedFiles
from assistant.chat.models import ChatFile, FilesAsked, FileState, Turn
from assistant.ingest.private import add_missing_vectors

WAIT_S = 180  # for files that are still being read; what is not there then is left out
_LOOKED_EVERY_S = 0.2


def waited_for(turn: Turn, *, stop: Callable[[], bool]) -> Iterator[Status]:
    """Wait until the turn's files are read, however that ends; said once, where there is any to wait for."""
    if not _may_be_asked(turn):
        return
    until, said = time.monotonic() + WAIT_S, False
    while unread := list(_files(turn).filter(state=FileState.READING)):
        if not said:
            said = True
            yield Status("files", documents=len(unread))
        take_up(unread)
        if stop() or time.monotonic() > until:
            return
        time.sleep(_LOOKED_EVERY_S)


def asked_over(turn: Turn) -> AskedFiles:
    """The files of the turn's conversation that can be searched now.

    Raises:
        ModelUnavailable: the embedder that answers cannot be used.
    """
    if not _may_be_asked(turn):
        return NO_FILES
    rows = list(_files(turn))
    ready = [row for row in rows if row.state == FileState.READY]
    add_missing_vectors([row.pk for row in ready])
    return AskedFiles(
        files=tuple(AskedFile(row.pk, row.name) for row in ready),
        only=turn.files == FilesAsked.ONLY,
        left_out=len(rows) - len(ready),
    )


def _may_be_asked(turn: Turn) -> bool:
    """They are their owner's alone: nothing of them where others read along."""
    return turn.files != FilesAsked.NONE and not turn.seen_by


def _files(turn: Turn) -> QuerySet[ChatFile]:
    """Those that were there when it was asked. Owner and conversation are both asked for."""
    mine = ChatFile.objects.filter(conversation=turn.conversation_id)
    return mine.filter(document__owner=turn.conversation.user_id, created_at__lte=turn.created_at)
