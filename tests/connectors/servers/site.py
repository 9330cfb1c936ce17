"""A web site whose every answer the test decides: redirects, sign-in, errors, lost connections."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Request:
    """What the site was asked. `path` with its query, as it came."""

    method: str
    path: str
    headers: Message
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What it answers. `status` 0: the connection is closed without a word; `cut`: in mid-body."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: bool = True
    cut: bool = False


Answerer = Callable[[Request], Reply]


def page(*links: str, title: str = "", text: str = "", head: str = "") -> Reply:
    """A page of HTML with these links."""
    anchors = "".join(f'<p><a href="{link}">more</a></p>' for link in links)
    markup = f"<html><head><title>{title}</title>{head}</head><body><p>{text}</p>{anchors}</body></html>"
    return Reply(f"<!doctype html>{markup}".encode(), headers={"Content-Type": "text/html; charset=utf-8"})


def redirect(target: str, status: int = 302, **headers: str) -> Reply:
    """A redirect."""
    return Reply(status=status, headers={"Location": target, **headers})


@dataclass(slots=True)
class Site:
    """The site. `pages` by path with query; what is not there answers 404."""

    url: str
    pages: dict[str, Reply | Answerer] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)

    def paths(self) -> list[str]:
        """The paths that were asked for since `forget`, without robots.txt."""
        return [request.path for request in self.asked if request.path != "/robots.txt"]

    def forget(self) -> None:
        """Forget what was asked."""
        self.asked.clear()

    def answer(self, request: Request) -> Reply:
        """The answer to a request, by the rules of conditional requests."""
        self.asked.append(request)
        found = self.pages.get(request.path, Reply(b"not here", 404))
        reply = found if isinstance(found, Reply) else found(request)
        if reply.status != 200 or not reply.etag:
            return reply
        etag = f'"{sha256(reply.body).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == etag:
            return Reply(status=304, headers={"ETag": etag})
        return Reply(reply.body, 200, {**reply.headers, "ETag": etag}, cut=reply.cut)


@contextmanager
def running_site(address: str = "127.0.0.1") -> Iterator[Site]:
    """A site on a free port of this machine."""
    site = Site("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = site.answer(Request(self.command, self.path, self.headers, body))
            if not reply.status:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.status != 304:
                self.send_header("Content-Length", str(len(reply.body) + (10 if reply.cut else 0)))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = self.close_connection or reply.cut

        def log_message(self, *args: object) -> None:
            """Nothing: the test asks `site.asked`."""

    server = ThreadingHTTPServer((address, 0), Handler)
    server.daemon_threads = True
    site.url = f"http://{address}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
