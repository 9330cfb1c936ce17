"""The pages of language models: who may open them, what they save, test, show and never show."""

from __future__ import annotations

import logging

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from assistant.accounts.models import Role, User
from assistant.audit.models import AuditEvent
from assistant.catalogue.models import LanguageModel
from assistant.catalogue.opening import stored_key
from assistant.catalogue.services import set_default
from tests.catalogue.conftest import Adding
from tests.catalogue.models import viewer
from tests.common.scripted_server import ScriptedServer
from tests.providers.scripted_model import PATH, refuses

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
KEY = "sk-9f4e-canary-of-a-key"


def fields(server: ScriptedServer, **given: str) -> dict[str, str]:
    return {
        "name": "Swift",
        "purpose": "For short answers",
        "kind": "openai-compatible",
        "address": f"{server.url}/v1",
        "server_model": "scripted",
        "key": KEY,
        "audience": "all",
        "people": "",
        "most_tokens": "500",
        "silence_s": "30",
        "most_at_once": "2",
        "input_price": "2.5",
        "output_price": "10",
        "currency": "usd",
        **given,
    }


@pytest.fixture
def ada(client: Client, people: dict[str, User]) -> Client:
    """The browser of the administrator."""
    client.force_login(people["ada"])
    return client


def post(client: Client, route: str, data: dict[str, str], *args: object, **headers: str) -> HttpResponse:
    response: HttpResponse = client.post(reverse(f"console:{route}", args=args), data, headers=headers)  # type: ignore[assignment]
    return response


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_for_others_there_are_no_such_pages(
    client: Client,
    adding: Adding,
    server: ScriptedServer,
    role: Role,
) -> None:
    pk = adding("Secret weapon", key=KEY)
    client.force_login(User.objects.create_user("other@example.com", role=role))
    for route, args in (("models", ()), ("model-new", ()), ("model", (pk,))):
        assert client.get(reverse(f"console:{route}", args=args)).status_code == 404, route
    sees_sums = client.get(reverse("console:models-usage")).status_code == 200
    assert sees_sums == (role is Role.ANALYST)
    for route, args in (
        ("model-new", ()),
        ("model", (pk,)),
        ("model-default", ()),
        ("model-environment-test", ()),
        ("model-enable", (pk,)),
        ("model-remove", (pk,)),
    ):
        for data in (fields(server), {**fields(server), "test": "on"}):
            assert post(client, route, data, *args).status_code == 404, route
    assert list(LanguageModel.objects.values_list("name", "is_enabled", "is_default")) == [
        ("Secret weapon", True, False)
    ]
    assert not server.seen
    sources = client.get(reverse("console:sources"))
    assert "Language models" not in sources.content.decode()


def test_who_is_not_signed_in_comes_to_the_sign_in_page(client: Client, server: ScriptedServer) -> None:
    assert client.get(reverse("console:models")).headers["Location"].startswith("/sign-in/")
    assert post(client, "model-new", fields(server)).headers["Location"].startswith("/sign-in/")
    assert not LanguageModel.objects.exists()


def test_what_is_typed_is_saved_and_shown_again_without_the_key(ada: Client, server: ScriptedServer) -> None:
    response = post(ada, "model-new", fields(server, audience="limited", people="cho@example.com"))
    row = LanguageModel.objects.get()
    assert response.headers["Location"] == f"/console/models/{row.pk}/?saved"
    assert (row.name, row.currency, row.for_everyone, stored_key(row)) == ("Swift", "USD", False, KEY)
    text = ada.get(response.headers["Location"]).content.decode()
    for shown in ("Saved.", 'value="2.5"', 'value="10"', "cho@example.com", "Stored. Leave it empty"):
        assert shown in text
    assert KEY not in text
    assert KEY not in ada.get(reverse("console:models")).content.decode()


WRONG: list[tuple[dict[str, str], str]] = [
    ({"name": ""}, "Fill this in."),
    ({"address": "nowhere"}, "begins with http:// or https://"),
    ({"most_tokens": "٣"}, "from 64 to 100000"),
    ({"most_tokens": "9" * 400}, "from 64 to 100000"),
    ({"input_price": "a lot"}, "such as 2.5"),
    ({"input_price": "1e9"}, "such as 2.5"),
    ({"output_price": ""}, "both prices"),
]
WRONG_PEOPLE = [  # that says nothing about whether the model answers
    ({"audience": "limited"}, "Name at least one"),
    ({"audience": "limited", "people": "<b>x"}, "neither an e-mail address"),
]


