"""The page of the ranking: who may open it, what it saves, and whose documents a preview shows."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from assistant.accounts.models import Role, User
from assistant.audit.models import AuditEvent
from assistant.common.errors import IndexDamaged
from assistant.console import ranking
from assistant.retrieval.boosts import NO_BOOSTS, Boosts
from assistant.retrieval.ranking import boosts_in_force, set_boosts
from tests.conftest import SmallWorld

HTMX = {"HX-Request": "true"}
FIELDS = {"recency": "20", "half_life": "90", "title": "10", "source": "world", "source_percent": "-15"}
TYPED = Boosts(recency=20, half_life=90, title=10, sources=(("world", -15),))


@pytest.fixture
def con(client: Client, small_world: SmallWorld) -> Client:
    """The browser of bob, who is a content administrator for these tests and may read salaries."""
    User.objects.filter(email="bob@example.com").update(role=Role.CONTENT_ADMINISTRATOR)
    client.force_login(User.objects.get(email="bob@example.com"))
    return client


def post(client: Client, route: str, **fields: str) -> HttpResponse:
    headers = HTMX if route == "ranking-preview" else {}
    response: HttpResponse = client.post(reverse(f"console:{route}"), {**FIELDS, **fields}, headers=headers)  # type: ignore[assignment]
    return response


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.AUDITOR, Role.SECURITY_ADMINISTRATOR])
def test_for_others_there_is_no_ranking(client: Client, people: dict[str, User], role: Role) -> None:
    client.force_login(User.objects.create_user("other@example.com", role=role))
    assert client.get(reverse("console:ranking")).status_code == 404
    assert post(client, "ranking").status_code == 404
    assert post(client, "ranking-preview", question="office").status_code == 404
    assert boosts_in_force() == NO_BOOSTS
    assert "Ranking" not in client.get(reverse("console:sources")).content.decode()


@pytest.mark.django_db
def test_who_is_not_signed_in_comes_to_the_sign_in_page(client: Client) -> None:
    for response in (client.get(reverse("console:ranking")), client.post(reverse("console:ranking"), FIELDS)):
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/sign-in/")
    assert boosts_in_force() == NO_BOOSTS


def test_what_is_typed_is_saved_shown_and_audited(con: Client) -> None:
    response = post(con, "ranking")
    assert (response.status_code, response.headers["Location"]) == (302, "/console/ranking/?saved")
    assert boosts_in_force() == TYPED
    text = con.get(response.headers["Location"]).content.decode()
    assert "Saved." in text
    shown = re.findall(r'name="(recency|half_life|title|source_percent)"[^>]*?value="([^"]*)"', text)
    assert shown == [("recency", "20"), ("half_life", "90"), ("title", "10"), ("source_percent", "-15")]
    event = AuditEvent.objects.get(event="ranking_changed")
    assert (event.actor, event.data["after"]["sources"]) == ("bob@example.com", {"world": -15})
    assert 'aria-current="page"' in text


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("recency", "31", "from 0 to 30"),
        ("recency", "-1", "from 0 to 30"),
        ("recency", "", "from 0 to 30"),
        ("recency", "1.5", "from 0 to 30"),
        ("title", "٣", "from 0 to 30"),
        ("half_life", "0", "from 1 to 3650"),
        ("half_life", "9" * 400, "from 1 to 3650"),
        ("source_percent", "-31", "from -30 to 30"),
        ("source_percent", "<b>", "from -30 to 30"),
    ],
)
def test_a_wrong_value_is_told_at_its_field_and_nothing_is_saved(
    con: Client, field: str, typed: str, says: str
) -> None:
    response = post(con, "ranking", **{field: typed})
    text = response.content.decode()
    assert response.status_code == 422
    assert says in text
    assert "<b>" not in text
    assert boosts_in_force() == NO_BOOSTS
    assert not AuditEvent.objects.filter(event="ranking_changed").exists()
    assert "Mend the fields" in post(con, "ranking-preview", question="a", **{field: typed}).content.decode()


def test_a_preview_shows_both_orders_and_saves_nothing(con: Client, small_world: SmallWorld) -> None:
    for name, title in (("plain", "Notes"), ("titled", "Parking")):
        small_world.documents[name] = {
            "id": name,
            "title": title,
            "text": "Parking for guests." if name == "plain" else "Parking for guests of the house is free.",
            "acl": {"allow": ["everyone"]},
        }
    small_world.sync()
    response = post(con, "ranking-preview", question="parking", recency="0", title="30")
    text = response.content.decode()
    assert response.status_code == 200
    assert "<html" not in text
    now, then = (
        re.findall(r'class="ranking-title">([^<]*)<', part) for part in text.split('id="order-then"')
    )
    assert set(now) == set(then) >= {"Notes", "Parking"}
    assert then.index("Parking") < then.index("Notes")
    assert boosts_in_force() == NO_BOOSTS


def test_a_preview_without_scripts_is_the_whole_page_with_what_was_typed(con: Client) -> None:
    response = con.post(reverse("console:ranking-preview"), {**FIELDS, "question": "salary band"})
    text = response.content.decode()
    assert "<html" in text
    assert "Salary bands 2026" in text
    assert 'value="salary band"' in text
    assert 'value="-15"' in text


def test_a_preview_holds_only_what_its_administrator_may_read(
    client: Client, small_world: SmallWorld, people: dict[str, User]
) -> None:
    questions = ("Heron Logistics merger price", "salary band 연봉", "server room code", "office")
    titles = {"Salary bands 2026": {"bob"}, "Project Heron": {"cho"}, "Forgotten note": set[str]()}
    titles["Employee handbook"] = {"bob", "cho"}
    for name in ("bob", "cho", "sam", "ada"):
        User.objects.filter(email=f"{name}@example.com").update(role=Role.ADMINISTRATOR)
        client.force_login(people[name])
        text = "".join(post(client, "ranking-preview", question=q).content.decode() for q in questions)
        for title, readers in titles.items():
            assert (title in text) is (name in readers), (name, title)


def test_a_preview_is_the_same_without_the_documents_that_are_hidden(
    client: Client, small_world: SmallWorld, people: dict[str, User]
) -> None:
    client.force_login(people["ada"])
    before = post(client, "ranking-preview", question="office visitors merger").content
    for hidden in ("merger", "salaries", "nobody", "handbook", "policy-ko"):
        del small_world.documents[hidden]
    small_world.sync()
    assert post(client, "ranking-preview", question="office visitors merger").content == before


def test_an_empty_preview_says_so(con: Client, small_world: SmallWorld) -> None:
    assert "Type a question" in post(con, "ranking-preview", question="  ").content.decode()
    small_world.documents.clear()
    small_world.sync()
    assert "Nothing that you may read" in post(con, "ranking-preview", question="x").content.decode()


def test_a_preview_of_a_damaged_index_says_so(con: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise IndexDamaged("torn")

    monkeypatch.setattr(ranking, "retrieve", damaged)
    text = post(con, "ranking-preview", question="office").content.decode()
    assert "can’t be tried now" in text
    assert "torn" not in text


def test_a_source_that_came_in_between_is_not_moved(con: Client, small_world: SmallWorld) -> None:
    """An old form names its sources: a value never lands at another one."""
    set_boosts(Boosts(sources=(("world", 5),)), viewer=small_world.viewer("bob"))
    assert post(con, "ranking", source="a source that went").status_code == 302
    assert boosts_in_force().sources == ()


def test_the_page_speaks_korean(con: Client) -> None:
    User.objects.update(language="ko")
    text = con.get(reverse("console:ranking")).content.decode()
    assert "검색 순위" in text
    assert "최댓값은 30입니다" in text
