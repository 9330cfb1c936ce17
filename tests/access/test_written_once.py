"""A statement that is kept as text finds what the one that Django writes anew would find."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import EmptyResultSet
from django.utils import timezone

from assistant.access import visibility
from assistant.access.door import may_still_read
from assistant.access.written_once import MOMENT, choice, written
from assistant.accounts.models import User
from tests.conftest import SmallWorld

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def _joined(*, before: datetime) -> set[int]:
    return set(User.objects.filter(last_login__lt=before).values_list("pk", flat=True))


def test_the_moment_is_that_of_the_question_and_not_that_of_the_writing() -> None:
    now = timezone.now().astimezone(UTC)
    for hours in range(4):
        User.objects.create_user(f"p{hours}@example.com", last_login=now + hours * HOUR)
    statement = written(User.objects.filter(last_login__lt=MOMENT).values("pk"))
    for hours in range(-1, 5):
        then = now + hours * HOUR
        found = User.objects.filter(pk__in=statement.at(then)).values_list("pk", flat=True)
        assert set(found) == _joined(before=then)


def test_a_choice_stands_where_it_was_marked_with_parameters_on_both_sides() -> None:
    names = ["a%s@example.com", "b%%@example.com", "c@example.com"]
    ids = [User.objects.create_user(name).pk for name in names]
    marked = User.objects.filter(email__in=names).filter(pk__in=choice()).filter(is_active=True)
    statement = written(marked.values("pk"))
    for chosen in (ids[:1], ids[1:], ids):
        rows = User.objects.filter(pk__in=chosen, email__contains="@").values("pk")
        found = User.objects.filter(pk__in=statement.at(MOMENT, chosen=rows)).values_list("pk", flat=True)
        assert set(found) == set(chosen)


def test_a_choice_of_nothing_is_told_apart_from_no_choice() -> None:
    statement = written(User.objects.filter(pk__in=choice()).values("pk"))
    with pytest.raises(EmptyResultSet):
        statement.at(MOMENT, chosen=User.objects.filter(pk__in=[]).values("pk"))


def test_nothing_is_asked_for_no_documents_and_a_closed_account_reads_none(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    ids = set(visibility.visible_documents(ann).values_list("pk", flat=True))
    assert ids
    assert may_still_read(ann, ids)
    assert may_still_read(ann, set())
    User.objects.filter(pk=ann.user_id).update(is_active=False)
    assert not may_still_read(ann, ids)
