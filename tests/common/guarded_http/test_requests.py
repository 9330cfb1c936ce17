"""What is sent, by how many threads, and what is never shown."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler

import pytest

from assistant.common.errors import MundapError
from assistant.common.http_messages import Answer, Ask, Origin, Unsendable
from tests.common.guarded_http.clients import at, client
from tests.common.scripted_server import ScriptedServer, Seen, reply


def test_secrets_are_in_no_repr_and_no_log(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    server.on("/page?token=sesame", reply(body=b"sesame", set_cookie="session=sesame"))
    caplog.set_level("DEBUG")
    ask = Ask("POST", server.url, {"Authorization": "sesame"}, b"sesame")
    with client(at(server)) as http:
        answer = http.get(server.url + "/page?token=sesame")
    shown = repr((ask, at(server), http, Answer(200, answer.headers, "http://h/", answer.body)))
    assert "sesame" not in shown
    assert "sesame" not in caplog.text


@pytest.mark.parametrize("value", ["ses\name", "ses\rame", "ses\x00ame", "ses\x7fame"])
def test_a_header_that_cannot_be_sent_is_named_without_its_value(server: ScriptedServer, value: str) -> None:
    for origin, ask in (
        (Origin(server.url, {"Authorization": value}), Ask("GET", server.url + "/")),
        (Origin(), Ask("GET", server.url + "/", {"Authorization": value})),
    ):
        with client(origin) as http, pytest.raises(Unsendable, match="authorization") as failed:
            http.send(ask)
        assert "ame" not in str(failed.value).replace("name", "")
    assert server.seen == []


def test_a_method_that_cannot_be_sent_is_no_crash(server: ScriptedServer) -> None:
    with client() as http, pytest.raises(Unsendable):
        http.send(Ask("GET / HTTP/1.1\r\nX: y", server.url + "/"))


def test_a_token_with_a_line_break_at_its_end_or_beyond_ascii_is_sent(server: ScriptedServer) -> None:
    server.on("/", reply())
    with client(Origin(server.url, {"X-Token": "열려라\n"})) as http:
        http.get(server.url + "/")
    assert server.seen[0].headers["x-token"].encode("latin-1").decode() == "열려라"


def test_the_headers_of_a_request_win_over_those_of_the_origin_in_any_case(server: ScriptedServer) -> None:
    server.on("/", reply())
    with client(Origin(server.url, {"Accept": "a/b", "X-Key": "1"})) as http:
        http.get(server.url + "/", headers={"ACCEPT": "c/d"})
    assert (server.seen[0].headers["accept"], server.seen[0].headers["x-key"]) == ("c/d", "1")


def test_an_origin_is_compared_with_its_port_and_whole(
    server: ScriptedServer, stranger: ScriptedServer
) -> None:
    server.on("/", reply())
    stranger.on("/", reply())
    with client(at(stranger)) as http:
        http.get(server.url + "/")
    assert "authorization" not in server.seen[0].headers


def test_one_client_serves_many_threads_while_cookies_change(server: ScriptedServer) -> None:
    counter = iter(range(10_000))

    def answer(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        reply(body=b"ok", set_cookie=f"c{next(counter)}=1")(handler, seen)

    server.on("/", answer)
    failed: list[MundapError | RuntimeError] = []
    with client() as http:

        def work() -> None:
            try:
                for _ in range(15):
                    assert http.get(server.url + "/").body == b"ok"
            except (MundapError, RuntimeError) as error:
                failed.append(error)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []


def test_connections_are_used_again(server: ScriptedServer) -> None:
    ports: set[int] = set()

    def answer(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        ports.add(handler.client_address[1])
        reply(body=b"ok")(handler, seen)

    server.on("/", answer)
    with client() as http:
        for _ in range(5):
            http.get(server.url + "/")
    assert len(ports) == 1
