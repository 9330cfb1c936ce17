"""In local-only mode the console says so, and which of what is configured is kept from its server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from assistant.accounts.models import User
from assistant.catalogue.models import LanguageModel
from assistant.common import local_only
from assistant.common.local_only import Bounds
from assistant.documents.models import SearchModel
from assistant.identity.kinds import KINDS
from assistant.identity.models import IdentityProvider
from assistant.sync import services
from assistant.sync.engine import execute_run
from assistant.sync.models import SyncRun
from assistant.sync.services import add_source

OUTSIDE = "Local-only mode: &#x27;93.184.7.1&#x27; is outside (93.184.7.1)."
OUTSIDE_KO = "로컬 전용 모드: &#x27;93.184.7.1&#x27; 호스트는 외부에 있습니다(93.184.7.1)."


@pytest.fixture
def ada(client: Client, people: dict[str, User], settings: LazySettings) -> Iterator[Client]:
    """The administrator's browser, in local-only mode."""
    settings.MUNDAP_LOCAL_ONLY = True
    client.force_login(people["ada"])
    with local_only.bound(Bounds()):
        yield client


def page(client: Client, name: str, *args: int, language: str = "en") -> str:
    """A page of the console."""
    found = client.get(reverse(f"console:{name}", args=args), headers={"accept-language": language})
    assert found.status_code == 200
    return found.content.decode()


def far_source() -> int:
    """A source on a server outside."""
    return add_source(
        kind="dokuwiki",
        name="Far wiki",
        config={"url": "http://93.184.7.1/", "user": "a", "acl_file": "/a", "users_file": "/b"},
        secrets={"password": "b"},
        actor="test",
    )


@pytest.mark.parametrize(("language", "words"), [("en", "Local only"), ("ko", "로컬 전용")])
def test_the_overview_bears_a_mark(ada: Client, settings: LazySettings, language: str, words: str) -> None:
    assert words in page(ada, "sources", language=language)
    assert words in page(ada, "models", language=language)
    settings.MUNDAP_LOCAL_ONLY = False
    assert words not in page(ada, "sources", language=language)


def test_a_source_outside_is_named_on_its_page_and_one_inside_is_not(ada: Client, tmp_path: Path) -> None:
    far = far_source()
    (tmp_path / "docs.jsonl").write_text("", encoding="utf-8")
    config = {"path": str(tmp_path / "docs.jsonl")}
    near = add_source(kind="jsonl", name="Near", config=config, secrets={}, actor="test")
    assert OUTSIDE in page(ada, "source", far)
    assert OUTSIDE_KO in page(ada, "source", far, language="ko")
    assert "Local-only mode" not in page(ada, "source", near)


def test_a_run_of_a_source_outside_fails_with_what_to_do(
    ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "wake", lambda run_id: None)
    run_id = services.request_run(source_id=far_source(), kind="incremental", actor="test")
    execute_run(run_id)
    run = SyncRun.objects.get(pk=run_id)
    assert run.state == "failed"
    assert "Local-only mode: '93.184.7.1' is outside" in run.detail


def test_models_outside_are_marked_in_the_list_and_explained_on_their_page(ada: Client) -> None:
    far = LanguageModel.objects.create(
        name="Large", kind="openai-compatible", address="http://93.184.7.1/v1", server_model="m"
    )
    near = LanguageModel.objects.create(
        name="Ours", kind="openai-compatible", address="http://127.0.0.1:8000/v1", server_model="m"
    )
    vectors = SearchModel.objects.create(
        name="Vectors", job="embedder", kind="openai-compatible", address="http://93.184.7.1/v1", model="m"
    )
    assert page(ada, "models").count("Outside: not asked") == 2
    assert page(ada, "models", language="ko").count("외부 주소: 연결하지 않음") == 2
    assert OUTSIDE in page(ada, "model", far.pk)
    assert OUTSIDE in page(ada, "search-model", vectors.pk)
    assert "Local-only mode" not in page(ada, "model", near.pk)


def test_a_sign_in_whose_metadata_lies_outside_is_explained(ada: Client) -> None:
    usual = {field.name: field.default for field in KINDS["oidc"].load().FIELDS}
    row = IdentityProvider.objects.create(
        kind="oidc",
        slug="far",
        name="Far",
        settings={**usual, "issuer": "http://93.184.7.1", "client_id": "a"},
    )
    assert OUTSIDE in page(ada, "identity-provider", row.pk)
    assert OUTSIDE_KO in page(ada, "identity-provider", row.pk, language="ko")


def test_slack_outside_is_explained_and_not_asked(ada: Client, settings: LazySettings) -> None:
    settings.MUNDAP_SLACK_API_URL = "http://93.184.7.1/api/"
    assert OUTSIDE in page(ada, "slack")
    assert OUTSIDE_KO in page(ada, "slack", language="ko")
    handle = "0123456789abcdef"
    typed = {
        "address": "https://ask.example.com",
        "delivery": "http",
        "bot_token": "xoxb-123456-abcdef",
        "signing_secret": "ab" * 16,
    }
    answer = ada.post(reverse("console:slack-new", args=[handle]), typed)
    assert answer.status_code == 422
    assert answer.content.decode().count(OUTSIDE) == 2  # on top, and at the step that was not taken
    settings.MUNDAP_SLACK_API_URL = "http://127.0.0.1:9/api/"
    assert "Local-only mode" not in page(ada, "slack")
