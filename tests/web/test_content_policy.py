"""Every response says what its page may load, and who may frame it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import LazySettings, settings
from django.http.response import HttpResponseBase
from django.test import Client

from assistant.accounts.models import User

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
SIGN_IN, PORTAL = "/sign-in/", "https://portal.example.com"
_SCRIPT = re.compile(r"<script\b[^>]*>")

pytestmark = pytest.mark.django_db


def policy_of(response: HttpResponseBase) -> dict[str, str]:
    """The directives of a response's policy."""
    parted = (rule.partition(" ") for rule in response.headers["Content-Security-Policy"].split("; "))
    return {name: value for name, _, value in parted}


def test_a_page_runs_only_scripts_that_bear_the_nonce_of_its_own_response(client: Client) -> None:
    nonces = set()
    for address in (SIGN_IN, "/nothing/here/", SIGN_IN):
        response = client.get(address)
        policy = policy_of(response)
        found = re.fullmatch(r"'nonce-([\w-]{24})' 'strict-dynamic'", policy["script-src"])
        assert found is not None, policy
        scripts = _SCRIPT.findall(response.content.decode())
        assert scripts
        assert all(f'nonce="{found[1]}"' in script for script in scripts)
        nonces.add(found[1])
        for nothing in ("default-src", "object-src", "base-uri", "frame-ancestors"):
            assert policy[nothing] == "'none'"
        assert policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
        assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert len(nonces) == 3


def test_a_part_of_a_page_may_run_no_script_at_all(client: Client, people: dict[str, User]) -> None:
    client.force_login(people["ann"])
    response = client.get("/c/987654/files/", headers={"HX-Request": "true"})
    assert response.status_code == 404
    client.force_login(people["ada"])
    part = client.get("/console/permissions/find/people/?who=ann", headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert policy_of(part)["script-src"] == "'none'"


@pytest.mark.parametrize("address", ["/healthz", "/api/v1/openapi.json", "/api/v1/ask"])
def test_what_is_no_page_may_load_nothing(client: Client, address: str) -> None:
    response = client.get(address)
    assert not response.headers["Content-Type"].startswith("text/html"), response.content
    assert policy_of(response)["default-src"] == policy_of(response)["frame-ancestors"] == "'none'"


def test_every_response_refuses_devices_sniffing_and_other_sites(client: Client) -> None:
    for address in (SIGN_IN, "/nothing/here/", "/healthz"):
        headers = client.get(address).headers
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"


def test_a_portal_that_is_named_may_frame_what_people_ask_on_and_nothing_else(
    client: Client, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MUNDAP_EMBED_ORIGINS", (PORTAL,))
    client.force_login(people["ada"])
    home = client.get("/")
    assert policy_of(home)["frame-ancestors"] == f"'self' {PORTAL}"
    assert "X-Frame-Options" not in home.headers
    for address in ("/style/", "/console/", "/console/permissions/", "/nothing/here/"):
        response = client.get(address)
        assert policy_of(response)["frame-ancestors"] == "'none'", address
        assert response.headers["X-Frame-Options"] == "DENY"
    client.logout()
    assert policy_of(client.get(SIGN_IN))["frame-ancestors"] == "'none'"


def test_no_template_holds_what_the_policy_would_stop() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(
            r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|\|safe\b|autoescape", text
        ), path


def test_every_script_of_a_template_bears_the_nonce() -> None:
    for path in TEMPLATES.rglob("*.html"):
        for script in _SCRIPT.findall(path.read_text(encoding="utf-8")):
            assert 'nonce="{{ csp_nonce }}"' in script, path


EVERYWHERE = [
    "/sign-in/",
    "/nothing/here/",
    "/static/css/base.css",
    "/static/js/page.js",
    "/static/css/",
    "/healthz",
]


@pytest.mark.parametrize("address", [*EVERYWHERE, "/api/v1/search", "/scim/v2/Users", "/favicon.ico", "/"])
def test_every_response_may_be_framed_by_nobody_and_is_read_as_what_it_is(
    client: Client, address: str
) -> None:
    response = client.get(address)
    policy = policy_of(response)
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in response.headers
    kind = response.headers.get("Content-Type", "")
    assert not kind.startswith("text/") or "charset" in kind.lower(), kind
    if not address.startswith("/static/css/base") and not address.startswith("/static/js/"):
        assert "no-store" in response.headers["Cache-Control"]


def test_no_folder_of_files_is_listed(client: Client) -> None:
    for folder in ("/static/", "/static/css/", "/static/js/", "/static/../templates/base.html"):
        assert client.get(folder).status_code == 404


def test_over_tls_every_response_demands_it_for_a_year(settings: LazySettings) -> None:
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    client = Client()
    for address in (*EVERYWHERE, "/api/v1/search"):
        demanded = client.get(address, secure=True).headers["Strict-Transport-Security"]
        assert demanded == "max-age=31536000; includeSubDomains"
