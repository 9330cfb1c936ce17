"""Filters and PATCH against small oracles of their own, and any text at all against the parser."""

from __future__ import annotations

import json
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.common.types import Json
from assistant.identity.scim.attributes import GROUPS, PEOPLE, Resource, in_form
from assistant.identity.scim.errors import ScimError
from assistant.identity.scim.filters import parse_filter, parse_path
from assistant.identity.scim.matching import fits
from assistant.identity.scim.patching import operations_of, patched
from tests.scim.world import PATCH

WORDS = ("kim", "Kim", "lee", 'a"b\\', "김", "")
OPERATORS = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le")
TYPES = ("work", "home")

# (a filter's text, whether it holds for a resource): built together, so that the parser is not its own judge.
Case = tuple[str, object]


def _text_case(name: str) -> st.SearchStrategy[tuple[str, tuple[str, str, str]]]:
    return st.tuples(st.sampled_from(OPERATORS), st.sampled_from(WORDS)).map(
        lambda pair: (f"{name} {pair[0]} {json.dumps(pair[1])}", (name, *pair))
    )


def _holds(operator: str, value: str, wanted: str) -> bool:
    left, right = value.lower(), wanted.lower()
    return {
        "eq": left == right,
        "ne": left != right,
        "co": right in left,
        "sw": left[: len(right)] == right,
        "ew": right == "" or left[-len(right) :] == right,
        "gt": left > right,
        "ge": left >= right,
        "lt": left < right,
        "le": left <= right,
    }[operator]


terms = st.one_of(
    _text_case("userName"),
    _text_case("displayName"),
    _text_case("urn:ietf:params:scim:schemas:core:2.0:User:userName"),
)
trees = st.recursive(
    terms,
    lambda inner: st.one_of(
        inner.map(lambda one: (f"not ({one[0]})", ("not", one[1]))),
        st.tuples(inner, inner).map(
            lambda two: (f"({two[0][0]}) and ({two[1][0]})", ("and", two[0][1], two[1][1]))
        ),
        st.tuples(inner, inner).map(
            lambda two: (f"{two[0][0]} OR ({two[1][0]})", ("or", two[0][1], two[1][1]))
        ),
    ),
    max_leaves=5,
)


def _true(tree: tuple[object, ...], resource: Resource) -> bool:
    match tree:
        case ("not", inner):
            return not _true(cast(tuple[object, ...], inner), resource)
        case ("and", left, right):
            return _true(cast(tuple[object, ...], left), resource) and _true(
                cast(tuple[object, ...], right), resource
            )
        case ("or", left, right):
            return _true(cast(tuple[object, ...], left), resource) or _true(
                cast(tuple[object, ...], right), resource
            )
    name, operator, wanted = cast(tuple[str, str, str], tree)
    value = resource.get(name.rpartition(":")[2])
    if value is None:
        return operator == "ne"
    return _holds(operator, str(value), wanted)


@settings(max_examples=150, deadline=None)
@given(trees, st.sampled_from(WORDS[:5]), st.none() | st.sampled_from(WORDS))
def test_a_filter_holds_as_an_oracle_says(
    case: tuple[str, tuple[object, ...]], user_name: str, display: str | None
) -> None:
    text, tree = case
    resource: Resource = {"userName": user_name}
    if display is not None:
        resource["displayName"] = display
    assert fits(resource, parse_filter(text)) == _true(tree, resource), text


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            [
                "userName",
                " eq ",
                '"x"',
                " and ",
                " or ",
                "not",
                "(",
                ")",
                "[",
                "]",
                ".",
                " pr",
                "1e9",
                "-",
                "true",
            ]
        ),
        max_size=14,
    ).map("".join)
)
def test_any_text_is_a_filter_or_a_clear_error(text: str) -> None:
    for parse, kind in ((parse_filter, "invalidFilter"), (parse_path, "invalidPath")):
        try:
            parse(text)
        except ScimError as error:
            assert (error.status, error.kind) == (400, kind)  # noqa: PT017 - most texts are no error


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000,
        "not (" * 40 + 'userName eq "x"' + ")" * 40,
        " and ".join(['userName eq "x"'] * 70),
        'userName eq "' + "x" * 5_000 + '"',
        'userName eq "x',
        "active gt true",
        "userName co 1",
        "userName eq 01",
        'a.b.c eq "x"',
        'userName eq "x" displayName pr',
        'userName eq "\\ud800"',
    ],
)
def test_what_is_too_deep_too_long_or_wrong_is_refused(text: str) -> None:
    with pytest.raises(ScimError):
        parse_filter(text)


