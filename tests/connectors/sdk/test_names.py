"""What can be an id, and what stands for a name that cannot; what sounds like a permission."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk.names import escaped_id, id_problem
from connectors.sdk.permission_words import sounds_like_permission

any_name = st.text(st.characters(), min_size=1, max_size=2000)


@pytest.mark.parametrize("name", ["a", "인사/급여 2026.xlsx", "a\\b", "é", "👩‍💻.md", "x" * 512, " a "])
def test_ordinary_names_can_be_ids(name: str) -> None:
    assert id_problem(name) == ""


@pytest.mark.parametrize(
    "name", ["", " ", "a\nb", "a\x00", "a\x7f", "a\u202eb", "a\u2028b", "a\udcff", "x" * 513]
)
def test_names_that_cannot_be_stored_or_shown_are_no_ids(name: str) -> None:
    assert id_problem(name)


@given(any_name)
def test_the_stand_in_of_any_name_can_be_stored_and_is_no_listed_path(name: str) -> None:
    stand_in = escaped_id(name)
    assert id_problem(stand_in) == ""
    assert stand_in.startswith("./")


def test_stand_ins_of_different_names_differ() -> None:
    names = ["a\n", "a\\u000a", "a\x0b", "b" * 600 + "\n", "b" * 600 + "\r"]
    assert len({escaped_id(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    "key",
    ["acls", "ACL", "Acl", "permissions", "allow", "deny", "AccessControlList", "access_control",
     "allowed-users",      "docAcl", "readers", "group", "groups", "audience", "file_permissions",
     "권한", "A.C.L"],
)  # fmt: skip
def test_keys_that_may_mean_a_permission_are_noticed(key: str) -> None:
    assert sounds_like_permission(key)


@pytest.mark.parametrize(
    "key", ["lang", "meta", "oracle", "miracle", "accessibility", "author", "tags", "언어", "url"]
)
def test_other_keys_are_not(key: str) -> None:
    assert not sounds_like_permission(key)
