"""What a test commits is gone after it, and what migrating wrote is there."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import TransactionTestCase

from assistant.accounts.models import User

pytestmark = pytest.mark.django_db(transaction=True)
_STAY = {ContentType._meta.db_table, Permission._meta.db_table}


def numbers() -> dict[str, int]:
    """How many rows each table has, if any."""
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        for name in connection.introspection.django_table_names(only_existing=True):
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(name)}")
            found[name] = cursor.fetchone()[0]
    return {name: number for name, number in found.items() if number}


def what_people_may() -> set[tuple[str, str, str]]:
    """The permissions, by the names of what they are about."""
    names = ("content_type__app_label", "content_type__model", "codename")
    return set(Permission.objects.values_list(*names))


def empty() -> None:
    """As it is done after each of these tests."""
    TransactionTestCase._fixture_teardown(TransactionTestCase())  # type: ignore[attr-defined]  # no stub has it


def fill() -> None:
    """Rows that refer to each other, and to what stays."""
    group = Group.objects.create(name="writers")
    group.permissions.set(Permission.objects.all()[:3])
    user = User.objects.create_user("ann@example.com")
    user.groups.add(group)
    user.user_permissions.set(Permission.objects.all()[:2])


def test_nothing_is_left_of_what_was_committed() -> None:
    empty()
    before, may = numbers(), what_people_may()
    assert set(before) == _STAY
    fill()
    assert set(numbers()) > _STAY
    for _ in range(2):
        empty()
        assert numbers() == before
    assert what_people_may() == may
    assert may


@pytest.mark.parametrize("model", [Permission, ContentType])
def test_what_migrating_wrote_comes_back(model: type[Permission] | type[ContentType]) -> None:
    empty()
    before, may = numbers(), what_people_may()
    fill()
    model._base_manager.earliest("pk").delete()
    assert what_people_may() < may
    empty()
    assert numbers() == before
    assert what_people_may() == may
