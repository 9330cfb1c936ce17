"""Bodies are bounded before they are read, as raw clients see it at a real server: size, pace, and room."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import cast

import pytest
import uvicorn
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from django.conf import LazySettings, settings
from django.test import Client

from assistant.accounts.models import User
from assistant.api.description import described
from assistant.api.schemas import Schema
from assistant.common.types import Json
from assistant.config import bodies
from assistant.config.bodies import USUAL_BYTES, BoundedBodies
from assistant.sync.pushing import LARGEST_BODY
from tests.api.calling import JsonDict
from tests.api.conformity import misfits
from tests.api.pushing import pushing_program

_STEP = b"x" * 65_536


@dataclass(slots=True)
class Pages:
    """What stands behind the bounds: reads whole bodies as Django does, and remembers how long they were."""

    whole: list[int] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        came, more = 0, True
        while more:
            event = await receive()
            if event["type"] != "http.request":
                return
            came, more = came + len(event["body"]), event["more_body"]
        self.whole.append(came)
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": False})
        await send({"type": "http.response.body", "body": b"ok", "more_body": False})


@dataclass(frozen=True, slots=True)
class Server:
    """A server on this machine."""

    port: int
    pages: Pages

    def sent(self, head: str, pieces: Iterator[bytes] | list[bytes], *, timeout_s: float = 20) -> bytes:
        """What comes back for these bytes, until the server ends the connection."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s) as line:
            line.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
            try:
                for piece in pieces:
                    line.sendall(piece)
            except OSError:  # it does not listen any more
                pass
            try:
                while piece := line.recv(65_536):
                    answer += piece
                    if answer.endswith(b"\r\n\r\nok"):
                        break
            except ConnectionResetError:
                pass
        return answer


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    pages = Pages()
    with socket.create_server(("127.0.0.1", 0)) as line:  # who comes before it has started waits
        port = line.getsockname()[1]
        config = uvicorn.Config(BoundedBodies(pages), lifespan="off", log_config=None, access_log=False)
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [line]}, daemon=True)
        thread.start()
        yield Server(port, pages)
        running.should_exit = True
        thread.join(10)


@pytest.fixture(autouse=True)
def _forgotten(server: Server) -> None:
    server.pages.whole.clear()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def head(path: str, *lines: str) -> str:
    return "\n".join((f"POST {path} HTTP/1.1", "Host: localhost", *lines))


def length(size: int) -> str:
    return f"Content-Length: {size}"


