"""To whom a model is open, written as lines and kept as principals."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.accounts.models import Connection, Principal
from assistant.catalogue.audience import lines_of, principals_of, written
from assistant.common.acl import PrincipalKind
from assistant.common.errors import UsageError

pytestmark = pytest.mark.django_db
NAMES = st.text(st.sampled_from("ab @,:가"), min_size=1, max_size=9).map(str.strip).filter(bool)


def group(name: str, source: str) -> Principal:
    connection, _ = Connection.objects.get_or_create(name=source, defaults={"kind": "jsonl"})
    row, _ = Principal.objects.get_or_create(
        kind=PrincipalKind.GROUP, connection=connection, external_id=name
    )
    return row


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(groups=st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=4, unique=True))
def test_what_is_written_names_its_own_group_or_is_refused(
    groups: list[tuple[str, str]],
) -> None:
    rows = [group(name, source) for name, source in groups]
    try:
        for row in rows:
            try:
                (found,) = principals_of(lines_of(written(row)))
            except UsageError:
                continue  # two groups are written alike: neither is guessed
            assert found == row
    finally:
        Principal.objects.filter(pk__in=[row.pk for row in rows]).delete()
        Connection.objects.all().delete()


def test_a_group_that_several_sources_have_needs_its_source() -> None:
    first, second = group("staff", "wiki"), group("staff", "share")
    with pytest.raises(UsageError, match="Several sources"):
        principals_of(["group:staff"])
    assert principals_of(["group:staff @ wiki", "group:staff @ share"]) == [first, second]


def test_the_only_group_of_its_name_needs_none() -> None:
    assert principals_of(["group:cn=a,ou=b"] if group("cn=a,ou=b", "ldap") else []) == [
        Principal.objects.get(external_id="cn=a,ou=b")
    ]


def test_addresses_are_canonical_and_may_stand_side_by_side() -> None:
    lines = lines_of("Ann@Example.com, bob@example.com\n\nuser:ann@example.com\ngroup:a,b\n")
    assert lines == ("Ann@Example.com", "bob@example.com", "user:ann@example.com", "group:a,b")
    assert [written(row) for row in principals_of(lines[:3])] == ["ann@example.com", "bob@example.com"]


@pytest.mark.parametrize(
    "lines", [(), ("everyone",), ("ann",), ("group:",), ("account:7",), ("group:a @ b",)]
)
def test_what_names_nobody_is_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        principals_of(lines)


def test_too_many_are_refused() -> None:
    with pytest.raises(UsageError, match="at most 200"):
        principals_of([f"p{number}@example.com" for number in range(201)])
