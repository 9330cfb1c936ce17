"""A real server on this machine whose embedder says what a test tells it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import numpy as np

from assistant.common.network import Network, parse_networks
from assistant.common.types import Json
from assistant.providers.contract import ChatServer, Served, Usage, unspent
from assistant.providers.limits import forget
from tests.common.scripted_server import Script, ScriptedServer, Seen, reply, serving

LOCAL = Network(parse_networks("127.0.0.0/8"))
PATH = "/v1/embeddings"
DIMENSION = 12


def vector_of(text: str, dimension: int = DIMENSION) -> list[float]:
    """The vector of a text, which is that of its words: not of length one, as a server's may be."""
    total = np.zeros(dimension)
    for word in text.casefold().split() or [""]:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
        total += np.random.default_rng(seed).normal(size=dimension)
    return [float(value) for value in 3 * total]


def embeds(
    *, dimension: int = DIMENSION, change: Callable[[list[dict[str, Json]]], Json] = list, counted: int = 7
) -> Script:
    """Answer as the API has it; `change` may spoil the list of vectors."""

    def script(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        asked = json.loads(seen.body)
        items: list[dict[str, Json]] = [
            {"object": "embedding", "index": at, "embedding": list(vector_of(text, dimension))}
            for at, text in enumerate(asked["input"])
        ]
        body = {"object": "list", "data": change(items), "usage": {"prompt_tokens": counted}}
        reply(200, json.dumps(body).encode())(handler, seen)

    return script


@contextmanager
def embedding_server(*scripts: Script) -> Iterator[ScriptedServer]:
    """A server that answers with each script in turn, and with the last from then on."""
    forget()  # a port may be one that another test had
    with serving() as server:
        server.on(PATH, *(scripts or (embeds(),)))
        yield server


def served_at(
    server: ScriptedServer,
    *,
    spent: Callable[[Usage], None] = unspent,
    silence_s: float = 5.0,
    dimensions: int = 0,
    prompts: tuple[str, str] = ("", ""),
    network: Network = LOCAL,
) -> Served:
    """How Mundap is told of it."""
    there = ChatServer(f"{server.url}/v1", "team/tiny-embedder", "sk-test", silence_s=silence_s)
    return Served(there, network, spent, dimensions, *prompts)


def inputs_of(server: ScriptedServer) -> Sequence[list[str]]:
    """What the server was asked to embed, request by request."""
    return [json.loads(seen.body)["input"] for seen in server.seen]
