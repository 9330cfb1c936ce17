"""A proxy before an HTTP server that counts which objects are asked for."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


class CountingProxy:
    """Listens on a free port. `fetched`: how often each path was asked for without a query."""

    def __init__(self, port: int) -> None:
        self.fetched: Counter[str] = Counter()
        self._behind = port
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _passed_on(self) -> None:
                parts = urlsplit(self.path)
                if self.command == "GET" and not parts.query:
                    with proxy._lock:
                        proxy.fetched[unquote(parts.path)] += 1
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                behind = http.client.HTTPConnection("127.0.0.1", proxy._behind, timeout=60)
                try:
                    behind.request(self.command, self.path, body=body, headers=dict(self.headers))
                    answer = behind.getresponse()
                    data = answer.read()
                    self.send_response(answer.status)
                    for name, value in answer.getheaders():
                        if name.lower() not in _HOP_BY_HOP:
                            self.send_header(name, value)
                    length = answer.getheader("Content-Length") if self.command == "HEAD" else None
                    self.send_header("Content-Length", length or str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # whoever asked was killed
                finally:
                    behind.close()

            do_GET = do_HEAD = do_POST = do_PUT = _passed_on  # noqa: N815 - names that the base class calls

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        return Handler
