"""Nobody widens what they may do themselves, and somebody can always manage people."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from assistant.accounts import people as services
from assistant.accounts.models import AccountLink, Address, Connection, Role, User
from assistant.accounts.people import LastManager, OwnAccount
from assistant.audit.models import AuditEvent
from assistant.common.errors import UsageError
from tests.conftest import PASSWORD


@pytest.fixture
def sec(db: None) -> User:
    """The only one who manages people."""
    return User.objects.create_user("sec@example.com", PASSWORD, role=Role.SECURITY_ADMINISTRATOR)


@pytest.fixture
def ann(db: None) -> User:
    """An employee."""
    return User.objects.create_user("ann@example.com", PASSWORD)


def test_nobody_changes_what_they_may_read_or_do_themselves(sec: User, ann: User) -> None:
    """Not even by the address of somebody who has no account yet."""
    wiki = Connection.objects.create(name="wiki", kind="jsonl")
    services.add_alias(user_id=ann.pk, address="desk@example.com", actor="command line")
    services.release_address(address="desk@example.com", actor="command line")
    services.add_alias(user_id=sec.pk, address="desk@example.com", actor="command line")
    services.link_account(connection_id=wiki.pk, account_id="u1", user_id=sec.pk, actor="command line")
    before = AuditEvent.objects.count()
    own: list[Callable[[], object]] = [
        lambda: services.add_alias(user_id=sec.pk, address="chief@example.com", actor=sec.email),
        lambda: services.confirm_address(address="desk@example.com", actor=sec.email),
        lambda: services.set_role(user_id=sec.pk, role=Role.ADMINISTRATOR, actor=sec.email),
        lambda: services.link_account(
            connection_id=wiki.pk, account_id="chief", user_id=sec.pk, actor=sec.email
        ),
        lambda: services.unlink_account(connection_id=wiki.pk, account_id="u1", actor=sec.email),
    ]
    for change in own:
        with pytest.raises(OwnAccount, match="Ask another person"):
            change()
    sec.refresh_from_db()
    assert sec.role == Role.SECURITY_ADMINISTRATOR
    assert set(Address.objects.filter(user=sec, confirmed=True).values_list("address", flat=True)) == {
        sec.email
    }
    assert AccountLink.objects.get().principal.external_id == "u1"
    assert AuditEvent.objects.count() == before


def test_the_last_who_manages_people_keeps_role_and_account(sec: User, ann: User) -> None:
    with pytest.raises(LastManager):
        services.set_role(user_id=sec.pk, role=Role.EMPLOYEE, actor="command line")
    with pytest.raises(LastManager):
        services.close_account(user_id=sec.pk, actor=sec.email)
    services.set_role(user_id=sec.pk, role=Role.ADMINISTRATOR, actor="command line")  # still manages
    services.set_role(user_id=ann.pk, role=Role.SECURITY_ADMINISTRATOR, actor=sec.email)
    services.close_account(user_id=sec.pk, actor=ann.email)
    with pytest.raises(LastManager):
        services.set_role(user_id=ann.pk, role=Role.AUDITOR, actor="command line")


def test_others_are_closed_and_changed_though_nobody_manages_people(ann: User) -> None:
    services.set_role(user_id=ann.pk, role=Role.AUDITOR, actor="command line")
    services.close_account(user_id=ann.pk, actor="command line")
    ann.refresh_from_db()
    assert (ann.role, ann.is_active) == (Role.AUDITOR, False)
    with pytest.raises(UsageError, match="no role"):
        services.set_role(user_id=ann.pk, role="king", actor="command line")
