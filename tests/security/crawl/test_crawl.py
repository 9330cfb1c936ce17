"""A short hostile crawl finds nothing in Mundap, and what was planted in a server that has it all wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.server import fill
from tests.security.crawl.broken_http import spoken
from tests.security.crawl.crawler import Crawler, Visitor
from tests.security.crawl.leaving import left_in_the_middle
from tests.security.crawl.passive import Known
from tests.security.crawl.serving import serving
from tests.security.crawl.worlds import small_world

REQUESTS, LONGEST_S = 240, 100
# What so many requests reach by any seed. A crawl that sees less has lost its sessions or its links.
PAGES = {"", "sign-in/", "security/", "console/"}
FORMS, FORMS_OF_PEOPLE = {"POST sign-in/", "POST language/"}, {"ask/", "files/", "keys/", "style/"}
LEAST_ROUTES, LEAST_FORMS, LEAST_FORMS_SENT = 30, 7, 30


@pytest.mark.slow
def test_a_hostile_crawl_finds_nothing(tmp_path: Path) -> None:
    fill(tmp_path)
    with serving(tmp_path) as server:
        world = small_world(tmp_path, server.address)
        left_in_the_middle(server.address, world.visitors[1:2], times=1)
        crawler = Crawler(
            server.known(world.secrets),
            world.visitors,
            Random(1),
            password=world.password,
            kept_people=world.kept_people,
        )
        found = crawler.run(LONGEST_S, most=REQUESTS)
        disorder = spoken(server.address)
        logged = server.errors()
    assert found.findings == {}
    assert disorder["wrong"] == []
    assert logged == []
    assert found.server_errors == 0
    assert found.out_of_reach == 0  # nobody is to be reached in this world
    assert found.requests >= REQUESTS
    assert found.pages >= PAGES
    assert found.forms >= FORMS
    assert found.forms & {f"POST {route}" for route in FORMS_OF_PEOPLE}
    assert len(found.routes) >= LEAST_ROUTES, found.routes
    assert len(found.forms) >= LEAST_FORMS, found.forms
    assert found.forms_sent >= LEAST_FORMS_SENT


class Faulty(BaseHTTPRequestHandler):
    """Every fault in one place."""

    def do_GET(self) -> None:
        """Fails, echoes, leads away, or shows where else to go."""
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query, keep_blank_values=True)
        if parts.path == "/fails/":
            raise ValueError
        self.send_response(302 if parts.path == "/away/" else 200)
        if parts.path == "/away/":
            self.send_header("Location", "https://zqx.example/")
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        echo = asked.get("q", [""])[0]
        form = f'<form action="/echo/"><input name="q"></form><p>{echo}</p>'
        self.wfile.write(f'<a href="/fails/">a</a><a href="/away/">b</a>{form}'.encode(errors="replace"))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Quiet(ThreadingHTTPServer):
    """Its faults are meant."""

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def faulty() -> Iterator[str]:
    """The address of a server with all these faults."""
    server = Quiet(("127.0.0.1", 0), Faulty)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_planted_faults_are_found(faulty: str) -> None:
    visitor = Visitor("nobody", paths={"": "/", "echo/": "/echo/"})
    found = Crawler(Known(faulty), [visitor], Random(1), password="").run(0.7)
    assert {
        "no_answer",
        "reflected",
        "redirected_away",
        "content_policy",
        "security_headers",
        "program_named",
        "server_error",
    } <= {rule for rule, _, _ in found.findings}, found.findings.keys()
