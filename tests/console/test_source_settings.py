"""Changing a source: what is stored, what is refused at which field, and which secret must be typed again."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from assistant.accounts.models import Role, User
from assistant.common.types import JsonObject
from assistant.sync import services
from assistant.sync.configuration import opened_secrets
from assistant.sync.models import Source, SyncRun
from connectors import registry
from tests.sync import sample_kind
from tests.sync.sample_kind import SECRET

CONFIG: JsonObject = {"address": "https://wiki.example", "behaviour": "good", "depth": 3}
CONNECTION = {
    "setting-address": "https://wiki.example",
    "setting-behaviour": "good",
    "setting-depth": "3",
    "setting-strict": "on",  # as it stands at first
}
SETTINGS = {
    "every": "day",
    "time": "02:30",
    "time_zone": "Asia/Seoul",
    "audience": "limited",
    "people": "ann@example.com",
    "exclude": "**/archive/**",
    "types": "pdf",
    "largest_mb": "10",
    "permissions_hours": "12",
    "full_hours": "0",
    "max_deleted": "50",
    "max_deleted_percent": "5",
    "error_budget_percent": "20",
    "rate_per_second": "2.5",
    "fetches_at_once": "2",
    "field_map": '{"title": "subject"}',
    "enrichment": '[{"set": {"department": "HR"}}]',
}


@pytest.fixture
def source(people: dict[str, User], monkeypatch: pytest.MonkeyPatch) -> Source:
    """A sample source with a secret."""
    monkeypatch.setitem(registry.KINDS, "filesystem", sample_kind.PATH)
    monkeypatch.setitem(registry.KINDS, "jsonl", sample_kind.DIRECTORY_PATH)
    monkeypatch.setattr(services, "wake", lambda run_id: None)
    number = services.add_source(kind="filesystem", name="Wiki", config=CONFIG, secrets={"token": SECRET})
    return Source.objects.get(pk=number)


@pytest.fixture
def ada(client: Client, people: dict[str, User], source: Source) -> Client:
    """The administrator's browser."""
    client.force_login(people["ada"])
    return client


def post(browser: Client, page: str, source: Source, **typed: str) -> HttpResponse:
    """POST a form of the source."""
    response: HttpResponse = browser.post(reverse(f"console:source-{page}", args=[source.pk]), typed)  # type: ignore[assignment]
    return response


def test_all_settings_are_saved_and_shown_again(ada: Client, source: Source) -> None:
    response = post(ada, "settings", source, **SETTINGS)
    assert response.headers["Location"] == reverse("console:source", args=[source.pk]) + "?saved"
    source.refresh_from_db()
    assert (source.cron, source.time_zone, source.audience) == (
        "30 2 * * *",
        "Asia/Seoul",
        ["user:ann@example.com"],
    )
    assert source.rules == {"exclude": ["**/archive/**"], "types": ["pdf"], "max_bytes": 10_000_000}
    assert (source.permissions_hours, source.full_hours, source.max_deleted) == (12, 0, 50)
    assert (source.max_deleted_percent, source.error_budget_percent) == (5, 20)
    assert (source.rate_per_second, source.fetches_at_once) == (2.5, 2)
    assert source.field_map == {"title": "subject"}
    assert source.enrichment == [{"set": {"department": "HR"}}]
    text = ada.get(reverse("console:source-settings", args=[source.pk])).content.decode()
    for value in ('value="02:30"', "**/archive/**", 'value="2.5"', "ann@example.com", "&quot;subject&quot;"):
        assert value in text
    page = ada.get(response.headers["Location"]).content.decode()
    assert "Saved." in page
    assert "Every day at 02:30 (Asia/Seoul)" in page


def test_saving_what_stands_there_changes_nothing(ada: Client, source: Source) -> None:
    post(ada, "settings", source, **SETTINGS)
    runs = SyncRun.objects.count()
    before = Source.objects.values().get()
    post(ada, "settings", source, **SETTINGS)
    assert Source.objects.values().get() == before
    assert SyncRun.objects.count() == runs


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("time", "25:00"),
        ("time_zone", "Seoul"),
        ("people", "nobody in particular"),
        ("largest_mb", "0"),
        ("exclude", "x" * 501),
        ("permissions_hours", "-1"),
        ("permissions_hours", "1.5"),
        ("error_budget_percent", "0"),
        ("max_deleted_percent", "101"),
        ("rate_per_second", "inf"),
        ("rate_per_second", "nan"),
        ("fetches_at_once", ""),
        ("field_map", "{"),
        ("field_map", '{"body": "subject"}'),
        ("enrichment", "[{}]"),
        ("enrichment", '{"a": 1}'),
    ],
)
def test_a_mistake_is_told_at_its_field_and_nothing_is_saved(
    ada: Client, source: Source, field: str, typed: str
) -> None:
    before = Source.objects.values().get()
    response = post(ada, "settings", source, **{**SETTINGS, field: typed})
    text = response.content.decode()
    assert response.status_code == 422
    assert re.findall(r'id="wrong-(\w+)"', text) == [field]
    assert Source.objects.values().get() == before


