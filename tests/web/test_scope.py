"""The scope of a question: chosen on the page, kept with the turn, told only as far as it is the reader's."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape

from assistant.access.viewer import Viewer
from assistant.accounts.models import User
from assistant.chat.models import Turn
from assistant.chat.runner import run_turn
from assistant.chat.scope import Scope, scope_of
from assistant.chat.sharing import share_conversation, share_state
from assistant.common.errors import UsageError
from assistant.retrieval.filters import NO_FILTERS, Filters, read_filters
from assistant.web.scopes import WrongScope, chosen_filters, scope_words
from tests.conftest import SmallWorld

HTMX = {"HX-Request": "true"}
QUESTION = "When does the office in Daejeon open?"


@pytest.fixture
def ann(client: Client, people: dict[str, User]) -> Client:
    """Ann's browser."""
    client.force_login(people["ann"])
    return client


def ask(browser: Client, question: str = QUESTION, **scope: str | list[str]) -> Turn:
    response = browser.post(reverse("web:ask"), {"question": question, **scope}, headers=HTMX)
    assert response.status_code == 200, response.content.decode()
    turn = Turn.objects.latest("pk")
    assert run_turn(turn.pk)
    turn.refresh_from_db()
    return turn


def page(browser: Client, turn: Turn) -> str:
    response = browser.get(reverse("web:conversation", args=[turn.conversation_id]))
    assert response.status_code == 200
    return response.content.decode()


def heads(text: str) -> list[str]:
    """The lines over the answers that tell their scope."""
    found = re.findall(r'<p class="turn-scope" data-turn-scope>.*?<span>(.*?)</span>', text, re.DOTALL)
    return [" ".join(line.split()) for line in found]


def offered(text: str) -> list[str]:
    return re.findall(r'name="scope_source"\s+value="([^"]*)"', text)


def test_the_page_offers_the_sources_of_which_the_person_may_read(
    client: Client, small_world: SmallWorld, people: dict[str, User]
) -> None:
    del small_world.documents["open"]
    small_world.sync()
    for name, sources in (("ann", ["world"]), ("sam", [])):
        client.force_login(people[name])
        text = client.get(reverse("web:home")).content.decode()
        assert offered(text) == sources, name
        assert ("world" in text) is (name == "ann")
        assert "All documents that you may read" in text


def test_a_turn_without_a_scope_stores_and_shows_none(ann: Client, small_world: SmallWorld) -> None:
    turn = ask(ann, scope_source=[], scope_first="", scope_last="")
    assert turn.filters == {}
    assert "turn-scope" not in page(ann, turn)
    assert "08:30" in page(ann, turn)


def test_a_scope_is_kept_with_its_turn_and_told_over_the_answer(ann: Client, small_world: SmallWorld) -> None:
    small_world.documents["handbook"]["modified"] = "2025-03-01T00:00:00Z"
    small_world.sync()
    turn = ask(ann, scope_source="world", scope_first="2024-01-01")
    assert heads(page(ann, turn)) == ["Scope: world, since 2024"]
    assert "08:30" in page(ann, turn)
    fragment = ann.get(reverse("web:turn", args=[turn.pk])).content.decode()
    assert heads(fragment) == ["Scope: world, since 2024"]
    User.objects.update(language="ko")
    assert heads(page(ann, turn)) == ["검색 범위: world, 2024년 이후"]


def test_the_next_question_of_a_conversation_stays_in_its_scope(ann: Client, small_world: SmallWorld) -> None:
    turn = ask(ann, scope_source="world", scope_last="2024-12-31")
    text = page(ann, turn)
    assert re.search(r'value="world"\s+checked', text)
    assert 'name="scope_last" value="2024-12-31"' in text
    assert "data-narrowed" in text
    assert "data-narrowed" not in ann.get(reverse("web:home")).content.decode()


def test_what_lies_outside_the_scope_answers_nothing(ann: Client, small_world: SmallWorld) -> None:
    turn = ask(ann, scope_first="2024-01-01")  # no document of the small world has a date
    text = page(ann, turn)
    assert "08:30" not in text
    assert "No document that you may read lies in the chosen scope" in text
    assert turn.read_documents == []


