"""A program may ask for a draft where its owner may on the page, and what comes says that it is one."""

from __future__ import annotations

import pytest

from assistant.accounts.models import User
from assistant.chat.styles import Policy, set_policy
from tests.api.calling import caller_of
from tests.chat.test_written_answers import Serving, serving_model
from tests.conftest import SmallWorld
from tests.guardrails.rules import block
from tests.providers.scripted_model import writes

__all__ = ["serving_model"]

DRAFT = {"question": "Announce our remote work rule", "mode": "draft"}


@pytest.fixture
def offered(small_world: SmallWorld) -> SmallWorld:
    """Administrators offer drafts."""
    set_policy(Policy(drafts=True), viewer=small_world.viewer("ada"))
    return small_world


def person(name: str) -> User:
    return User.objects.get(email=f"{name}@example.com")


def test_a_draft_comes_line_by_line_and_is_marked(offered: SmallWorld, serving_model: Serving) -> None:
    caller = caller_of(person("ann"))
    with serving_model(writes("Dear all,\nSee you soon.")):
        answer = caller.post("ask", DRAFT)
        assert answer.value["draft"] is True
        assert answer.value["answer"] == "Dear all,\nSee you soon."
        assert answer.value["citations"] == []
        plain = caller.post("ask", {"question": "Who is on call?"})
        assert plain.value["draft"] is False


def test_one_from_documents_cites_what_the_owner_may_read(
    offered: SmallWorld, serving_model: Serving
) -> None:
    said = "Dear all,\nRemote work is allowed three days a week [1]."
    for name, cites in (("ann", ["handbook"]), ("sam", [])):
        with serving_model(writes(said)):
            answer = caller_of(person(name)).post("ask", {**DRAFT, "mode": "draft_from_documents"})
        citations = answer.value["citations"]
        assert isinstance(citations, list)
        assert [cited["external_id"] for cited in citations] == cites


def test_none_is_written_where_none_are_offered(small_world: SmallWorld, serving_model: Serving) -> None:
    caller = caller_of(person("ann"))
    with serving_model(writes("Hello")) as server:
        refused = caller.post("ask", DRAFT)
        assert refused.status == 400
        assert "not offered" in refused.body.decode()
        assert caller.post("ask", {**DRAFT, "mode": "anything"}).status == 400
        assert not server.seen


def test_the_model_that_quotes_drafts_nothing(offered: SmallWorld) -> None:
    assert caller_of(person("ann")).post("ask", DRAFT).status == 400


def test_guardrails_hold_for_a_draft(offered: SmallWorld, serving_model: Serving) -> None:
    block("Heron", words=["heron"])
    with serving_model(writes("Project Heron closes soon.")) as server:
        asked = caller_of(person("ann")).post("ask", {**DRAFT, "question": "Write about Heron"})
        assert asked.value["blocked"]
        assert not server.seen
        written = caller_of(person("ann")).post("ask", DRAFT)
    assert written.value["blocked"]
    assert "closes soon" not in written.body.decode()
