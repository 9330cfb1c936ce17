"""Behind TLS, programs that ask in the clear are refused, and people are led to https."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import AsyncClient, Client


@pytest.fixture
def tls(settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True


@pytest.mark.django_db
@pytest.mark.usefixtures("tls")
@pytest.mark.parametrize("path", ["/api/v1/ask", "/api/v1/search?q=leave", "/api/nothing", "/scim/v2/Users"])
def test_a_program_is_refused_and_never_redirected(client: Client, path: str) -> None:
    for ask in (client.get, client.post):
        refused = ask(path, headers={"Authorization": "Bearer mundap_key"})
        assert refused.status_code == 403
        assert "Location" not in refused.headers
        assert "revoke it" in refused.json()["error"]["message"]
    pretended = client.get(path, headers={"X-Forwarded-Proto": "https"})
    assert pretended.status_code == 403
    assert client.get(path, secure=True).status_code in (401, 405)


@pytest.mark.usefixtures("tls")
def test_a_person_is_led_to_https(client: Client) -> None:
    led = client.get("/sign-in/?next=/")
    assert (led.status_code, led.headers["Location"]) == (301, "https://testserver/sign-in/?next=/")
    assert client.get("/sign-in/", headers={"X-Forwarded-Proto": "https"}).status_code == 301


@pytest.mark.django_db
@pytest.mark.usefixtures("tls")
def test_the_machine_itself_asks_how_the_server_is(client: Client) -> None:
    assert client.get("/healthz").content == b"ok\n"


@pytest.mark.usefixtures("tls")
async def test_it_is_the_same_over_asgi(async_client: AsyncClient) -> None:
    assert (await async_client.get("/api/v1/search")).status_code == 403


@pytest.mark.django_db
def test_without_tls_programs_are_answered(client: Client) -> None:
    assert client.get("/api/v1/search").status_code == 401
