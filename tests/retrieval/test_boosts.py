"""What administrators prefer changes the order within bounds, and never what somebody may read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.access.door import Passage, passages
from assistant.accounts.models import Connection, Role, User
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event
from assistant.common.analysis import query_terms
from assistant.common.errors import NotFound, UsageError
from assistant.documents.models import Chunk
from assistant.index.local import LocalIndex
from assistant.retrieval.boosts import (
    LONGEST_HALF_LIFE,
    MOST_PERCENT,
    NO_BOOSTS,
    Boosts,
    factor,
    pool_size,
    recency_part,
    title_part,
)
from assistant.retrieval.models import Ranking, SourceRanking
from assistant.retrieval.ranking import boosts_in_force, set_boosts, source_names
from assistant.retrieval.retrieve import Evidence, Plan, retrieve
from tests.conftest import SmallWorld

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SOME_BOOSTS = st.builds(
    Boosts,
    recency=st.integers(0, MOST_PERCENT),
    half_life=st.integers(1, LONGEST_HALF_LIFE),
    title=st.integers(0, MOST_PERCENT),
    sources=st.dictionaries(
        st.sampled_from(["world", "other"]), st.integers(-MOST_PERCENT, MOST_PERCENT)
    ).map(lambda found: tuple(found.items())),
)
MOMENTS = st.none() | st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC)
)
PASSAGE = Passage(
    chunk_id=1,
    document_id=1,
    version=1,
    external_id="a",
    title="Leave policy",
    source="world",
    url="",
    start=0,
    end=1,
    text="x",
    headings="",
    place="",
    place_kind="",
    modified_at=NOW,
    synced_at=NOW,
)


@given(SOME_BOOSTS, MOMENTS, st.text(max_size=40), st.text(max_size=40))
def test_no_part_and_no_sum_ever_leaves_its_bounds(
    boosts: Boosts, modified: datetime | None, title: str, question: str
) -> None:
    asked = frozenset(query_terms(question))
    passage = replace(PASSAGE, title=title, modified_at=modified)
    assert 0 <= recency_part(boosts, modified, now=NOW) <= 0.3
    assert 0 <= title_part(boosts, title, asked=asked) <= 0.3
    assert 0.5 <= factor(boosts, passage, asked=asked, now=NOW) <= 1.5
    assert factor(NO_BOOSTS, passage, asked=asked, now=NOW) == 1.0


def test_the_parts_say_what_the_page_says() -> None:
    boosts = Boosts(recency=20, half_life=100, title=30, sources=(("world", 10), ("other", -30)))
    ages = [recency_part(boosts, NOW - timedelta(days=days), now=NOW) for days in (-50, 0, 100, 200)]
    assert ages == pytest.approx([0.2, 0.2, 0.1, 0.05])
    assert recency_part(boosts, None, now=NOW) == 0
    asked = frozenset(query_terms("leave policy in Rotterdam"))
    assert title_part(boosts, "The leave POLICY", asked=asked) == pytest.approx(0.2)
    assert title_part(boosts, "휴가 규정", asked=frozenset(query_terms("휴가 규정은?"))) == pytest.approx(0.3)
    assert title_part(boosts, "Leave", asked=frozenset()) == 0
    asked = frozenset(query_terms("leave policy"))
    assert factor(boosts, PASSAGE, asked=asked, now=NOW) == pytest.approx(1.5)  # .2 + .3 + .1, clamped
    other = replace(PASSAGE, source="other", title="", modified_at=None)
    assert factor(boosts, other, asked=asked, now=NOW) == pytest.approx(0.7)


@pytest.mark.parametrize(
    "wrong",
    [
        {"recency": 31},
        {"recency": -1},
        {"half_life": 0},
        {"half_life": 3651},
        {"title": 31},
        {"sources": (("a", 31),)},
    ],
)
def test_what_lies_out_of_bounds_cannot_be_made(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="must be a whole number from"):
        Boosts(**wrong)  # type: ignore[arg-type]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "row",
    [
        lambda: Ranking.objects.create(pk=2),
        lambda: Ranking.objects.create(pk=1, recency=31),
        lambda: Ranking.objects.create(pk=1, half_life=0),
        lambda: Ranking.objects.create(pk=1, half_life=3651),
        lambda: Ranking.objects.create(pk=1, title=31),
        lambda: SourceRanking.objects.create(connection=_connection(), percent=31),
        lambda: SourceRanking.objects.create(connection=_connection(), percent=-31),
        lambda: SourceRanking.objects.create(connection=_connection(), percent=0),
    ],
)
def test_the_database_holds_the_bounds_too(row: Callable[[], object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        row()


def _connection() -> Connection:
    return Connection.objects.create(name="c", kind="jsonl")


def asked_of_index(query: str, world: SmallWorld, plan: Plan) -> tuple[Evidence, list[int]]:
    """The evidence, and how many candidates the index was asked for."""
    asked: list[int] = []
    real = LocalIndex.search

    def search(self: LocalIndex, question: object, **rest: object) -> object:
        asked.append(question.k)  # type: ignore[attr-defined]
        return real(self, question, **rest)  # type: ignore[arg-type]

    with mock.patch.object(LocalIndex, "search", search):
        return retrieve(query, viewer=world.viewer("ann"), plan=plan), asked


def test_without_preferences_nothing_changes_and_no_more_is_asked(small_world: SmallWorld) -> None:
    plan = Plan(k=2)
    plain, asked = asked_of_index("office laptop visitors", small_world, plan)
    assert asked == [2]
    for off in (NO_BOOSTS, Boosts(half_life=7), Boosts(sources=(("world", 0),))):
        assert asked_of_index("office laptop visitors", small_world, replace(plan, boosts=off)) == (
            plain,
            [2],
        )


def test_a_preference_asks_for_a_pool_and_cuts_it_again(small_world: SmallWorld) -> None:
    plan = Plan(k=2, boosts=Boosts(title=30))
    found, asked = asked_of_index("office laptop visitors", small_world, plan)
    assert asked == [40]
    assert len(found.hits) == 2
    assert pool_size(2) == 40
    assert pool_size(50) == 200


def order(world: SmallWorld, boosts: Boosts, query: str = "rule about visits") -> list[str]:
    hits = retrieve(query, viewer=world.viewer("ann"), plan=Plan(k=9, boosts=boosts)).hits
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    return [hit.passage.external_id for hit in hits]


def test_the_newer_of_two_equal_documents_comes_first(small_world: SmallWorld) -> None:
    for name, days in (("v-old", 900), ("v-new", 2)):
        modified = (timezone.now() - timedelta(days=days)).isoformat()
        small_world.documents[name] = {
            "id": name,
            "title": "A rule",
            "text": "The rule about visits of guests.",
            "modified": modified,
            "acl": {"allow": ["everyone"]},
        }
    small_world.sync()
    assert order(small_world, NO_BOOSTS)[:2] == ["v-old", "v-new"]  # a tie, by chunk
    assert order(small_world, Boosts(recency=1))[:2] == ["v-new", "v-old"]


def test_a_title_with_the_words_and_a_preferred_source_come_first(small_world: SmallWorld) -> None:
    texts = {"plain": "Notes", "titled": "Visits", "twin": "Notes"}
    for name, title in texts.items():
        small_world.documents[name] = {
            "id": name,
            "title": title,
            "text": "Rule for visits, and of many other things that are about guests of the house.",
            "acl": {"allow": ["everyone"]},
        }
    small_world.sync()
    before = order(small_world, NO_BOOSTS, "visits")
    with_title = order(small_world, Boosts(title=30), "visits")
    assert with_title.index("titled") <= before.index("titled")
    assert with_title[0] == "titled"
    assert order(small_world, Boosts(sources=(("world", -30),)), "visits") == before  # all of one source


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(boosts=SOME_BOOSTS)
def test_no_preference_brings_in_what_a_person_may_not_read(small_world: SmallWorld, boosts: Boosts) -> None:
    every = list(Chunk.objects.values_list("pk", flat=True))
    for name in ("ann", "bob", "sam"):
        viewer = small_world.viewer(name)
        may = {passage.chunk_id for passage in passages(viewer, every)}
        plan = Plan(k=50, boosts=boosts)
        for query in ("Heron merger price 휴가", "salary band office server room code"):
            hits = retrieve(query, viewer=viewer, plan=plan).hits
            plain = {h.passage.chunk_id: h for h in retrieve(query, viewer=viewer, plan=Plan(k=50)).hits}
            assert {hit.passage.chunk_id for hit in hits} == set(plain) <= may
            for hit in hits:
                unweighed = plain[hit.passage.chunk_id].score
                assert 0.5 * unweighed <= hit.score <= 1.5 * unweighed


def test_the_preferences_in_force_count_at_the_next_search(
    small_world: SmallWorld, people: dict[str, User]
) -> None:
    ada, ann = small_world.viewer("ada"), small_world.viewer("ann")
    before = retrieve("office", viewer=ann).hits
    boosts = Boosts(recency=10, half_life=30, title=5, sources=(("world", -30),))
    set_boosts(boosts, viewer=ada)
    assert boosts_in_force() == boosts
    after = retrieve("office", viewer=ann).hits
    assert [h.score for h in after] == pytest.approx([h.score * 0.7 for h in before], rel=0.08)
    assert retrieve("office", viewer=ann, plan=Plan(boosts=NO_BOOSTS)).hits == before
    set_boosts(NO_BOOSTS, viewer=ada)
    assert boosts_in_force() == NO_BOOSTS
    assert retrieve("office", viewer=ann).hits == before


def test_each_change_is_audited_with_what_was_and_what_is(small_world: SmallWorld) -> None:
    ada = small_world.viewer("ada")
    set_boosts(Boosts(title=5, sources=(("world", 10),)), viewer=ada)
    set_boosts(Boosts(title=5, sources=(("world", 10),)), viewer=ada)  # changes nothing
    set_boosts(Boosts(title=6), viewer=ada)
    events = list(AuditEvent.objects.filter(event=Event.RANKING_CHANGED).order_by("pk"))
    assert [event.data["after"]["title"] for event in events] == [5, 6]
    assert [event.data["before"]["sources"] for event in events] == [{}, {"world": 10}]
    assert {event.actor for event in events} == {"ada@example.com"}


def test_only_who_has_the_right_may_set_preferences(people: dict[str, User], small_world: SmallWorld) -> None:
    may = {Role.CONTENT_ADMINISTRATOR, Role.ADMINISTRATOR}
    for role in Role:
        User.objects.filter(email="sam@example.com").update(role=role)
        viewer = small_world.viewer("sam")
        for call in (lambda v: set_boosts(Boosts(title=1), viewer=v), source_names):
            if role in may:
                call(viewer)
            else:
                with pytest.raises(NotFound):
                    call(viewer)


def test_a_source_that_is_not_there_changes_nothing(small_world: SmallWorld) -> None:
    with pytest.raises(UsageError, match="no source 'gone'"):
        set_boosts(Boosts(title=9, sources=(("gone", 5),)), viewer=small_world.viewer("ada"))
    assert boosts_in_force() == NO_BOOSTS
    assert {field.name for field in fields(Boosts)} == {"recency", "half_life", "title", "sources"}
