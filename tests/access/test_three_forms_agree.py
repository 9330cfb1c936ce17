"""The queryset, the object test and the mask decide as the oracle does, whatever the world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from assistant.access import mask
from assistant.accounts.models import Connection
from assistant.documents.models import Acl, AclEntry, Document
from assistant.ingest.storing import remove
from tests.access.laid_down import (
    LaidDown,
    by_mask,
    by_object,
    by_queryset,
    expected,
    lay_down,
    link,
    make,
    settle_person,
    unlink,
    write_paper,
    write_read,
)
from tests.access.made_worlds import (
    CONNECTIONS,
    NOW,
    account_ids,
    addresses_of,
    made_paper,
    made_read,
    made_world,
)
from tests.access.oracle import EVERYONE, Deed, Line, Move, Paper, Read, Source, World, group, holders, person

pytestmark = pytest.mark.django_db

property_run = settings(
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@contextmanager
def world_in_database(world: World, *, order: int = 0) -> Iterator[LaidDown]:
    """The world, laid down in one of many orders, until the end of the block."""
    mask.forget()
    with transaction.atomic():
        yield lay_down(world, order=order)
        transaction.set_rollback(True)
    mask.forget()


def assert_all_forms_equal_the_oracle(world: World, *, order: int = 0) -> int:
    """Compare every decision; returns how many there were."""
    with world_in_database(world, order=order) as laid:
        said = expected(world)
        assert by_queryset(laid, world.now) == said, "the queryset"
        assert by_object(laid, world.now) == said, "the object test"
        assert by_mask(laid, world.now) == said, "the mask"
    return len(world.people) * len(world.papers)


@given(seed=st.integers(0, 2**32))
@settings(property_run, max_examples=50)
def test_all_three_forms_decide_as_the_oracle_in_random_worlds(seed: int) -> None:
    assert_all_forms_equal_the_oracle(made_world(Random(seed)), order=seed)


def test_random_worlds_hold_enough_of_both_answers() -> None:
    worlds = [made_world(Random(seed)) for seed in range(60)]
    allowed = sum(len(expected(world)) for world in worlds)
    asked = sum(len(world.people) * len(world.papers) for world in worlds)
    assert 0.08 < allowed / asked < 0.5


def _world(lines: tuple[Line, ...], groups: dict[str, tuple[tuple[str, str, str], ...]]) -> World:
    fresh = Source(limit=timedelta(hours=1), groups=groups, members_confirmed=NOW, lists_confirmed=NOW)
    return World(
        now=NOW,
        people={"ann@example.com": True, "bob@example.com": True},
        sources={"north": fresh, "south": Source(timedelta(hours=1), {}, NOW, NOW)},
        papers={"paper": Paper(source="north", clauses=(lines,), confirmed=NOW)},
    )


ANN, BOB = person("ann@example.com"), person("bob@example.com")
STAFF, CREW, GHOST = group("north", "staff"), group("north", "crew"), group("north", "ghost")
CASES: dict[str, tuple[World, set[str]]] = {
    "a_person_named": (_world((Line(True, ANN),), {}), {"ann"}),
    "nobody_named": (_world((), {}), set()),
    "everyone": (_world((Line(True, EVERYONE),), {}), {"ann", "bob"}),
    "a_nested_group": (_world((Line(True, STAFF),), {"staff": (CREW,), "crew": (BOB,)}), {"bob"}),
    "a_cycle": (_world((Line(True, STAFF),), {"staff": (CREW, ANN), "crew": (STAFF, BOB)}), {"ann", "bob"}),
    "a_deny_first": (_world((Line(False, ANN), Line(True, EVERYONE)), {}), {"bob"}),
    "a_deny_after_the_allow": (_world((Line(True, ANN), Line(False, ANN)), {}), {"ann"}),
    "a_deny_of_an_unknown_group": (_world((Line(False, GHOST), Line(True, EVERYONE)), {}), set()),
    "an_allow_before_a_deny_of_an_unknown_group": (
        _world((Line(True, ANN), Line(False, GHOST)), {}),
        {"ann"},
    ),
    "a_deny_of_a_group_that_holds_an_unknown_one": (
        _world((Line(False, STAFF), Line(True, EVERYONE)), {"staff": (CREW,), "crew": (GHOST,)}),
        set(),
    ),
    "a_deny_of_an_empty_group": (
        _world((Line(False, STAFF), Line(True, EVERYONE)), {"staff": ()}),
        {"ann", "bob"},
    ),
    "an_allow_of_an_unknown_group": (_world((Line(True, GHOST),), {}), set()),
    "an_allow_that_has_expired": (_world((Line(True, ANN, NOW),), {}), set()),
    "a_deny_that_has_expired": (_world((Line(False, ANN, NOW), Line(True, ANN)), {}), {"ann"}),
    "a_group_of_everyone": (_world((Line(True, STAFF),), {"staff": (EVERYONE,)}), {"ann", "bob"}),
    "a_deny_of_a_group_of_everyone": (
        _world((Line(False, STAFF), Line(True, ANN)), {"staff": (EVERYONE,)}),
        set(),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_rule_is_what_the_design_says(case: str) -> None:
    world, readers = CASES[case]
    assert {email.split("@")[0] for email, _ in expected(world)} == readers
    assert_all_forms_equal_the_oracle(world)


def test_groups_of_the_same_name_in_two_connections_are_two_groups() -> None:
    world = _world((Line(True, STAFF),), {})
    world.sources["south"].groups["staff"] = (ANN,)
    world.sources["north"].groups["staff"] = (BOB,)
    assert expected(world) == {("bob@example.com", "paper")}
    assert_all_forms_equal_the_oracle(world)


def test_a_list_of_ten_thousand_entries_is_exact() -> None:
    crowd = tuple(Line(False, person(f"p{number}@example.com")) for number in range(9_999))
    world = _world((*crowd, Line(True, ANN)), {})
    assert expected(world) == {("ann@example.com", "paper")}
    assert_all_forms_equal_the_oracle(world)


Change = Callable[[Random, World, LaidDown], World]


def _swap_list(random: Random, world: World, laid: LaidDown) -> World:
    name = random.choice(list(world.papers))
    changed = made_paper(random, addresses_of(len(world.people)), connection=world.papers[name].source)
    if random.random() < 0.2:
        name = f"new{len(world.papers)}"
    laid.documents[name] = write_paper(name, changed, laid.connections)
    return replace(world, papers={**world.papers, name: changed})


def _swap_members(random: Random, world: World, laid: LaidDown) -> World:
    name = random.choice(CONNECTIONS)
    source = world.sources[name]
    last = Read(source.groups, source.accounts)
    read = made_read(random, name, addresses_of(len(world.people)), last)
    write_read(laid.connections[name], read, NOW)
    earlier = source.earlier if source.members_confirmed is None else (*source.earlier, last)
    source = replace(
        source, groups=read.groups, accounts=read.accounts, earlier=earlier, members_confirmed=NOW
    )
    return replace(world, sources={**world.sources, name: source})


def _hide_or_show(random: Random, world: World, laid: LaidDown) -> World:
    name = random.choice(list(world.papers))
    changed = replace(world.papers[name], hidden=not world.papers[name].hidden)
    write_paper(name, changed, laid.connections)
    return replace(world, papers={**world.papers, name: changed})


def _delete(random: Random, world: World, laid: LaidDown) -> World:
    name = random.choice(list(world.papers))
    remove([laid.documents[name]])
    changed = replace(world.papers[name], hidden=True, clauses=None)
    return replace(world, papers={**world.papers, name: changed})


def _age_lists(random: Random, world: World, laid: LaidDown) -> World:
    name = random.choice(CONNECTIONS)
    moment = NOW - random.choice((timedelta(0), timedelta(hours=2)))
    Connection.objects.filter(pk=laid.connections[name].pk).update(permissions_confirmed_at=moment)
    source = replace(world.sources[name], lists_confirmed=moment)
    return replace(world, sources={**world.sources, name: source})


def _switch_person(random: Random, world: World, laid: LaidDown) -> World:
    key = random.choice(list(world.people))
    active = not world.people[key]
    settle_person(laid.viewers[key].user_id, active=active)
    return replace(world, people={**world.people, key: active})


def _link_or_unlink(random: Random, world: World, laid: LaidDown) -> World:
    name = random.choice(CONNECTIONS)
    source, owner = world.sources[name], random.choice(list(world.people))
    links = dict(source.links)
    if links and random.random() < 0.4:
        account, _ = links.popitem()
        unlink(laid.connections[name], account)
    else:
        account = random.choice(account_ids(len(addresses_of(len(world.people)))))
        links[account] = owner
        link(laid.connections[name], account, laid.viewers[owner].user_id)
    return replace(world, sources={**world.sources, name: replace(source, links=links)})


def _move_an_address(random: Random, world: World, laid: LaidDown) -> World:
    here = holders(world)
    aliases = {move.address for move in world.moves if move.deed is Deed.GETS} - set(world.people)
    moves = [Move(Deed.CONFIRMED, who, address) for address, (who, sure) in here.items() if not sure]
    moves += [Move(Deed.GIVES_UP, here[address][0], address) for address in aliases & set(here)]
    free = [address for address in addresses_of(len(world.people)) if address not in here]
    moves += [Move(Deed.GETS, random.choice(list(world.people)), address) for address in free[:4]]
    renamed = {move.address for move in world.moves if move.deed is Deed.RENAMED}
    possible = [move for move in moves if move.deed is not Deed.GIVES_UP or move.address not in renamed]
    move = random.choice(possible)
    make(move, {key: viewer.user_id for key, viewer in laid.viewers.items()})
    return replace(world, moves=(*world.moves, move))


CHANGES: tuple[Change, ...] = (
    _swap_list,
    _swap_list,
    _swap_members,
    _swap_members,
    _hide_or_show,
    _delete,
    _age_lists,
    _switch_person,
    _link_or_unlink,
    _move_an_address,
    _move_an_address,
)


@given(seed=st.integers(0, 2**32))
@settings(property_run, max_examples=15)
def test_a_mask_kept_through_changes_equals_a_fresh_one_and_the_oracle(seed: int) -> None:
    random = Random(seed)
    world = made_world(random)
    with world_in_database(world) as laid:
        assert by_mask(laid, NOW) == expected(world)
        for _ in range(10):
            world = random.choice(CHANGES)(random, world, laid)
            kept = by_mask(laid, NOW)
            tables = dict(mask._tables)
            mask.forget()
            fresh = by_mask(laid, NOW)
            mask._tables.update(tables)
            assert kept == fresh == expected(world)
            assert by_queryset(laid, NOW) == fresh


def test_a_list_that_appears_after_one_with_a_higher_id_is_loaded_too() -> None:
    """Ids are given when a transaction writes, and seen when it ends: the order may differ."""
    world = _world((Line(True, ANN),), {})
    with world_in_database(world) as laid:
        reader = AclEntry.objects.get().principal_id
        for list_id, name in ((1000, "late"), (500, "early")):
            row = Acl.objects.create(pk=list_id, digest=name, clause_count=1)
            AclEntry.objects.create(acl=row, clause=0, position=0, allow=True, principal_id=reader)
            laid.documents[name] = write_paper(name, Paper("north", None, NOW), laid.connections)
            Document.objects.filter(external_id=name).update(acl=row)
            assert ("ann@example.com", name) in by_mask(laid, NOW)
