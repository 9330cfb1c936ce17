"""What no browser would send as a form is read as none."""

from __future__ import annotations

import pytest
from django.test import Client


@pytest.mark.django_db
@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data; boundary=x,multipart/form-data; boundary=y",
        "multipart/form-data; boundary=" + "x" * 400,
        "multipart/form-data; boundary=x; charset=idna",
        "application/x-www-form-urlencoded; charset=idna",
        "application/x-www-form-urlencoded; charset=utf-16",
        "multipart/form-data",
    ],
)
def test_a_form_of_no_type_or_of_another_coding_is_no_form(kind: str) -> None:
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    body = b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nada\r\n--x--\r\n'
    assert client.generic("POST", "/sign-in/", body, content_type=kind).status_code in {400, 403}


@pytest.mark.django_db
def test_a_form_in_utf_8_is_read_whether_it_says_so_or_not() -> None:
    for kind in ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=UTF-8"):
        answer = Client().post("/sign-in/", "email=ada%40example.com&password=x", content_type=kind)
        assert "ada@example.com" in answer.content.decode()
