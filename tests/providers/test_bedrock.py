"""Language models of Amazon Bedrock: signed by the real library, streamed in its encoding, every failure."""

from __future__ import annotations

import json
import re
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote

import pytest

from assistant.common import aws_client
from assistant.common.errors import ModelUnavailable
from assistant.common.network import Network
from assistant.common.types import Json
from assistant.providers.bedrock import region_in
from assistant.providers.contract import (
    ChatParts,
    ChatServer,
    Completions,
    Message,
    ModelRequest,
    Role,
    Source,
    Usage,
)
from assistant.providers.dialect import forget as forget_dialects
from assistant.providers.limits import forget as forget_limits
from assistant.providers.registry import chat_model, completions
from tests.common.scripted_server import Script, ScriptedServer, Seen, reply, serving
from tests.providers.scripted_model import LOCAL

MODEL = "vendor.model-v1:0"
ASKED = [Message(Role.SYSTEM, "Rules."), Message(Role.USER, "연차는 며칠인가요?")]


def event(kind: str, payload: Mapping[str, Json], *, exception: bool = False) -> bytes:
    """One message of application/vnd.amazon.eventstream."""
    names = {
        ":message-type": "exception" if exception else "event",
        ":exception-type" if exception else ":event-type": kind,
        ":content-type": "application/json",
    }
    headers = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for name, value in names.items()
    )
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + body
    return message + struct.pack("!I", zlib.crc32(message))


def delta(text: str) -> bytes:
    return event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}})


def ending(why: str) -> bytes:
    return event("messageStop", {"stopReason": why})


COUNTS = event(
    "metadata",
    {"usage": {"inputTokens": 31, "outputTokens": 7, "totalTokens": 38}, "metrics": {"latencyMs": 5}},
)


