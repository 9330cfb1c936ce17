"""Choosing the model that answers: in the composer, by the API and on the command line, and losing it."""

from __future__ import annotations

import json
import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from assistant.accounts.api_keys import issue_key
from assistant.accounts.models import User
from assistant.catalogue.entries import ModelNotOffered
from assistant.catalogue.models import LanguageModel, ModelGrant
from assistant.catalogue.services import enable_model, set_default
from assistant.chat import runner
from assistant.chat.finding import ask
from assistant.chat.gathering import Gathered, Search, gathered
from assistant.chat.models import StoredEvent, Turn
from assistant.chat.planning import TurnPlan
from assistant.chat.runner import run_turn
from assistant.chat.services import start_turn
from assistant.chat.sharing import share_conversation, share_state
from tests.catalogue.conftest import Adding
from tests.catalogue.models import viewer
from tests.common.scripted_server import ScriptedServer
from tests.conftest import SmallWorld

pytestmark = pytest.mark.django_db
QUESTION = "How many days a week is remote work allowed?"
SECRET = "Kanari weapon"
PURPOSE = "For the merger with kanari"


@pytest.fixture
def hidden(adding: Adding) -> int:
    """A model for cho alone, whose very name is nobody else's business."""
    return adding(SECRET, people=("cho@example.com",), purpose=PURPOSE, key="sk-canary-key")


