"""A source may know people by ids of its own: who is whose, from the file to the answer."""

from __future__ import annotations

import pytest

from assistant.access.door import readable
from assistant.accounts import people
from assistant.accounts.models import User
from assistant.accounts.services import add_user
from assistant.documents.models import Document
from assistant.sync.models import RunFailure, RunState, SyncRun
from tests.conftest import SmallWorld

pytestmark = pytest.mark.django_db


def _sees(world: SmallWorld, name: str) -> set[str]:
    documents = list(Document.objects.values_list("pk", flat=True))
    return {card.external_id for card in readable(world.viewer(name), documents).values()}


def _account(world: SmallWorld, account: str, email: str | None = None) -> None:
    world.groups[account] = {"account": account, **({"email": email} if email else {})}


@pytest.fixture
def world(small_world: SmallWorld) -> SmallWorld:
    """The salaries are for account U1 alone, and nobody says yet whose that is."""
    small_world.documents["salaries"]["acl"] = {"allow": ["account:U1"]}
    small_world.sync()
    return small_world


def _all_see(world: SmallWorld) -> set[str]:
    return {name for name in ("ann", "bob", "cho", "sam", "ada") if "salaries" in _sees(world, name)}


def test_an_account_without_an_address_is_nobodys(world: SmallWorld) -> None:
    _account(world, "U1")
    world.sync("permissions")
    assert _all_see(world) == set()


def test_an_account_belongs_to_whom_its_verified_address_names(world: SmallWorld) -> None:
    _account(world, "U1", "ANN@example.com")
    world.sync("permissions")
    assert _all_see(world) == {"ann"}


def test_an_account_in_a_group_opens_what_the_group_opens(world: SmallWorld) -> None:
    _account(world, "U7", "sam@example.com")
    world.groups["hr"]["members"] = ["account:U7"]
    world.documents["salaries"]["acl"] = {"allow": ["group:hr"]}
    world.sync()
    assert _all_see(world) == {"sam"}


def test_two_accounts_with_one_address_are_nobodys_until_somebody_decides(world: SmallWorld) -> None:
    _account(world, "U1", "ann@example.com")
    _account(world, "U2", "ann@example.com")
    world.sync("permissions")
    assert _all_see(world) == set()
    ann = User.objects.get(email="ann@example.com")
    people.link_account(connection_id=world.source_id, account_id="U1", user_id=ann.pk, actor="test")
    assert _all_see(world) == {"ann"}
    people.unlink_account(connection_id=world.source_id, account_id="U1", actor="test")
    assert _all_see(world) == set()


def test_an_address_that_moves_to_another_account_opens_nothing(world: SmallWorld) -> None:
    _account(world, "U9", "ann@example.com")
    world.sync("permissions")
    del world.groups["U9"]
    _account(world, "U1", "ann@example.com")
    world.sync("permissions")
    assert _all_see(world) == set()


def test_a_link_outranks_the_address(world: SmallWorld) -> None:
    _account(world, "U1", "ann@example.com")
    world.sync("permissions")
    sam = User.objects.get(email="sam@example.com")
    people.link_account(connection_id=world.source_id, account_id="U1", user_id=sam.pk, actor="test")
    assert _all_see(world) == {"sam"}


def test_a_deny_of_an_account_that_is_nobodys_applies_to_everybody(world: SmallWorld) -> None:
    world.documents["open"]["acl"] = {"deny": ["account:U5"], "allow": ["everyone"]}
    world.sync()
    assert "open" not in _sees(world, "sam")
    _account(world, "U5", "bob@example.com")
    world.sync("permissions")
    assert "open" in _sees(world, "sam")
    assert "open" not in _sees(world, "bob")


def test_an_alias_opens_what_names_it(world: SmallWorld) -> None:
    world.documents["salaries"]["acl"] = {"allow": ["user:a.hill@example.com"]}
    world.sync()
    ann = User.objects.get(email="ann@example.com")
    people.add_alias(user_id=ann.pk, address="A.Hill@Example.com", actor="test")
    assert _all_see(world) == {"ann"}
    people.release_address(address="a.hill@example.com", actor="test")
    assert _all_see(world) == set()


def test_who_gets_an_address_second_inherits_nothing_until_it_is_confirmed(world: SmallWorld) -> None:
    world.documents["salaries"]["acl"] = {"allow": ["user:ann@example.com"]}
    world.sync()
    ann = User.objects.get(email="ann@example.com")
    people.close_account(user_id=ann.pk, actor="test")
    people.release_closed_account(user_id=ann.pk, actor="test")
    add_user(email="ann@example.com", name="Another Ann")
    assert "salaries" not in _sees(world, "ann")
    people.confirm_address(address="ann@example.com", actor="test")
    assert "salaries" in _sees(world, "ann")


def test_a_deny_of_a_recycled_address_counts_for_its_new_holder(world: SmallWorld) -> None:
    world.documents["open"]["acl"] = {"deny": ["user:ann@example.com"], "allow": ["everyone"]}
    world.sync()
    ann = User.objects.get(email="ann@example.com")
    people.close_account(user_id=ann.pk, actor="test")
    people.release_closed_account(user_id=ann.pk, actor="test")
    add_user(email="ann@example.com")
    assert "open" not in _sees(world, "ann")


@pytest.mark.parametrize(
    "line",
    [
        {"account": "U1", "email": "no address"},
        {"account": "", "email": "ann@example.com"},
        {"account": "U1", "mail": "ann@example.com"},
        {"account": 7},
    ],
)
def test_an_account_line_that_is_not_understood_keeps_the_last_membership(
    world: SmallWorld, line: dict[str, object]
) -> None:
    _account(world, "U1", "ann@example.com")
    world.sync("permissions")
    world.groups["U1"] = line  # type: ignore[assignment]
    world.sync("permissions")
    run = SyncRun.objects.latest("pk")
    assert run.state == RunState.SUCCEEDED_WITH_ERRORS
    assert RunFailure.objects.filter(run=run, code="bad_permissions").count() == 1
    assert _all_see(world) == {"ann"}
