"""No type of a body is an error of the server, and refusals before any page have the headers of a page."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2
import pytest

from assistant.config.asgi import application

MANY = "&".join(["a=1"] * 1_001)

pytestmark = pytest.mark.django_db(transaction=True)


async def asked(path: str, headers: Mapping[str, str], method: str = "GET") -> httpx2.Response:
    """The answer of the application that a real server runs."""
    transport = httpx2.ASGITransport(application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        return await client.request(method, path, headers=headers)


@pytest.mark.parametrize("coding", ["utf-8", "idna", "undefined", "base64", "nothing"])
async def test_a_coding_beside_too_many_fields_is_refused(coding: str) -> None:
    kind = f"application/x-www-form-urlencoded; charset={coding}"
    answer = await asked(f"/console/ranking/?{MANY}", {"Content-Type": kind}, "TRACE")
    assert answer.status_code in (400, 405), answer.text
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize(
    "parameter", ["boundary*=nothing''x", "charset*=undefined''%41", "a*=idna''%ff", "a*="]
)
async def test_a_parameter_in_a_coding_that_nobody_knows_is_no_error(parameter: str) -> None:
    answer = await asked("/sign-in/", {"Content-Type": f"multipart/form-data; {parameter}"})
    assert answer.status_code == 200
    answer = await asked("/sign-in/", {"Content-Type": f"multipart/form-data; {parameter}"}, "POST")
    assert answer.status_code == 403, "without the token of a form"


@pytest.mark.parametrize("host", ["attacker.example", "127.0.0.1:x"])
async def test_a_refused_host_has_the_headers_of_a_page(host: str) -> None:
    answer = await asked("/", {"Host": host})
    assert answer.status_code == 400
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"
    assert "attacker" not in answer.text


async def test_a_file_of_our_own_may_load_nothing() -> None:
    answer = await asked("/static/img/favicon.svg", {})
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
