"""Membership is swapped whole, kept when a read fails, and ends at its age limit."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assistant.accounts.holding import held_by, principals_in_doubt
from assistant.accounts.models import Connection, GroupEdge, Principal, User
from assistant.accounts.principals import MembershipChange, intern_principals, replace_membership
from assistant.accounts.revisions import Counter, bump, current
from assistant.common.acl import EVERYONE, PrincipalRef, group, user
from tests.made_in_run import migrated_database

ANN, BOB = user("ann@example.com"), user("bob@example.com")
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def north(db: None) -> Connection:
    """A connection without members."""
    return Connection.objects.create(name="north", kind="jsonl")


@pytest.fixture
def ann(db: None) -> User:
    """One account."""
    return User.objects.create_user("ann@example.com", name="Ann")


def _swap(connection: Connection, **groups: tuple[PrincipalRef, ...]) -> MembershipChange:
    return replace_membership(connection=connection, groups=groups, now=timezone.now())


def _groups_of(person: User) -> set[str]:
    held = held_by(person, now=timezone.now()).ids
    return set(Principal.objects.filter(pk__in=held, kind="group").values_list("external_id", flat=True))


def test_a_person_holds_themselves_everyone_and_each_group_by_nesting(north: Connection, ann: User) -> None:
    intern_principals([EVERYONE], connection=north)
    _swap(north, team=(ANN,), firm=(group("team"),), world=(group("firm"),), other=(BOB,))
    held = Principal.objects.filter(pk__in=held_by(ann, now=timezone.now()).ids)
    assert {str(row) for row in held} == {
        "user:ann@example.com", "everyone", "group:team", "group:firm", "group:world",
    }  # fmt: skip


def test_cycles_end(north: Connection, ann: User) -> None:
    _swap(north, a=(group("b"), ANN), b=(group("c"),), c=(group("a"), group("c")))
    assert _groups_of(ann) == {"a", "b", "c"}


def test_a_swap_replaces_the_whole_membership(north: Connection, ann: User) -> None:
    assert _swap(north, a=(ANN,), b=(ANN,))
    assert _swap(north, b=(BOB,), c=(ANN,))
    assert _groups_of(ann) == {"c"}
    north.refresh_from_db()
    assert set(GroupEdge.objects.values_list("generation", flat=True)) == {north.generation}
    settled = Principal.objects.filter(kind="group", settled_in=north.generation)
    assert set(settled.values_list("external_id", flat=True)) == {"b", "c"}


def test_the_same_membership_again_changes_nothing_but_its_age(north: Connection) -> None:
    _swap(north, a=(ANN,))
    north.refresh_from_db()
    generation, confirmed = north.generation, north.principals_confirmed_at
    before = current(Counter.PERMISSIONS)
    assert not _swap(north, a=(ANN, ANN))
    north.refresh_from_db()
    assert confirmed is not None
    assert north.principals_confirmed_at is not None
    assert (north.generation, current(Counter.PERMISSIONS)) == (generation, before)
    assert north.principals_confirmed_at > confirmed


def test_a_swap_that_breaks_half_way_leaves_the_last_membership(
    north: Connection, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _swap(north, a=(ANN,))
    before = current(Counter.PERMISSIONS)

    def broken(counter: Counter) -> int:
        raise OSError(counter)

    monkeypatch.setattr("assistant.accounts.principals.bump", broken)
    with pytest.raises(OSError, match="permissions"):
        _swap(north, b=(ANN,))
    assert _groups_of(ann) == {"a"}
    assert current(Counter.PERMISSIONS) == before


def test_a_change_raises_the_permission_counter(north: Connection) -> None:
    before = current(Counter.PERMISSIONS)
    _swap(north, a=(ANN,))
    assert current(Counter.PERMISSIONS) == before + 1


def test_membership_counts_exactly_until_its_age_limit(north: Connection, ann: User) -> None:
    read = timezone.now()
    replace_membership(connection=north, groups={"a": (ANN,)}, now=read)
    limit = read + timedelta(seconds=north.max_age_s)
    for moment, known in ((limit, True), (limit + timedelta(microseconds=1), False)):
        held = held_by(ann, now=moment).ids
        assert Principal.objects.filter(pk__in=held, kind="group").exists() == known
        assert principals_in_doubt(ann, now=moment).exists() != known


def test_a_membership_confirmed_after_its_limit_counts_as_a_change(north: Connection) -> None:
    replace_membership(connection=north, groups={"a": (ANN,)}, now=timezone.now() - timedelta(days=30))
    before = current(Counter.PERMISSIONS)
    assert not _swap(north, a=(ANN,))
    assert current(Counter.PERMISSIONS) == before + 1


def test_a_group_around_an_unknown_one_is_unknown_too(north: Connection, ann: User) -> None:
    _swap(north, outer=(group("middle"),), middle=(group("ghost"), ANN), known=(ANN,), empty=())
    unknown = set(principals_in_doubt(ann, now=timezone.now()).values_list("external_id", flat=True))
    assert unknown == {"outer", "middle", "ghost"}


def test_groups_of_two_connections_never_mix(north: Connection, ann: User) -> None:
    south = Connection.objects.create(name="south", kind="jsonl")
    _swap(north, staff=(ANN,))
    _swap(south, staff=(BOB,), managers=(group("staff"),))
    assert _groups_of(ann) == {"staff"}
    held = held_by(ann, now=timezone.now()).ids
    assert {row.connection_id for row in Principal.objects.filter(pk__in=held, kind="group")} == {north.pk}


def test_an_inactive_person_holds_nothing(north: Connection, ann: User) -> None:
    _swap(north, a=(ANN, EVERYONE))
    ann.is_active = False
    assert held_by(ann, now=timezone.now()).ids == frozenset()


def test_a_membership_is_expanded_by_one_statement_whatever_its_depth(north: Connection, ann: User) -> None:
    chain = {f"g{number}": (group(f"g{number - 1}"),) for number in range(1, 300)}
    _swap(north, g0=(ANN,), **chain)
    with CaptureQueriesContext(database) as queries:
        held = held_by(ann, now=timezone.now()).ids
    assert len(held) == 301
    # One for what is held, and one for what might be.
    assert len([query for query in queries if "groupedge" in query["sql"]]) == 2


def test_a_group_of_twenty_thousand_is_taken_and_expanded_in_sane_time(north: Connection) -> None:
    crowd = tuple(user(f"p{number}@example.com") for number in range(20_000))
    last = User.objects.create_user("p19999@example.com")
    began = time.process_time()
    with CaptureQueriesContext(database) as queries:
        _swap(north, crowd=crowd, all=(group("crowd"),))
    assert _groups_of(last) == {"crowd", "all"}
    assert time.process_time() - began < 20
    assert len(queries) < 400


def test_principals_are_interned_once(north: Connection) -> None:
    south = Connection.objects.create(name="south", kind="jsonl")
    here = intern_principals([ANN, group("a"), group("A"), EVERYONE], connection=north)
    again = intern_principals([EVERYONE, group("A"), ANN, group("a")], connection=north)
    there = intern_principals([ANN, group("a"), EVERYONE], connection=south)
    assert here == again
    assert len(set(here.values())) == 4
    assert there[ANN] == here[ANN]
    assert there[EVERYONE] == here[EVERYONE]
    assert there[group("a")] != here[group("a")]


def test_a_group_whose_id_looks_like_an_address_is_no_person(north: Connection, ann: User) -> None:
    ids = intern_principals([ANN, group("ann@example.com")], connection=north)
    _swap(north, **{"ann@example.com": (BOB,)})
    assert held_by(ann, now=timezone.now()).ids == {ids[ANN]}


def test_a_counter_can_only_be_raised_inside_a_transaction(transactional_db: None) -> None:
    with pytest.raises(AssertionError):
        bump(Counter.PERMISSIONS)


_INTERN = """
import os, sys, django
django.setup()
from assistant.accounts.models import Connection
from assistant.accounts.principals import intern_principals
from assistant.common.acl import group, user
refs = [user(f"p{n}@example.com") for n in range(1200)] + [group(f"g{n}") for n in range(1200)]
north = Connection.objects.get(name="north")
print("ready", flush=True)
sys.stdin.readline()
print(len(set(intern_principals(refs, connection=north).values())), flush=True)
"""


@pytest.mark.slow  # on SQLite, whatever the other tests run on: once is enough
def test_two_processes_that_intern_the_same_principals_make_each_once(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "MUNDAP_HOME": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "assistant.config.settings",
    }
    environment["DATABASE_URL"] = f"sqlite:///{tmp_path / 'two.sqlite3'}"
    environment["PYTHONPATH"] = str(REPOSITORY)
    migrated_database(tmp_path / "two.sqlite3")
    with sqlite3.connect(tmp_path / "two.sqlite3") as rows:
        rows.execute(
            "INSERT INTO accounts_connection (name, kind, created_at, generation, max_age_s)"
            " VALUES ('north', 'jsonl', '2026-01-01', 0, 1000)"
        )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", _INTERN],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[0].strip() for process in both] == ["2400", "2400"]
    with sqlite3.connect(tmp_path / "two.sqlite3") as rows:
        assert rows.execute("SELECT count(*) FROM accounts_principal").fetchone() == (2400,)
