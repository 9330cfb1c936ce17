"""How much may be added to conversations? All limits in one place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from assistant.accounts.models import User
from assistant.accounts.rate_limits import Holder, Limit, LimitReached, counted
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event
from assistant.chat.models import ChatFile
from assistant.common.errors import UsageError

MOST_FILES = 10  # of one conversation
_MOST_ADDED = 100  # by one person within the span
_SPAN = timedelta(minutes=10)


class Refusal(StrEnum):
    """Why a file is not taken."""

    TOO_MANY = "too_many"
    TOO_LARGE = "too_large"
    EMPTY = "empty"
    NO_ROOM = "no_room"
    TOO_FAST = "too_fast"
    TODAY = "today"
    DISK = "disk"
    BUSY = "busy"


class FileRefused(UsageError):
    """A file is not taken, and nothing was stored. The words are in `file_reasons`."""

    def __init__(self, why: Refusal, name: str, *, wait_s: int = 0) -> None:
        super().__init__(f"The file was not taken: {why}.")
        self.why = why
        self.name = name
        self.wait_s = wait_s  # until it would be taken, where waiting helps


def most_bytes() -> int:
    """Of one file: the limit that sources' documents have."""
    limit: int = settings.MUNDAP_MAX_FILE_BYTES
    return limit


def most_bytes_of_a_person() -> int:
    """Of all files in all conversations of one person together; one of the greatest size always fits."""
    most: int = settings.MUNDAP_PERSON_FILES_BYTES
    return max(most, most_bytes()) if most else sys.maxsize


def require_pace(user_id: int, name: str) -> None:
    """Raises:
    FileRefused: TOO_FAST, as the audit trail has it that the person added very many lately.
    """
    added = AuditEvent.objects.filter(
        event=Event.CHAT_FILE_ADDED, actor_id=user_id, at__gte=timezone.now() - _SPAN
    )
    if added.count() >= _MOST_ADDED:
        raise FileRefused(Refusal.TOO_FAST, name)


def require_room(user_id: int, conversation_id: int | None, size: int, name: str) -> None:
    """Whether the conversation and the person have room for a file of this size.

    Raises:
        FileRefused: TOO_MANY or NO_ROOM.
    """
    if ChatFile.objects.filter(conversation=conversation_id).count() >= MOST_FILES:
        raise FileRefused(Refusal.TOO_MANY, name)
    mine = ChatFile.objects.filter(conversation__user=user_id).aggregate(total=Sum("size"))["total"] or 0
    if mine + size > most_bytes_of_a_person():
        raise FileRefused(Refusal.NO_ROOM, name)


@contextmanager
def within_a_day(user_id: int, size: int, name: str) -> Iterator[None]:
    """Count a file of this size among what the person adds in a day, unless what stands inside fails.

    Raises:
        FileRefused: TODAY, with how long until there is room for it.
    """
    holder = Holder(user_id, User.objects.get(pk=user_id))
    try:
        with counted(holder, {Limit.UPLOADED_FILES: 1, Limit.UPLOADED_BYTES: size}):
            yield
    except LimitReached as reached:
        raise FileRefused(Refusal.TODAY, name, wait_s=reached.wait.seconds) from reached
