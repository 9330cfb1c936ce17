"""A reranker on a server scores the passages in their order, or says why it cannot."""

from __future__ import annotations

import json
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

import pytest

from assistant.common.errors import ModelUnavailable, UsageError
from assistant.common.types import Json
from assistant.providers.contract import Usage
from assistant.providers.limits import forget
from assistant.providers.registry import reranker
from assistant.providers.served_reranker import ServedReranker
from tests.common.scripted_server import Script, Seen, reply, serving
from tests.providers.embedding_server import served_at
from tests.providers.scripted_model import refuses

PATH = "/v1/rerank"
TEXTS = ("a", "much longer", "중간 길이")


def by_length(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
    """Longer passages score higher; the best comes first, as servers have it."""
    documents = json.loads(seen.body)["documents"]
    results: list[dict[str, Json]] = [
        {"index": at, "relevance_score": len(text) / 10} for at, text in enumerate(documents)
    ]
    results.sort(key=lambda each: -float(str(each["relevance_score"])))
    body = {"results": results, "usage": {"total_tokens": 12}}
    reply(200, json.dumps(body).encode())(handler, seen)


def answers(results: Json) -> Script:
    return reply(200, json.dumps({"results": results}).encode())


def test_scores_come_in_the_order_of_the_passages() -> None:
    forget()
    spent: list[Usage] = []
    with serving() as server:
        server.on(PATH, by_length)
        model = ServedReranker(served=served_at(server, spent=spent.append))
        assert model.scores("질문", TEXTS).tolist() == [0.1, 1.1, 0.5]
        assert model.scores("질문", []).shape == (0,)
        (seen,) = server.seen
        asked = json.loads(seen.body)
        assert asked == {"model": "team/tiny-embedder", "query": "질문", "documents": list(TEXTS)}
    (usage,) = spent
    assert (usage.input_tokens, usage.outcome) == (12, "done")


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (answers([{"index": 0, "relevance_score": 1.0}]), "answers for others"),
        (answers([{"index": 0, "relevance_score": 1.0}] * 3), "answers for others"),
        (answers([{"index": at, "relevance_score": "high"} for at in range(3)]), "not understood"),
        (answers([{"index": at, "relevance_score": float("nan")} for at in range(3)]), "not understood"),
        (answers(None), "not understood"),
        (refuses(401), "API key"),
        (refuses(404), "knows no model"),
        (refuses(500), "answers 500"),
    ],
)
def test_what_is_no_order_is_an_error(script: Script, says: str) -> None:
    forget()
    with serving() as server:
        server.on(PATH, script)
        here = served_at(server)
        model = ServedReranker(served=replace(here, server=replace(here.server, attempts=1)))
        with pytest.raises(ModelUnavailable, match=says) as caught:
            model.scores("question", TEXTS)
    assert "secret detail" not in str(caught.value)


def test_a_process_has_one_reranker_of_a_server_and_none_without_its_address() -> None:
    with serving() as server:
        assert reranker("rerank-server", served=served_at(server)) is reranker(
            "rerank-server", served=served_at(server)
        )
    with pytest.raises(UsageError, match="needs the address"):
        reranker("rerank-server")