people_ids = st.sampled_from(["1", "2", "3", "4", "5"])
steps: st.SearchStrategy[tuple[str, list[str]]] = st.one_of(
    st.tuples(st.sampled_from(["add", "Add", "replace", "Remove"]), st.lists(people_ids, max_size=3)),
    st.tuples(st.just("one"), people_ids.map(lambda one: [one])),
    st.tuples(st.just("clear"), st.just([])),
)


@settings(max_examples=200, deadline=None)
@given(st.sets(people_ids), st.lists(steps, min_size=1, max_size=6))
def test_members_are_what_sets_say(start: set[str], said: list[tuple[str, list[str]]]) -> None:
    model = set(start)
    operations: list[Json] = []
    for what, ids in said:
        value: Json = [{"value": one} for one in ids]
        match what.lower():
            case "add":
                model |= set(ids)
                operations.append({"op": what, "path": "members", "value": value})
            case "replace":
                model = set(ids)
                operations.append({"op": what, "value": {"members": value}})
            case "remove":
                model -= set(ids)
                operations.append({"op": what, "path": "members", "value": value})
            case "one":
                model -= set(ids)
                operations.append({"op": "remove", "path": f'members[value eq "{ids[0]}"]'})
            case _:
                model = set()
                operations.append({"op": "remove", "path": "members"})
    before: Resource = {"displayName": "g", "members": [{"value": one} for one in sorted(start)]}
    kept = json.dumps(before)
    after = patched(GROUPS, before, operations_of({"schemas": [PATCH], "Operations": operations}))
    held = after.get("members") or []
    assert isinstance(held, list)
    assert sorted(str(cast(Resource, one)["value"]) for one in held) == sorted(model)
    assert json.dumps(before) == kept


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "type", "primary", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
paths = st.sampled_from(
    [
        *(
            "userName",
            "active",
            "name",
            "name.familyName",
            "emails",
            'emails[type eq "work"]',
            "id",
            "title",
            "nothing",
        ),
        *(
            'emails[type eq "work"].value',
            "emails[primary eq true].type",
            "emails.value",
            "urn:x:y:2.0:User:manager",
        ),
        "emails[not (type pr)]",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["add", "replace", "remove"]), st.none() | paths, json_values)
def test_any_patch_gives_a_resource_in_form_or_a_clear_error(op: str, path: str | None, value: Json) -> None:
    before = in_form(
        PEOPLE, {"userName": "kim", "active": "True", "emails": [{"value": "k@example.com", "type": "work"}]}
    )
    step: dict[str, Json] = {"op": op, "value": value}
    if path is not None:
        step["path"] = path
    try:
        after = patched(PEOPLE, before, operations_of({"schemas": [PATCH], "Operations": [step]}))
    except ScimError as error:
        assert (error.status, bool(error.kind)) == (400, True)  # noqa: PT017 - most steps are no error
    else:
        assert in_form(PEOPLE, after) == {name: held for name, held in after.items() if held is not None}
        assert after["userName"]


def test_an_address_is_added_to_the_kind_that_the_path_names_and_primary_is_one() -> None:
    before = in_form(
        PEOPLE, {"userName": "kim", "emails": [{"value": "a@x.org", "type": "home", "primary": True}]}
    )
    operations: Json = [
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "b@x.org"},
        {"op": "add", "path": "emails", "value": [{"value": "b@x.org", "primary": "True"}]},
        {"op": "Add", "value": {"name.givenName": "Min", "urn:x:enterprise:2.0:User": {"department": "x"}}},
    ]
    after = patched(PEOPLE, before, operations_of({"schemas": [PATCH], "Operations": operations}))
    assert after["emails"] == [
        {"value": "a@x.org", "type": "home", "primary": False},
        {"type": "work", "value": "b@x.org", "primary": True},
    ]
    assert after["name"] == {"givenName": "Min"}
    with pytest.raises(ScimError, match="fits the path"):
        patched(
            PEOPLE,
            before,
            operations_of(
                {
                    "schemas": [PATCH],
                    "Operations": [
                        {"op": "replace", "path": 'emails[type eq "other"].value', "value": "c@x.org"}
                    ],
                }
            ),
        )