@pytest.mark.parametrize(
    ("given", "says"),
    [*WRONG, *WRONG_PEOPLE, *(({**given, "test": "on"}, says) for given, says in WRONG)],
)
def test_a_wrong_value_is_told_at_its_field_and_nothing_is_saved_or_asked(
    ada: Client, server: ScriptedServer, given: dict[str, str], says: str
) -> None:
    response = post(ada, "model-new", fields(server, **given))
    text = response.content.decode()
    assert response.status_code == 422
    assert says in text
    assert "<b>x" not in text
    assert KEY not in text
    assert "type it again" in text
    assert not LanguageModel.objects.exists()
    assert not server.seen


def test_a_test_says_how_it_went_and_saves_nothing(ada: Client, server: ScriptedServer) -> None:
    response = post(ada, "model-new", fields(server, test="on"), **HTMX)
    text = response.content.decode()
    for shown in ("The model answers.", "Server reached", "First token after", "tokens read"):
        assert shown in text
    assert KEY not in text
    assert not LanguageModel.objects.exists()
    assert AuditEvent.objects.filter(event="model_tried").count() == 1


def test_a_test_that_fails_says_where_and_in_whose_words(
    ada: Client,
    server: ScriptedServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.on(PATH, refuses(401))
    text = post(ada, "model-new", fields(server, test="on")).content.decode()
    assert "does not take the API key (401)" in text
    assert "internal: secret detail" not in text
    for place in (text, caplog.text):
        assert KEY not in place


def test_a_stored_key_is_tried_where_it_belongs_and_asked_for_elsewhere(
    ada: Client,
    adding: Adding,
    server: ScriptedServer,
) -> None:
    pk = adding("Swift", key=KEY)
    assert post(ada, "model", fields(server, key="", test="on"), pk).status_code == 200
    assert server.seen[-1].headers["authorization"] == f"Bearer {KEY}"
    elsewhere = fields(server, key="", address="https://evil.example/v1")
    for also in ({}, {"test": "on"}):
        response = post(ada, "model", {**elsewhere, **also}, pk)
        assert response.status_code == 422
        assert "Type it again, or delete it" in response.content.decode()
    assert post(ada, "model", {**elsewhere, "forget_key": "on"}, pk).status_code == 302
    assert not LanguageModel.objects.get().sealed_key


def test_a_model_is_made_the_default_switched_off_and_removed(ada: Client, adding: Adding) -> None:
    pk = adding("Swift")
    assert post(ada, "model-default", {"model": str(pk)}).status_code == 302
    assert LanguageModel.objects.get().is_default
    assert post(ada, "model-default", {"model": ""}).status_code == 302
    assert not LanguageModel.objects.get().is_default
    assert post(ada, "model-default", {"model": "99999999"}).status_code == 404
    assert post(ada, "model-enable", {}, pk).status_code == 302
    assert not LanguageModel.objects.get().is_enabled
    refused = post(ada, "model-default", {"model": str(pk)})
    assert refused.status_code == 422
    assert "Switch the model on" in refused.content.decode()
    assert post(ada, "model-enable", {"on": "on"}, pk).status_code == 302
    assert post(ada, "model-remove", {}, pk).status_code == 302
    assert not LanguageModel.objects.exists()


def test_the_list_names_every_model_and_where_passages_go(
    ada: Client,
    adding: Adding,
    server: ScriptedServer,
    settings: object,
) -> None:
    pk = adding("Swift", people=("cho@example.com", *(f"p{n}@example.com" for n in range(5))))
    set_default(pk, viewer=viewer("ada"))
    text = ada.get(reverse("console:models")).content.decode()
    for shown in ("Quoted sentences", "Nowhere: they stay here", "Swift", server.url.removeprefix("http://")):
        assert shown in text
    assert "and 3 more" in text
    assert "From the environment" not in text
    settings.MUNDAP_CHAT_MODEL = "openai-compatible"  # type: ignore[attr-defined]
    settings.MUNDAP_CHAT_URL = f"{server.url}/v1"  # type: ignore[attr-defined]
    settings.MUNDAP_CHAT_MODEL_NAME = "house-model"  # type: ignore[attr-defined]
    text = ada.get(reverse("console:models")).content.decode()
    assert "From the environment" in text
    assert "Make default" not in text
    tested = post(ada, "model-environment-test", {}).content.decode()
    assert "The model answers." in tested


def test_the_pages_speak_korean(ada: Client, adding: Adding) -> None:
    User.objects.update(language="ko")
    pk = adding("Swift")
    for route, args in (("models", ()), ("model", (pk,)), ("models-usage", ())):
        text = ada.get(reverse(f"console:{route}", args=args)).content.decode()
        assert "언어 모델" in text
        assert "Passages" not in text
