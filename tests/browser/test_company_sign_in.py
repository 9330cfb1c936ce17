"""Signing in and out with a company's identity in Chromium, against SimpleSAMLphp as the real provider."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import APIResponse, Browser, BrowserContext, Page, expect

from assistant.common.types import Json
from tests.browser.server import REPOSITORY, environment_of, running_server
from tests.identity.saml.simplesaml import PASSWORD, SimpleSaml, simplesaml

pytestmark = pytest.mark.browser

_LOOPBACK = {"MUNDAP_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128"}
_ADD = """
import sys, django
django.setup()
from assistant.identity.kinds import KINDS
from assistant.identity.providers import ProviderForm, add_provider, set_open
row = add_provider(
    ProviderForm(
        name="한빛 로그인", kind="saml", slug="hanbit", settings={"metadata_url": sys.argv[1]},
        domains=["example.com"], group_roles=[("지식관리팀", "content_administrator")],
    ),
    actor="test",
)
problem = KINDS["saml"].refresh(row)
assert not problem, problem
set_open(provider_id=row.pk, is_open=True, actor="test")
"""
_REFRESH = """
import django
django.setup()
from assistant.identity.tasks import refresh_providers
refresh_providers()
"""


@pytest.fixture(scope="module")
def company() -> Iterator[SimpleSaml]:
    """The company's identity provider."""
    with simplesaml() as provider:
        yield provider


@pytest.fixture(scope="module")
def address(home: Path, company: SimpleSaml) -> Iterator[str]:
    """A server at which the company's provider is open."""
    with running_server(home, _LOOPBACK) as address:
        run(home, _ADD, company.metadata_url)
        with urllib.request.urlopen(f"{address}/sign-in/saml/hanbit/metadata/") as metadata:
            company.trust(metadata.read())
        yield address


@pytest.fixture
def person(chromium: Browser, address: str) -> Iterator[BrowserContext]:
    """Somebody's browser, in which nobody is signed in anywhere."""
    with chromium.new_context(locale="en-US") as context:
        context.set_default_timeout(30_000)
        yield context


def run(home: Path, script: str, *arguments: str) -> None:
    """Run a script in the installation."""
    subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=REPOSITORY,
        env=environment_of(home) | _LOOPBACK,
        check=True,
        timeout=60,
    )


def change(home: Path, **settings: Json) -> None:
    """Change settings of the provider, as its page does."""
    with closing(sqlite3.connect(home / "mundap.sqlite3", timeout=30)) as rows, rows:
        said = json.loads(rows.execute("SELECT settings FROM identity_identityprovider").fetchone()[0])
        rows.execute("UPDATE identity_identityprovider SET settings = ?", [json.dumps({**said, **settings})])


def reasons(home: Path, event: str) -> list[str]:
    """Why things of this kind were refused, oldest first."""
    with closing(sqlite3.connect(home / "mundap.sqlite3", timeout=30)) as rows:
        found = rows.execute("SELECT data FROM audit_auditevent WHERE event = ? ORDER BY id", [event])
        return [json.loads(data)["reason"] for (data,) in found.fetchall()]


def to_provider(context: BrowserContext, address: str) -> Page:
    """The sign-in page, and its button."""
    page = context.new_page()
    page.goto(f"{address}/sign-in/")
    page.get_by_role("link", name="Continue with 한빛 로그인").click()
    return page


def fill(page: Page, name: str = "haneul") -> None:
    """The provider's own form."""
    page.locator("input[name=username]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form[name=f] button, form[name=f] input[type=submit]").first.click()


def signed_in(context: BrowserContext, address: str, name: str = "haneul") -> Page:
    """Through the provider's form to the home page."""
    page = to_provider(context, address)
    fill(page, name)
    page.wait_for_url(f"{address}/")
    return page


def answer_of(page: Page, name: str = "haneul") -> str:
    """The answer that the provider sends, caught before it gets here."""
    page.route("**/acs/", lambda route: route.abort())
    with page.expect_request("**/acs/") as caught:
        fill(page, name)
    return str((caught.value.post_data_json or {})["SAMLResponse"])


def deliver(context: BrowserContext, address: str, answer: str) -> APIResponse:
    """Send an answer from another browser, or again."""
    return context.request.post(
        f"{address}/sign-in/saml/hanbit/acs/", form={"SAMLResponse": answer}, max_redirects=5
    )


