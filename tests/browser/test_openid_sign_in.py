"""Signing in and out with OpenID Connect in Chromium, against a certified provider that runs on Node."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from assistant.common.types import Json
from tests.browser.server import REPOSITORY, environment_of, running_server
from tests.identity.oidc.real_provider import CLIENT, SECRET, RealProvider, real_provider

pytestmark = pytest.mark.browser

_LOOPBACK = {"MUNDAP_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128"}
_ADD = """
import sys, django
django.setup()
from assistant.identity.kinds import KINDS
from assistant.identity.providers import ProviderForm, add_provider, set_open
issuer, client, secret = sys.argv[1:]
row = add_provider(
    ProviderForm(
        name="한빛 계정", kind="oidc", slug="hanbit", settings={"issuer": issuer, "client_id": client},
        secrets={"client_secret": secret}, domains=["hanbit.example"],
        group_roles=[("지식관리팀", "content_administrator")],
    ),
    actor="test",
)
problem = KINDS["oidc"].refresh(row)
assert not problem, problem
set_open(provider_id=row.pk, is_open=True, actor="test")
"""


def _account(address: str, name: str, *groups: str) -> dict[str, Json]:
    return {"email": address, "email_verified": True, "name": name, "groups": list(groups)}


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[str]:
    """Where the server answers."""
    with running_server(home, _LOOPBACK) as address:
        yield address


@pytest.fixture(scope="module")
def company(server: str, home: Path) -> Iterator[RealProvider]:
    """The company's provider, open on the server."""
    accounts = {
        "haneul": _account("haneul@hanbit.example", "김하늘", "지식관리팀"),
        "bada": _account("bada@hanbit.example", "이바다"),
    }
    with real_provider(mundap=server, slug="hanbit", accounts=accounts) as provider:
        subprocess.run(
            [sys.executable, "-c", _ADD, provider.issuer, CLIENT, SECRET],
            cwd=REPOSITORY,
            env=environment_of(home) | _LOOPBACK,
            check=True,
            timeout=60,
        )
        yield provider


@pytest.fixture
def person(chromium: Browser, company: RealProvider) -> Iterator[BrowserContext]:
    """Somebody's browser, in which nobody is signed in anywhere."""
    with chromium.new_context(locale="en-US") as context:
        context.set_default_timeout(30_000)
        context.route("**/fonts.googleapis.com/**", lambda route: route.abort())  # the provider's own page
        yield context


def accounts(home: Path) -> list[tuple[str, str, str]]:
    """Address, name and role of all who came by the provider."""
    with closing(sqlite3.connect(home / "mundap.sqlite3", timeout=30)) as rows:
        return rows.execute(
            "SELECT u.email, u.name, u.role FROM accounts_user u "
            "JOIN identity_externalidentity i ON i.user_id = u.id ORDER BY u.email"
        ).fetchall()


def at_provider(page: Page, name: str, *, consents: bool) -> None:
    """The provider's own pages."""
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    if consents:
        page.get_by_role("button", name="Continue").click()


def signed_in(context: BrowserContext, server: str, name: str) -> Page:
    """By the button, and through the provider's pages, to the home page."""
    page = context.new_page()
    page.goto(f"{server}/sign-in/")
    page.get_by_role("link", name="Continue with 한빛 계정").click()
    at_provider(page, name, consents=True)
    page.wait_for_url(f"{server}/")
    return page


def test_somebody_new_gets_an_account_with_name_and_role_and_signs_out_at_both(
    person: BrowserContext, server: str, home: Path
) -> None:
    page = signed_in(person, server, "haneul")
    assert accounts(home) == [("haneul@hanbit.example", "김하늘", "content_administrator")]
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    expect(page.get_by_text("한빛 계정 as well")).to_be_visible()
    page.goto(f"{server}/sign-in/")
    page.get_by_role("link", name="Continue with 한빛 계정").click()
    expect(page.locator("input[name=login]")).to_be_visible()  # there nobody is signed in any more, either


def test_a_later_sign_in_is_the_same_account_though_the_address_and_the_keys_changed(
    person: BrowserContext, server: str, home: Path, company: RealProvider
) -> None:
    with person.browser.new_context(locale="en-US") as before:  # type: ignore[union-attr]
        signed_in(before, server, "bada")
    company.change(accounts={"bada": _account("lee@hanbit.example", "이바다", "지식관리팀")}, rotate=True)
    signed_in(person, server, "bada")
    assert ("bada@hanbit.example", "이바다", "content_administrator") in accounts(home)
    assert not [one for one in accounts(home) if one[0] == "lee@hanbit.example"]


def test_a_sign_out_that_begins_at_the_provider_ends_the_session_here(
    person: BrowserContext, server: str, company: RealProvider
) -> None:
    page = signed_in(person, server, "haneul")
    elsewhere = person.new_page()
    elsewhere.goto(f"{company.issuer}/session/end")
    elsewhere.get_by_role("button", name="Yes, sign me out").click()
    expect(elsewhere.get_by_text("Sign-out Success")).to_be_visible()
    page.goto(f"{server}/")
    page.wait_for_url(re.compile("/sign-in/"))


def test_whoever_proves_themselves_signs_in_there_once_more(person: BrowserContext, server: str) -> None:
    page = signed_in(person, server, "haneul")
    page.goto(f"{server}/sign-in/oidc/hanbit/begin/?purpose=prove&next=/sessions/")
    at_provider(page, "haneul", consents=False)  # though the provider knows the browser
    page.wait_for_url(f"{server}/sessions/")
    page.goto(f"{server}/sign-in/oidc/hanbit/begin/?purpose=prove&next=/sessions/")
    at_provider(page, "bada", consents=True)  # at which the provider says that the other one signed out
    expect(page.get_by_text("You were signed out meanwhile")).to_be_visible()


def test_a_person_who_stops_at_the_provider_is_told_so(person: BrowserContext, server: str) -> None:
    page = person.new_page()
    page.goto(f"{server}/sign-in/")
    page.get_by_role("link", name="Continue with 한빛 계정").click()
    page.get_by_role("link", name=re.compile("Cancel")).click()
    expect(page.get_by_text("did not let you in, or you stopped there")).to_be_visible()
    page.get_by_role("link", name="Back to sign-in").click()
    page.wait_for_url(f"{server}/sign-in/")