def test_another_number_keeps_the_secret(ada: Client, source: Source) -> None:
    response = post(ada, "connection", source, **{**CONNECTION, "setting-depth": "5"})
    assert response.status_code == 302
    source.refresh_from_db()
    assert source.config["depth"] == 5
    assert opened_secrets(source) == {"token": SECRET}


@pytest.mark.parametrize(
    ("field", "typed"), [("setting-address", "https://evil.example"), ("setting-deep", "on")]
)
def test_a_stored_secret_is_not_sent_to_another_place(
    ada: Client, source: Source, field: str, typed: str
) -> None:
    for how in ({}, {"test": "on"}):
        response = post(ada, "connection", source, **{**CONNECTION, field: typed, **how})
        assert response.status_code == 422
        assert "Type it again" in response.content.decode()
    source.refresh_from_db()
    assert source.config == CONFIG
    retyped = {**CONNECTION, field: typed, "setting-token": "another", "setting-account": "reader"}
    again = post(ada, "connection", source, **retyped)
    assert again.status_code == 302
    source.refresh_from_db()
    assert opened_secrets(source) == {"token": "another"}


def test_a_changed_connection_is_tested_before_it_is_saved(ada: Client, source: Source) -> None:
    response = post(ada, "connection", source, **{**CONNECTION, "setting-depth": "9", "test": "on"})
    text = response.content.decode()
    assert "Everything works." in text
    assert "as 1 secrets" in text  # the stored one
    assert 'value="9"' in text
    assert SECRET not in text
    source.refresh_from_db()
    assert source.config == CONFIG


def test_a_wrong_connection_is_told_at_its_field(ada: Client, source: Source) -> None:
    response = post(ada, "connection", source, **{**CONNECTION, "setting-depth": "99"})
    assert response.status_code == 422
    assert 'id="wrong-setting-depth"' in response.content.decode()


def test_a_connection_that_does_not_fit_together_is_refused_in_words(ada: Client, source: Source) -> None:
    typed = {**CONNECTION, "setting-deep": "on", "setting-token": "another"}
    response = post(ada, "connection", source, **typed)
    assert response.status_code == 422
    assert "To go deep, give an account." in response.content.decode()
    source.refresh_from_db()
    assert source.config == CONFIG


def directory() -> int:
    config: JsonObject = {"address": "https://people.example", "behaviour": "good"}
    return services.add_source(kind="jsonl", name="People", config=config, secrets={"token": "x"})


def test_a_source_joins_a_directory_and_leaves_it(ada: Client, source: Source) -> None:
    people = directory()
    assert "People" in ada.get(reverse("console:source-settings", args=[source.pk])).content.decode()
    for chosen, joined in ((str(people), people), ("", None)):
        assert post(ada, "directory", source, directory=chosen).status_code == 302
        source.connection.refresh_from_db()
        assert source.connection.directory_id == joined


@pytest.mark.parametrize("chosen", ["999", "x", "-1", "0", "own"])
def test_what_is_no_directory_is_refused_and_the_one_that_is_joined_stays(
    ada: Client, source: Source, chosen: str
) -> None:
    people = directory()
    post(ada, "directory", source, directory=str(people))
    typed = str(source.pk) if chosen == "own" else chosen
    address = reverse("console:source-directory", args=[source.pk])
    answer = ada.post(address, {"directory": typed}, headers={"accept-language": "ko"})
    assert answer.status_code == 422
    assert "디렉터리, 곧 사람과 그룹만 제공하는 소스를 고르십시오." in answer.content.decode()
    source.connection.refresh_from_db()
    assert source.connection.directory_id == people


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.AUDITOR, Role.SECURITY_ADMINISTRATOR])
def test_for_others_there_is_no_such_page(ada: Client, source: Source, role: Role) -> None:
    other = Client()
    other.force_login(User.objects.create_user("other@example.com", role=role))
    before = Source.objects.values().get()
    for page in ("settings", "connection"):
        assert other.get(reverse(f"console:source-{page}", args=[source.pk])).status_code == 404
    for page in ("settings", "connection", "directory", "pause", "resume", "retry"):
        assert post(other, page, source, **SETTINGS, **CONNECTION).status_code == 404
    assert Source.objects.values().get() == before
    assert SyncRun.objects.count() == 0


def test_what_is_not_there_is_not_found(ada: Client) -> None:
    for page in ("settings", "connection"):
        assert ada.get(reverse(f"console:source-{page}", args=[999])).status_code == 404


def test_the_pages_speak_korean(ada: Client, source: Source) -> None:
    User.objects.update(language="ko")
    post(ada, "settings", source, **{**SETTINGS, "every": "week", "weekday": "1"})
    page = ada.get(reverse("console:source", args=[source.pk])).content.decode()
    assert "매주 월요일 02:30 (Asia/Seoul)" in page
    assert "일정과 규칙" in ada.get(reverse("console:source-settings", args=[source.pk])).content.decode()
