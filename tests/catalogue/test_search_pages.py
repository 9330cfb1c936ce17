"""The pages of the search's models: who may open them, what they save, test, choose, show and never show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from assistant.accounts.models import Role, User
from assistant.audit.models import AuditEvent
from assistant.catalogue.models import ModelCall
from assistant.common.errors import ModelUnavailable
from assistant.documents.models import ModelIndex, SearchModel
from assistant.documents.search_models import Wanted, embedder_of, stored_key
from tests.catalogue.test_pages import post
from tests.common.scripted_server import ScriptedServer, reply
from tests.providers.embedding_server import LOCAL, PATH, embedding_server
from tests.providers.scripted_model import refuses
from tests.providers.tiny_entailment import made_entailment
from tests.providers.tiny_reranker import made_reranker

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
KEY = "sk-77aa-canary-of-a-key"


@pytest.fixture
def far(settings: LazySettings) -> Iterator[ScriptedServer]:
    settings.MUNDAP_ALLOWED_NETWORKS = LOCAL.allowed
    with embedding_server() as serving:
        yield serving


@pytest.fixture
def ada(client: Client, people: dict[str, User]) -> Client:
    """The browser of the administrator."""
    client.force_login(people["ada"])
    return client


def fields(server: ScriptedServer, **given: str) -> dict[str, str]:
    return {
        "name": "Far",
        "kind": "openai-compatible",
        "address": f"{server.url}/v1",
        "model": "team/tiny-embedder",
        "key": KEY,
        "question_prompt": "query: ",
        "silence_s": "20",
        "most_at_once": "2",
        **given,
    }


def text_of(client: Client, route: str = "models", *args: object) -> str:
    return client.get(reverse(f"console:{route}", args=args)).content.decode()


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_for_others_there_are_no_such_pages(ada: Client, far: ScriptedServer, role: Role) -> None:
    assert post(ada, "search-model-new", fields(far), "embedder").status_code == 302
    (row,) = SearchModel.objects.all()
    other = Client()
    other.force_login(User.objects.create_user("other@example.com", role=role))
    events = AuditEvent.objects.count()
    for route, args in (("search-model-new", ("embedder",)), ("search-model", (row.pk,))):
        assert other.get(reverse(f"console:{route}", args=args)).status_code == 404, route
    for route, args in (
        ("search-model-new", ("embedder",)),
        ("search-model", (row.pk,)),
        ("search-model-choose", ("embedder",)),
        ("search-model-test", ("embedder",)),
        ("search-model-remove", (row.pk,)),
    ):
        for data in (fields(far), {**fields(far), "test": "on"}, {"model": str(row.pk)}):
            assert post(other, route, data, *args).status_code == 404, route
    assert AuditEvent.objects.count() == events
    assert not SearchModel.objects.filter(is_chosen=True).exists()
    assert not far.seen


def test_a_model_is_added_shown_and_its_key_never(ada: Client, far: ScriptedServer) -> None:
    assert post(ada, "search-model-new", fields(far), "embedder").status_code == 302
    (row,) = SearchModel.objects.all()
    assert (row.name, row.question_prompt, row.most_at_once) == ("Far", "query: ", 2)
    assert stored_key(row) == KEY
    for page in (text_of(ada), text_of(ada, "search-model", row.pk)):
        assert "Far" in page
        assert KEY not in page
    assert not far.seen
    assert KEY not in repr(list(AuditEvent.objects.values_list("data", flat=True)))


def test_before_a_server_is_chosen_the_page_says_that_all_texts_of_all_documents_go_there(
    ada: Client, far: ScriptedServer
) -> None:
    post(ada, "search-model-new", fields(far), "embedder")
    page = " ".join(text_of(ada).split())
    host = far.url.removeprefix("http://")
    assert f"All texts of all documents are sent to <bdi>{host}</bdi>" in page


def test_choosing_is_audited_and_shows_how_far_its_index_is(ada: Client, far: ScriptedServer) -> None:
    post(ada, "search-model-new", fields(far), "embedder")
    (row,) = SearchModel.objects.all()
    assert post(ada, "search-model-choose", {"model": str(row.pk)}, "embedder").status_code == 302
    (event,) = AuditEvent.objects.filter(event="search_model_chosen")
    assert event.data["name"] == "Far"
    assert event.actor == "ada@example.com"
    page = text_of(ada)
    assert "In use" in page
    assert post(ada, "search-model-choose", {"model": ""}, "embedder").status_code == 302
    assert not SearchModel.objects.filter(is_chosen=True).exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"address": "ftp://x"}, "address"),
        ({"address": ""}, "address"),
        ({"model": ""}, "model"),
        ({"key": "ключ"}, "key"),
        ({"dimensions": "many"}, "dimensions"),
        ({"dimensions": "70000"}, "dimensions"),
        ({"most_at_once": "0"}, "most_at_once"),
        ({"ca_file": "/nowhere/at/all.pem"}, "ca_file"),
        ({"kind": "telepathy"}, "kind"),
        ({"kind": "cross-encoder", "model": "/tmp"}, "kind"),
        ({"kind": "sentence-transformers", "model": "relative/folder"}, "model"),
    ],
)
@pytest.mark.parametrize("test", [{}, {"test": "on"}])
def test_what_does_not_fit_is_marked_and_neither_stored_nor_asked(
    ada: Client, far: ScriptedServer, given: dict[str, str], field: str, test: dict[str, str]
) -> None:
    response = post(ada, "search-model-new", {**fields(far), **given, **test}, "embedder")
    assert response.status_code == 422
    assert f'id="wrong-{field}"' in response.content.decode()
    assert KEY not in response.content.decode()
    assert not SearchModel.objects.exists()
    assert not far.seen


def test_the_same_model_twice_is_refused_unless_its_version_differs(ada: Client, far: ScriptedServer) -> None:
    post(ada, "search-model-new", fields(far), "embedder")
    assert post(ada, "search-model-new", fields(far, name="Again"), "embedder").status_code == 422
    again = fields(far, name="Again", version="2")
    assert post(ada, "search-model-new", again, "embedder").status_code == 302
    assert post(ada, "search-model-new", fields(far, name="AGAIN"), "embedder").status_code == 422


def test_a_test_tells_length_time_and_whether_it_knows_korean(ada: Client, far: ScriptedServer) -> None:
    response = post(ada, "search-model-new", {**fields(far), "test": "on"}, "embedder", **HTMX)
    page = " ".join(response.content.decode().split())
    assert "The model works." in page
    assert "Its vectors have 12 components." in page
    assert "It does not know Korean" in page
    assert far.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert "서버실" in far.seen[-1].body.decode()
    assert not ModelCall.objects.exists()
    assert not ModelIndex.objects.filter(kind="openai-compatible").exists()


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (refuses(401), "API key"),
        (refuses(404), "knows no model"),
        (reply(200, b"<html>"), "not understood"),
    ],
)
def test_a_failed_test_says_where_and_why(
    ada: Client, far: ScriptedServer, script: object, says: str
) -> None:
    far.on(PATH, script)  # type: ignore[arg-type]
    page = post(ada, "search-model-new", {**fields(far), "test": "on"}, "embedder").content.decode()
    assert "The model does not work." in page
    assert says in page
    assert KEY not in page
    assert "secret detail" not in page


def test_a_stored_model_keeps_its_address_and_is_tested_with_its_stored_key(
    ada: Client, far: ScriptedServer
) -> None:
    post(ada, "search-model-new", fields(far), "embedder")
    (row,) = SearchModel.objects.all()
    typed = {"name": "Renamed", "address": "https://elsewhere.example/v1", "silence_s": "9"}
    page = post(ada, "search-model", {**typed, "test": "on"}, row.pk).content.decode()
    assert "The model works." in page
    assert far.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert post(ada, "search-model", typed, row.pk).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.silence_s, row.address) == ("Renamed", 9, f"{far.url}/v1")
    assert stored_key(row) == KEY
    assert post(ada, "search-model", {**typed, "forget_key": "on"}, row.pk).status_code == 302
    row.refresh_from_db()
    assert stored_key(row) == ""


def test_the_bundled_model_can_be_tested_and_knows_korean(ada: Client) -> None:
    page = post(ada, "search-model-test", {}, "embedder").content.decode()
    assert "The model works." in page
    assert "384 components" in page
    assert "It knows Korean" in page
    assert ada.post(reverse("console:search-model-test", args=["reranker"])).status_code == 404
    assert ada.get(reverse("console:search-model-new", args=["telepathy"])).status_code == 404


def test_a_reranker_and_an_entailment_model_in_folders_are_tried_chosen_and_removed(
    ada: Client, tmp_path: Path
) -> None:
    for job, kind, folder, says in (
        ("reranker", "cross-encoder", made_reranker(tmp_path / "r"), "English question"),
        ("entailment", "sequence-classifier", made_entailment(tmp_path / "e"), "contradiction"),
    ):
        typed = {"name": job.title(), "kind": kind, "model": folder}
        page = post(ada, "search-model-new", {**typed, "test": "on"}, job).content.decode()
        assert "The model works." in page
        assert says in page
        assert post(ada, "search-model-new", typed, job).status_code == 302
        row = SearchModel.objects.get(job=job)
        assert post(ada, "search-model-choose", {"model": str(row.pk)}, job).status_code == 302
        assert post(ada, "search-model-choose", {"model": str(row.pk)}, "embedder").status_code == 404
        assert post(ada, "search-model-remove", {}, row.pk).status_code == 422
        assert post(ada, "search-model-choose", {"model": ""}, job).status_code == 302
        assert post(ada, "search-model-remove", {}, row.pk).status_code == 302
    assert not SearchModel.objects.exists()


def test_labels_that_are_not_understood_fail_the_test_with_what_to_do(ada: Client, tmp_path: Path) -> None:
    folder = made_entailment(tmp_path / "odd", ("LABEL_0", "LABEL_1", "LABEL_2"))
    typed = {"name": "Odd", "kind": "sequence-classifier", "model": folder, "test": "on"}
    page = post(ada, "search-model-new", typed, "entailment").content.decode()
    assert "id2label" in page
    assert "LABEL_0" in page


def test_what_the_environment_names_is_shown_and_wins(
    ada: Client, far: ScriptedServer, settings: LazySettings
) -> None:
    settings.MUNDAP_RERANKER = "rerank-server"
    settings.MUNDAP_RERANKER_MODEL = "house-reranker"
    settings.MUNDAP_RERANKER_URL = f"{far.url}/v1"
    page = text_of(ada)
    assert "house-reranker" in page
    assert "From the environment" in page
    refused = post(ada, "search-model-choose", {"model": ""}, "reranker")
    assert refused.status_code == 422
    assert "MUNDAP_RERANKER_MODEL" in refused.content.decode()


def test_the_list_says_that_a_server_failed_when_it_was_asked_last(ada: Client, far: ScriptedServer) -> None:
    post(ada, "search-model-new", fields(far), "embedder")
    model = embedder_of(Wanted("openai-compatible", f"row:{SearchModel.objects.get().pk}"))
    model.embed(["one"])
    assert "Last call failed" not in text_of(ada)
    far.on(PATH, refuses(401))
    with pytest.raises(ModelUnavailable):
        model.embed(["one"])
    assert "Last call failed" in text_of(ada)
