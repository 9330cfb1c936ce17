"""Access lists are read exactly or refused: nothing is guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.acl import (
    EVERYONE,
    Acl,
    Clause,
    Entry,
    PrincipalKind,
    PrincipalRef,
    group,
    parse_acl,
    parse_principal,
    user,
)
from assistant.common.errors import UsageError
from assistant.common.types import Json

ANN = user("ann@example.com")

json_values: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=12)
    | st.sampled_from(
        ["everyone", "group:staff", "user:ann@example.com", "allow", "deny", "2026-01-01T00:00Z"]
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["all", "allow", "deny", "entries", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_a_list_or_a_plain_refusal(value: Json) -> None:
    try:
        parsed = parse_acl(value)
    except UsageError:
        return
    assert isinstance(parsed, Acl)
    assert isinstance(value, dict)


@given(json_values)
def test_any_json_is_a_principal_or_a_plain_refusal(value: Json) -> None:
    try:
        parsed = parse_principal(value)
    except UsageError:
        return
    assert isinstance(value, str)
    assert str(parsed) == value or parsed.kind is PrincipalKind.USER


def test_the_short_form_puts_the_denies_first() -> None:
    parsed = parse_acl({"allow": ["everyone"], "deny": ["user:Ann@Example.com"]})
    assert parsed == Acl((Clause((Entry(False, ANN), Entry(True, EVERYONE))),))


def test_the_long_form_keeps_its_order_and_its_expiries() -> None:
    parsed = parse_acl({"entries": [["allow", "group:A"], ["deny", "everyone", "2026-03-01T09:00:00+09:00"]]})
    assert parsed.clauses[0].entries == (
        Entry(True, group("A")),
        Entry(False, EVERYONE, datetime(2026, 3, 1, tzinfo=UTC)),
    )


def test_all_holds_every_clause() -> None:
    parsed = parse_acl({"all": [{"allow": ["everyone"]}, {"allow": []}, {"entries": []}]})
    assert [len(clause.entries) for clause in parsed.clauses] == [1, 0, 0]


def test_all_of_nothing_is_a_list_without_clauses() -> None:
    assert parse_acl({"all": []}) == Acl(())


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "everyone",
        {},
        {"allow": "everyone"},
        {"allow": ["Everyone"]},
        {"allow": ["group:"]},
        {"allow": ["user:nobody"]},
        {"allow": ["staff"]},
        {"allow": [None]},
        {"allow": ["everyone"], "x": 1},
        {"all": [{"allow": ["everyone"]}], "allow": ["everyone"]},
        {"all": {"allow": []}},
        {"entries": [["permit", "everyone"]]},
        {"entries": [["allow"]]},
        {"entries": [["allow", "everyone", "soon"]]},
        {"entries": [["allow", "everyone", "2026-01-01T00:00:00"]]},
        {"entries": [["allow", "everyone", 1767225600]]},
        {"entries": [["allow", "everyone", None, None]]},
        {"entries": ["allow everyone"]},
        {"allow": ["group:" + "x" * 513]},
        {"allow": ["group:a\x00b"]},
    ],
)
def test_what_is_not_exactly_an_access_list_is_refused(value: Json) -> None:
    with pytest.raises(UsageError):
        parse_acl(value)


def test_group_ids_are_taken_letter_by_letter() -> None:
    assert len({group("Staff"), group("staff"), group(" staff"), group("staff ")}) == 4
    assert parse_principal("group:a:b") == PrincipalRef(PrincipalKind.GROUP, "a:b")


def test_a_group_called_everyone_is_not_everyone() -> None:
    assert parse_principal("group:everyone") != EVERYONE
