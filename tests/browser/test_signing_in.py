"""Signing in, waiting after wrong passwords, ending sessions and proving again, in Chromium."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.server import REPOSITORY, environment_of
from tests.browser.world import PASSWORD

pytestmark = pytest.mark.browser

_FORGET_PROOFS = """
import django
django.setup()
from assistant.accounts.door_models import SignedInSession
from assistant.accounts.session_store import SessionStore
for key in SignedInSession.objects.values_list("session_key", flat=True):
    session = SessionStore(key)
    session.pop("proven", None)
    session.save()
"""


def forget_proofs(home: Path) -> None:
    """As if everybody had signed in long ago."""
    subprocess.run(
        [sys.executable, "-c", _FORGET_PROOFS],
        cwd=REPOSITORY,
        env=environment_of(home),
        check=True,
        timeout=60,
    )


def guess(page: Page, address: str, email: str, password: str) -> None:
    """One try at the form."""
    page.goto(f"{address}/sign-in/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_a_session_that_is_ended_goes_to_the_sign_in_page(ann: Page, chromium: Browser, address: str) -> None:
    with chromium.new_context(locale="en-US") as context:
        elsewhere = context.new_page()
        sign_in(elsewhere, address, "ann@example.com")
        ann.get_by_role("link", name="Sign-in and security").click()
        ann.get_by_role("link", name="See where you are signed in").click()
        expect(ann.get_by_text("This device")).to_be_visible()
        ann.get_by_role("button", name="Sign out on all other devices").click()
        expect(ann.locator(".session")).to_have_count(1)
        elsewhere.goto(f"{address}/")
        elsewhere.wait_for_url("**/sign-in/**")


def test_signing_out_in_one_tab_clears_the_others_and_what_lies_behind(ann: Page, address: str) -> None:
    other = ann.context.new_page()
    other.goto(f"{address}/sessions/")
    expect(other.get_by_text("This device")).to_be_visible()
    ann.get_by_role("button", name="Sign out").click()
    other.wait_for_url("**/sign-in/**")
    ann.wait_for_url("**/sign-in/**")
    ann.go_back()
    ann.wait_for_url("**/sign-in/**")
    expect(ann.get_by_label("Password")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_sensitive_change_asks_again_and_is_done_with_the_password(
    chromium: Browser, address: str, home: Path, *, scripts: bool
) -> None:
    with chromium.new_context(locale="en-US", java_script_enabled=scripts) as context:
        page = context.new_page()
        sign_in(page, address, "ada@example.com")
        page.goto(f"{address}/console/people/")
        page.get_by_role("link", name="Ann").click()
        role = "auditor" if scripts else "employee"
        page.locator("select[name=role]").select_option(role)
        forget_proofs(home)
        page.locator("#role").get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", name="Your password, please")).to_be_visible()
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("select[name=role]")).to_have_value(role)


def test_a_stranger_waits_and_the_owner_signs_in_on_a_known_device(chromium: Browser, address: str) -> None:
    with (
        chromium.new_context(locale="en-US") as known,
        chromium.new_context(locale="en-US") as strange,
    ):
        owner, stranger = known.new_page(), strange.new_page()
        sign_in(owner, address, "ann@example.com")
        owner.get_by_role("button", name="Sign out").click()
        for _ in range(6):
            guess(stranger, address, "ann@example.com", "wrong")
            expect(stranger.get_by_role("alert").first).to_be_visible()
        expect(stranger.get_by_text(re.compile(r"Wait [1-4] seconds?, then try again"))).to_be_visible()
        sign_in(owner, address, "ann@example.com")
