"""What a running WebDAV server of the tests is, and the one that wsgidav makes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from wsgidav.wsgidav_app import WsgiDAVApp

USER, PASSWORD = "mundap", "correct horse"


@dataclass(frozen=True)
class DavServer:
    """A running server. `root` is the folder that it serves at `url`, which has no `/` at its end."""

    url: str
    root: Path


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
        pass


@contextmanager
def wsgi_dav(root: Path) -> Iterator[DavServer]:
    """Serve `root` as /docs/ by wsgidav, to one user with a password."""
    app = WsgiDAVApp(
        {
            "provider_mapping": {"/docs": {"root": str(root), "readonly": True}},
            "simple_dc": {"user_mapping": {"/docs": {USER: {"password": PASSWORD}}}},
            "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
            "verbose": 0,
        }
    )
    server = make_server("127.0.0.1", 0, app, server_class=_Threads, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield DavServer(f"http://127.0.0.1:{server.server_port}/docs", root)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
