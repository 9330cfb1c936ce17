"""A rule of roles by group that changes counts at once for whom a provider manages, all of it or nothing."""

from __future__ import annotations

import pytest
from django.test import Client

from assistant.accounts.models import Role, User
from assistant.audit.models import AuditEvent
from assistant.identity.models import IdentityProvider
from assistant.identity.providers import Mistakes, ProviderForm, change_provider
from tests.scim.world import account, program_of, provider

BY_HAND = {"url": "ldap://directory.example.com", "base": "dc=example,dc=com"}


@pytest.fixture
def okta(db: None) -> IdentityProvider:
    """A provider that made two people and two groups known. One more manages people without it."""
    User.objects.create_user("root@elsewhere.org", role=Role.ADMINISTRATOR)
    row = provider(group_roles=[["writers", Role.CONTENT_ADMINISTRATOR]])
    IdentityProvider.objects.update(kind="ldap")  # whose settings are short
    row.refresh_from_db()
    program = program_of(row)
    kim, lee = (program.add_person(f"{name}@example.com").id for name in ("kim", "lee"))
    program.add_group("writers", kim)
    program.add_group("wardens", lee)
    return row


def change(row: IdentityProvider, *rule: tuple[str, str]) -> None:
    """An administrator saves another rule."""
    form = ProviderForm(name=row.name, kind=row.kind, settings=BY_HAND, domains=row.domains, group_roles=rule)
    change_provider(provider_id=row.pk, form=form, actor="ada@example.com")


def roles() -> tuple[str, str]:
    """Of Kim and Lee."""
    return account("kim@example.com").role, account("lee@example.com").role


def test_a_changed_rule_counts_at_once_and_is_audited(okta: IdentityProvider) -> None:
    assert roles() == (Role.CONTENT_ADMINISTRATOR, Role.EMPLOYEE)
    change(okta, ("wardens", Role.AUDITOR))
    assert roles() == (Role.EMPLOYEE, Role.AUDITOR)
    trail = AuditEvent.objects.filter(event="role_changed").order_by("pk")
    assert {(event.actor, event.data["user"], event.data["role"]) for event in trail[1:]} == {
        ("provider:okta", "kim@example.com", Role.EMPLOYEE),
        ("provider:okta", "lee@example.com", Role.AUDITOR),
    }
    change(okta)  # no rule: roles are given in Mundap, and stay
    assert roles() == (Role.EMPLOYEE, Role.AUDITOR)


def test_a_session_obeys_with_its_next_request(okta: IdentityProvider) -> None:
    kim = Client()
    kim.force_login(account("kim@example.com"))
    assert kim.get("/console/").status_code == 200
    change(okta, ("wardens", Role.CONTENT_ADMINISTRATOR))
    assert kim.get("/console/").status_code == 404


def test_the_last_who_manages_people_is_not_demoted_and_nothing_is_changed(okta: IdentityProvider) -> None:
    change(okta, ("writers", Role.ADMINISTRATOR))
    User.objects.filter(email="root@elsewhere.org").update(is_active=False)
    with pytest.raises(Mistakes) as mistakes:
        change(okta, ("wardens", Role.AUDITOR))
    assert list(mistakes.value.by_field) == ["group_roles"]
    assert roles() == (Role.ADMINISTRATOR, Role.EMPLOYEE)
    okta.refresh_from_db()
    assert okta.group_roles == [["writers", Role.ADMINISTRATOR]]


def test_one_who_manages_people_can_be_followed_by_another_in_one_change(okta: IdentityProvider) -> None:
    change(okta, ("writers", Role.ADMINISTRATOR))
    User.objects.filter(email="root@elsewhere.org").update(is_active=False)
    change(okta, ("wardens", Role.ADMINISTRATOR))
    assert roles() == (Role.EMPLOYEE, Role.ADMINISTRATOR)


def test_roles_stay_where_the_provider_made_no_groups_known(okta: IdentityProvider) -> None:
    okta.provisioned_groups.all().delete()
    User.objects.filter(email="lee@example.com").update(role=Role.AUDITOR)
    change(okta, ("wardens", Role.CONTENT_ADMINISTRATOR))
    assert roles() == (Role.CONTENT_ADMINISTRATOR, Role.AUDITOR)
