"""Who manages people adds service accounts and makes their keys, after showing again who they are."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from assistant.accounts import directory
from assistant.accounts.api_keys import asking_with, issue_key
from assistant.accounts.models import ApiKey, Kind, Role, User
from assistant.accounts.scopes import Scope
from assistant.accounts.service_accounts import add_service_account
from assistant.audit.models import AuditEvent
from tests.accounts.keys import person_with_key
from tests.conftest import PASSWORD

PAGE = "/console/service-accounts/"
NEW = {"word": "intranet-search", "name": "인트라넷 검색", "contact": "IT desk"}
KEY: dict[str, str | list[str]] = {"name": "search box", "days": "365", "scope": ["search", "ask"]}
_KEY = re.compile(r">(mundap_[\w-]+)</textarea>")


@pytest.fixture
def sec(people: dict[str, User]) -> Client:
    """The browser of a security administrator."""
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(
        User.objects.create_user("sec@example.com", PASSWORD, role=Role.SECURITY_ADMINISTRATOR)
    )
    return client


@pytest.fixture
def service(people: dict[str, User]) -> User:
    """A service account that is there."""
    return add_service_account(word="box", name="Search box", contact="IT desk", actor="test")


def test_one_is_added_gets_a_key_that_is_shown_once_and_is_closed(sec: Client) -> None:
    assert "New service account" in sec.get(PAGE).content.decode()
    added = sec.post(PAGE, NEW)
    user = User.objects.get(kind=Kind.SERVICE)
    page = f"/console/people/{user.pk}/"
    assert (added.status_code, added.headers["Location"]) == (302, page)
    shown = sec.get(page).content.decode()
    assert "intranet-search@service.invalid" in shown
    assert "Inspect permissions" not in shown
    assert "Second factor" not in shown
    made = sec.post(f"{page}keys/add/", KEY)
    assert (made.status_code, made.headers["Cache-Control"]) == (200, "no-store")
    text = _KEY.findall(made.content.decode())[0]
    asking = asking_with(text)
    assert asking is not None
    assert (asking.user, asking.scopes) == (user, frozenset({Scope.SEARCH, Scope.ASK}))
    later = sec.get(page).content.decode()
    assert text not in later
    assert "Search, Ask questions" in later
    listed = sec.get(PAGE).content.decode()
    assert "인트라넷 검색" in listed
    assert "IT desk" in listed
    assert sec.post(f"{page}close/").status_code == 302
    assert person_with_key(text) is None
    closed = sec.get(page).content.decode()
    assert "its keys are refused" in closed
    assert "Make the key" not in closed
    events = list(
        AuditEvent.objects.filter(actor="sec@example.com").order_by("pk").values_list("event", flat=True)
    )
    assert events == ["service_account_added", "api_key_issued", "account_closed"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"word": "two words"},
        {"word": "검색"},
        {"contact": " "},
        {"contact": "x" * 201},
        {"name": "x" * 121},
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_made(sec: Client, wrong: dict[str, str]) -> None:
    answer = sec.post(PAGE, {**NEW, **wrong})
    (field,) = wrong
    assert answer.status_code == 422
    assert f'id="wrong-{field}"' in answer.content.decode()
    assert not User.objects.filter(kind=Kind.SERVICE).exists()


def test_its_page_reads_the_account_once(sec: Client, service: User, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    person = directory.person

    def counted(number: int) -> directory.PersonDetail:
        read.append(number)
        return person(number)

    monkeypatch.setattr(directory, "person", counted)
    assert sec.get(f"/console/people/{service.pk}/").status_code == 200
    assert read == [service.pk]


def test_a_name_that_is_taken_is_said(sec: Client, service: User) -> None:
    answer = sec.post(PAGE, {**NEW, "word": "box"})
    assert (answer.status_code, "already one of this name" in answer.content.decode()) == (422, True)


@pytest.mark.parametrize(
    "wrong", [{"name": " "}, {"scope": []}, {"scope": ["permissions"]}, {"days": "4000"}, {"days": ""}]
)
def test_a_key_needs_a_name_an_end_and_something_that_it_may_do(
    sec: Client, service: User, wrong: dict[str, str | list[str]]
) -> None:
    answer = sec.post(f"/console/people/{service.pk}/keys/add/", {**KEY, **wrong})
    assert answer.status_code == 422
    assert 'id="failure"' in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_nobody_makes_a_key_for_a_person(sec: Client, people: dict[str, User]) -> None:
    for action in ("keys/add/", "change/"):
        assert sec.post(f"/console/people/{people['ann'].pk}/{action}", {**KEY, **NEW}).status_code == 404
    assert not ApiKey.objects.exists()


def test_what_it_is_called_and_who_is_asked_is_changed(sec: Client, service: User) -> None:
    changed = sec.post(f"/console/people/{service.pk}/change/", {"name": "Box", "contact": "Web team"})
    assert changed.status_code == 302
    service.refresh_from_db()
    assert (service.name, service.contact) == ("Box", "Web team")
    wrong = sec.post(f"/console/people/{service.pk}/change/", {"name": "Box", "contact": ""})
    assert (wrong.status_code, 'id="wrong-contact"' in wrong.content.decode()) == (422, True)


def test_its_key_is_revoked_on_its_page(sec: Client, service: User) -> None:
    key = issue_key(user_id=service.pk, name="box", days=9, actor="test", scopes=[Scope.ASK])
    assert sec.post(f"/console/people/{service.pk}/keys/{key.id}/revoke/").status_code == 302
    assert person_with_key(key.text) is None


@pytest.mark.parametrize("action", ["", "keys/add/", "change/", "close/", "reopen/"])
def test_who_signed_in_long_ago_shows_first_who_they_are(sec: Client, service: User, action: str) -> None:
    session = sec.session
    session["proven"] = (timezone.now() - timedelta(hours=1)).isoformat()
    session.save()
    path, before = f"/console/people/{service.pk}/{action}" if action else PAGE, User.objects.count()
    asked = sec.post(path, {**NEW, **KEY})
    assert (asked.status_code, "Your password, please" in asked.content.decode()) == (403, True)
    assert (User.objects.count(), ApiKey.objects.count()) == (before, 0)
    service.refresh_from_db()
    assert (service.is_active, service.contact) == (True, "IT desk")


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.CONTENT_ADMINISTRATOR, Role.AUDITOR])
def test_for_others_there_are_none(client: Client, service: User, role: Role) -> None:
    client.force_login(User.objects.create_user("other@example.com", PASSWORD, role=role))
    assert client.get(PAGE).status_code == 404
    for path in (PAGE, f"/console/people/{service.pk}/keys/add/", f"/console/people/{service.pk}/change/"):
        assert client.post(path, {**NEW, **KEY}).status_code == 404
    assert not ApiKey.objects.exists()


def test_lists_of_people_say_what_it_is(sec: Client, service: User) -> None:
    listed = sec.get("/console/people/", {"text": "box"}).content.decode()
    assert ("Service account</td>" in listed, "Employee" in listed) == (True, False)
    found = sec.get("/console/permissions/find/people/", {"who": "box"}).content.decode()
    assert '<span class="who-state">service account</span>' in found


def test_it_is_erased_on_its_page_with_its_address_typed(sec: Client, service: User) -> None:
    page = f"/console/people/{service.pk}/"
    wrong = sec.post(f"{page}erase/", {"typed_address": "box"})
    assert wrong.status_code == 422
    assert sec.post(f"{page}erase/", {"typed_address": service.email}).status_code == 200
    assert not User.objects.filter(pk=service.pk).exists()
