"""What is older than the installation keeps it goes by itself, and nothing else does."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assistant.accounts.models import User
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event
from assistant.catalogue.models import ModelCall
from assistant.chat.models import ChatFile, Conversation, Turn, TurnState
from assistant.config.celery import app
from assistant.documents.models import Chunk, Document
from assistant.privacy import retention, tasks
from assistant.privacy.retention import Deleted, delete_old
from tests.chat.files import added
from tests.conftest import SmallWorld

WEEK = 7


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> object:
    """Moves the clock by so many days."""
    genuine = timezone.now

    def move(days: float) -> None:
        class Clock:
            @staticmethod
            def now() -> datetime:
                return genuine() + timedelta(days=days)

        monkeypatch.setattr(retention, "timezone", Clock)

    return move


def conversation(user: User, state: TurnState = TurnState.DONE) -> Conversation:
    row = Conversation.objects.create(user=user, title="x")
    Turn.objects.create(conversation=row, question="q", language="en", model="m", state=state)
    return row


@pytest.mark.django_db
def test_conversations_go_so_many_days_after_their_last_question(
    people: dict[str, User], settings: LazySettings, later: object
) -> None:
    settings.MUNDAP_KEEP_DAYS = (WEEK, 0, 0)
    old, used = conversation(people["ann"]), conversation(people["bob"])
    later(WEEK - 0.1)  # type: ignore[operator]
    assert delete_old() == Deleted(0, 0, 0)
    later(WEEK + 0.1)  # type: ignore[operator]
    Conversation.objects.filter(pk=used.pk).update(updated_at=timezone.now() + timedelta(days=1))
    assert delete_old() == Deleted(1, 0, 0)
    assert list(Conversation.objects.values_list("pk", flat=True)) == [used.pk]
    assert not Turn.objects.filter(conversation_id=old.pk).exists()
    entry = AuditEvent.objects.get(event=Event.RETENTION_APPLIED)
    assert entry.data["conversations"] == 1
    assert delete_old() == Deleted(0, 0, 0)
    assert AuditEvent.objects.filter(event=Event.RETENTION_APPLIED).count() == 1


@pytest.mark.django_db
def test_nothing_goes_where_nothing_is_set(
    people: dict[str, User], settings: LazySettings, later: object
) -> None:
    settings.MUNDAP_KEEP_DAYS = (0, 0, 0)
    conversation(people["ann"])
    later(36_500)  # type: ignore[operator]
    assert delete_old() == Deleted(0, 0, 0)
    assert Conversation.objects.exists()


@pytest.mark.django_db
def test_an_answer_that_is_being_written_keeps_its_conversation(
    people: dict[str, User], settings: LazySettings, later: object
) -> None:
    settings.MUNDAP_KEEP_DAYS = (1, 0, 0)
    conversation(people["ann"], TurnState.RUNNING)
    later(2)  # type: ignore[operator]
    assert delete_old() == Deleted(0, 0, 0)


@pytest.mark.django_db
def test_with_a_file_go_its_text_and_a_conversation_that_holds_nothing_else(
    small_world: SmallWorld, settings: LazySettings, later: object
) -> None:
    settings.MUNDAP_KEEP_DAYS = (0, 1, 0)
    row = added(small_world.viewer("ann"), "offer.md")
    asked = conversation(User.objects.get(email="bob@example.com"))
    kept = added(small_world.viewer("bob"), "offer.md", conversation_id=asked.pk)
    later(2)  # type: ignore[operator]
    assert delete_old() == Deleted(0, 2, 0)
    assert not ChatFile.objects.exists()
    assert not Document.every.exclude(owner=None).exists()
    assert not Chunk.objects.filter(document__in=[row.pk, kept.pk]).exists()
    assert list(Conversation.objects.values_list("pk", flat=True)) == [asked.pk]


@pytest.mark.django_db
def test_usage_figures_go_too_and_by_the_schedule(settings: LazySettings, later: object) -> None:
    settings.MUNDAP_KEEP_DAYS = (0, 0, 1)
    call = {"key": "k", "name": "n", "input_tokens": 1, "output_tokens": 1, "is_estimated": False, "ms": 1}
    ModelCall.objects.create(**call, outcome="done", cost=Decimal(1))
    later(2)  # type: ignore[operator]
    assert app.conf.beat_schedule["delete-old"]["task"] == tasks.delete_old.name
    tasks.delete_old()
    assert not ModelCall.objects.exists()


@pytest.mark.django_db
def test_people_are_told_how_long_their_conversations_are_kept(
    client: Client, people: dict[str, User], settings: LazySettings
) -> None:
    client.force_login(people["ann"])
    settings.MUNDAP_KEEP_DAYS = (0, 0, 0)
    assert "data-kept" not in client.get(reverse("web:home")).content.decode()
    settings.MUNDAP_KEEP_DAYS = (30, 1, 0)
    page = client.get(reverse("web:home")).content.decode()
    assert "Conversations are deleted 30 days after their last question." in page
    assert "Files are deleted 1 day after they were added." in page
