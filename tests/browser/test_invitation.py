"""A link in Chromium, from who makes it to who follows it; and the form that only emergencies need."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PATIENCE_MS, sign_in
from tests.browser.server import REPOSITORY, environment_of, fill, running_server, served
from tests.made_in_run import DATABASE

pytestmark = pytest.mark.browser
NEW_PASSWORD = "a password of several words"


@pytest.fixture(scope="module")
def emergency_papers(home: Path) -> tuple[str, str]:
    """What the command prints: the passphrase and a code."""
    fill(home)
    command = [sys.executable, "manage.py", "emergency", "create"]
    made = subprocess.run(
        command, cwd=REPOSITORY, env=environment_of(home), check=True, capture_output=True, text=True
    )
    told = json.loads(made.stdout)
    assert told["passphrase"] not in made.stderr
    return str(told["passphrase"]), str(told["recovery_codes"][0])


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with running_server(home) as address:
        yield address


def test_a_link_is_made_copied_followed_and_leaves_the_address(chromium: Browser, address: str) -> None:
    with chromium.new_context(locale="en-US") as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        sign_in(page, address, "ada@example.com")
        page.goto(f"{address}/console/people/")
        page.get_by_role("link", name="Invite somebody").click()
        page.get_by_label("E-mail address").fill("nia@example.com")
        page.get_by_role("button", name="Make a link").click()
        link = page.get_by_label("Link", exact=True).input_value()
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
    with chromium.new_context(locale="en-US", java_script_enabled=False) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        referred: list[str] = []
        page.on("request", lambda request: referred.append(request.headers.get("referer", "")))
        page.goto(link)
        assert page.url == f"{address}/invitation/"
        page.get_by_label("Your name").fill("Nia")
        page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
        page.get_by_label("New password once more").fill(NEW_PASSWORD)
        page.get_by_role("button", name="Make my account").click()
        page.wait_for_url(f"{address}/")
        expect(page.get_by_text("Nia", exact=True)).to_be_visible()
        assert not any(link.split("/")[-2] in one for one in referred)
        context.clear_cookies()
        page.goto(link)
        expect(page.get_by_role("alert").first).to_contain_text("doesn’t count any more")


def test_the_emergency_account_gets_in_behind_the_companys_button(
    chromium: Browser, home: Path, emergency_papers: tuple[str, str]
) -> None:
    with closing(sqlite3.connect(home / DATABASE)) as rows, rows:
        rows.execute(
            "INSERT INTO identity_identityprovider (slug, name, kind, is_open, settings, sealed_secrets,"
            " domains, makes_accounts, joins_accounts, group_roles, created_at, changed_at) VALUES"
            " ('okta', 'Okta', 'saml', 1, '{}', x'', '[]', 1, 1, '[]', '2026-01-01', '2026-01-01')"
        )
    passphrase, code = emergency_papers
    with (
        served(home, {"MUNDAP_LOCAL_SIGN_IN": "emergency"}) as address,
        chromium.new_context(locale="en-US", java_script_enabled=False) as context,
    ):
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{address}/sign-in/")
        expect(page.get_by_role("link", name="Continue with Okta")).to_be_visible()
        expect(page.get_by_label("Password")).to_be_hidden()
        page.get_by_text("Emergency sign-in").click()
        page.get_by_label("E-mail address").fill("emergency@mundap.invalid")
        page.get_by_label("Password").fill(passphrase.upper())
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_label("Code").fill(code)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(f"{address}/")
        expect(page.get_by_text("You are signed in with the emergency account.")).to_be_visible()
        page.goto(f"{address}/console/people/")
        expect(page.get_by_text("The emergency account was used.")).to_be_visible()
