"""A real server over a world of its own, and the system's Chromium in front of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.server import CHROMIUM, FLAGS, running_server
from tests.browser.world import PASSWORD

PATIENCE_MS = 30_000  # the first question loads the model

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the server keeps everything."""
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    """Where the server answers."""
    with running_server(home) as address:
        yield address


@pytest.fixture(scope="session")
def installed() -> None:
    """The system has a Chromium."""
    if not CHROMIUM.exists():
        reason = f"needs Chromium at {CHROMIUM}: install it or set MUNDAP_TEST_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(f"{reason} (in CI a missing browser is a failure)")
        pytest.skip(reason)


@pytest.fixture(scope="module")
def chromium(installed: None) -> Iterator[Browser]:
    """The system's Chromium, closed with its module: while it runs, Django takes the thread for async."""
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
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{address}/")
