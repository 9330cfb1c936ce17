"""A proxy between a connector and its real server that spoils answers at chosen requests."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.common.scripted_server import Script, Seen, raw, reply, serving

_OF_THE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})
_PAGE = b"<!doctype html><title>Sign in</title><form action=/login><input name=user></form>"


@dataclass(frozen=True, slots=True)
class Given:
    """What the real server answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


Spoil = Callable[[Given], Script]
_BEGINNINGS: dict[str, dict[object, Given]] = {}  # what was answered there


def silent(_given: Given) -> Script:
    """Answers nothing until the client hangs up. It costs what the client waits, so it is asked for apart."""

    def script(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        handler.connection.recv(1)
        handler.close_connection = True

    return script


def _short(given: Given) -> Script:
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(given.body) + 9}\r\n\r\n"
    )
    return raw(head.encode() + given.body)


def _broken_chunk(given: Given) -> Script:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return raw(head + f"{len(given.body):x}\r\n".encode() + given.body)


# Each spoils one answer in a way that HTTP shows.
OPEN_TROUBLE: dict[str, Spoil] = {
    "busy, asks for no wait": lambda given: reply(429, retry_after="0"),
    "busy, asks for an hour": lambda given: reply(429, retry_after="3600"),
    "not available": lambda given: reply(503),
    "a gateway that fails": lambda given: reply(502),
    "an error": lambda given: reply(500, b'{"error": "internal"}'),
    "hangs up": lambda given: raw(b""),
    "a body shorter than it says": _short,
    "no last chunk": _broken_chunk,
    "forbidden": lambda given: reply(403),
    "not there": lambda given: reply(404),
}
# And in a way that looks like an answer: only who reads it can tell.
DISGUISED_TROUBLE: dict[str, Spoil] = {
    "half of the answer": lambda given: reply(200, given.body[: len(given.body) // 2]),
    "an empty answer": lambda given: reply(200),
    "an object without its fields": lambda given: reply(200, b"{}"),
    "a page to sign in": lambda given: reply(200, _PAGE, content_type="text/html"),
}


@dataclass(slots=True)
class HostileProxy:
    """`url` stands for the real server. Requests are counted from 0 since `calm`.

    `settle`: called before each request is passed on, for worlds whose changes wait to be made together.
    `beginning`: a name of what the world is like, if it is as other worlds of this server have begun.
    """

    url: str = ""
    settle: Callable[[], object] = lambda: None
    beginning: Callable[[], str] = str
    requests: int = 0
    _spoil: Spoil | None = None
    _first: int = 0
    _last: int = 0
    _before: Callable[[int], None] | None = field(default=None)
    _memory: dict[object, Given] | None = None

    def calm(self) -> None:
        """Pass everything on from now."""
        self.requests, self._spoil, self._before = 0, None, None

    def spoil(self, spoil: Spoil, *, at: int, times: int = 1) -> None:
        """Spoil `times` answers from request number `at` on."""
        self.calm()
        self._spoil, self._first, self._last = spoil, at, at + times - 1

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Ask the real server each question once, as long as nothing changes it: slow ones need no second."""
        outer = self._memory
        if outer is None:
            name = self.beginning()
            self._memory = _BEGINNINGS.setdefault(name, {}) if name else {}
        try:
            yield
        finally:
            self._memory = outer

    def before_each(self, step: Callable[[int], None]) -> None:
        """Call `step` with the number of each request before it is passed on."""
        self.calm()
        self._before = step

    def answer(self, upstream: str, seen: Seen) -> Script:
        """What the connector is told."""
        number = self.requests
        self.requests += 1
        if self._before is not None:
            self._before(number)
        given = self._given(upstream, seen)
        if self._spoil is not None and self._first <= number <= self._last:
            return self._spoil(given)
        return _as_given(given)

    def _given(self, upstream: str, seen: Seen) -> Given:
        self.settle()
        if self._memory is None:
            return _passed_on(upstream, seen)
        headers = tuple(sorted(item for item in seen.headers.items() if item[0] != "host"))
        question = (seen.method, seen.path, seen.body, headers)
        if question not in self._memory:
            self._memory[question] = _passed_on(upstream, seen)
        return self._memory[question]


@contextmanager
def hostile_proxy(upstream: str) -> Iterator[HostileProxy]:
    """A proxy in front of the http server at `upstream` (scheme, host and port)."""
    proxy = HostileProxy()

    def passed(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        proxy.answer(upstream, seen)(handler, seen)

    with serving(fallback=passed) as server:
        proxy.url = server.url
        yield proxy


class BehindProxy:
    """A world whose connector reaches its server through a proxy."""

    proxy: HostileProxy

    def put_proxy_before(self, address: str) -> str:
        """Stand a proxy before the server of this address; the address that leads through it."""
        server = urlsplit(address)
        self._before_server = ExitStack()
        proxied = hostile_proxy(f"{server.scheme}://{server.netloc}")
        self.proxy = self._before_server.enter_context(proxied)
        return self.proxy.url + server.path

    def close(self) -> None:
        """Take the proxy away."""
        self._before_server.close()


def _passed_on(upstream: str, seen: Seen) -> Given:
    """The host stays the proxy's, so that addresses in answers lead through it again."""
    parts = urlsplit(upstream)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        headers = {name: value for name, value in seen.headers.items() if name not in _OF_THE_CONNECTION}
        connection.request(seen.method, seen.path, body=seen.body or None, headers=headers)
        answer = connection.getresponse()
        return Given(answer.status, tuple(answer.getheaders()), answer.read())
    finally:
        connection.close()


def _as_given(given: Given) -> Script:
    def script(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        handler.send_response_only(given.status)
        for name, value in given.headers:
            if name.lower() not in _OF_THE_CONNECTION:
                handler.send_header(name, value)
        if given.status not in (204, 304):
            handler.send_header("Content-Length", str(len(given.body)))
        handler.end_headers()
        if seen.method != "HEAD":
            handler.wfile.write(given.body)

    return script
