"""Events are appended from the catalogue, and never changed or deleted one by one."""

from __future__ import annotations

import pytest

from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event, record

pytestmark = pytest.mark.django_db


def test_an_event_keeps_who_and_what() -> None:
    record(Event.USER_ADDED, actor="ada@example.com", actor_id=7, user="ann@example.com")
    kept = AuditEvent.objects.get()
    assert (kept.event, kept.actor, kept.actor_id) == ("user_added", "ada@example.com", 7)
    assert kept.data == {"user": "ann@example.com"}


def test_an_event_can_neither_be_changed_nor_deleted() -> None:
    record(Event.SIGNED_IN, actor="ada@example.com")
    kept = AuditEvent.objects.get()
    kept.actor = "ann@example.com"
    with pytest.raises(TypeError):
        kept.save()
    with pytest.raises(TypeError):
        kept.delete()
    assert AuditEvent.objects.get().actor == "ada@example.com"
