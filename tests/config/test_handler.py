"""No type of a body is an error of the server, and refusals before any page have the headers of a page."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2
import pytest

from assistant.config.asgi import application

MANY = "&".join(["a=1"] * 1_001)

pytestmark = pytest.mark.django_db(transaction=True)


async def asked(
    path: str, headers: Mapping[str, str], method: str = "GET", body: bytes = b""
) -> httpx2.Response:
    """The answer of the application that a real server runs."""
    transport = httpx2.ASGITransport(application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        return await client.request(method, path, headers=headers, content=body)


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
    assert "access-control-allow-origin" not in answer.headers, "no other site reads it"


@pytest.mark.parametrize("path", ["/nothing/here/", "/console/guardrails/rules/x/words/", "/sign-in/"])
@pytest.mark.parametrize("host", ["127.0.0.1:8000", "attacker.example"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 1_100,
        ),
        ("application/x-www-form-urlencoded", MANY.encode()),
        ("application/x-www-form-urlencoded", b"a" * 3_000_000),
    ],
    ids=["many parts", "many fields", "too long"],
)
async def test_a_body_that_cannot_be_read_is_no_error_where_no_page_is(
    path: str, host: str, kind: str, body: bytes
) -> None:
    token = "a" * 32
    answer = await asked(
        path, {"Host": host, "Content-Type": kind, "Cookie": f"csrftoken={token}"}, "POST", body
    )
    assert answer.status_code in (400, 403, 404, 413), answer.text
    assert "default-src" in answer.headers["content-security-policy"]


async def test_a_request_with_two_lengths_is_the_last_of_its_connection() -> None:
    both = await asked("/sign-in/", {"Transfer-Encoding": "chunked", "Content-Length": "0"})
    assert both.headers["connection"] == "close"
    assert "connection" not in (await asked("/sign-in/", {"Content-Length": "0"})).headers