@pytest.fixture
def browser(client: Client, small_world: SmallWorld, people: dict[str, User]) -> Client:
    """Ann's browser."""
    client.force_login(people["ann"])
    return client


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns wait until a test runs them."""
    monkeypatch.setattr(runner, "ensure_running", lambda _turn: None)
    monkeypatch.setattr("assistant.chat.services.ensure_running", lambda _turn: None)


def asked(name: str, model: str = "") -> Turn:
    return start_turn(viewer=viewer(name), question=QUESTION, conversation_id=None, model=model)


def test_without_a_choice_there_is_no_list(browser: Client) -> None:
    assert 'name="model"' not in browser.get("/").content.decode()


def test_a_person_chooses_among_theirs_and_the_conversation_stays_with_it(
    browser: Client,
    adding: Adding,
    server: ScriptedServer,
    waiting: None,
) -> None:
    pk = adding("Swift")
    page = browser.get("/").content.decode()
    assert page.index('value="extractive"') < page.index(f'value="catalogue:{pk}"')
    answer = browser.post(
        "/ask/", {"question": QUESTION, "model": f"catalogue:{pk}"}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    turn = Turn.objects.get()
    assert run_turn(turn.pk)
    shown = browser.get(f"/c/{turn.conversation_id}/").content.decode()
    assert f'value="catalogue:{pk}"' in shown
    chosen = shown[shown.index(f'value="catalogue:{pk}"') :].partition(">")[0]
    assert "selected" in chosen
    assert "Answered by" in shown
    assert len(server.seen) == 1


def test_the_default_answers_where_nobody_chooses(
    small_world: SmallWorld,
    adding: Adding,
    server: ScriptedServer,
    waiting: None,
) -> None:
    set_default(adding("Swift"), viewer=viewer("ada"))
    assert run_turn(asked("ann").pk)
    assert len(server.seen) == 1


def test_a_model_that_is_not_theirs_is_refused_and_never_named(
    browser: Client,
    hidden: int,
    server: ScriptedServer,
) -> None:
    key = issue_key(user_id=viewer("ann").user_id, name="test", days=1, actor="test").text
    for wanted in (f"catalogue:{hidden}", "catalogue:987654", SECRET.upper()):
        refused = browser.post(
            "/ask/", {"question": QUESTION, "model": wanted}, headers={"HX-Request": "true"}
        )
        assert refused.status_code == 422
        called = browser.post(
            "/api/v1/ask",
            json.dumps({"question": QUESTION, "model": wanted}),
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}"},
        )
        assert called.status_code == 400
        out = StringIO()
        with pytest.raises(ModelNotOffered) as stopped:
            call_command(
                "ask", QUESTION, "--as", "ann@example.com", "--model", wanted, stdout=out, stderr=out
            )
        for text in (refused.content.decode(), called.content.decode(), out.getvalue(), str(stopped.value)):
            assert SECRET not in text
            assert PURPOSE not in text
    pages = [browser.get("/"), browser.get("/api/v1/openapi.json"), browser.get("/console/")]
    assert SECRET not in " ".join(page.content.decode() for page in pages)
    assert not Turn.objects.exists()
    assert not server.seen


def test_the_api_and_the_command_line_take_names(
    browser: Client,
    adding: Adding,
    server: ScriptedServer,
) -> None:
    adding("Swift")
    key = issue_key(user_id=viewer("ann").user_id, name="test", days=1, actor="test").text
    called = browser.post(
        "/api/v1/ask",
        json.dumps({"question": QUESTION, "model": "swift"}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )
    assert called.json()["answer"] == "Remote work is allowed three days a week."
    out = StringIO()
    call_command(
        "ask", QUESTION, "--as", "ann@example.com", "--model", "Swift", stdout=out, stderr=StringIO()
    )
    assert json.loads(out.getvalue())["answer"] == "Remote work is allowed three days a week."
    assert len(server.seen) == 2


@pytest.mark.parametrize("how", ["grant", "off", "row"])
def test_who_loses_the_right_while_a_turn_waits_gets_a_refusal_and_nothing_is_sent(
    browser: Client,
    adding: Adding,
    server: ScriptedServer,
    waiting: None,
    how: str,
) -> None:
    pk = adding(SECRET, people=("ann@example.com",))
    turn = asked("ann", SECRET)
    if how == "grant":
        ModelGrant.objects.all().delete()
    elif how == "off":
        enable_model(pk, on=False, viewer=viewer("ada"))
    else:
        LanguageModel.objects.all().delete()
    assert run_turn(turn.pk)
    assert not server.seen
    shown = browser.get(f"/c/{turn.conversation_id}/").content.decode()
    assert "isn’t open to you any more" in shown
    assert SECRET not in shown
    stored = json.dumps(list(StoredEvent.objects.values_list("kind", "payload")))
    assert "model_not_offered" in stored
    assert SECRET not in stored


def test_who_loses_the_right_while_it_searches_sends_nothing_either(
    small_world: SmallWorld,
    adding: Adding,
    server: ScriptedServer,
    waiting: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    adding(SECRET, people=("ann@example.com",))
    turn = asked("ann", SECRET)
    write = runner._Writer.write

    def losing(self: runner._Writer, event: object) -> None:
        write(self, event)  # type: ignore[arg-type]
        ModelGrant.objects.all().delete()

    monkeypatch.setattr(runner._Writer, "write", losing)
    assert run_turn(turn.pk)
    assert not server.seen
    assert Turn.objects.get().state == "failed"


def test_who_loses_the_right_while_a_question_outside_any_conversation_searches_sends_nothing(
    small_world: SmallWorld, adding: Adding, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    adding(SECRET, people=("ann@example.com",))

    def losing(plan: TurnPlan, search: Search) -> Gathered:
        ModelGrant.objects.all().delete()
        return gathered(plan, search)

    monkeypatch.setattr("assistant.chat.answering.gathered", losing)
    with pytest.raises(ModelNotOffered):
        ask(QUESTION, viewer=viewer("ann"), model=SECRET)
    assert not server.seen


def test_an_answer_names_its_model_to_who_may_use_it_now_and_to_nobody_else(
    client: Client, small_world: SmallWorld, adding: Adding, people: dict[str, User], waiting: None
) -> None:
    adding(SECRET, people=("ann@example.com",), purpose=PURPOSE)
    turn = asked("ann", SECRET)
    assert run_turn(turn.pk)
    number = turn.conversation_id
    share_conversation(viewer=viewer("ann"), conversation_id=number)
    token = share_state(viewer=viewer("ann"), conversation_id=number).token
    client.force_login(people["ann"])
    assert SECRET in client.get(f"/c/{number}/").content.decode()
    client.force_login(people["cho"])  # who reads all that ann reads, and may not use her model
    for path in (f"/s/{token}/", *(f"/s/{token}/export/?format={kind}" for kind in ("md", "json", "html"))):
        response = client.get(path)
        text = response.content.decode()
        assert response.status_code == 200
        assert "three days" in text
        assert SECRET not in text
        assert PURPOSE not in text
    ModelGrant.objects.all().delete()
    client.force_login(people["ann"])
    for path in (f"/c/{number}/", f"/turns/{turn.pk}/", f"/c/{number}/export/?format=json"):
        text = client.get(path).content.decode()
        assert "three days" in text
        assert SECRET not in text


def test_the_pages_of_others_say_the_same_with_and_without_a_hidden_model(
    browser: Client,
    adding: Adding,
) -> None:
    def shown() -> list[str]:
        pages = (browser.get("/").content.decode(), browser.get("/ask/").content.decode())
        return [
            re.sub(r'(csrfmiddlewaretoken" value=|nonce=|X-CSRFToken": )"[^"]*"', "", page) for page in pages
        ]

    before = shown()
    adding(SECRET, people=("cho@example.com",), purpose=PURPOSE)
    assert shown() == before
