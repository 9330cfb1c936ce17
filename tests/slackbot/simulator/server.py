"""The HTTP server: the Web API, files, response addresses and the upgrade to Socket Mode."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import parse_qs, urlsplit

from tests.slackbot.simulator.frames import accept
from tests.slackbot.simulator.limits import Failure, Trouble
from tests.slackbot.simulator.socket_mode import Connection
from tests.slackbot.simulator.web_api import Answer

if TYPE_CHECKING:
    from tests.slackbot.simulator.simulator import Simulator

LOGIN_PAGE: Final = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>"
AT_ONCE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: the end of the connection is a reset
MAXIMUM: Final = 16 * 1024 * 1024


class Server(ThreadingHTTPServer):
    """Listens at a port of its own on 127.0.0.1, each request in a thread."""

    daemon_threads = True
    request_queue_size = 256
    block_on_close = False

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(("127.0.0.1", 0), Requests)
        self.simulator = simulator
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join(timeout=5)


class Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True  # head and body are two packets; without it a caller waits 40 ms between

    @property
    def simulator(self) -> Simulator:
        return cast(Server, self.server).simulator

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        announced = min(MAXIMUM, int(self.headers.get("Content-Length") or 0))
        body = self.rfile.read(announced)
        if len(body) < announced:  # whoever sent it was killed meanwhile
            self.close_connection = True
            return
        if path.startswith("/api/"):
            self._method(path.removeprefix("/api/"), body)
        elif path.startswith("/response/"):
            self._respond(path.rpartition("/")[2], body)
        else:
            self._write(404, b"", "text/plain")

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith("/files-pri/"):
            self._file(parts.path.split("/")[2])
        elif parts.path == "/link/":
            self._socket(parse_qs(parts.query).get("ticket", [""])[0])
        elif parts.path.startswith("/api/"):
            self._method(parts.path.removeprefix("/api/"), parts.query.encode())
        else:
            self._write(404, b"", "text/plain")

    def log_message(self, *args: object) -> None:
        """Says nothing: a test reads `Simulator.calls`."""

    # The Web API

    def _method(self, name: str, body: bytes) -> None:
        failure = self.simulator.failures.take(name)
        if failure is not None and self._failed(failure):
            return
        answer = self.simulator.api.answer(
            name, self._authorization(), self._content_type(), body, self.simulator.address
        )
        if failure is not None and failure.trouble is Trouble.RESET_AFTER:
            self._reset()
            return
        self._json(answer)

    def _failed(self, failure: Failure) -> bool:
        """Does what is to go wrong before the call; True when that is the whole answer."""
        match failure.trouble:
            case Trouble.SERVER_ERROR:
                self._write(500, b"upstream connect error", "text/plain")
            case Trouble.RATE_LIMITED:
                after = {"Retry-After": str(max(1, round(failure.seconds)))}
                self._json(Answer({"ok": False, "error": "ratelimited"}, 429, after))
            case Trouble.ERROR:
                self._json(Answer({"ok": False, "error": failure.error}))
            case Trouble.HANGS:
                self.simulator.closing.wait(failure.seconds)
                self._reset()
            case Trouble.RESET:
                self._reset()
            case Trouble.SLOW:
                time.sleep(failure.seconds)
                return False
            case Trouble.RESET_AFTER:
                return False
        return True

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self.connection.close()

    def _respond(self, secret: str, body: bytes) -> None:
        failure = self.simulator.failures.take("response_url")
        if failure is not None and self._failed(failure):
            return
        status, said = self.simulator.response_urls.respond(secret, body)
        if failure is not None and failure.trouble is Trouble.RESET_AFTER:
            self._reset()
            return
        self._write(status, said.encode(), "application/json" if said.startswith("{") else "text/html")

    # Files

    def _file(self, name: str) -> None:
        """The bytes for a token that may read them; everybody else gets the page to sign in, with 200."""
        failure = self.simulator.failures.take("file")
        if failure is not None and self._failed(failure):
            return
        file = self.simulator.readable_file(name, self._bearer())
        if file is None:
            self._write(200, LOGIN_PAGE, "text/html; charset=utf-8")
        elif file.mode == "tombstone":
            self._write(404, b"", "text/plain")
        else:
            self._write(200, file.content, file.mimetype)

    # Socket Mode

    def _socket(self, ticket: str) -> None:
        app = self.simulator.app_of_ticket(ticket)
        key = self.headers.get("Sec-WebSocket-Key")
        if app is None or not key:
            self._write(403, b"invalid ticket", "text/plain")
            return
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept(key))
        self.end_headers()
        self.connection.settimeout(None)
        self.close_connection = True
        self.simulator.sockets.serve(Connection(app, self.rfile, self.wfile))

    # Inside

    def _authorization(self) -> str:
        return self.headers.get("Authorization") or ""

    def _bearer(self) -> str:
        return self._authorization().removeprefix("Bearer ").strip()

    def _content_type(self) -> str:
        return self.headers.get("Content-Type") or ""

    def _json(self, answer: Answer) -> None:
        body = json.dumps(answer.body).encode()
        self._write(answer.status, body, "application/json; charset=utf-8", answer.headers)

    def _write(
        self, status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the caller went away
