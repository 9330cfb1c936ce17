"""A small slack_bolt app behind real HTTP, for the tests of the simulator itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from slack_bolt import App as Bolt
from slack_bolt import BoltRequest, BoltResponse
from slack_sdk import WebClient

from tests.slackbot.simulator.records import Installation
from tests.slackbot.simulator.simulator import Simulator

QUIET = logging.Logger("quiet", logging.CRITICAL + 1)


def bolt_for(slack: Simulator, installed: Installation) -> Bolt:
    client = WebClient(installed.token, base_url=slack.api_url)
    return Bolt(client=client, signing_secret=installed.app.signing_secret, logger=QUIET)


class Dispatching(Protocol):
    """A slack_bolt app, or what stands for one."""

    def dispatch(self, req: BoltRequest) -> BoltResponse: ...


@contextmanager
def serving(bolt: Dispatching) -> Iterator[str]:
    """The address of a server that hands every request to the app."""

    class Requests(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            headers: dict[str, str | Sequence[str]] = dict(self.headers.items())
            answer = bolt.dispatch(BoltRequest(body=body, headers=headers))
            self.send_response(answer.status)
            for name, values in answer.headers.items():
                self.send_header(name, values[0])
            self.end_headers()
            self.wfile.write(answer.body.encode())

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/slack/events"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
