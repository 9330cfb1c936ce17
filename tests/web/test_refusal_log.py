"""Who was refused what is in the log, without what they looked for."""

from __future__ import annotations

import logging

import pytest
from django.test import Client

from assistant.accounts.models import User

pytestmark = pytest.mark.django_db
LOGGER = "assistant.web.refusal_log"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, logger=LOGGER)
    return caplog


def said(lines: pytest.LogCaptureFixture) -> list[str]:
    """The lines of refusals."""
    return [one.getMessage() for one in lines.records if one.name == LOGGER]


def test_a_page_of_others_is_written_down_by_its_route_and_the_persons_number(
    client: Client, people: dict[str, User], lines: pytest.LogCaptureFixture
) -> None:
    client.force_login(people["ann"])
    assert client.get("/console/people/?q=merger").status_code == 404
    assert client.get("/c/987654/").status_code == 404
    number = people["ann"].pk
    assert said(lines) == [
        f"refused: status=404 method=GET route=/console/people/ person={number} address=127.0.0.1",
        f"refused: status=404 method=GET route=/c/<int:conversation_id>/ person={number} address=127.0.0.1",
    ]


def test_a_key_that_is_none_is_written_down_without_the_key_and_the_address(
    client: Client, lines: pytest.LogCaptureFixture
) -> None:
    path = "/api/v1/permissions/people/cho@example.com/documents"
    assert client.get(path, headers={"Authorization": "Bearer mundap_wrong"}).status_code == 401
    (line,) = said(lines)
    assert "status=401" in line
    assert "person=-" in line
    assert "cho" not in line
    assert "mundap_wrong" not in line


def test_a_form_without_its_token_is_written_down(
    people: dict[str, User], lines: pytest.LogCaptureFixture
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(people["ann"])
    assert strict.post("/sign-out/").status_code == 403
    assert ["status=403" in line and "route=/sign-out/" in line for line in said(lines)] == [True]


def test_what_is_answered_and_what_is_no_route_is_not(
    client: Client, people: dict[str, User], lines: pytest.LogCaptureFixture
) -> None:
    client.force_login(people["ann"])
    assert client.get("/").status_code == 200
    assert client.get("/nothing/here/").status_code == 404
    assert said(lines) == []
