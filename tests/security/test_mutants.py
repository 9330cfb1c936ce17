"""Classic mistakes in permission code, made on purpose: the checks must notice each of them.

A check that stays green under all of these would prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random

import numpy as np
import pytest
from django.db.models import Q, QuerySet
from django.utils import timezone
from numpy.typing import NDArray

from assistant.access import door, mask, visibility
from assistant.access.viewer import viewer_for
from assistant.accounts.models import Connection, GroupEdge, Principal, User
from assistant.accounts.principals import Held, unknown_groups
from assistant.documents.models import AclEntry, Chunk, Document, Hidden
from tests.access.laid_down import by_mask, by_object, by_queryset, expected, write_paper
from tests.access.made_worlds import NOW, made_world
from tests.access.oracle import Clauses, Line, Paper, World, person
from tests.access.test_three_forms_agree import assert_all_forms_equal_the_oracle, world_in_database

pytestmark = pytest.mark.django_db
Mutant = Callable[[pytest.MonkeyPatch], None]
WORLDS = 12


def _deny_dropped(patch: pytest.MonkeyPatch) -> None:
    counting = visibility._counting_entries
    patch.setattr(visibility, "_counting_entries", lambda held, now: counting(held, now).filter(allow=True))


def _any_clause_is_enough(patch: pytest.MonkeyPatch) -> None:
    def deciding(document: Document, *, held: Held, now: object) -> list[AclEntry | None]:
        found = real(document, held=held, now=NOW)
        opened = [entry for entry in found if entry is not None and entry.allow]
        return list(opened[:1]) or found

    real = visibility.deciding_entries
    patch.setattr(visibility, "deciding_entries", deciding)


def _any_clause_is_enough_in_the_mask(patch: pytest.MonkeyPatch) -> None:
    real = mask._AclTable.open_for

    def opened(table: mask._AclTable, held: Held, unknown: set[int], now: float) -> NDArray[np.bool_]:
        counts = table.clause_counts
        table.clause_counts = np.minimum(counts, 1)
        try:
            return real(table, held, unknown, now)
        finally:
            table.clause_counts = counts

    patch.setattr(mask._AclTable, "open_for", opened)


def _expiry_ignored(patch: pytest.MonkeyPatch) -> None:
    def counting(held: QuerySet[Principal], now: object) -> QuerySet[AclEntry]:
        unknown = unknown_groups(NOW)
        return AclEntry.objects.filter(Q(principal__in=held) | Q(allow=False, principal__in=unknown))

    patch.setattr(visibility, "_counting_entries", counting)


def _expiry_ignored_in_the_mask(patch: pytest.MonkeyPatch) -> None:
    real = mask._AclTable.open_for
    patch.setattr(
        mask._AclTable, "open_for", lambda table, held, unknown, now: real(table, held, unknown, -1.0)
    )


def _unknown_groups_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(visibility, "unknown_groups", lambda now: Principal.objects.none())


def _unknown_groups_forgotten_in_the_mask(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(mask, "unknown_groups", lambda now: Principal.objects.none())


def _groups_not_nested(patch: pytest.MonkeyPatch) -> None:
    def direct(user: User, *, now: object) -> Held:
        own = set(
            Principal.objects.filter(Q(external_id=user.email) | Q(kind="everyone")).values_list(
                "pk", flat=True
            )
        )
        return Held(
            frozenset(own | set(GroupEdge.objects.filter(member__in=own).values_list("group_id", flat=True)))
        )

    patch.setattr(visibility, "held_by", direct)


def _age_limit_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(visibility, "confirmed_recently", lambda now: Q())


def _age_limit_ignored_in_the_mask(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(mask, "_recent", lambda documents, now: np.ones(len(documents.versions), np.bool_))


def _inactive_people_read_on(patch: pytest.MonkeyPatch) -> None:
    def anybody(viewer: object) -> User | None:
        found: User | None = User.objects.filter(pk=getattr(viewer, "user_id", 0)).first()
        if found is not None:
            found.is_active = True
        return found

    patch.setattr(visibility, "_active", anybody)


def _first_match_turned_into_last(patch: pytest.MonkeyPatch) -> None:
    real = mask._AclTable._append

    def reversed_rows(table: mask._AclTable, rows: list[tuple[int, int, bool, int, None]]) -> None:
        real(table, sorted(rows, key=lambda row: (row[0], row[1], -rows.index(row))))  # type: ignore[arg-type]

    patch.setattr(mask._AclTable, "_append", reversed_rows)


MUTANTS: tuple[Mutant, ...] = (
    _deny_dropped,
    _any_clause_is_enough,
    _any_clause_is_enough_in_the_mask,
    _expiry_ignored,
    _expiry_ignored_in_the_mask,
    _unknown_groups_forgotten,
    _unknown_groups_forgotten_in_the_mask,
    _groups_not_nested,
    _age_limit_ignored,
    _age_limit_ignored_in_the_mask,
    _inactive_people_read_on,
    _first_match_turned_into_last,
)


def _worlds() -> Iterator[World]:
    return (made_world(Random(seed), papers=24) for seed in range(WORLDS))


def _compare_all() -> None:
    for world in _worlds():
        assert_all_forms_equal_the_oracle(world)


def test_the_worlds_are_clean_without_a_mistake() -> None:
    for world in list(_worlds())[:3]:
        assert_all_forms_equal_the_oracle(world)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__.strip("_"))
def test_a_mistake_in_the_rule_is_noticed(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    with pytest.raises(AssertionError):
        _compare_all()


def _readable_by_ann() -> Clauses:
    return ((Line(True, person("person0@example.com")),),)


def test_a_mask_that_is_not_refreshed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = made_world(Random(1))
    with world_in_database(world) as laid:
        by_mask(laid, NOW)
        monkeypatch.setattr(mask._DocumentTable, "refresh", lambda table: None)
        world.people["person0@example.com"] = True
        User.objects.filter(email="person0@example.com").update(is_active=True)
        world.papers["fresh"] = Paper("north", _readable_by_ann(), NOW)
        laid.documents["fresh"] = write_paper("fresh", world.papers["fresh"], laid.connections)
        assert by_queryset(laid, NOW) == by_object(laid, NOW) == expected(world)
        assert by_mask(laid, NOW) != expected(world)


def test_a_door_that_does_not_compare_versions_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same passages as in the door's own test, with the comparison taken out."""
    user = User.objects.create_user("ann@example.com")
    world = World(NOW, {}, made_world(Random(2)).sources, {})
    with world_in_database(world):
        connection = Connection.objects.get(name="north")
        paper = Paper(connection.name, ((Line(True, person(user.email)),),), timezone.now(), version=2)
        pk = write_paper("paper", paper, {connection.name: connection})
        for version in (1, 2):
            Chunk.objects.create(
                document_id=pk, version=version, ordinal=0, start=0, end=1, text="x", digest="x"
            )
        Document.objects.filter(pk=pk).update(hidden=Hidden.NO)
        chunks = list(Chunk.objects.filter(document_id=pk).values_list("pk", flat=True))
        monkeypatch.setattr(door, "_passage", lambda chunk: chunk)
        allowed = door.passages(viewer_for(user), chunks)
        assert [getattr(chunk, "version", 0) for chunk in allowed] == [2]
        monkeypatch.setattr(door, "F", lambda name: 1)
        assert [getattr(chunk, "version", 0) for chunk in door.passages(viewer_for(user), chunks)] != [2]


def test_a_door_that_asks_nobody_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    user = User.objects.create_user("ann@example.com")
    with world_in_database(made_world(Random(3))):
        limit = timezone.now() - timedelta(days=400)
        Document.objects.update(acl_confirmed_at=limit)
        assert door.count_readable(viewer_for(user)) == 0
        monkeypatch.setattr(door, "visible_documents", lambda viewer: Document.objects.all())
        assert door.count_readable(viewer_for(user)) > 0
