"""inspect() obeys the topics as they are in the database at that moment."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from assistant.access.viewer import Viewer
from assistant.accounts.models import User
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event
from assistant.guardrails.inspect import inspect
from assistant.guardrails.models import MAX_LINE, MAX_LINES, Topic
from assistant.guardrails.verdict import PASSED, Stage

ANN = Viewer(user_id=1, email="ann@example.com")
pytestmark = pytest.mark.django_db


@pytest.fixture
def heron() -> Topic:
    return Topic.objects.create(name="Project Heron", words="heron\n왜가리")


def blocked(text: str, stage: Stage = Stage.QUESTION) -> bool:
    return inspect(text, stage=stage, viewer=ANN).blocked


def test_without_topics_everything_passes() -> None:
    assert inspect("What does the CEO earn?", stage=Stage.QUESTION, viewer=ANN) == PASSED


def test_a_blocked_verdict_names_the_topic_and_speaks_the_language_of_the_text(heron: Topic) -> None:
    english = inspect("What is Heron?", stage=Stage.QUESTION, viewer=ANN)
    korean = inspect("왜가리가 무엇인가요?", stage=Stage.QUESTION, viewer=ANN)
    assert (english.blocked, english.topic, english.topic_id) == (True, "Project Heron", heron.pk)
    assert (
        english.message
        == "Questions about “Project Heron” are not answered here. Please ask the department in charge."
    )
    assert korean.message.startswith("‘Project Heron’에 관한 내용은")


def test_the_administrators_message_is_shown_as_written(heron: Topic) -> None:
    Topic.objects.update(message="Ask {legal} first.")
    assert inspect("heron?", stage=Stage.QUESTION, viewer=ANN).message == "Ask {legal} first."


@pytest.mark.parametrize("stage", list(Stage))
def test_words_are_stopped_at_every_stage(heron: Topic, stage: Stage) -> None:
    assert blocked("the heron deal", stage)


def test_a_disabled_topic_blocks_nothing(heron: Topic) -> None:
    Topic.objects.update(enabled=False)
    assert not blocked("heron")


def test_every_edit_is_obeyed_by_the_next_call_however_it_was_written(heron: Topic) -> None:
    assert blocked("heron")
    assert not blocked("osprey")
    Topic.objects.filter(pk=heron.pk).update(words="osprey")  # leaves updated_at as it was
    assert not blocked("heron")
    assert blocked("osprey")
    heron.refresh_from_db()
    heron.words = "eagle"
    heron.save()
    assert blocked("eagle")
    heron.delete()
    assert not blocked("eagle")


def test_a_topic_by_examples_is_stopped_in_korean() -> None:
    Topic.objects.create(name="연봉", examples="김 부장 연봉이 얼마야?\n동료들은 월급을 얼마나 받나요?")
    assert blocked("박 과장은 급여를 얼마 받아?")
    assert not blocked("회의실은 어떻게 예약하나요?")


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\x00", "\ud800"])
def test_a_text_that_says_nothing_passes(heron: Topic, text: str) -> None:
    assert inspect(text, stage=Stage.QUESTION, viewer=ANN) == PASSED


def test_lone_surrogates_do_not_hide_a_word(heron: Topic) -> None:
    assert blocked("he\ud800ron")


def test_a_topic_that_blocks_nothing_is_refused_by_form_and_database() -> None:
    with pytest.raises(ValidationError, match="would block nothing"):
        Topic(name="empty", words=" \n ").full_clean()
    with pytest.raises(IntegrityError):
        Topic.objects.create(name="empty")


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("words", "\n".join(f"word{n}" for n in range(MAX_LINES + 1)), "At most 200 lines"),
        ("examples", "short\n" + "x" * (MAX_LINE + 1), "Line 2 is longer"),
        ("words", "fine\n...", "has no letter or digit"),
    ],
)
def test_oversized_or_useless_lines_are_refused_with_a_reason(field: str, value: str, what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        Topic(**{"name": "topic", field: value}).full_clean()


def test_a_name_is_unique_and_tidied(heron: Topic) -> None:
    with pytest.raises(ValidationError):
        Topic(name="  Project   Heron ", words="x1").full_clean()


def test_changes_in_the_admin_are_audited() -> None:
    admin = User.objects.create_superuser("ada@example.com", "correct horse battery staple")
    client = Client()
    client.force_login(admin)
    form = {
        "name": "Heron",
        "enabled": "on",
        "words": "heron",
        "description": "",
        "examples": "",
        "message": "",
    }
    assert client.post(reverse("admin:guardrails_topic_add"), form).status_code == 302
    topic = Topic.objects.get()
    assert client.get(reverse("admin:guardrails_topic_changelist")).status_code == 200
    assert (
        client.post(
            reverse("admin:guardrails_topic_change", args=[topic.pk]), {**form, "words": ""}
        ).status_code
        == 200
    )
    assert (
        client.post(reverse("admin:guardrails_topic_delete", args=[topic.pk]), {"post": "yes"}).status_code
        == 302
    )
    events = AuditEvent.objects.filter(event=Event.TOPIC_CHANGED).order_by("pk")
    assert [event.data["what"] for event in events] == ["added", "deleted"]
    assert {(event.actor, event.data["topic"]) for event in events} == {("ada@example.com", "Heron")}
