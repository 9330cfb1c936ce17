"""`kill -9` of the server while it reads a file: the next one reads it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import sign_in
from tests.browser.server import REPOSITORY, environment_of, fill, wait_for
from tests.browser.test_files import chip
from tests.connectors.servers.programs import free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def _server(home: Path, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "uvicorn", "assistant.config.asgi:application", "--port", str(port)]
    server = subprocess.Popen([*command, "--log-level", "warning"], cwd=REPOSITORY, env=environment_of(home))
    wait_for(f"http://127.0.0.1:{port}/healthz", server)
    return server


def test_a_file_that_was_being_read_is_ready_after_a_kill(chromium: Browser, tmp_path: Path) -> None:
    home = tmp_path / "home"
    fill(home)
    port = free_port()
    long = tmp_path / "long.md"
    paragraphs = (f"## Part {n}\n\nParagraph {n} tells of matter {n * 7}. " * 9 for n in range(160))
    long.write_text("\n\n".join(paragraphs), encoding="utf-8")
    server = _server(home, port)
    try:
        with chromium.new_context(locale="en-US") as context:
            page = context.new_page()
            sign_in(page, f"http://127.0.0.1:{port}", "ann@example.com")
            page.locator("[data-file-input]").set_input_files(long)
            chip(page, "long.md", "reading")
            server.send_signal(signal.SIGKILL)
            server.wait()
            assert any((home / "files").iterdir())  # it was not ready yet
            server = _server(home, port)
            page.reload()
            chip(page, "long.md", "reading")
            expect(page.locator(".file-chip[data-state='ready']")).to_be_visible(timeout=120_000)
            assert not any((home / "files").iterdir())
    finally:
        server.kill()
        server.wait()
