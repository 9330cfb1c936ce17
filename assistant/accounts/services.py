"""What can be done with accounts."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction

from assistant.accounts.models import Address, Role, User
from assistant.accounts.revisions import Counter, bump
from assistant.audit.trail import Event, record
from assistant.common.errors import UsageError
from assistant.common.identity import canonical_email


def add_user(
    *, email: str, name: str = "", role: str = Role.EMPLOYEE, password: str | None = None, actor: str = ""
) -> User:
    """A new account. Without a password nobody can sign in to it locally.

    Raises:
        UsageError: a bad address, an unknown role, or an address that is taken.
    """
    email = canonical_email(email)
    if role not in Role.values:
        raise UsageError(f"'{role}' is no role. Known roles: {', '.join(Role.values)}.")
    if Address.objects.filter(address=email).exclude(user=None).exists():
        raise UsageError(f"There is already an account {email}, or one with that alias.")
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, name=name, role=role)
            bump(Counter.PERMISSIONS)
            record(Event.USER_ADDED, actor=actor, user=email, role=role)
    except ValidationError as error:
        raise UsageError("; ".join(error.messages)) from error
    return user
