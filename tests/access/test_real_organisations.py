"""The short form of `real_organisations.py`: one person of each kind, and every tenth of the others."""

from __future__ import annotations

import pytest

from tests.access.real_organisations import (
    ORGANISATIONS,
    one_of_each_kind,
    read_organisation,
    wrong_in_matrix,
    wrong_in_organisation,
)

pytestmark = [pytest.mark.django_db, pytest.mark.shared_data]


@pytest.mark.parametrize(("name", "fewest"), [("kubernetes-org", 526), ("rust-lang-team", 231)])
def test_the_nested_groups_of_a_real_organisation_load_and_decide(name: str, fewest: int) -> None:
    organisation = read_organisation(name)
    assert (len(organisation["groups"]), len(organisation["users"])) == ORGANISATIONS[name]
    asked, wrong = wrong_in_organisation(name, everybody=False)
    assert wrong == []
    assert fewest < asked


def test_the_decisions_of_a_real_matrix_are_as_the_matrix_has_them() -> None:
    decisions, wrong = wrong_in_matrix(everybody=False)
    assert wrong == []
    assert decisions > 259 * 1_587  # as many people may not read the same


def test_one_of_each_kind_is_chosen_and_every_tenth_of_the_others() -> None:
    people = [f"p{number}" for number in range(12)]
    alone = {"p3": {"a"}, "p4": {"a"}, "p11": {"a", "b"}}
    assert list(one_of_each_kind(people, alone)) == ["p0", "p3", "p10", "p11"]
