"""An embedder on a server: its vectors in the order of the texts, or an error that says why not."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.errors import ModelUnavailable, UsageError
from assistant.common.network import Network
from assistant.common.types import Json
from assistant.providers.contract import Usage
from assistant.providers.registry import embedder
from assistant.providers.served_embedder import BATCH_SIZE, ServedEmbedder, _batches
from tests.common.scripted_server import Script, Seen, raw, reply
from tests.connectors.servers.programs import free_port
from tests.providers.embedding_server import (
    DIMENSION,
    embedding_server,
    embeds,
    inputs_of,
    served_at,
    vector_of,
)
from tests.providers.scripted_model import refuses

TEXTS = [f"text number {number}" for number in range(70)]


def unit(text: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    row = np.array(vector_of(text))
    found: np.ndarray[tuple[int], np.dtype[np.float64]] = row / np.linalg.norm(row)
    return found


def test_vectors_come_in_the_order_of_the_texts_and_have_length_one() -> None:
    with embedding_server(embeds(change=lambda items: items[::-1])) as server:
        rows = ServedEmbedder(served=served_at(server)).embed(TEXTS)
        assert rows.shape == (len(TEXTS), DIMENSION)
        assert rows.dtype == np.float32
        assert np.allclose(rows, [unit(text) for text in TEXTS], atol=1e-6)
        assert [len(asked) for asked in inputs_of(server)] == [32, 32, 6]
        (first, *_) = server.seen
        assert first.headers["authorization"] == "Bearer sk-test"
        assert json.loads(first.body)["model"] == "team/tiny-embedder"
        assert "dimensions" not in json.loads(first.body)


def test_questions_and_passages_have_their_prompts_and_the_length_is_asked_for() -> None:
    with embedding_server() as server:
        model = ServedEmbedder(
            served=served_at(server, dimensions=DIMENSION, prompts=("query: ", "passage: "))
        )
        model.embed(["휴가"])
        model.embed_questions(["휴가"])
        assert inputs_of(server) == [["passage: 휴가"], ["query: 휴가"]]
        assert json.loads(server.seen[0].body)["dimensions"] == DIMENSION


def test_its_length_is_asked_for_once_and_nothing_is_asked_for_no_text() -> None:
    with embedding_server() as server:
        model = ServedEmbedder(served=served_at(server))
        assert model.dimension == DIMENSION
        assert model.embed([]).shape == (0, DIMENSION)
        assert model.dimension == DIMENSION
        assert len(server.seen) == 1


def test_a_call_is_accounted_for_by_its_tokens_and_never_by_its_text() -> None:
    spent: list[Usage] = []
    with embedding_server(embeds(counted=41), refuses(401)) as server:
        model = ServedEmbedder(served=served_at(server, spent=spent.append))
        model.embed(["secret words"])
        with pytest.raises(ModelUnavailable):
            model.embed(["secret words"])
    good, bad = spent
    assert (good.input_tokens, good.output_tokens, good.estimated, good.outcome) == (41, 0, False, "done")
    assert (bad.input_tokens, bad.outcome) == (0, "key_refused")
    assert "secret" not in repr(spent)


def test_tokens_that_the_server_does_not_count_are_reckoned() -> None:
    spent: list[Usage] = []
    with embedding_server(embeds(counted=-1)) as server:
        ServedEmbedder(served=served_at(server, spent=spent.append)).embed(["eight letters and more words"])
    assert spent[0].estimated
    assert spent[0].input_tokens == 7


def spoilt(value: Json) -> Callable[[list[dict[str, Json]]], Json]:
    """The first vector begins with this."""

    def change(items: list[dict[str, Json]]) -> Json:
        row = items[0]["embedding"]
        assert isinstance(row, list)
        row[0] = value
        return list(items)

    return change


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (embeds(change=lambda items: items[:-1]), "answers for others"),
        (embeds(change=lambda items: [*items, *items]), "answers for others"),
        (embeds(change=lambda items: [{**item, "index": 0} for item in items]), "answers for others"),
        (embeds(change=lambda items: [{**item, "index": "0"} for item in items]), "not understood"),
        (embeds(change=lambda items: [{**item, "embedding": []} for item in items]), "not understood"),
        (embeds(change=lambda items: [{**item, "embedding": "AAAA"} for item in items]), "not understood"),
        (embeds(change=lambda _items: {"0": []}), "not understood"),
        (embeds(change=spoilt(float("nan"))), "no finite number"),
        (embeds(change=spoilt(float("inf"))), "no finite number"),
        (embeds(change=spoilt(10**400)), "no finite number"),
        (embeds(change=spoilt("0.5")), "no finite number"),
        (embeds(change=spoilt(None)), "no finite number"),
        (
            embeds(change=lambda items: [{**item, "embedding": [0.0] * DIMENSION} for item in items]),
            "all are zero",
        ),
        (
            embeds(change=lambda items: [{**items[0], "embedding": [1.0, 2.0]}, *items[1:]]),
            "instead of 2",
        ),
        (reply(200, b"<html>hello</html>"), "not understood"),
        (reply(200, b"[" * 100_000), "not understood"),
        (reply(200, b'{"data": '), "not understood"),
        (refuses(401), "does not take the API key"),
        (refuses(404), "knows no model"),
        (refuses(400), "answers 400"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"), "does not answer as it should"),
    ],
)
def test_what_is_no_answer_to_the_question_is_an_error_in_words_of_our_own(script: Script, says: str) -> None:
    with embedding_server(script) as server:
        here = served_at(server)
        model = ServedEmbedder(served=replace(here, server=replace(here.server, attempts=1)))
        with pytest.raises(ModelUnavailable, match=says) as caught:
            model.embed(["one", "two"])
    assert "internal: secret detail" not in str(caught.value)
    assert "sk-test" not in str(caught.value)


def test_another_length_than_before_is_refused() -> None:
    with embedding_server(embeds(), embeds(dimension=7)) as server:
        model = ServedEmbedder(served=served_at(server))
        model.embed(["one"])
        with pytest.raises(ModelUnavailable, match="7 components instead of 12"):
            model.embed(["two"])


def test_a_busy_server_is_asked_again_as_late_as_it_wants() -> None:
    with embedding_server(refuses(429, Retry_After="0"), refuses(503, Retry_After="0"), embeds()) as server:
        assert ServedEmbedder(served=served_at(server)).embed(["one"]).shape == (1, DIMENSION)
        assert len(server.seen) == 3


def test_a_server_that_is_silent_is_given_up() -> None:
    over = threading.Event()

    def hold(_handler: BaseHTTPRequestHandler, _seen: Seen) -> None:
        over.wait(20)

    with embedding_server(hold) as server:
        with pytest.raises(ModelUnavailable, match="silent or slow"):
            ServedEmbedder(served=served_at(server, silence_s=0.3)).embed(["one"])
        over.set()
        assert len(server.seen) == 1


def test_one_that_fails_again_and_again_is_left_in_peace_and_says_so() -> None:
    with embedding_server(refuses(500)) as server:
        here = served_at(server)
        model = ServedEmbedder(served=replace(here, server=replace(here.server, attempts=1, failures=2)))
        for _ in range(2):
            with pytest.raises(ModelUnavailable, match="answers 500"):
                model.embed(["one"])
        with pytest.raises(ModelUnavailable, match="asked again in"):
            model.embed(["one"])
        assert len(server.seen) == 2


def test_a_server_that_is_not_there_or_not_allowed_is_an_error() -> None:
    with embedding_server() as server:
        here = served_at(server, network=Network())
        with pytest.raises(ModelUnavailable, match="MUNDAP_ALLOWED_NETWORKS"):
            ServedEmbedder(served=here).embed(["one"])
        assert not server.seen
        away = replace(here.server, url=f"http://127.0.0.1:{free_port()}/v1", attempts=1)
        with pytest.raises(ModelUnavailable, match="does not answer"):
            ServedEmbedder(served=replace(served_at(server), server=away)).embed(["one"])


def reads_at_most(characters: int) -> Script:
    """A model with a short context, as vLLM words it."""

    def script(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        longest = max(map(len, json.loads(seen.body)["input"]))
        refusal = b'{"error": {"message": "This model\'s maximum context length is 512 tokens"}}'
        (embeds() if longest <= characters else reply(400, refusal))(handler, seen)

    return script


def test_a_text_that_is_too_long_counts_by_its_beginning_and_spoils_no_other() -> None:
    long = "many words " * 200
    with embedding_server(reads_at_most(1_000)) as server:
        rows = ServedEmbedder(served=served_at(server)).embed(["short", long, "also short"])
        assert np.allclose(rows[[0, 2]], [unit("short"), unit("also short")], atol=1e-6)
        (sent,) = [asked[0] for asked in inputs_of(server)[-2:] if len(asked[0]) > 100]
        assert long.startswith(sent)
        assert 700 < len(sent) <= 1_000


def test_a_server_that_calls_everything_too_long_is_given_up() -> None:
    with embedding_server(reads_at_most(0)) as server, pytest.raises(ModelUnavailable, match="longer than"):
        ServedEmbedder(served=served_at(server)).embed(["word " * 400])


@given(st.lists(st.integers(0, 60_000), max_size=80))
def test_batches_hold_every_text_once_in_order_and_stay_small(lengths: list[int]) -> None:
    texts = ["x" * length for length in lengths]
    batches = _batches(texts)
    assert [text for batch in batches for text in batch] == texts
    for batch in batches:
        assert 0 < len(batch) <= BATCH_SIZE
        assert len(batch) == 1 or sum(map(len, batch)) <= 48_000


def test_the_name_changes_with_all_that_decides_on_the_vectors_and_with_nothing_else() -> None:
    with embedding_server() as server:
        here = served_at(server)
        there = here.server
        base = ServedEmbedder(served=here).name
        assert base.startswith("tiny-embedder@")
        for same in (replace(there, api_key="other"), replace(there, silence_s=9.0)):
            assert ServedEmbedder(served=replace(here, server=same)).name == base
        others = [
            replace(here, server=replace(there, url="https://elsewhere.example/v1")),
            replace(here, server=replace(there, model="team/other")),
            replace(here, dimensions=8),
            replace(here, question_prompt="query: "),
            replace(here, passage_prompt="query: "),
            replace(here, version="2"),
        ]
        assert len({base, *(ServedEmbedder(served=each).name for each in others)}) == 7
        assert not server.seen


def test_threads_may_share_one_embedder() -> None:
    with embedding_server() as server:
        model = ServedEmbedder(served=served_at(server))
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda text: model.embed([text])[0], TEXTS[:12]))
        assert np.allclose(found, [unit(text) for text in TEXTS[:12]], atol=1e-6)


def test_a_process_has_one_embedder_of_a_server_and_none_without_its_address() -> None:
    with embedding_server() as server:
        one = embedder("openai-compatible", served=served_at(server))
        assert one is embedder("openai-compatible", served=served_at(server))
    with pytest.raises(UsageError, match="needs the address"):
        embedder("openai-compatible", model="anything")
