"""Language models behind an OpenAI-compatible server: what is asked, and every way in which it fails."""

from __future__ import annotations

import threading
import time

import pytest

from assistant.common.errors import ModelUnavailable
from assistant.common.network import Network
from assistant.providers.chat_completions import ChatCompletions
from assistant.providers.contract import ChatServer, Completions, Message, Role
from tests.common.scripted_server import Script, ScriptedServer, raw, reply
from tests.providers.scripted_model import (
    MODEL,
    asked_of,
    model_at,
    model_server,
    refuses,
    sends,
    server_of,
    writes,
)

ASKED = [Message(Role.SYSTEM, "Rules."), Message(Role.USER, "연차는 며칠인가요?")]


def completions(server: ScriptedServer, *, silence_s: float = 5.0, whole_s: float = 30.0) -> Completions:
    return model_at(server_of(server, silence_s=silence_s, whole_s=whole_s))


def said(server: ScriptedServer) -> str:
    return "".join(completions(server).complete(ASKED))


def test_a_message_comes_piece_by_piece_while_the_server_still_writes() -> None:
    read = threading.Event()

    def wait(sent: int) -> None:
        assert sent == 0 or read.wait(10), "the first piece was not handed over before the second was written"

    with model_server(writes("연차는 ", "15일입니다.", between=wait)) as server:
        pieces = completions(server).complete(ASKED)
        assert next(pieces) == "연차는 "
        read.set()
        assert list(pieces) == ["15일입니다."]


def test_the_server_is_asked_for_this_model_with_the_key() -> None:
    with model_server(writes("Yes.")) as server:
        said(server)
        (body,), (seen,) = asked_of(server), server.seen
    assert (seen.method, seen.headers["authorization"]) == ("POST", "Bearer sk-test")
    assert (body["model"], body["stream"], body["max_tokens"]) == (MODEL, True, 1024)
    assert body["messages"] == [
        {"role": "system", "content": "Rules."},
        {"role": "user", "content": "연차는 며칠인가요?"},
    ]


@pytest.mark.parametrize("trouble", [refuses(429, Retry_After="0"), refuses(503), raw(b""), sends("data: {")])
def test_what_is_busy_or_hangs_up_is_asked_again_while_nothing_was_written(trouble: Script) -> None:
    with model_server(trouble, writes("Yes.")) as server:
        assert said(server) == "Yes."
        assert len(server.seen) == 2


def test_a_server_that_stays_busy_is_given_up() -> None:
    with model_server(refuses(429, Retry_After="0")) as server:
        with pytest.raises(ModelUnavailable, match="429"):
            said(server)
        assert len(server.seen) == 3


def test_nobody_waits_for_a_server_that_wants_a_minute() -> None:
    with model_server(refuses(429, Retry_After="60")) as server:
        with pytest.raises(ModelUnavailable, match="429"):
            said(server)
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (refuses(401), "API key"),
        (refuses(403), "API key"),
        (refuses(404), "no model 'scripted'"),
        (refuses(400), "answers 400"),
        (reply(302, b"", Location="http://127.0.0.1:1/"), "answers 302"),
        (reply(200, b"<html>", Content_Type="text/html"), "broke off"),
        (writes("15 days", end="length"), "used up its 1024 tokens"),
        (writes("I", end="content_filter"), "rules of its own"),
        (sends('data: {"choices": [{"delta": {"refusal": "I cannot"}}]}\n\n'), "rules of its own"),
        (writes("Fifteen", end="", done=False), "broke off"),
        (writes("Fifteen", end="", done=True), "broke off"),
        (sends("data: [1, 2]\n\n"), "not understood"),
        (sends("data: nonsense\n\n"), "not understood"),
        (sends('data: {"choices": [7]}\n\n'), "not understood"),
        (sends("data: " + "x" * 1_100_000), "not understood"),
    ],
)
def test_every_trouble_is_said_in_words_of_our_own(script: Script, why: str) -> None:
    with model_server(script) as server, pytest.raises(ModelUnavailable, match=why) as caught:
        said(server)
    assert "secret" not in str(caught.value)
    assert "sk-test" not in str(caught.value)


def test_what_was_written_before_it_broke_off_stands() -> None:
    with model_server(writes("15 days.", end="", done=False)) as server:
        pieces = completions(server).complete(ASKED)
        assert next(pieces) == "15 days."
        with pytest.raises(ModelUnavailable, match="broke off"):
            next(pieces)
        assert len(server.seen) == 1, "half an answer is not begun anew"


def test_a_silent_server_is_given_up_after_the_time_that_is_set() -> None:
    over = threading.Event()

    def stall(_sent: int) -> None:
        over.wait(20)

    with model_server(writes("never", between=stall)) as server:
        began = time.monotonic()
        with pytest.raises(ModelUnavailable, match="silent"):
            list(completions(server, silence_s=0.6).complete(ASKED))
        assert time.monotonic() - began < 10
        over.set()


def test_a_server_that_never_ends_is_given_up() -> None:
    with (
        model_server(writes(*["word "] * 400, between=lambda _: time.sleep(0.02))) as server,
        pytest.raises(ModelUnavailable, match="silent or slow"),
    ):
        list(completions(server, whole_s=0.5).complete(ASKED))


def test_a_person_who_stops_does_not_wait_for_a_silent_server() -> None:
    over, stopped = threading.Event(), threading.Event()

    def stall(sent: int) -> None:
        if sent:
            over.wait(20)

    with model_server(writes("15 days.", "never", between=stall)) as server:
        pieces = completions(server, silence_s=15).complete(ASKED, stop=stopped.is_set)
        assert next(pieces) == "15 days."
        stopped.set()
        began = time.monotonic()
        assert list(pieces) == []
        assert time.monotonic() - began < 5
        over.set()


def test_events_that_say_nothing_are_passed_over() -> None:
    events = (
        ": a comment\r\n\r\n",
        'data: {"choices": [], "usage": {"total_tokens": 3}}\n\n',
        'data: {"choices": [{"delta": {"role": "assistant", "content": null}}]}\r\r',
        'data: {"choices": [{"delta": {"content": "Yes."}}]}\n\n',
        'event: ping\ndata: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n',
    )
    with model_server(sends(*events)) as server:
        assert said(server) == "Yes."


def test_a_server_in_the_house_needs_permission() -> None:
    with model_server(writes("Yes.")) as server:
        with pytest.raises(ModelUnavailable, match=r"127\.0\.0\.1"):
            list(ChatCompletions(server_of(server), Network()).complete(ASKED))
        assert not server.seen


def test_the_key_is_not_shown() -> None:
    assert "sk-test" not in repr(ChatServer("http://x/v1", "m", "sk-test"))
