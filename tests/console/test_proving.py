"""Sensitive actions ask for the password again, and do what was wanted once it was right."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone, translation

from assistant.accounts import proof
from assistant.accounts.models import Role, User
from assistant.accounts.throttle import Held
from assistant.factors.asking_again import held_words
from tests.conftest import PASSWORD

SENSITIVE = (
    "people/{ann}/role/",
    "people/{ann}/end-sessions/",
    "people/{ann}/close/",
    "people/{ann}/reopen/",
    "guardrails/publish/",
    "guardrails/history/1/restore/",
)
_HIDDEN = re.compile(r'<input type="hidden"\s+name="([^"]*)"\s+value="([^"]*)"')


@pytest.fixture
def ada(people: dict[str, User]) -> Client:
    """The administrator, who signed in an hour ago."""
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(people["ada"])
    session = client.session
    session["proven"] = (timezone.now() - timedelta(hours=1)).isoformat()
    session.save()
    return client


def carried(page: bytes) -> dict[str, list[str]]:
    """The hidden fields of the page that asks."""
    found: dict[str, list[str]] = {}
    for name, value in _HIDDEN.findall(page.decode().split('id="main"')[1]):
        found.setdefault(unescape(name), []).append(unescape(value))
    found.pop("csrfmiddlewaretoken", None)
    return found


@pytest.mark.parametrize("path", SENSITIVE)
def test_every_sensitive_action_asks_who_signed_in_long_ago(
    ada: Client, people: dict[str, User], path: str
) -> None:
    answer = ada.post("/console/" + path.format(ann=people["ann"].pk), {"role": "auditor", "comment": "c"})
    assert answer.status_code == 403
    assert "Your password, please" in answer.content.decode()
    assert User.objects.get(email="ann@example.com").role == Role.EMPLOYEE


def test_the_right_password_does_what_was_wanted_and_holds_for_half_an_hour(
    ada: Client, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/console/people/{people['ann'].pk}/role/"
    typed = {"role": ["auditor"], "two": ["a & b", '"><script>']}
    asked = ada.post(path, typed)
    assert list(carried(asked.content)) == ["proving_form"]
    assert b"<script>" not in asked.content.split(b'id="main"')[1]
    assert ada.post(path, {**carried(asked.content), "proving_password": PASSWORD}).status_code == 302
    assert User.objects.get(email="ann@example.com").role == Role.AUDITOR
    assert ada.post(path, {"role": "employee"}).status_code == 302
    later = timezone.now() + proof.PROVEN_FOR
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert ada.post(path, {"role": "auditor"}).status_code == 403


def test_a_fragment_request_is_asked_on_the_whole_page(ada: Client, people: dict[str, User]) -> None:
    """Its own target is a small part of the page. Of refusals htmx draws 422 alone (templates/base.html)."""
    path = f"/console/people/{people['ann'].pk}/role/"
    answer = ada.post(path, {"role": "auditor"}, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == (
        422,
        "body",
        "innerHTML",
    )
    plain = ada.post(path, {"role": "auditor"})
    assert not {"HX-Retarget", "HX-Reswap"} & set(plain.headers)


def test_a_wrong_password_does_nothing_keeps_the_fields_and_is_counted(
    ada: Client, people: dict[str, User]
) -> None:
    path = f"/console/people/{people['ann'].pk}/role/"
    statuses = []
    waiting = carried(ada.post(path, {"role": "auditor"}).content)
    for _ in range(6):
        answer = ada.post(path, {**waiting, "proving_password": "wrong"})
        statuses.append(answer.status_code)
        assert carried(answer.content) == waiting
        assert b"wrong" not in b"".join(line for line in answer.content.splitlines() if b"value=" in line)
    assert statuses == [422] * 5 + [429]
    assert answer.headers["Cache-Control"] == "no-store"
    assert f"Wait {answer.headers['Retry-After']} second" in answer.content.decode()
    assert ada.post(path, {**waiting, "proving_password": PASSWORD}).status_code == 429
    assert User.objects.get(email="ann@example.com").role == Role.EMPLOYEE


def test_the_words_of_a_wait_never_promise_less_and_say_when_waiting_does_not_help() -> None:
    with translation.override("en"):
        assert [held_words(Held(seconds)).split("Wait ")[1] for seconds in (59, 61, 3_601)] == [
            "59 seconds, then try again.",
            "2 minutes, then try again.",
            "2 hours, then try again.",
        ]
        assert "Ask your administrator" in held_words(Held(None))
    assert [Held(61).retry_after_s, Held(None).retry_after_s] == [61, 86_400]


def test_who_has_not_the_right_is_not_asked(people: dict[str, User]) -> None:
    client = Client()
    client.force_login(people["sam"])
    session = client.session
    del session["proven"]
    session.save()
    for path in SENSITIVE:
        assert client.post("/console/" + path.format(ann=people["ann"].pk), {}).status_code == 404


@pytest.mark.parametrize(
    "broken", ["", "yesterday", 7, None, "2999-01-01T00:00:00+00:00", "2026-01-01T00:00:00"]
)
def test_what_is_broken_proves_nothing(
    ada: Client, people: dict[str, User], broken: str | int | None
) -> None:
    session = ada.session
    session["proven"] = broken
    session.save()
    assert ada.post(f"/console/people/{people['ann'].pk}/role/", {"role": "auditor"}).status_code == 403
