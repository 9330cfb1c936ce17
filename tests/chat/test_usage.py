"""How much is asked, in counts that name nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from assistant.access.viewer import viewer_for
from assistant.accounts.models import Role, User
from assistant.accounts.service_accounts import add_service_account
from assistant.chat.models import Conversation, StoredEvent, Turn, TurnState
from assistant.chat.usage import FEWEST, usage_of_answers
from assistant.common.errors import NotFound

pytestmark = pytest.mark.django_db
SECRET = "Is Heron bought?"


@pytest.fixture
def ana(people: dict[str, User]) -> User:
    """An analyst."""
    return User.objects.create_user("ana@example.com", name="Ana", role=Role.ANALYST)


def asked(user: User, state: TurnState = TurnState.DONE, *events: str) -> Turn:
    conversation = Conversation.objects.create(user=user, title=SECRET)
    turn = Turn.objects.create(
        conversation=conversation, question=SECRET, language="en", model="extractive", state=state
    )
    for seq, kind in enumerate(events):
        StoredEvent.objects.create(turn=turn, seq=seq, kind=kind)
    return turn


def test_each_question_is_counted_by_how_it_ended(people: dict[str, User], ana: User) -> None:
    asked(people["ann"])
    asked(people["bob"], TurnState.DONE, "no_answer")
    asked(people["bob"], TurnState.BLOCKED)
    asked(people["cho"], TurnState.STOPPED)
    asked(people["cho"], TurnState.FAILED)
    asked(people["cho"], TurnState.RUNNING)
    old = asked(people["cho"])
    Turn.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=31))
    usage = usage_of_answers(viewer=viewer_for(ana))
    assert (usage.asked, usage.answered, usage.unanswered) == (6, 1, 1)
    assert (usage.blocked, usage.stopped, usage.failed, usage.answered_percent) == (1, 1, 1, 25)


def test_few_people_are_not_counted_out(people: dict[str, User], ana: User) -> None:
    names = list(people)
    for name in names[: FEWEST - 1]:
        asked(people[name])
    # Whoever sees the figure knows how many programs there are: with them it would be four colleagues'.
    asked(add_service_account(word="box", name="", contact="IT desk", actor="test"))
    usage = usage_of_answers(viewer=viewer_for(ana))
    assert (usage.asked, usage.people) == (FEWEST, None)
    asked(people[names[FEWEST - 1]])
    assert usage_of_answers(viewer=viewer_for(ana)).people == FEWEST


def test_the_page_names_no_person_no_question_and_no_document(
    client: Client, people: dict[str, User], ana: User
) -> None:
    asked(people["ann"])
    client.force_login(ana)
    page = client.get("/console/models/usage/")
    assert page.status_code == 200
    text = page.content.decode()
    for secret in (SECRET, "Heron", "ann@example.com", "Ann", "bob@example.com"):
        assert secret not in text, secret
    assert "Fewer than 5" in text


def test_an_analyst_finds_the_page_and_nothing_else_of_the_console(client: Client, ana: User) -> None:
    client.force_login(ana)
    assert 'href="/console/models/usage/"' in client.get("/").content.decode()
    for path in ("", "models/", "people/", "audit/", "guardrails/", "permissions/"):
        assert client.get(f"/console/{path}").status_code == 404, path


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.CONTENT_ADMINISTRATOR, Role.AUDITOR])
def test_who_may_not_see_usage_is_told_nothing(role: Role) -> None:
    with pytest.raises(NotFound):
        usage_of_answers(viewer=viewer_for(User.objects.create_user("x@example.com", role=role)))
