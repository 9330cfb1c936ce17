"""Behind TLS every cookie is tied to this host, out of reach of scripts, and sent for no other site."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client

from assistant.accounts.models import User
from tests.conftest import PASSWORD

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db


@pytest.fixture
def tls(settings: LazySettings) -> None:
    """As `settings.py` has it with MUNDAP_HTTPS=1 (tests/config/test_env.py)."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    settings.LANGUAGE_COOKIE_NAME = "__Host-django_language"


@pytest.mark.usefixtures("tls")
def test_every_cookie_that_is_set_is_for_this_host_alone(people: dict[str, User]) -> None:
    client = Client(SERVER_NAME="localhost")
    client.get("/sign-in/", secure=True)
    client.post("/language/", {"language": "ko"}, secure=True)
    client.post("/sign-in/passkey/", {"purpose": "sign_in"}, secure=True)
    client.post("/sign-in/", {"email": "ann@example.com", "password": PASSWORD}, secure=True)
    names = set(client.cookies)
    assert {"__Host-sessionid", "__Host-csrftoken", "__Host-django_language", "__Host-mundap_device"} <= names
    for name, cookie in client.cookies.items():
        assert name.startswith("__Host-")
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
        assert cookie["httponly"] is True
        assert cookie["samesite"] in ("Lax", "Strict")


@pytest.mark.usefixtures("tls")
def test_a_known_device_is_known_by_the_cookie_of_that_name(people: dict[str, User]) -> None:
    client, stranger = Client(), Client()
    client.post("/sign-in/", {"email": "ann@example.com", "password": PASSWORD}, secure=True)
    client.post("/sign-out/", secure=True)
    for _ in range(6):
        refused = stranger.post("/sign-in/", {"email": "ann@example.com", "password": "wrong"}, secure=True)
    assert refused.status_code == 429
    known = client.post("/sign-in/", {"email": "ann@example.com", "password": PASSWORD}, secure=True)
    assert known.status_code == 302


def test_nothing_sets_a_cookie_past_the_one_place() -> None:
    setters = {
        str(file.relative_to(REPOSITORY))
        for file in (REPOSITORY / "assistant").rglob("*.py")
        if re.search(r"\.set_cookie\(|\.delete_cookie\(", file.read_text(encoding="utf-8"))
    }
    # The language is a cookie of Django's, whose name the settings give.
    assert setters == {"assistant/accounts/cookies.py", "assistant/web/sign_in.py"}


def test_signing_out_tells_the_browser_to_forget_what_it_kept(
    client: Client, people: dict[str, User]
) -> None:
    client.force_login(people["ann"])
    left = client.post("/sign-out/")
    assert left.headers["Clear-Site-Data"] == '"cache", "storage"'
