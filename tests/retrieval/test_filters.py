"""Filters are read strictly, and say what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.errors import UsageError
from assistant.common.formats import EXTENSIONS, FORMATS, MEDIA_TYPES, declared_format
from assistant.retrieval.filters import (
    LONGEST_VALUE,
    MOST_VALUES,
    NO_FILTERS,
    Filters,
    as_stored,
    from_stored,
    read_filters,
)

WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=12)
MOMENTS = st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
ANY_FILTERS = st.builds(
    Filters,
    sources=st.lists(WORDS, max_size=3).map(tuple),
    types=st.lists(st.sampled_from(FORMATS), max_size=3).map(tuple),
    modified_from=st.none() | MOMENTS,
    modified_until=st.just(None),
    authors=st.lists(WORDS, max_size=3).map(tuple),
    attributes=st.lists(st.tuples(WORDS, WORDS), max_size=3).map(tuple),
)


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("type", ["exe"], "does not know 'exe'. Known types: pdf, docx"),
        ("type", [""], "'type' is empty"),
        ("source", ["  "], "'source' is empty"),
        ("source", ["\u200b"], "'source' is empty"),
        ("source", ["x" * (LONGEST_VALUE + 1)], "longer than 200 characters"),
        ("source", [f"s{n}" for n in range(MOST_VALUES + 1)], "51 values; at most 50"),
        ("author", [""], "'author' is empty"),
        ("attribute", ["team"], "written name=value"),
        ("attribute", ["=HR"], "'attribute' is empty"),
        ("attribute", ["team="], "'attribute' is empty"),
        ("after", ["yesterday"], "a day such as 2024-03-31"),
        ("after", ["2024-13-01"], "a day such as 2024-03-31"),
        ("after", ["2023-02-29"], "not '2023-02-29'"),
        ("after", ["20240331"], "a day such as 2024-03-31"),
        ("after", ["2024-W13-1"], "a day such as 2024-03-31"),
        ("after", ["٢٠٢٤-03-31"], "a day such as 2024-03-31"),
        ("before", ["2024-03-31T09:00:00"], "a moment such as 2024-03-31T09:00:00+09:00"),
        ("before", ["9999-12-31T99:00:00Z"], "'before' is a day"),
        ("before", ["2024-01-01", "2025-01-01"], "'before' may stand only once"),
        ("after", ["0001-01-01"], "between 1900 and 9000"),
        ("before", ["9999-12-31T23:59:59-12:00"], "between 1900 and 9000"),
    ],
)
def test_a_malformed_filter_is_told_what_is_wrong(name: str, values: list[str], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_filters({name: values})
    assert says in str(caught.value)


def test_an_empty_time_span_is_refused() -> None:
    for after, before in (("2024-05-01", "2024-05-01"), ("2024-05-02", "2024-05-01")):
        with pytest.raises(UsageError, match="must be later"):
            read_filters({"after": [after], "before": [before]})
    with pytest.raises(UsageError, match="names no time zone"):
        Filters(modified_from=datetime(2024, 1, 1))  # noqa: DTZ001


def test_a_day_begins_by_the_clock_of_the_server() -> None:
    filters = read_filters({"after": ["2024-03-31"], "before": ["2024-04-01T00:00:00Z"]})
    assert filters.modified_from is not None
    assert timezone.localtime(filters.modified_from).isoformat()[:19] == "2024-03-31T00:00:00"
    assert filters.modified_until == datetime(2024, 4, 1, tzinfo=UTC)


def test_what_is_written_is_tidied() -> None:
    filters = read_filters(
        {
            "source": [" HR ", "HR", "Wiki"],
            "type": [".PDF", "htm", "pdf", "yml"],
            "attribute": ["team = HR", "team=HR", "formula=a=b"],
            "after": [""],
        }
    )
    assert filters.sources == ("HR", "Wiki")
    assert filters.types == ("pdf", "html", "yaml")
    assert filters.attributes == (("team", "HR"), ("formula", "a=b"))
    assert filters.modified_from is None


def test_nothing_given_narrows_nothing() -> None:
    assert read_filters({}) == NO_FILTERS == from_stored({})
    assert NO_FILTERS.none
    assert not read_filters({"type": ["pdf"]}).none
    assert as_stored(NO_FILTERS) == {}


@given(ANY_FILTERS)
def test_stored_filters_come_back_as_they_were(filters: Filters) -> None:
    assert from_stored(as_stored(filters)) == filters


@pytest.mark.parametrize(
    "stored", [{"sources": "HR"}, {"attributes": [["a"]]}, {"authors": [7]}, {"types": ["x"]}]
)
def test_stored_filters_that_nobody_wrote_are_refused(stored: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        from_stored(stored)


def test_spelling_and_order_make_no_other_filter() -> None:
    one = Filters(sources=("Wiki", "HR"), authors=("Kim",), attributes=(("Team", "HR"),))
    other = Filters(sources=("hr", "ＷＩＫＩ"), authors=("kim", "KIM"), attributes=(("team", "hr"),))
    assert one.key == other.key
    later = datetime.now(UTC) + timedelta(days=1)
    assert one.key != Filters(sources=("Wiki", "HR"), authors=("Kim",), modified_until=later).key


def test_a_format_is_told_by_name_then_by_media_type() -> None:
    assert declared_format(name="Report.V2.PDF ", media_type="text/plain") == "pdf"
    assert declared_format(name="no extension", media_type="Text/HTML; charset=utf-8") == "html"
    assert declared_format(name=".pdf", media_type="") == ""
    assert declared_format(name="photo.jpg", media_type="image/jpeg") == ""
    assert {*EXTENSIONS.values(), *MEDIA_TYPES.values()} == set(FORMATS)
