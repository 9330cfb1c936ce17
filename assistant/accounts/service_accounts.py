"""Service accounts: programs that belong to nobody and ask with keys of their own.

Such an account holds what everybody holds, and what somebody gave to its address or joined to it, like a
person's. Nobody can sign in to it: it has no password, no role with a right, no session, and no provider,
directory or client of SCIM leads to it. `contact` says whom to ask about it, and gives that person nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Max, Q
from django.utils import timezone

from assistant.accounts.models import SERVICE_DOMAIN, Address, Kind, User
from assistant.accounts.revisions import Counter, bump
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound, UsageError
from assistant.common.one_line import one_line

LONGEST_WORD = 40
LONGEST_NAME = 120
LONGEST_CONTACT = 200
_WORD = re.compile(rf"[a-z0-9](?:[a-z0-9-]{{0,{LONGEST_WORD - 2}}}[a-z0-9])?")


class WordTaken(UsageError):
    """Another account has or had this word."""


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service account in a list. `keys`: how many of its keys work."""

    id: int
    email: str
    name: str
    contact: str
    is_active: bool
    keys: int
    last_used_at: datetime | None


def is_word(text: str) -> bool:
    """Whether this can name a service account: a to z, digits, and hyphens between them."""
    return _WORD.fullmatch(text) is not None


def add_service_account(*, word: str, name: str, contact: str, actor: str) -> User:
    """A new service account, with the address `word`@service.invalid.

    Raises:
        UsageError: a bad word, a name that is too long, or nobody to ask about it.
        WordTaken: there is or was one of this word.
    """
    if not is_word(word):
        raise UsageError(
            f"A service account is named by 1 to {LONGEST_WORD} letters a to z, digits and hyphens,"
            " such as intranet-search."
        )
    name, contact = _checked(name, contact)
    email = f"{word}@{SERVICE_DOMAIN}"
    if Address.objects.filter(address=email).exists() or User.objects.filter(email=email).exists():
        raise WordTaken(f"There is or was already a service account {word}. Choose another name.")
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, name=name, kind=Kind.SERVICE, contact=contact)
            bump(Counter.PERMISSIONS)
            record(Event.SERVICE_ACCOUNT_ADDED, actor=actor, user=email, contact=contact)
    except ValidationError as error:
        raise UsageError("; ".join(error.messages)) from error
    return user


def change_service_account(*, user_id: int, name: str, contact: str, actor: str) -> None:
    """Another name, or somebody else to ask about it.

    Raises:
        UsageError: a name that is too long, or nobody to ask.
        NotFound: no such service account.
    """
    name, contact = _checked(name, contact)
    with transaction.atomic():
        user = User.objects.select_for_update().filter(pk=user_id, kind=Kind.SERVICE).first()
        if user is None:
            raise NotFound("There is no such service account.")
        User.objects.filter(pk=user.pk).update(name=name, contact=contact)
        record(Event.SERVICE_ACCOUNT_CHANGED, actor=actor, user=user.email, name=name, contact=contact)


def require_service_account(user_id: int) -> User:
    """The service account of this number.

    Raises:
        NotFound: there is none, or it is a person's account.
    """
    user = User.objects.filter(pk=user_id, kind=Kind.SERVICE).first()
    if user is None:
        raise NotFound("There is no such service account.")
    return user


def service_accounts() -> tuple[ServiceRow, ...]:
    """All of them, by address; there are few."""
    works = Q(api_keys__revoked_at=None, api_keys__expires_at__gt=timezone.now())
    rows = User.objects.filter(kind=Kind.SERVICE).order_by("email")
    rows = rows.annotate(working=Count("api_keys", filter=works), used=Max("api_keys__last_used_at"))
    return tuple(
        ServiceRow(row.pk, row.email, row.name, row.contact, row.is_active, row.working, row.used)
        for row in rows
    )


def _checked(name: str, contact: str) -> tuple[str, str]:
    name, contact = map(one_line, (name, contact))
    if len(name) > LONGEST_NAME:
        raise UsageError(f"The name of a service account has at most {LONGEST_NAME} characters.")
    if not contact or len(contact) > LONGEST_CONTACT:
        raise UsageError(
            f"Say in 1 to {LONGEST_CONTACT} characters who answers for the service account:"
            " a person or a department."
        )
    return name, contact
