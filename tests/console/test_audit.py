"""The page of the audit log: who may open it, what it shows, and what it says of an altered log."""

from __future__ import annotations

import json
import re

import pytest
from django.db import connection
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client
from django.urls import reverse

from assistant.accounts.models import Role, User
from assistant.audit.chaining import chain_new
from assistant.audit.exporting import verify_lines
from assistant.audit.models import AuditEvent
from assistant.audit.origin import Origin, Via, coming_from
from assistant.audit.trail import Event, record
from assistant.console.audit_words import EVENTS
from tests.conftest import PASSWORD

MANY = 120


@pytest.fixture
def aud(client: Client, people: dict[str, User]) -> Client:
    """The browser of an auditor."""
    client.force_login(User.objects.create_user("aud@example.com", PASSWORD, role=Role.AUDITOR))
    return client


def text(response: HttpResponseBase) -> str:
    parts = getattr(response, "streaming_content", None)
    return (b"".join(parts) if parts is not None else response.content).decode()  # type: ignore[attr-defined]


def page(client: Client, **asked: str) -> str:
    response = client.get(reverse("console:audit"), asked)
    assert response.status_code == 200
    return response.content.decode()


def test_every_event_has_words() -> None:
    assert set(EVENTS) == set(Event)


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.CONTENT_ADMINISTRATOR])
def test_for_others_there_is_no_audit_log(client: Client, people: dict[str, User], role: Role) -> None:
    record(Event.ROLE_CHANGED, actor="canary-actor@example.com", user="canary-user@example.com")
    client.force_login(User.objects.create_user("other@example.com", role=role))
    for answer in (
        client.get(reverse("console:audit")),
        client.post(reverse("console:audit-verify")),
        client.post(reverse("console:audit-export")),
    ):
        assert answer.status_code == 404
        assert "canary" not in text(answer)
    assert not AuditEvent.objects.filter(event__startswith="audit_").exists()


@pytest.mark.django_db
def test_who_is_not_signed_in_comes_to_the_sign_in_page(client: Client) -> None:
    record(Event.ROLE_CHANGED, actor="canary-actor@example.com")
    for answer in (client.get(reverse("console:audit")), client.post(reverse("console:audit-export"))):
        assert answer.status_code == 302
        assert "canary" not in text(answer)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.SECURITY_ADMINISTRATOR, Role.ADMINISTRATOR])
def test_auditors_and_security_administrators_see_it(
    client: Client, people: dict[str, User], role: Role
) -> None:
    with coming_from(Origin(Via.PAGE, "10.0.0.7")):
        record(Event.ROLE_CHANGED, actor="ada@example.com", user="sam@example.com", role="auditor")
    client.force_login(User.objects.create_user("see@example.com", role=role))
    shown = page(client)
    for words in ("Changed a role", "sam@example.com", "Auditor", "10.0.0.7", "Web page"):
        assert words in shown


def test_it_goes_from_the_newest_to_the_oldest_and_misses_none(aud: Client) -> None:
    for n in range(MANY):
        record(Event.USER_ADDED, n=f"entry-{n}-")
    seen: list[str] = []
    asked: dict[str, str] = {"event": "user_added"}
    for _ in range(3):
        shown = page(aud, **asked)
        seen += [part.split("-")[0] for part in shown.split("entry-")[1:]]
        older = re.search(r'rel="next"\s+href="[^"]*before=(\d+)"', shown)
        asked["before"] = older[1] if older else ""
    assert asked["before"] == ""
    assert seen == [str(n) for n in reversed(range(MANY))]


def test_it_is_narrowed_by_person_event_and_day(aud: Client) -> None:
    record(Event.ROLE_CHANGED, actor="bob@example.com", note="first-canary")
    record(Event.USER_ADDED, actor="ada@example.com", user="bob@example.com", note="second-canary")
    record(Event.USER_ADDED, actor="ada@example.com", note="third-canary")
    cases: tuple[tuple[dict[str, str], set[str]], ...] = (
        ({"person": "BOB@"}, {"first", "second"}),
        ({"event": "user_added"}, {"second", "third"}),
        ({"event": "user_added", "person": "bob"}, {"second"}),
        ({"until": "2020-01-01"}, set()),
        ({"since": "2020-01-01"}, {"first", "second", "third"}),
        ({"since": "2999-01-01", "until": "9999-12-31"}, set()),
        ({"event": "no such event", "before": "x", "person": "\0"}, {"first", "second", "third"}),
    )
    for asked, expected in cases:
        shown = page(aud, **asked)
        assert {name for name in ("first", "second", "third") if f"{name}-canary" in shown} == expected, asked


@pytest.mark.parametrize(("since", "until"), [("soon", ""), ("2026-02-31", ""), ("2026-02-02", "2026-02-01")])
def test_days_that_are_none_are_refused_with_a_reason(aud: Client, since: str, until: str) -> None:
    for answer in (
        aud.get(reverse("console:audit"), {"since": since, "until": until}),
        aud.post(reverse("console:audit-export"), {"since": since, "until": until}),
    ):
        assert answer.status_code == 422
        assert "day" in text(answer).split('role="alert">')[1].split("<")[0]


def test_what_an_entry_holds_is_data_to_the_page(aud: Client) -> None:
    record(Event.SIGN_IN_FAILED, actor="<script>alert(1)</script>", name="\u202e<img src=x>")
    shown = page(aud)
    assert "<script>alert" not in shown
    assert "<img src=x" not in shown
    assert "‹U+202E›" in shown


def test_checking_it_says_who_did_and_when_and_names_what_was_altered(aud: Client) -> None:
    assert "Never checked" in page(aud)
    for n in range(4):
        record(Event.USER_ADDED, n=n)
    answer = aud.post(reverse("console:audit-verify"), follow=True)
    assert "Unaltered" in text(answer)
    assert "aud@example.com" in text(answer)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_auditevent SET actor = 'x' WHERE number = 2")
    answer = aud.post(reverse("console:audit-verify"))
    assert "Entry 2 was changed" in text(answer)
    assert "Altered" in page(aud)
    chain_new()
    assert AuditEvent.objects.filter(event="audit_verified", actor="aud@example.com").count() == 2


def test_the_exported_file_can_be_examined_and_its_export_is_recorded(aud: Client) -> None:
    for n in range(7):
        record(Event.USER_ADDED, n=n)
    answer = aud.post(reverse("console:audit-export"))
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="mundap-audit-')
    assert answer.headers["Cache-Control"] == "no-store"
    lines = text(answer).splitlines()
    assert verify_lines(lines).ok
    assert len(lines) == 7 + 1
    assert json.loads(lines[3])["data"] == {"n": 3}
    assert AuditEvent.objects.filter(event="audit_exported", actor="aud@example.com").exists()
    nothing = aud.post(reverse("console:audit-export"), {"until": "2020-01-01"})
    assert verify_lines(text(nothing).splitlines()).ok


@pytest.mark.django_db(transaction=True)
def test_under_the_real_server_the_file_comes_in_parts(people: dict[str, User]) -> None:
    from asgiref.sync import async_to_sync  # noqa: PLC0415 - of this test alone

    for n in range(450):
        record(Event.USER_ADDED, n=n)
    client = AsyncClient()
    client.force_login(people["ada"])

    async def parts() -> list[bytes]:
        answer = await client.post(reverse("console:audit-export"))
        assert answer.streaming
        return [part async for part in answer.streaming_content]  # type: ignore[attr-defined]

    came = async_to_sync(parts)()
    assert len(came) > 2
    assert verify_lines(b"".join(came).decode().splitlines()).ok
