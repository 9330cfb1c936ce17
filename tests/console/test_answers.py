"""The page of the answers: who may open it, and what it saves."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from assistant.accounts.models import Role, User
from assistant.chat.styles import Policy, policy_in_force
from assistant.providers.wishes import Audience, Length, Scope, Tone
from tests.conftest import SmallWorld

TYPED = {
    "scope": "general",
    "drafts": "on",
    "length": "short",
    "tone": "formal",
    "audience": "experts",
    "instructions": "Name the team.\r\nNo jargon.",
}


@pytest.fixture
def con(client: Client, small_world: SmallWorld) -> Client:
    """The browser of bob, who is a content administrator for these tests."""
    User.objects.filter(email="bob@example.com").update(role=Role.CONTENT_ADMINISTRATOR)
    client.force_login(User.objects.get(email="bob@example.com"))
    return client


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.AUDITOR, Role.SECURITY_ADMINISTRATOR])
def test_for_others_there_is_no_such_page(client: Client, people: dict[str, User], role: Role) -> None:
    client.force_login(User.objects.create_user("other@example.com", role=role))
    assert client.get(reverse("console:answers")).status_code == 404
    assert client.post(reverse("console:answers"), TYPED).status_code == 404
    assert policy_in_force() == Policy()


def test_what_is_chosen_is_saved_and_shown(con: Client) -> None:
    response = con.post(reverse("console:answers"), TYPED)
    assert (response.status_code, response.headers["Location"]) == (302, "/console/answers/?saved")
    assert policy_in_force() == Policy(
        Scope.GENERAL, True, Length.SHORT, Tone.FORMAL, Audience.EXPERTS, "Name the team.\nNo jargon."
    )
    page = con.get(response.headers["Location"]).content.decode()
    assert "Saved." in page
    assert len(re.findall(r"\schecked>", page)) == 5
    assert "No language model is set up" in page


def test_what_is_no_choice_counts_as_the_usual_one(con: Client) -> None:
    con.post(reverse("console:answers"), {"scope": "everything", "length": "<b>", "tone": ""})
    assert policy_in_force() == Policy()


def test_overlong_instructions_are_kept_on_the_page_and_not_saved(con: Client) -> None:
    response = con.post(reverse("console:answers"), {**TYPED, "instructions": "<i>" + "x" * 1_000})
    page = response.content.decode()
    assert response.status_code == 422
    assert "1,003 characters are too many" in page
    assert "&lt;i&gt;xxx" in page
    assert policy_in_force() == Policy()
