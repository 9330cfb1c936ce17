"""Passkeys in Chromium with a virtual authenticator, and an authenticator app without scripts."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PATIENCE_MS, sign_in
from tests.browser.server import running_server
from tests.browser.test_signing_in import forget_proofs
from tests.browser.world import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    """A server that asks administrators for a second factor, by the name under which passkeys work."""
    with running_server(home, {"MUNDAP_REQUIRE_SECOND_FACTOR": "administrators"}) as address:
        yield address.replace("127.0.0.1", "localhost")


def with_authenticator(context: BrowserContext) -> Page:
    """A page whose browser has a device that recognises its person at once."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    tools = context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return page


def enter_password(page: Page, address: str, email: str) -> None:
    """Fill the form of the sign-in page."""
    page.goto(f"{address}/sign-in/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_passkey_is_made_signs_in_alone_is_a_second_factor_and_is_removed(
    chromium: Browser, address: str, home: Path
) -> None:
    with chromium.new_context(locale="en-US") as context:
        page = with_authenticator(context)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        sign_in(page, address, "ann@example.com")
        page.goto(f"{address}/security/")
        page.get_by_label("What to call it").fill("My laptop")
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.locator(".recovery-codes li")).to_have_count(10)
        page.get_by_role("link", name="I’ve kept them").click()
        expect(page.get_by_text("My laptop").first).to_be_visible()
        page.get_by_role("button", name="Sign out").click()

        page.goto(f"{address}/sign-in/")
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url(f"{address}/")
        page.get_by_role("button", name="Sign out").click()

        enter_password(page, address, "ann@example.com")
        page.get_by_role("button", name="Use a passkey").click()
        page.wait_for_url(f"{address}/")

        page.goto(f"{address}/keys/")
        page.get_by_label("What is it for?").fill("Report of the week")
        forget_proofs(home)
        page.get_by_role("button", name="Make the key").click()
        page.get_by_role("button", name="Confirm with a passkey").click()
        expect(page.get_by_text("Report of the week").first).to_be_visible()  # it waited meanwhile

        page.goto(f"{address}/security/")
        page.get_by_role("button", name=re.compile("Remove.*My laptop")).click()
        expect(page.get_by_text("My laptop")).to_have_count(0)
        page.get_by_role("button", name="Sign out").click()
        page.goto(f"{address}/sign-in/")
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("alert").filter(has_text="No passkey of yours")).to_be_visible()
        assert complaints == []


def test_an_administrator_sets_an_app_up_without_scripts(chromium: Browser, address: str) -> None:
    with chromium.new_context(locale="en-US", java_script_enabled=False) as context:
        page = context.new_page()
        enter_password(page, address, "ada@example.com")
        expect(page.get_by_role("heading", name="Protect your account")).to_be_visible()
        expect(page.get_by_role("button", name="Set up a passkey")).to_be_hidden()
        page.goto(f"{address}/console/people/")
        page.wait_for_url("**/sign-in/?next=**")
        page.goto(f"{address}/sign-in/set-up/")
        page.get_by_text("Enter a key instead").click()
        secret = page.locator(".factor-key code").inner_text().replace(" ", "")
        page.get_by_role("textbox", name="Code").fill(pyotp.TOTP(secret).at(int(time.time())))
        page.get_by_role("button", name="Set up the app").click()
        expect(page.locator(".recovery-codes li")).to_have_count(10)
        page.get_by_role("link", name="I’ve kept them").click()
        page.goto(f"{address}/console/people/")
        expect(page.get_by_role("heading", name="People")).to_be_visible()