def test_the_count_of_what_was_searched_is_that_of_the_scope(ann: Client, small_world: SmallWorld) -> None:
    small_world.documents["open"]["modified"] = "2025-03-01T00:00:00Z"
    small_world.sync()
    turn = ask(ann, "What is the price of an elephant?", scope_first="2025-01-01")
    text = page(ann, turn)
    assert "1 document was searched." in text
    assert "Only the chosen scope was searched" in text


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ({"scope_first": "2024-05-02", "scope_last": "2024-05-01"}, "lies after its last"),
        ({"scope_first": "last week"}, "like 2024-03-31"),
        ({"scope_last": "9999-12-31"}, "like 2024-03-31"),
        ({"scope_first": "0001-01-01"}, "can’t be searched"),
        ({"scope_last": "9998-12-31"}, "can’t be searched"),
        ({"scope_source": ["a" * 300]}, "can’t be searched"),
        ({"scope_source": [f"s{n}" for n in range(60)]}, "can’t be searched"),
    ],
)
def test_a_scope_that_cannot_be_searched_says_why(
    ann: Client, scope: dict[str, str | list[str]], words: str
) -> None:
    for headers in (HTMX, {}):
        response = ann.post(reverse("web:ask"), {"question": QUESTION, **scope}, headers=headers)
        assert response.status_code == 422
        assert words in response.content.decode()
    assert not Turn.objects.exists()


def test_a_made_up_source_and_a_hidden_one_look_alike(
    client: Client, small_world: SmallWorld, people: dict[str, User]
) -> None:
    del small_world.documents["open"]
    small_world.sync()
    client.force_login(people["sam"])
    heads_shown = []
    for name in ("world", "no such thing"):
        turn = ask(client, scope_source=name)
        text = page(client, turn)
        assert name not in text
        heads_shown.append(heads(text))
    assert heads_shown == [["Scope: 1 source that isn’t open to you"]] * 2


def test_a_source_that_was_closed_is_named_no_more(ann: Client, small_world: SmallWorld) -> None:
    turn = ask(ann, scope_source="world")
    assert heads(page(ann, turn)) == ["Scope: world"]
    for document in small_world.documents.values():
        document["acl"] = {"allow": ["group:executives"]}
    small_world.sync("permissions")
    text = page(ann, turn)
    assert heads(text) == ["Scope: 1 source that isn’t open to you"]
    assert offered(text) == []
    assert "world" not in text


def test_a_shared_conversation_tells_no_scope(
    client: Client, small_world: SmallWorld, people: dict[str, User]
) -> None:
    client.force_login(people["ann"])
    turn = ask(client, scope_source="world")
    viewer = small_world.viewer("ann")
    share_conversation(viewer=viewer, conversation_id=turn.conversation_id)
    token = share_state(viewer=viewer, conversation_id=turn.conversation_id).token
    for name in ("sam", "bob"):
        client.force_login(people[name])
        text = client.get(reverse("web:shared", args=[token])).content.decode()
        assert QUESTION in text
        assert "turn-scope" not in text
        assert "Scope" not in text


def test_the_name_of_a_source_is_text(ann: Client, small_world: SmallWorld) -> None:
    from assistant.accounts.models import Connection  # noqa: PLC0415

    name = '"><script>alert(1)</script>'
    Connection.objects.update(name=name)
    turn = ask(ann, scope_source=name)
    text = page(ann, turn)
    assert name not in text
    assert escape(name) in text


@pytest.mark.parametrize(
    ("first", "last", "english", "korean"),
    [
        ("2024-01-01", "", "since 2024", "2024년 이후"),
        ("2024-03-05", "", "since March 5, 2024", "2024년 3월 5일 이후"),
        ("", "2023-12-31", "to the end of 2023", "2023년까지"),
        ("", "2023-06-30", "up to June 30, 2023", "2023년 6월 30일까지"),
        ("2024-01-01", "2024-12-31", "in 2024", "2024년"),
        ("2024-05-05", "2024-05-05", "on May 5, 2024", "2024년 5월 5일"),
        ("2024-03-05", "2025-01-01", "March 5, 2024 to Jan. 1, 2025", "2024년 3월 5일~2025년 1월 1일"),
    ],
)
def test_days_come_back_in_words_as_they_were_chosen(
    first: str, last: str, english: str, korean: str
) -> None:
    form = QueryDict(mutable=True)
    form.update({"scope_first": first, "scope_last": last})
    scope = Scope((), 0, chosen_filters(form))
    for language, words in (("en", english), ("ko", korean)):
        with translation.override(language):
            assert scope_words(scope) == words


def test_other_filters_are_told_too() -> None:
    filters = read_filters({"type": ["pdf"], "author": ["Kim"], "attribute": ["team=HR"]})
    with translation.override("en"):
        words = scope_words(Scope(("HR",), 2, filters))
    assert words == "HR, 2 sources that aren’t open to you, PDF, Kim, team=HR"


@pytest.mark.django_db
def test_no_filters_are_no_scope() -> None:
    nobody = Viewer(user_id=10**9, email="nobody@example.com")
    assert scope_of(nobody, NO_FILTERS) is None
    scope = scope_of(nobody, Filters(modified_from=datetime(2024, 1, 1, tzinfo=UTC)))
    assert scope is not None
    assert scope.sources == ()
    assert issubclass(WrongScope, UsageError)