def many(size: int) -> Iterator[bytes]:
    for _ in range(size // len(_STEP)):
        yield _STEP
    yield _STEP[: size % len(_STEP)]


def chunked(size: int) -> Iterator[bytes]:
    for piece in many(size):
        if piece:
            yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    yield b"0\r\n\r\n"


def test_what_is_usual_passes_with_and_without_a_length(server: Server) -> None:
    assert status(server.sent(head("/ask/", length(USUAL_BYTES)), many(USUAL_BYTES))) == 200
    assert status(server.sent(head("/ask/", "Transfer-Encoding: chunked"), chunked(USUAL_BYTES))) == 200
    assert status(server.sent(head("/ask/", length(0)), [])) == 200
    assert server.pages.whole == [USUAL_BYTES, USUAL_BYTES, 0]


def test_more_is_refused_before_it_is_read_or_while_it_comes(server: Server) -> None:
    # Announced: refused without a byte of it.
    assert status(server.sent(head("/ask/", length(10**15)), [])) == 413
    # Not announced: refused with the first byte too much.
    assert status(server.sent(head("/ask/", "Transfer-Encoding: chunked"), chunked(USUAL_BYTES + 1))) == 413
    assert server.pages.whole == []


def test_a_length_that_lies_gains_nothing(server: Server) -> None:
    # Too small: what is beyond is no part of the body, and no request either.
    answer = server.sent(head("/ask/", length(3), "Connection: close"), [b"abcGET /secret HTTP/1.1\r\n\r\n"])
    assert status(answer) == 200
    assert server.pages.whole == [3]
    # No number, or two of them: the server or the bounds refuse.
    for lines in (("Content-Length: -1",), ("Content-Length: 0x10",), (length(3), length(4))):
        assert status(server.sent(head("/ask/", *lines), [b"abc"])) == 400
    both = (length(3), "Transfer-Encoding: chunked")
    answer = server.sent(head("/ask/", *both), [b"3\r\nabc\r\n0\r\n\r\n"])
    assert status(answer) in (200, 400)
    assert set(server.pages.whole) == {3}


def test_a_body_that_stops_or_trickles_is_ended(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_SILENCE_S", 0.3)
    assert status(server.sent(head("/ask/", length(100)), [b"some"])) == 408  # too great a length, too
    monkeypatch.setattr(bodies, "_SILENCE_S", 30.0)
    monkeypatch.setattr(bodies, "_FIRST_S", 0.0)
    monkeypatch.setattr(bodies, "_LEAST_PER_S", 10**9)
    assert status(server.sent(head("/ask/", length(100)), [b"a", b"b"])) == 408
    assert server.pages.whole == []


@pytest.mark.django_db(transaction=True)
def test_files_come_from_who_is_signed_in_and_documents_from_keys_for_pushing(
    server: Server, people: dict[str, User], settings: LazySettings
) -> None:
    settings.MUNDAP_MAX_FILE_BYTES = 1024 * 1024
    ann = Client()
    ann.force_login(people["ann"])
    session = ann.cookies[settings.SESSION_COOKIE_NAME].value
    cookie = f'Cookie: prefs={{"a": 1}}; a=b; {settings.SESSION_COOKIE_NAME}={session}'
    size = USUAL_BYTES + 1
    assert status(server.sent(head("/files/", length(size), cookie), many(size))) == 200
    chunks = head("/files/", "Transfer-Encoding: chunked", cookie)
    assert status(server.sent(chunks, chunked(size))) == 200
    assert status(server.sent(head("/files/", length(12 * 1024 * 1024), cookie), [])) == 413
    for other in (head("/files/", length(size)), head("/ask/", length(size), cookie)):
        assert status(server.sent(other, [])) == 413
    forged = head("/files/", length(size), f"Cookie: {settings.SESSION_COOKIE_NAME}={'a' * 32}")
    assert status(server.sent(forged, [])) == 413
    ann.logout()
    assert status(server.sent(head("/files/", length(size), cookie), [])) == 413

    program = pushing_program("notes")
    path = f"/api/v1/sources/{program.source_id}/documents"
    key = f"Authorization: {program.caller.authorization}"
    assert status(server.sent(head(path, length(LARGEST_BODY), key), many(LARGEST_BODY))) == 200
    assert status(server.sent(head(path, length(LARGEST_BODY + 1), key), [])) == 413
    answer = server.sent(head(path, length(size)), [])
    assert status(answer) == 413
    value = cast(Json, json.loads(answer.partition(b"\r\n\r\n")[2]))
    schema = cast(JsonDict, cast(JsonDict, described()["components"])["schemas"])
    assert misfits(value, cast(Schema, schema["Error"]), schemas=cast(dict[str, Schema], schema), at="") == []
    assert server.pages.whole == [size, size, LARGEST_BODY]


def test_what_could_be_no_cookie_or_key_of_ours_asks_no_database(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def noted(key: str) -> bool:
        asked.append(key)
        return False

    monkeypatch.setattr(bodies, "_is_signed_in", noted)
    monkeypatch.setattr(bodies, "_is_push_key", noted)
    size, cookie = length(USUAL_BYTES + 1), settings.SESSION_COOKIE_NAME
    keys = ("", "a" * 31, "a" * 33, "A" * 32, "a" * 31 + "é", "../" + "a" * 29)
    for key in keys:
        assert status(server.sent(head("/files/", size, f"Cookie: {cookie}={key}"), [])) == 413
    pushing = "/api/v1/sources/1/documents"
    for key in ("x", "mundap_" + "a" * 43, "mundap_push_" + "a" * 42, "mundap_push_" + "a" * 44):
        assert status(server.sent(head(pushing, size, f"Authorization: Bearer {key}"), [])) == 413
    assert asked == []
    assert status(server.sent(head("/files/", size, f"Cookie: {cookie}={'a' * 32}"), [])) == 413
    right = f"Authorization: Bearer mundap_push_{'a' * 43}"
    assert status(server.sent(head(pushing, size, right), [])) == 413
    assert asked == ["a" * 32, "mundap_push_" + "a" * 43]


def test_a_few_at_once_ask_the_database_and_the_others_wait(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, lock, now = [0], threading.Lock(), [0]

    def slow(_: str) -> bool:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)
        with lock:
            now[0] -= 1
        return False

    monkeypatch.setattr(bodies, "_is_signed_in", slow)
    asking = head("/files/", length(USUAL_BYTES + 1), f"Cookie: {settings.SESSION_COOKIE_NAME}={'a' * 32}")
    with ThreadPoolExecutor(12) as many_at_once:
        answers = list(many_at_once.map(lambda _: status(server.sent(asking, [])), range(12)))
    assert (answers, most) == ([413] * 12, [4])


@pytest.mark.django_db(transaction=True)
def test_nothing_large_is_read_while_the_disk_is_nearly_full(
    server: Server, people: dict[str, User], settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MUNDAP_LEAST_FREE = (1_000, 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10_000, 9_500, 500))
    ann = Client()
    ann.force_login(people["ann"])
    cookie = f"Cookie: {settings.SESSION_COOKIE_NAME}={ann.cookies[settings.SESSION_COOKIE_NAME].value}"
    size = USUAL_BYTES + 2 * 1024 * 1024
    assert status(server.sent(head("/files/", length(size), cookie), [])) == 503
    assert status(server.sent(head("/files/", "Transfer-Encoding: chunked", cookie), chunked(size))) == 503
    assert status(server.sent(head("/ask/", length(10)), [b"0123456789"])) == 200  # questions are answered
    assert server.pages.whole == [10]
