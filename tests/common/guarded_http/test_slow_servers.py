"""Silent and trickling servers, and work that was stopped."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest

from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Reach
from assistant.common.network import HostUnreachable
from assistant.common.pace import Pace, Stopped
from tests.common.guarded_http.clients import LOCAL
from tests.common.scripted_server import ScriptedServer, Seen, reply


def silent(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
    """Say nothing until the client hangs up."""
    handler.connection.recv(1)


def test_a_silent_server_is_given_up(server: ScriptedServer) -> None:
    server.on("/", silent)
    begin = time.monotonic()
    http = GuardedClient(Reach(LOCAL), timeout_s=0.3, tries=2)
    with http, pytest.raises(HostUnreachable, match="silent or slow"):
        http.get(server.url + "/")
    assert 0.6 <= time.monotonic() - begin < 2
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"]
)
def test_a_server_that_trickles_is_given_up(server: ScriptedServer, start: bytes) -> None:
    def trickle(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        handler.wfile.write(start)
        for _ in range(900):
            handler.wfile.write(b"a")
            time.sleep(0.02)

    server.on("/", trickle)
    begin = time.monotonic()
    http = GuardedClient(Reach(LOCAL), timeout_s=5, tries=1, longest_s=0.4)
    with http, pytest.raises(HostUnreachable, match="silent or slow"):
        http.get(server.url + "/")
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize("waiting_for", ["a turn", "a busy server", "a silent server", "a body"])
def test_a_stop_is_noticed_within_a_second(server: ScriptedServer, waiting_for: str) -> None:
    def half(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        silent(handler, seen)

    scripts = {"a busy server": reply(429, retry_after="50"), "a silent server": silent, "a body": half}
    server.on("/", scripts.get(waiting_for, reply()))
    stop = threading.Event()
    pace = Pace(0.01 if waiting_for == "a turn" else 0)
    with GuardedClient(Reach(LOCAL, pace, stop.is_set), timeout_s=30) as http:
        if waiting_for == "a turn":
            http.get(server.url + "/")
        threading.Timer(0.1, stop.set).start()
        begin = time.monotonic()
        with pytest.raises(Stopped):
            http.get(server.url + "/")
    assert time.monotonic() - begin < 1.1


def test_every_hop_of_a_redirect_takes_its_turn(server: ScriptedServer) -> None:
    turns: list[int] = []

    class Counted(Pace):
        def turn(self, *, stopped: Callable[[], bool] = lambda: False) -> None:
            turns.append(1)

    server.on("/a", reply(302, location="/b"))
    server.on("/b", reply(503), reply())
    with GuardedClient(Reach(LOCAL, Counted())) as http:
        http.get(server.url + "/a")
    assert len(turns) == len(server.seen) == 4


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_stop_is_noticed_while_a_connection_is_being_opened(scheme: str) -> None:
    """http: the machine takes no connection any more. https: it takes it and never shakes hands."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        port = listening.getsockname()[1]
        waiting = [socket.socket() for _ in range(4 if scheme == "http" else 0)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        with GuardedClient(Reach(LOCAL, stopped=stop.is_set), timeout_s=8, tries=1) as http:
            threading.Timer(0.3, stop.set).start()
            begin = time.monotonic()
            with pytest.raises(Stopped):
                http.get(f"{scheme}://127.0.0.1:{port}/")
            assert time.monotonic() - begin < 1.5
        for each in waiting:
            each.close()
