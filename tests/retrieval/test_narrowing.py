"""A filtered search is the search of a world that holds only what fits, and tells of nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from assistant.access import mask
from assistant.access.door import count_readable, readable_sources
from assistant.access.mask import permitted_versions
from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.models import Connection, Revision, User
from assistant.accounts.revisions import Counter, bump
from assistant.chat.finding import search
from assistant.common.types import Json
from assistant.documents.models import Document
from assistant.index.registry import opened_index
from assistant.retrieval import narrowing
from assistant.retrieval.filters import NO_FILTERS, Filters, read_filters
from assistant.retrieval.narrowing import count_fitting, fitting_documents, narrowed
from assistant.retrieval.retrieve import Plan, retrieve
from assistant.retrieval.warm_up import read_columns
from assistant.sync.engine import execute_run
from assistant.sync.services import add_source, request_run
from tests.conftest import SmallWorld
from tests.retrieval.large_filters import lay_down, narrow_in_many_ways

TOPICS = ("leave of absence", "remote work", "휴가 규정", "pump maintenance")
AUTHORS = ("Kim Minseo", "이서연", "Ana Silva", "")
QUERIES = ("leave policy", "휴가는 며칠입니까", "pump work", "remote")


def made_line(n: int) -> dict[str, Json]:
    """One of the documents: topic, author, team, date and readers by its number."""
    author = AUTHORS[n % 4]
    attributes: dict[str, Json] = {"team": ["HR", "Sales"][n % 2], "year": 2020 + n % 5, "draft": n % 3 == 0}
    if author:
        attributes.update({"author": author} if n % 8 < 4 else {"authors": [author, "Second Writer"]})
    line: dict[str, Json] = {
        "id": f"d{n}",
        "title": f"{TOPICS[n % 4]} {n}",
        "text": f"{TOPICS[(n // 2) % 4]} for team {n % 3}. "
        + f"{TOPICS[(n // 3) % 4]} is described here. " * (n % 4),
        "attributes": attributes,
        "acl": {"allow": [["everyone"], ["user:ann@example.com"], ["user:bob@example.com"]][n % 3]},
    }
    if n % 5:
        line["modified"] = (datetime(2022, 1, 1, tzinfo=UTC) + timedelta(days=40 * n)).isoformat()
    return line


@dataclass(frozen=True, slots=True)
class Library:
    """Three sources, of which the third holds nothing for sam."""

    lines: dict[str, list[dict[str, Json]]]

    def matching(self, source: str, line: dict[str, Json], wanted: Filters) -> bool:
        """The oracle: whether a document fits, decided on the line that it came from."""
        attributes = cast(dict[str, Json], line["attributes"])
        names = {attributes.get("author"), *cast(list[str], attributes.get("authors", []))}
        modified = datetime.fromisoformat(str(line["modified"])) if "modified" in line else None
        spanned = wanted.modified_from is not None or wanted.modified_until is not None
        by_name: dict[str, set[str]] = {}
        for name, value in wanted.attributes:
            by_name.setdefault(name, set()).add(value)
        return (
            (not wanted.sources or source in wanted.sources)
            and (not wanted.types or "txt" in wanted.types)
            and (not wanted.authors or bool(names & set(wanted.authors)))
            and (not spanned or modified is not None)
            and (wanted.modified_from is None or modified is None or modified >= wanted.modified_from)
            and (wanted.modified_until is None or modified is None or modified < wanted.modified_until)
            and all(_text(attributes.get(name)) in values for name, values in by_name.items())
        )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def laid_down(lines: dict[str, list[dict[str, Json]]], home: Path) -> None:
    """Sync sources of these lines."""
    home.mkdir(exist_ok=True)
    for name, documents in lines.items():
        file = home / f"{len(name)}{name[:2]}.jsonl"
        file.write_text("\n".join(json.dumps(line) for line in documents), encoding="utf-8")
        source_id = add_source(kind="jsonl", name=name, config={"path": str(file)}, actor="test")
        assert execute_run(request_run(source_id=source_id, kind="full", actor="test"))


@pytest.fixture
def library(people: dict[str, User], tmp_path: Path) -> Library:
    """48 documents of three sources."""
    lines = {
        "HR 핸드북": [made_line(n) for n in range(20)],
        "Wiki": [made_line(n) for n in range(20, 36)],
        "Board": [made_line(n) for n in range(36, 48) if n % 3],
    }
    laid_down(lines, tmp_path / "full")
    return Library(lines)


DAYS = st.sampled_from([datetime(2022, 6, 1, tzinfo=UTC) + timedelta(days=200 * n) for n in range(8)])
SOME_FILTERS = st.builds(
    lambda begin, length, **rest: Filters(
        modified_from=begin, modified_until=begin + length if begin and length else None, **rest
    ),
    begin=st.none() | DAYS,
    length=st.none() | st.sampled_from([timedelta(days=90), timedelta(days=700)]),
    sources=st.lists(st.sampled_from(["HR 핸드북", "Wiki", "Board", "Nowhere"]), max_size=2, unique=True).map(
        tuple
    ),
    types=st.sampled_from([(), ("txt",), ("pdf",), ("pdf", "txt")]),
    authors=st.lists(st.sampled_from(["Kim Minseo", "이서연", "Nobody"]), max_size=2, unique=True).map(tuple),
    attributes=st.sampled_from(
        [
            (),
            (("team", "HR"),),
            (("team", "HR"), ("team", "Sales")),
            (("team", "HR"), ("draft", "true")),
            (("year", "2022"),),
        ]
    ),
)


def test_a_filtered_search_is_that_of_a_world_that_holds_only_what_fits(
    library: Library, tmp_path: Path, people: dict[str, User], settings: LazySettings
) -> None:
    """For filters of every kind: ids, titles, order and scores are those of a world without the rest."""
    viewers = [viewer_for(people[name]) for name in ("ann", "bob", "sam")]
    full_index, number = settings.MUNDAP_INDEX_DIR, iter(range(1000))

    def in_world(home: Path) -> None:
        settings.MUNDAP_INDEX_DIR = home
        mask.forget()
        narrowing.forget()
        opened_index.cache_clear()

    @settings_of_search
    @given(wanted=SOME_FILTERS)
    def same(wanted: Filters) -> None:
        in_world(full_index)
        found = {v.user_id: [seen(query, v, wanted) for query in QUERIES] for v in viewers}
        counts = {v.user_id: count_fitting(v, wanted) for v in viewers}
        fewer = {
            source: [line for line in lines if library.matching(source, line, wanted)]
            for source, lines in library.lines.items()
        }
        with transaction.atomic():
            home = tmp_path / f"fewer{next(number)}"
            Document.objects.all().delete()
            Connection.objects.all().delete()
            in_world(home / "index")
            laid_down({source: lines for source, lines in fewer.items() if lines}, home)
            for viewer in viewers:
                assert found[viewer.user_id] == [seen(query, viewer, NO_FILTERS) for query in QUERIES], wanted
                assert counts[viewer.user_id] == count_readable(viewer)
            transaction.set_rollback(True)

    same()


settings_of_search = settings(
    max_examples=12,
    deadline=None,
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ],  # each try syncs a world: none to look for smaller ones
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def seen(query: str, viewer: Viewer, filters: Filters) -> list[tuple[str, float]]:
    """What a search shows, without the numbers of rows, which differ from world to world."""
    return [
        (str(hit["external_id"]), float(str(hit["score"])))
        for hit in search(query, viewer=viewer, k=50, filters=filters)
    ]


@pytest.mark.parametrize("name", ["ann", "bob", "sam"])
def test_the_sources_offered_are_those_of_which_something_may_be_read(
    library: Library, people: dict[str, User], name: str
) -> None:
    theirs = {"ann": ("Board", "HR 핸드북", "Wiki"), "sam": ("HR 핸드북", "Wiki")}
    assert readable_sources(viewer_for(people[name])) == theirs.get(name, theirs["ann"])


def test_a_stranger_is_offered_no_source_and_finds_nothing_in_one_by_name(
    small_world: SmallWorld, people: dict[str, User]
) -> None:
    del small_world.documents["open"]
    small_world.sync()
    sam = small_world.viewer("sam")
    assert readable_sources(sam) == ()
    named = [
        search("office merger", viewer=sam, k=9, filters=Filters(sources=(s,))) for s in ("world", "none")
    ]
    assert named == [[], []]
    assert readable_sources(small_world.viewer("ann")) == ("world",)


def test_a_hidden_source_and_one_that_is_not_there_are_the_same(
    library: Library, people: dict[str, User]
) -> None:
    sam = viewer_for(people["sam"])
    for filters in (Filters(sources=("Board",)), Filters(sources=("Nowhere",))):
        assert [search(query, viewer=sam, k=9, filters=filters) for query in QUERIES] == [[]] * len(QUERIES)
        assert count_fitting(sam, filters) == 0


def test_a_source_that_was_revoked_is_offered_no_more(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    assert readable_sources(ann) == ("world",)
    for document in small_world.documents.values():
        document["acl"] = {"allow": ["group:executives"]}
    small_world.sync("permissions")
    assert readable_sources(ann) == ()
    User.objects.filter(email="cho@example.com").update(is_active=False)
    assert readable_sources(small_world.viewer("cho")) == ()


def external_ids(filters: Filters) -> set[str]:
    """Ids of the documents that fit, whoever may read them."""
    ids = np.flatnonzero(fitting_documents(filters)).tolist()
    return set(Document.objects.filter(pk__in=ids).values_list("external_id", flat=True))


@pytest.mark.parametrize(
    ("written", "fits"),
    [
        ({"author": ["KIM minseo"]}, lambda n: n % 4 == 0),
        ({"author": ["second writer"]}, lambda n: n % 8 >= 4 and AUTHORS[n % 4]),
        ({"attribute": ["TEAM=hr"]}, lambda n: n % 2 == 0),
        ({"attribute": ["draft=true"]}, lambda n: n % 3 == 0),
        ({"attribute": ["year=2021", "year=2023", "team=HR"]}, lambda n: n % 5 in (1, 3) and n % 2 == 0),
        ({"attribute": ["nothing=at all"]}, lambda n: False),
        ({"source": ["hr 핸드북"]}, lambda n: n < 20),
        ({"type": ["md"]}, lambda n: False),
        ({"type": ["text"]}, lambda n: True),
        ({"after": ["1970-01-01"]}, lambda n: n % 5),
        ({"before": ["1990-01-01"]}, lambda n: False),
    ],
)
def test_what_fits_is_what_the_words_say(
    library: Library, written: dict[str, list[str]], fits: Callable[[int], object]
) -> None:
    everything = {str(line["id"]) for lines in library.lines.values() for line in lines}
    assert external_ids(read_filters(written)) == {name for name in everything if fits(int(name[1:]))}


def test_what_a_sync_changes_counts_at_the_next_search(small_world: SmallWorld) -> None:
    by_kim = Filters(authors=("Kim",))
    recent = Filters(modified_from=datetime(2026, 1, 1, tzinfo=UTC))
    assert external_ids(by_kim) == external_ids(recent) == set()
    small_world.documents["handbook"].update(attributes={"author": "Kim"}, modified="2026-02-01T00:00:00Z")
    small_world.sync()
    assert external_ids(by_kim) == external_ids(recent) == {"handbook"}
    small_world.documents["handbook"].update(attributes={"author": "Lee"}, modified="2020-02-01T00:00:00Z")
    small_world.sync()
    assert external_ids(by_kim) == external_ids(recent) == set()


def test_a_database_that_was_put_back_is_read_anew(small_world: SmallWorld) -> None:
    by_kim = Filters(authors=("Kim",))
    with transaction.atomic():
        Document.objects.filter(external_id="open").update(
            attributes={"author": "Kim"}, revision=bump(Counter.DOCUMENTS)
        )
        assert external_ids(by_kim) == {"open"}
        transaction.set_rollback(True)
    assert external_ids(by_kim) == set()
    assert Revision.objects.get(name=Counter.DOCUMENTS).value > 0


def test_the_same_filter_costs_nothing_the_second_time(small_world: SmallWorld) -> None:
    ann, filters = small_world.viewer("ann"), Filters(types=("txt",))
    permitted = permitted_versions(ann)
    first = narrowed(permitted, filters)
    assert narrowed(permitted, filters) is first
    assert narrowed(permitted, NO_FILTERS) is permitted
    assert not first.flags.writeable
    assert first.base is None
    with CaptureQueriesContext(connection) as queries:
        fitting_documents(filters)
    assert len(queries) == 1  # the counter


def test_a_process_that_read_ahead_reads_no_documents_for_the_first_question(small_world: SmallWorld) -> None:
    small_world.sync()
    mask.forget()
    narrowing.forget()
    read_columns()
    with CaptureQueriesContext(connection) as asked:
        narrowed(permitted_versions(small_world.viewer("bob")), Filters(types=("txt",)))
    whole = [query["sql"] for query in asked if f"FROM {Document._meta.db_table} WHERE" in query["sql"]]
    assert whole == []
    narrowing.forget()
    with CaptureQueriesContext(connection) as asked:
        narrowed(permitted_versions(small_world.viewer("bob")), Filters(types=("txt",)))
    assert any(f"FROM {Document._meta.db_table} WHERE" in query["sql"] for query in asked)


def test_a_permission_that_lives_no_more_keeps_nothing(small_world: SmallWorld) -> None:
    filters = Filters(types=("txt",))
    for _ in range(40):
        permitted = permitted_versions(small_world.viewer("ann")).copy()
        permitted.setflags(write=False)
        assert narrowed(permitted, filters).tolist() == permitted.tolist()
    assert len(narrowing._narrowed) <= narrowing._NARROWED + 1


def test_a_document_that_came_after_the_mask_is_not_let_in(small_world: SmallWorld) -> None:
    """The columns may know more than the mask: a narrowed permission only ever loses documents."""
    permitted = np.array([0, 0, 3], np.int32)
    permitted.setflags(write=False)
    left = narrowed(permitted, Filters(types=("txt",)))
    assert len(left) == 3
    assert all(new in (0, old) for new, old in zip(left.tolist(), permitted.tolist(), strict=True))


def test_evidence_outside_the_filters_is_never_read(library: Library, people: dict[str, User]) -> None:
    plan = Plan(k=20, filters=Filters(sources=("Wiki",)))
    for name in ("ann", "bob"):
        hits = retrieve("leave work 휴가", viewer=viewer_for(people[name]), plan=plan).hits
        assert hits
        assert {hit.passage.source for hit in hits} == {"Wiki"}


@pytest.mark.django_db
def test_filters_choose_exactly_among_many_documents() -> None:
    lay_down(6_000)
    assert narrow_in_many_ways(6_000).keys() >= {"same again", "by author after them"}
