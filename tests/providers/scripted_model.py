"""A real OpenAI-compatible server on this machine whose model says what a test tells it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from assistant.common.network import Network, parse_networks
from assistant.common.types import JsonObject
from assistant.providers.contract import ChatParts, ChatServer, Completions, Usage, unspent
from assistant.providers.dialect import forget as forget_dialects
from assistant.providers.limits import forget as forget_limits
from assistant.providers.registry import completions
from tests.common.scripted_server import Script, ScriptedServer, Seen, reply, serving

LOCAL = Network(parse_networks("127.0.0.0/8"))
PATH = "/v1/chat/completions"
MODEL = "scripted"


def writes(
    *pieces: str,
    end: str = "stop",
    done: bool = True,
    between: Callable[[int], None] = lambda _sent: None,
) -> Script:
    """Stream the pieces; `between` is called before each with how many were sent; no `end`: it breaks off."""

    def script(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        _begin(handler)
        for sent, piece in enumerate(pieces):
            between(sent)
            _event(handler, chunk(piece))
        if end:
            _event(handler, {"choices": [{"index": 0, "delta": {}, "finish_reason": end}]})
        if done:
            handler.wfile.write(b"data: [DONE]\n\n")
        handler.close_connection = True

    return script


def sends(*events: str) -> Script:
    """Stream these bytes as they are, then hang up."""

    def script(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        _begin(handler)
        for event in events:
            handler.wfile.write(event.encode("utf-8", "surrogateescape"))
            handler.wfile.flush()
        handler.close_connection = True

    return script


def refuses(status: int, **headers: str) -> Script:
    """Answer with an error whose text must not reach anybody."""
    return reply(status, b'{"error": {"message": "internal: secret detail"}}', **headers)


def chunk(text: str) -> JsonObject:
    """An event that adds `text` to the message."""
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}


@contextmanager
def model_server(*scripts: Script) -> Iterator[ScriptedServer]:
    """A server that answers with each script in turn, and with the last from then on."""
    forget_limits()  # a port may be one that another test had
    forget_dialects()
    with serving() as server:
        server.on(PATH, *scripts)
        yield server


def server_of(server: ScriptedServer, *, silence_s: float = 5.0, whole_s: float = 30.0) -> ChatServer:
    """How Mundap is told of it."""
    return ChatServer(server.url + "/v1", MODEL, "sk-test", silence_s=silence_s, whole_s=whole_s)


def model_at(server: ChatServer, *, spent: Callable[[Usage], None] = unspent) -> Completions:
    """The model within its limits, as everybody asks it."""
    return completions("openai-compatible", ChatParts(None, server, LOCAL, spent))


def asked_of(server: ScriptedServer) -> Sequence[JsonObject]:
    """What the server was asked, request by request."""
    return [json.loads(seen.body) for seen in server.seen]


def _begin(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Connection", "close")
    handler.end_headers()


def _event(handler: BaseHTTPRequestHandler, event: JsonObject) -> None:
    handler.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
    handler.wfile.flush()
