"""What models of the search are sent and tell: nobody gets more through them than visibility allows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from assistant.accounts.models import User
from assistant.audit.models import AuditEvent
from assistant.catalogue.models import ModelCall
from assistant.catalogue.search_fitting import SearchSettings
from assistant.catalogue.search_services import add_search_model, choose_search_model
from assistant.chat.models import StoredEvent
from assistant.chat.runner import run_turn
from assistant.chat.services import start_turn
from assistant.common.types import Json
from assistant.documents.models import SearchJob
from assistant.providers.limits import forget
from assistant.retrieval.retrieve import Plan, retrieve
from tests.common.scripted_server import ScriptedServer, Seen, reply
from tests.conftest import DOCUMENTS, SmallWorld
from tests.ingest.test_served_model import as_hour_passes
from tests.ingest.two_models import as_new_process, build_whole
from tests.providers.embedding_server import LOCAL, PATH, embedding_server
from tests.providers.scripted_model import refuses

HIDDEN_FROM_SAM = [document for document in DOCUMENTS if document["id"] != "open"]
QUESTION = "salary merger price remote work 연차 휴가"


def by_length(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
    results: list[dict[str, Json]] = [
        {"index": at, "relevance_score": len(text)}
        for at, text in enumerate(json.loads(seen.body)["documents"])
    ]
    reply(200, json.dumps({"results": results}).encode())(handler, seen)


@pytest.fixture
def server(settings: LazySettings) -> Iterator[ScriptedServer]:
    """A server with an embedder and a reranker."""
    settings.MUNDAP_ALLOWED_NETWORKS = LOCAL.allowed
    with embedding_server() as serving:
        serving.on("/v1/rerank", by_length)
        yield serving
    as_new_process()


@pytest.fixture
def served(small_world: SmallWorld, server: ScriptedServer) -> SmallWorld:
    """The small world, searched and ordered by models on that server."""
    ada = small_world.viewer("ada")
    for job, kind in ((SearchJob.EMBEDDER, "openai-compatible"), (SearchJob.RERANKER, "rerank-server")):
        model_id = add_search_model(
            SearchSettings(job=job, kind=kind, name=job.value, model="m", address=f"{server.url}/v1"),
            key="sk-canary-of-a-key",
            viewer=ada,
        )
        choose_search_model(job, model_id, viewer=ada)
    build_whole()
    return small_world


def words_of(documents: list[dict[str, Json]]) -> list[str]:
    """A piece of each text that stands in no other."""
    return [str(document["text"])[:40] for document in documents]


def test_what_a_question_sends_to_servers_is_what_the_person_may_read(
    served: SmallWorld, server: ScriptedServer
) -> None:
    del server.seen[:]
    hits = retrieve(QUESTION, viewer=served.viewer("sam"), plan=Plan(k=20)).hits
    assert {hit.passage.external_id for hit in hits} == {"open"}
    sent = "\n".join(json.dumps(json.loads(seen.body), ensure_ascii=False) for seen in server.seen)
    assert QUESTION in sent
    for words in words_of(HIDDEN_FROM_SAM):
        assert words not in sent
    for title in ("Salary bands", "Project Heron", "휴가 규정", "Employee handbook"):
        assert title not in sent


def test_hidden_documents_change_no_request_to_a_server(served: SmallWorld, server: ScriptedServer) -> None:
    def asked() -> list[bytes]:
        del server.seen[:]
        retrieve(QUESTION, viewer=served.viewer("sam"), plan=Plan(k=20))
        return [seen.body for seen in server.seen]

    before = asked()
    for hidden in ("salaries", "merger"):
        del served.documents[hidden]
    served.sync("full")
    as_hour_passes()
    del server.seen[:]
    retrieve("warm up", viewer=served.viewer("sam"))
    assert asked() == before


def test_neither_calls_nor_audit_nor_the_page_hold_texts_titles_questions_or_keys(
    served: SmallWorld, client: Client
) -> None:
    retrieve(QUESTION, viewer=served.viewer("cho"))
    client.force_login(User.objects.get(email="ada@example.com"))
    page = client.get(reverse("console:models")).content.decode()
    usage = client.get(reverse("console:models-usage")).content.decode()
    rows = repr([*ModelCall.objects.values(), *AuditEvent.objects.values()])
    for kept in (page, usage, rows):
        for words in (*words_of(list(DOCUMENTS)), "Project Heron", "merger price", "sk-canary"):
            assert words not in kept


def test_a_server_that_fails_tells_the_person_nothing_of_itself(
    served: SmallWorld, server: ScriptedServer
) -> None:
    server.on(PATH, refuses(500))
    as_hour_passes()
    forget()
    ann = served.viewer("ann")
    turn = start_turn(viewer=ann, question="remote work days", conversation_id=None)
    run_turn(turn.pk)
    told = list(StoredEvent.objects.filter(turn=turn).values_list("kind", "payload"))
    (failed,) = [payload for kind, payload in told if kind == "failed"]
    assert failed["code"] == "search_unavailable"
    for words in ("secret detail", "127.0.0.1", "/v1", "sk-canary"):
        assert words not in json.dumps(told)
