"""No page that asks again who somebody is holds anything of what was typed before, on any route.

The secrets of providers and of Slack, keys and passwords used to go back to the browser as hidden fields.
"""

from __future__ import annotations

import re

import pytest
from django.test import Client

from assistant.accounts.models import User
from assistant.factors.models import Passkey, WaitingForm
from tests.conftest import PASSWORD
from tests.factors.asked_again import Page, proved_long_ago, waiting_in
from tests.factors.authenticator import Device
from tests.factors.test_passkeys import enrolled
from tests.security.crawling import all_routes
from tests.security.secret_canaries import all_lines, canary, found, found_in_tables

pytestmark = pytest.mark.django_db
# Every name under which a form of these pages takes something secret, and one that none knows.
NAMES = (
    *("bot_token", "signing_secret", "app_token", "client_id", "client_secret", "refresh_token"),
    *("setting-client_secret", "setting-bind_password", "setting-metadata"),
    *("password", "key", "name", "address", "anything"),
)
TYPED = {name: canary(f"typed {name}") for name in NAMES}
FORM = {**TYPED, "days": "30", "scope": ["search"]}  # a form of keys that is asked again is right so far
ASKING = {
    "console/identity/new/<slug:kind>/",
    "console/identity/<int:provider_id>/",
    "console/slack/new/<slug:handle>/",
    "console/slack/<int:workspace_id>/connect/",
    "console/people/<int:person_id>/role/",
    "console/guardrails/publish/",
    "security/prove/",
    "keys/",
}
_PARAMETER = re.compile(r"<(?:(\w+):)?\w+>")
_VALUES = {"int": "1", "slug": "saml", "str": "0123456789abcdef", None: "0123456789abcdef"}


@pytest.fixture
def ada(people: dict[str, User]) -> Client:
    """Who may do everything, and signed in an hour ago."""
    client = Client(headers={"Accept-Language": "en", "host": "localhost"}, raise_request_exception=False)
    client.force_login(people["ada"])
    proved_long_ago(client)
    return client


def asks(answer: Page) -> bool:
    """Whether this is the page that asks who somebody is."""
    return b'name="proving_password"' in getattr(answer, "content", b"")


def test_no_page_that_asks_again_holds_what_was_typed(ada: Client) -> None:
    asking = set()
    with all_lines() as lines:
        for route in all_routes():
            if not route.startswith(("console/", "keys/", "security/prove/", "slack/join/")):
                continue
            path = "/" + _PARAMETER.sub(lambda each: _VALUES.get(each[1], "x"), route)
            answer = ada.post(path, FORM)
            if asks(answer):
                asking.add(route)
                nothing_typed(route, ada, path, answer)
        assert found(lines.bare.getvalue(), TYPED.values()) == []
    assert asking >= ASKING
    assert len(asking) >= 30


def nothing_typed(route: str, client: Client, path: str, asked: Page) -> None:
    """Not on the page, nor on the one after a wrong password, nor on that which scripts fetch."""
    word = waiting_in(asked)
    assert word, route
    for answer in (
        asked,
        client.post(path, {"proving_form": word, "proving_by_provider": "1"}),
        client.post(path, FORM, headers={"HX-Request": "true"}),
    ):
        assert asks(answer), route
        assert found(answer.content, TYPED.values()) == [], route


@pytest.mark.parametrize("kept", [True, False], ids=["waiting", "too-large"])
def test_a_wrong_password_a_passkey_and_a_form_that_is_gone_show_nothing_either(
    ada: Client, people: dict[str, User], monkeypatch: pytest.MonkeyPatch, *, kept: bool
) -> None:
    if not kept:
        monkeypatch.setattr("assistant.factors.waiting.LARGEST", 100)
    enrolled(people["ada"], Device())
    proved_long_ago(ada)
    path = "/console/slack/new/0123456789abcdef/"
    pages = [ada.post(path, TYPED)]
    word = {"proving_form": waiting_in(pages[0])}
    pages += [
        ada.post(path, {**word, **more})
        for more in ({"proving_password": "wrong"}, {"proving_passkey": "{}"})
    ]
    pages += [ada.post(path, {**TYPED, "proving_password": "wrong"})]
    assert all(asks(page) and b'name="proving_passkey"' in page.content for page in pages)
    WaitingForm.objects.all().delete()
    Passkey.objects.all().delete()
    pages += [ada.post(path, {**word, "proving_password": PASSWORD})]
    assert "no longer kept" in pages[-1].content.decode()
    for page in pages:
        assert found(page.content, TYPED.values()) == []
    assert found_in_tables(TYPED.values()) == []