def test_somebody_new_gets_an_account_with_name_and_role_and_signs_out_at_both(
    person: BrowserContext, address: str, home: Path
) -> None:
    page = signed_in(person, address)
    expect(page.locator(".account-name")).to_have_text("김하늘")
    expect(page.get_by_role("link", name="Console")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Of Mundap, and of 한빛 로그인 as well.")).to_be_visible()
    again = to_provider(person, address)
    expect(again.locator("input[name=username]")).to_be_visible()


def test_a_logout_that_begins_at_the_provider_ends_the_session_here(
    person: BrowserContext, address: str, company: SimpleSaml
) -> None:
    page = signed_in(person, address)
    elsewhere = person.new_page()
    elsewhere.goto(f"{company.address}/saml2/idp/initSLO.php?RelayState={company.address}/logout.php")
    elsewhere.wait_for_url(re.compile("logout"))
    page.goto(f"{address}/")
    page.wait_for_url("**/sign-in/**")


def test_an_answer_counts_once_and_only_in_the_browser_that_began(
    person: BrowserContext, chromium: Browser, address: str, home: Path
) -> None:
    answer = answer_of(to_provider(person, address))
    with chromium.new_context(locale="en-US") as stranger:
        elsewhere = deliver(stranger, address, answer)
        assert elsewhere.status == 400
        assert "begun in another browser" in elsewhere.text()
    assert deliver(person, address, answer).status == 400
    assert reasons(home, "identity_message_refused")[-1] == "not_waiting"
    assert not [one for one in person.cookies() if one["name"] == "sessionid"]


def test_an_encrypted_assertion_is_opened_and_a_plain_one_refused_where_only_those_count(
    person: BrowserContext, address: str, home: Path, company: SimpleSaml
) -> None:
    change(home, encrypted_only=True)
    try:
        page = to_provider(person, address)
        fill(page)
        expect(page.get_by_text("was not accepted")).to_be_visible()
        assert reasons(home, "identity_message_refused")[-1] == "not_encrypted"
        company.host(**{"assertion.encryption": True})
        page = to_provider(person, address)
        page.wait_for_url(f"{address}/")
    finally:
        change(home, encrypted_only=False)
        company.host(**{"assertion.encryption": None})


def test_the_provider_begins_only_where_it_may_and_the_person_is_asked(
    person: BrowserContext, address: str, home: Path, company: SimpleSaml
) -> None:
    entity = f"{address}/sign-in/saml/hanbit/metadata/"
    begun = f"{company.address}/saml2/idp/SSOService.php?spentityid={entity}"
    page = person.new_page()
    page.goto(begun)
    fill(page)
    expect(page.get_by_text("was not accepted")).to_be_visible()
    assert reasons(home, "identity_message_refused")[-1] == "unsolicited"
    change(home, allows_unsolicited=True)
    try:
        page.goto(begun)
        expect(page.get_by_text("sent you here to sign in as haneul@example.com")).to_be_visible()
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{address}/")
    finally:
        change(home, allows_unsolicited=False)


def test_the_provider_rolls_its_key_over_while_both_are_in_its_metadata(
    person: BrowserContext, chromium: Browser, address: str, home: Path, company: SimpleSaml
) -> None:
    company.host(new_privatekey="second.pem", new_certificate="second.crt")
    run(home, _REFRESH)
    second = {"privatekey": "second.pem", "certificate": "second.crt"}
    first = {"privatekey": "first.pem", "certificate": "first.crt"}
    company.host(**second, new_privatekey=None, new_certificate=None)
    signed_in(person, address)
    run(home, _REFRESH)
    company.host(**first)
    with chromium.new_context(locale="en-US") as later:
        page = to_provider(later, address)
        fill(page)
        expect(page.get_by_text("was not accepted")).to_be_visible()
    assert reasons(home, "identity_message_refused")[-1] == "signature"
    run(home, _REFRESH)


def test_a_request_that_we_did_not_sign_is_refused_by_the_provider(
    person: BrowserContext, address: str, home: Path
) -> None:
    change(home, signs_requests=False)
    try:
        page = to_provider(person, address)
        expect(page.locator("input[name=username]")).to_have_count(0)
        expect(page.locator("body")).to_contain_text("unhandled exception")
    finally:
        change(home, signs_requests=True)


def test_a_closed_provider_is_nowhere(person: BrowserContext, address: str, home: Path) -> None:
    with closing(sqlite3.connect(home / "mundap.sqlite3", timeout=30)) as rows, rows:
        rows.execute("UPDATE identity_identityprovider SET is_open = 0")
    try:
        assert person.request.get(f"{address}/sign-in/saml/hanbit/begin/").status == 404
        assert deliver(person, address, "bm90aGluZw==").status in {400, 404}
        page = person.new_page()
        page.goto(f"{address}/sign-in/")
        expect(page.get_by_role("link", name="Continue with")).to_have_count(0)
    finally:
        with closing(sqlite3.connect(home / "mundap.sqlite3", timeout=30)) as rows, rows:
            rows.execute("UPDATE identity_identityprovider SET is_open = 1")
