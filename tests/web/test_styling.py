"""A person's own page for the style of answers, and the choice of a draft in the question box."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from assistant.accounts.models import User
from assistant.chat.models import Turn
from assistant.chat.runner import run_turn
from assistant.chat.services import start_turn
from assistant.chat.styles import Policy, Wishes, set_policy, set_wishes, wishes_of
from assistant.providers.wishes import Length, Tone
from tests.chat.test_written_answers import Serving, serving_model
from tests.conftest import SmallWorld
from tests.providers.scripted_model import writes

__all__ = ["serving_model"]


@pytest.fixture
def ann(client: Client, small_world: SmallWorld) -> Client:
    """Ann's browser."""
    client.force_login(User.objects.get(email="ann@example.com"))
    return client


def test_a_person_s_choice_is_kept_for_them_alone(ann: Client, small_world: SmallWorld) -> None:
    response = ann.post(reverse("web:style"), {"length": "long", "tone": "", "instructions": "Be kind"})
    assert response.status_code == 302
    assert wishes_of(small_world.viewer("ann")) == Wishes(Length.LONG, None, None, "Be kind")
    assert wishes_of(small_world.viewer("bob")) == Wishes()
    page = ann.get(response.headers["Location"]).content.decode()
    assert "Be kind" in page
    assert "As in the company (Plain)" in page


def test_the_page_shows_nobody_else_s_wishes(ann: Client, small_world: SmallWorld) -> None:
    set_wishes(Wishes(tone=Tone.FORMAL, instructions="bob's secret wish"), viewer=small_world.viewer("bob"))
    set_policy(Policy(instructions="the company's own wish"), viewer=small_world.viewer("ada"))
    page = ann.get(reverse("web:style")).content.decode()
    assert "secret wish" not in page
    assert "own wish" not in page


def test_overlong_instructions_are_refused_on_the_page(ann: Client, small_world: SmallWorld) -> None:
    response = ann.post(reverse("web:style"), {"instructions": "x" * 1_001})
    assert response.status_code == 422
    assert "1,001 characters are too many" in response.content.decode()
    assert wishes_of(small_world.viewer("ann")) == Wishes()


def test_a_draft_is_offered_only_where_one_can_be_written(
    ann: Client, small_world: SmallWorld, serving_model: Serving
) -> None:
    set_policy(Policy(drafts=True), viewer=small_world.viewer("ada"))
    assert 'name="mode"' not in ann.get(reverse("web:home")).content.decode()
    with serving_model(writes("Dear all")):
        assert 'name="mode"' in ann.get(reverse("web:home")).content.decode()
    set_policy(Policy(drafts=False), viewer=small_world.viewer("ada"))
    refused = ann.post(
        reverse("web:ask"), {"question": "Write", "mode": "draft"}, headers={"HX-Request": "true"}
    )
    assert refused.status_code == 422
    assert "Drafts aren’t offered" in refused.content.decode()
    assert not Turn.objects.exists()


def test_a_draft_says_over_its_text_that_no_document_carries_it(
    ann: Client, small_world: SmallWorld, serving_model: Serving
) -> None:
    set_policy(Policy(drafts=True), viewer=small_world.viewer("ada"))
    viewer = small_world.viewer("ann")
    with serving_model(writes("Dear <all>,\n![p](http://evil.example/p.png)see you")):
        turn = start_turn(viewer=viewer, question="Write", conversation_id=None, mode="draft")
        run_turn(turn.pk)
    page = ann.get(reverse("web:turn", args=[turn.pk])).content.decode()
    assert "not from company documents" in page
    assert "Dear &lt;all&gt;," in page
    assert "evil.example" not in page
    assert "no source" not in page
