"""Conversations, files and usage figures that are older than the installation wants to keep go by themselves.

A conversation counts from its last question; a file from when it was added; an answer that is being written
keeps its conversation. Whatever is deleted goes as if its owner had deleted it. Safe to run at any time, in
several processes: each deletion is a transaction of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from assistant.audit.trail import Event, record
from assistant.catalogue.models import ModelCall
from assistant.chat.files_forgotten import forget_answers
from assistant.chat.models import ChatFile, Conversation, Turn, TurnState

_OPEN = (TurnState.PENDING, TurnState.RUNNING)
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """For how many days each is kept; 0: until somebody deletes it."""

    conversations: int = 0
    files: int = 0
    usage: int = 0


@dataclass(frozen=True, slots=True)
class Deleted:
    """What one pass deleted."""

    conversations: int
    files: int
    usage: int


def kept() -> Kept:
    """What the installation has set."""
    conversations, files, usage = settings.MUNDAP_KEEP_DAYS
    return Kept(conversations, files, usage)


def delete_old() -> Deleted:
    """Delete what is older than the installation keeps it, and record how much that was."""
    limits, now = kept(), timezone.now()
    done = Deleted(
        conversations=_conversations(_before(now, limits.conversations)),
        files=_files(_before(now, limits.files)),
        usage=_usage(_before(now, limits.usage)),
    )
    if done.conversations or done.files or done.usage:
        with transaction.atomic():
            record(
                Event.RETENTION_APPLIED,
                conversations=done.conversations,
                files=done.files,
                usage=done.usage,
            )
    return done


def _before(now: datetime, days: int) -> datetime | None:
    return now - timedelta(days=days) if days else None


def _conversations(before: datetime | None) -> int:
    if before is None:
        return 0
    done = 0
    old = Conversation.objects.filter(updated_at__lt=before)
    for key in list(old.values_list("pk", flat=True)):
        with transaction.atomic():
            # Asked again under the lock: somebody may go on with it at this moment.
            row = old.select_for_update().filter(pk=key).first()
            if row is None or Turn.objects.filter(conversation=row, state__in=_OPEN).exists():
                continue
            row.delete()
            done += 1
    return done


def _files(before: datetime | None) -> int:
    """With a file go the sentences that stand on it, and a conversation that then holds nothing."""
    if before is None:
        return 0
    done = 0
    for key in list(ChatFile.objects.filter(created_at__lt=before).values_list("pk", flat=True)):
        with transaction.atomic():
            row = ChatFile.objects.filter(pk=key).first()
            if row is None:
                continue
            conversation = Conversation.objects.select_for_update().get(pk=row.conversation_id)
            turns = Turn.objects.filter(conversation=conversation)
            if turns.filter(state__in=_OPEN).exists():
                continue
            forget_answers(conversation.pk, key)
            row.delete()
            if not turns.exists() and not ChatFile.objects.filter(conversation=conversation).exists():
                conversation.delete()
            done += 1
    return done


def _usage(before: datetime | None) -> int:
    if before is None:
        return 0
    done = 0
    while keys := list(ModelCall.objects.filter(at__lt=before).values_list("pk", flat=True)[:_PAGE]):
        done += ModelCall.objects.filter(pk__in=keys).delete()[0]
    return done