def streams(*events: bytes, between: Callable[[int], None] = lambda _sent: None) -> Script:
    """Stream the events; `between` is called before each with how many were sent."""

    def script(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/vnd.amazon.eventstream")
        handler.send_header("Connection", "close")
        handler.end_headers()
        for sent, each in enumerate(events):
            between(sent)
            handler.wfile.write(each)
            handler.wfile.flush()
        handler.close_connection = True

    return script


def refuses(status: int, code: str, message: str = "internal: secret detail") -> Script:
    body = json.dumps({"message": message}).encode()
    return reply(
        status, body, x_amzn_ErrorType=f"{code}:http://amazon.example/", Content_Type="application/json"
    )


class Bedrock:
    """A scripted server, and what it was asked."""

    def __init__(self, server: ScriptedServer, scripts: tuple[Script, ...]) -> None:
        self.server = server
        left = list(scripts)

        def answer(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
            (left.pop(0) if len(left) > 1 else left[0])(handler, seen)

        server.fallback = answer

    @property
    def told(self) -> ChatServer:
        return ChatServer(self.server.url, MODEL, "AKIDTEST:the/secret", silence_s=5, region="eu-central-1")

    def model(self, **changed: object) -> Completions:
        server = replace(self.told, **changed)  # type: ignore[arg-type]
        return completions("bedrock", ChatParts(None, server, LOCAL))


Make = Callable[..., Bedrock]


@pytest.fixture
def bedrock() -> Iterator[Make]:
    """Makes the server answer with each script in turn, and with the last from then on."""
    forget_limits()
    forget_dialects()
    with serving() as server:
        yield lambda *scripts: Bedrock(server, scripts)


def test_a_message_is_streamed_and_counted(bedrock: Make) -> None:
    read, spent = threading.Event(), list[Usage]()

    def wait(sent: int) -> None:
        assert sent != 2 or read.wait(10), "the first piece was not handed over before the second was written"

    start = event("messageStart", {"role": "assistant"})
    there = bedrock(
        streams(start, delta("연차는 "), delta("15일입니다."), ending("end_turn"), COUNTS, between=wait)
    )
    model = completions("bedrock", ChatParts(None, there.told, LOCAL, spent.append))
    pieces = model.complete(ASKED)
    assert next(pieces) == "연차는 "
    read.set()
    assert list(pieces) == ["15일입니다."]
    (usage,) = spent
    assert (usage.input_tokens, usage.output_tokens, usage.estimated, usage.outcome) == (31, 7, False, "done")


def test_the_request_is_signed_for_its_region_and_carries_no_secret(bedrock: Make) -> None:
    there = bedrock(streams(delta("Yes."), ending("end_turn")))
    assert list(there.model().complete(ASKED)) == ["Yes."]
    (seen,) = there.server.seen
    assert (seen.method, unquote(seen.path)) == ("POST", f"/model/{MODEL}/converse-stream")
    signature = seen.headers["authorization"]
    assert re.match(
        r"AWS4-HMAC-SHA256 Credential=AKIDTEST/\d{8}/eu-central-1/bedrock/aws4_request", signature
    )
    assert "the/secret" not in repr(seen)
    assert json.loads(seen.body) == {
        "system": [{"text": "Rules."}],
        "messages": [{"role": "user", "content": [{"text": "연차는 며칠인가요?"}]}],
        "inferenceConfig": {"maxTokens": 1024, "temperature": 0.0},
    }


def test_a_session_brings_its_token_and_an_api_key_is_sent_as_it_is(bedrock: Make) -> None:
    there = bedrock(streams(delta("Yes."), ending("end_turn")))
    list(there.model(api_key="ASIATEST:the/secret:the-session").complete(ASKED))
    list(there.model(api_key="bedrock-api-key").complete(ASKED))
    session, bearer = there.server.seen
    assert session.headers["x-amz-security-token"] == "the-session"
    assert bearer.headers["authorization"] == "Bearer bedrock-api-key"


def test_keys_of_this_machine_are_not_used(bedrock: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDAMBIENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ambient")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "ambient-session")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "ambient-bearer")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    aws_client._session.cache_clear()
    there = bedrock(streams(delta("Yes."), ending("end_turn")))
    list(there.model().complete(ASKED))
    list(there.model(api_key="bedrock-api-key").complete(ASKED))
    assert len(there.server.seen) == 2
    assert "ambient" not in repr(there.server.seen).lower()
    for key in ("", ":", "AKID:", "a:b:c:d"):
        with pytest.raises(ModelUnavailable, match="no usable key"):
            list(there.model(api_key=key).complete(ASKED))
    assert len(there.server.seen) == 2


def test_a_server_in_the_house_needs_permission(bedrock: Make) -> None:
    there = bedrock(streams(delta("Yes."), ending("end_turn")))
    model = completions("bedrock", ChatParts(None, there.told, Network()))
    with pytest.raises(ModelUnavailable, match=r"127\.0\.0\.1"):
        list(model.complete(ASKED))
    assert not there.server.seen


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (refuses(403, "AccessDeniedException"), "may not use the model"),
        (refuses(403, "UnrecognizedClientException"), "does not take the API key"),
        (refuses(404, "ResourceNotFoundException"), "knows no model"),
        (refuses(400, "ValidationException"), "answers 400"),
        (
            refuses(400, "ValidationException", "Input is too long for requested model."),
            "longer than the model",
        ),
        (refuses(429, "ThrottlingException"), "too much to do"),
        (refuses(424, "ModelErrorException"), "broke off"),
        (refuses(500, "InternalServerException"), "broke off"),
        (reply(302, b"", Location="http://127.0.0.1:1/"), "answers 302"),
        (reply(502, b"<html>"), "answers 502"),
        (streams(delta("I"), ending("guardrail_intervened")), "rules of its own"),
        (streams(delta("I"), ending("content_filtered")), "rules of its own"),
        (streams(delta("15 days"), ending("max_tokens")), "used up its 1024 tokens"),
        (streams(delta("15"), ending("model_context_window_exceeded")), "longer than the model"),
        (streams(delta("15"), ending("tool_use")), "broke off"),
        (streams(delta("15 days")), "broke off"),
        (
            streams(delta("15"), event("modelStreamErrorException", {"message": "secret"}, exception=True)),
            "broke off",
        ),
        (
            streams(delta("15"), event("throttlingException", {"message": "secret"}, exception=True)),
            "too much to do",
        ),
        (streams(delta("15 days")[:-1] + b"x"), "not understood"),
        (streams(b"data: this is another API\n\n"), "not understood"),
    ],
)
def test_every_trouble_is_said_in_words_of_our_own(bedrock: Make, script: Script, why: str) -> None:
    with pytest.raises(ModelUnavailable, match=why) as caught:
        list(bedrock(script).model(attempts=1).complete(ASKED))
    assert "secret" not in str(caught.value)


def test_what_is_busy_is_asked_again_while_nothing_was_written(bedrock: Make) -> None:
    there = bedrock(refuses(429, "ThrottlingException"), streams(delta("Yes."), ending("end_turn")))
    assert list(there.model().complete(ASKED)) == ["Yes."]
    assert len(there.server.seen) == 2


def test_a_model_that_wants_no_temperature_is_asked_without(bedrock: Make) -> None:
    there = bedrock(
        refuses(400, "ValidationException", "`temperature` is not supported for this model."),
        streams(delta("Yes."), ending("end_turn")),
    )
    for _ in range(2):
        assert list(there.model(attempts=1).complete(ASKED)) == ["Yes."]
    bodies = [json.loads(seen.body)["inferenceConfig"] for seen in there.server.seen]
    assert bodies == [{"maxTokens": 1024, "temperature": 0.0}, {"maxTokens": 1024}, {"maxTokens": 1024}]


def test_whoever_stops_does_not_wait_for_a_silent_stream(bedrock: Make) -> None:
    over, stopped = threading.Event(), threading.Event()

    def stall(sent: int) -> None:
        if sent:
            over.wait(20)

    there = bedrock(streams(delta("15 days."), delta("never"), between=stall))
    pieces = there.model(silence_s=15).complete(ASKED, stop=stopped.is_set)
    assert next(pieces) == "15 days."
    stopped.set()
    began = time.monotonic()
    assert list(pieces) == []
    assert time.monotonic() - began < 5
    over.set()


def test_a_silent_stream_is_given_up(bedrock: Make) -> None:
    over = threading.Event()

    def stall(sent: int) -> None:
        if sent:
            over.wait(20)

    there = bedrock(streams(delta("15 days."), delta("never"), between=stall))
    with pytest.raises(ModelUnavailable, match="silent"):
        list(there.model(silence_s=0.5).complete(ASKED))
    over.set()


def test_it_answers_from_evidence_like_any_other_model(bedrock: Make) -> None:
    text = "Remote work is allowed three days a week."
    there = bedrock(streams(delta(text[:20]), delta(text[20:] + " [1]"), ending("end_turn")))
    model = chat_model("bedrock", ChatParts(None, there.told, LOCAL))
    (sentence,) = model.answer(ModelRequest("How many days?", "en", (Source(1, "Handbook", "", text),)))
    (quote,) = sentence.quotes
    assert text[quote.start : quote.end] == text


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://bedrock-runtime.ap-northeast-2.amazonaws.com", "ap-northeast-2"),
        ("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("https://vpce-0a.bedrock-runtime.eu-west-3.vpce.amazonaws.com", "eu-west-3"),
        ("https://gateway.example", ""),
    ],
)
def test_the_region_is_read_from_an_address_of_amazon(url: str, region: str) -> None:
    assert region_in(url) == region


def test_without_an_address_the_region_gives_it() -> None:
    server = ChatServer("", MODEL, "AKIDTEST:secret", region="nowhere-region-1", silence_s=2, attempts=1)
    with pytest.raises(ModelUnavailable, match=r"bedrock-runtime\.nowhere-region-1\.amazonaws\.com"):
        list(completions("bedrock", ChatParts(None, server, LOCAL)).complete(ASKED))
