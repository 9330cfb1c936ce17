"""A web server that answers each request as it is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Reply:
    """A status, a body and headers. `cut`: the connection ends before the body does."""

    status: int = 207
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    cut: bool = False


@dataclass
class Script:
    """What is answered by method and path (404 otherwise), and what was asked."""

    replies: dict[tuple[str, str], Reply] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0


@contextmanager
def scripted_web() -> Iterator[Script]:
    """Serve a script, which may change meanwhile, until the end of the block."""
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            script.asked.append((self.command, self.path))
            reply = script.replies.get((self.command, self.path), Reply(404))
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) + 100 * reply.cut))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_PROPFIND = _answer  # noqa: N815 - the names it must have

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
