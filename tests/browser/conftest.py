"""A real server over a world of its own, and the system's Chromium in front of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.world import PASSWORD

REPOSITORY = Path(__file__).resolve().parents[2]
CHROMIUM = Path(os.environ.get("MUNDAP_TEST_CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_S = 120
PATIENCE_MS = 30_000  # the first question loads the model

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the server keeps everything."""
    return tmp_path_factory.mktemp("browser")


def environment_of(home: Path) -> dict[str, str]:
    """What a process of this installation is started with."""
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return kept | {
        "MUNDAP_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "assistant.config.settings",
        "PYTHONPATH": str(REPOSITORY),
        "MUNDAP_LOG_LEVEL": "WARNING",
    }


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    """Where the server answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = environment_of(home)
    subprocess.run(
        [sys.executable, "-m", "tests.browser.world"],
        cwd=REPOSITORY,
        env=environment,
        check=True,
        timeout=START_S,
    )
    command = [sys.executable, "-m", "uvicorn", "assistant.config.asgi:application", "--port", str(port)]
    server = subprocess.Popen([*command, "--log-level", "warning"], cwd=REPOSITORY, env=environment)
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        assert server.poll() is None, "the server ended while it started"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"{url} did not answer within {START_S} s")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, closed with its module: while it runs, Django takes the thread for async."""
    if not CHROMIUM.exists():
        reason = f"needs Chromium at {CHROMIUM}: install it or set MUNDAP_TEST_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(f"{reason} (in CI a missing browser is a failure)")
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console said: script errors and refused content."""
    return []


@pytest.fixture
def ann(chromium: Browser, address: str, complaints: list[str]) -> Iterator[Page]:
    """Ann's browser, in English, signed in through the form."""
    with chromium.new_context(locale="en-US", viewport={"width": 1280, "height": 860}) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        sign_in(page, address, "ann@example.com")
        yield page


def sign_in(page: Page, address: str, email: str) -> None:
    """Fill the form and wait for the home page."""
    page.goto(f"{address}/sign-in/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{address}/")
