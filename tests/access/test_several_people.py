"""Whoever reads together with others is given what each of them may read, and nothing else."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from django.db import connection, transaction
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from assistant.access import door, mask, together, visibility
from assistant.access.viewer import MOST_BESIDE, Viewer, viewer_for
from assistant.access.visibility import may_read, principals_of, visible_documents
from assistant.accounts import revisions
from assistant.accounts.freshness import fresh_ids
from assistant.accounts.holding import principals_held, principals_in_doubt, principals_in_doubt_for_all
from assistant.accounts.holding_together import held_by_any, held_by_each
from assistant.accounts.models import User
from assistant.accounts.people import close_account
from assistant.common.errors import UsageError
from assistant.documents.models import Document
from assistant.ingest.private import new_private_document
from tests.access.common_decisions import NOT_THERE, compare
from tests.access.made_worlds import NOW, made_world
from tests.access.test_three_forms_agree import property_run, world_in_database
from tests.conftest import SmallWorld

pytestmark = pytest.mark.django_db


def with_others(world: SmallWorld, name: str, *others: str) -> Viewer:
    user = User.objects.get(email=f"{name}@example.com")
    return viewer_for(user, beside=[world.viewer(other).user_id for other in others])


def seen(viewer: Viewer) -> set[str]:
    """What all forms allow, which must be the same."""
    ids = np.flatnonzero(mask.permitted_versions(viewer)).tolist()
    by_mask = set(Document.objects.filter(pk__in=ids).values_list("external_id", flat=True))
    by_queryset = set(visible_documents(viewer).values_list("external_id", flat=True))
    rows = Document.objects.select_related("connection", "acl")
    assert by_mask == by_queryset == {row.external_id for row in rows if may_read(viewer, row)}
    assert door.count_readable(viewer) == len(by_mask)
    return by_mask


def test_in_random_worlds_all_forms_give_random_people_what_the_oracle_lets_each_read() -> None:
    report = compare(6, 11)
    print(report)
    assert report["mismatches"] == 0
    assert report["decisions"] > 250
    assert report["allowed"] > 15


@given(seed=st.integers(0, 2**32))
@hypothesis_settings(property_run, max_examples=10)
def test_what_many_hold_is_what_each_of_them_holds(seed: int) -> None:
    with world_in_database(made_world(Random(seed), people=6), order=seed) as laid:
        users = User.objects.filter(pk__in=[v.user_id for v in laid.viewers.values()], is_active=True)
        for_all = set(principals_in_doubt_for_all(now=NOW).values_list("pk", flat=True))
        each = held_by_each([user.pk for user in users], fresh=fresh_ids(NOW))
        everything = set[int]()
        for user in users:
            held = set(principals_held(user, now=NOW).values_list("pk", flat=True))
            doubtful = set(principals_in_doubt(user, now=NOW).values_list("pk", flat=True))
            assert each[user.pk].ids == held
            assert each[user.pk].doubtful | for_all == doubtful
            everything |= held | doubtful
        any_of_them = held_by_any([user.pk for user in users], now=NOW)
        if users:
            assert set(any_of_them.values_list("pk", flat=True)) == everything


def test_two_read_together_what_both_may_read(small_world: SmallWorld) -> None:
    assert seen(with_others(small_world, "bob")) == {"handbook", "policy-ko", "salaries", "open"}
    assert seen(with_others(small_world, "bob", "ann")) == {"handbook", "policy-ko", "open"}
    assert seen(with_others(small_world, "bob", "ann", "sam")) == {"open"}
    assert seen(with_others(small_world, "cho", "bob")) == {"handbook", "policy-ko", "open"}


def test_an_account_that_is_closed_or_gone_leaves_nothing(small_world: SmallWorld) -> None:
    both = with_others(small_world, "ann", "bob")
    assert seen(both)
    close_account(user_id=small_world.viewer("bob").user_id, actor="test")
    assert not seen(both)
    ann = User.objects.get(email="ann@example.com")
    for gone in (NOT_THERE, 0, -1):
        viewer = viewer_for(ann, beside=[gone])
        assert not seen(viewer)
        assert not door.may_still_read(viewer, [])
        assert not door.readable_sources(viewer)
    assert seen(viewer_for(ann))


def test_a_viewer_put_together_by_hand_with_someone_twice_is_given_nothing(small_world: SmallWorld) -> None:
    ann, bob = small_world.viewer("ann"), small_world.viewer("bob")
    twice = Viewer(ann.user_id, ann.email, beside=(bob.user_id, bob.user_id))
    assert not visible_documents(twice).exists()
    assert not mask.permitted_versions(twice).any()


def test_a_closed_account_that_no_counter_tells_of_leaves_nothing(small_world: SmallWorld) -> None:
    both = with_others(small_world, "ann", "bob")
    assert seen(both)
    User.objects.filter(pk=small_world.viewer("bob").user_id).update(is_active=False)
    assert not seen(both)


def test_a_private_document_is_read_alone(small_world: SmallWorld) -> None:
    ann = User.objects.get(email="ann@example.com")
    with transaction.atomic():
        file = new_private_document(owner_id=ann.pk, name="plan.md", media_type="")
        Document.every.filter(pk=file.pk).update(version=1)
    row = Document.every.get(pk=file.pk)
    assert door.may_still_read(viewer_for(ann), [file.pk])
    assert may_read(viewer_for(ann), row)
    for viewer in (with_others(small_world, "ann", "bob"), Viewer(ann.pk, ann.email, beside=(ann.pk,))):
        assert not door.may_still_read(viewer, [file.pk])
        assert not may_read(viewer, row)


def test_what_changed_since_lets_nothing_through(small_world: SmallWorld) -> None:
    """A queryset that was made before who belongs to what changed is empty: each part is of one state."""
    both = with_others(small_world, "ann", "bob")
    handbook = Document.objects.get(external_id="handbook").pk
    made = visible_documents(both, among=Q(pk=handbook))
    assert made.exists()
    with transaction.atomic():
        revisions.bump(revisions.Counter.PERMISSIONS)
    assert not made.exists()
    assert visible_documents(both, among=Q(pk=handbook)).exists()


def test_a_change_just_before_the_statement_ends_no_answer(
    small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, changes = with_others(small_world, "ann", "bob"), [1]
    real = together.open_to_each

    def changed_after(*args: object, **kwargs: object) -> Q:
        made = real(*args, **kwargs)  # type: ignore[arg-type]  # as they came
        if changes:
            changes.pop()
            with transaction.atomic():
                revisions.bump(revisions.Counter.PERMISSIONS)
        return made

    monkeypatch.setattr(visibility, "open_to_each", changed_after)
    assert door.may_still_read(both, [Document.objects.get(external_id="handbook").pk])
    assert not changes


def test_permissions_that_change_while_they_are_read_are_read_again(
    small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, changes = with_others(small_world, "ann", "bob"), [1, 2]

    def changing(*args: object, **kwargs: object) -> object:
        if changes:
            changes.pop()
            with transaction.atomic():
                revisions.bump(revisions.Counter.PERMISSIONS)
        return held_by_each(*args, **kwargs)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(together, "held_by_each", changing)
    assert door.may_still_read(both, [Document.objects.get(external_id="handbook").pk])
    assert not changes


def test_who_is_alone_costs_no_statement_more_and_many_cost_as_many_as_few(
    small_world: SmallWorld, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    handbook = Document.objects.get(external_id="handbook").pk
    bob = User.objects.get(email="bob@example.com")
    door.may_still_read(viewer_for(bob), [handbook])
    with django_assert_num_queries(2):
        door.may_still_read(viewer_for(bob), [handbook])
    many = [User.objects.create_user(f"p{number}@example.com").pk for number in range(40)]
    counts = []
    for others in (many[:2], many):
        viewer = viewer_for(bob, beside=others)
        with CaptureQueriesContext(connection) as asked:
            assert not door.may_still_read(viewer, [handbook])
        counts.append(len(asked))
        mask.permitted_versions(viewer)
        with django_assert_num_queries(1):
            mask.permitted_versions(viewer)
    assert counts[0] == counts[1] < 20


def test_those_who_hold_the_same_share_a_mask(small_world: SmallWorld) -> None:
    """A viewer beside people who hold what they hold is given the very array that they have alone."""
    sam, ada = small_world.viewer("sam"), small_world.viewer("ada")
    assert mask.permitted_versions(with_others(small_world, "sam", "ada")) is mask.permitted_versions(ada)
    assert mask.permitted_versions(sam) is mask.permitted_versions(ada)


def test_others_are_sorted_and_the_viewer_is_not_among_them(people: dict[str, User]) -> None:
    ids = [people["cho"].pk, people["ann"].pk, people["bob"].pk, people["cho"].pk]
    viewer = viewer_for(people["ann"], beside=ids)
    assert viewer.beside == tuple(sorted({people["bob"].pk, people["cho"].pk}))
    assert viewer_for(people["ann"], beside=[people["ann"].pk]) == viewer_for(people["ann"])


def test_more_than_five_hundred_others_are_too_many(people: dict[str, User]) -> None:
    assert len(viewer_for(people["ann"], beside=range(1000, 1000 + MOST_BESIDE)).beside) == MOST_BESIDE
    with pytest.raises(UsageError, match="501 other people"):
        viewer_for(people["ann"], beside=range(1000, 1001 + MOST_BESIDE))


def test_several_people_hold_nothing_as_one(small_world: SmallWorld) -> None:
    assert principals_of(small_world.viewer("ann"), now=NOW).ids
    assert not principals_of(with_others(small_world, "ann", "bob"), now=NOW).ids
