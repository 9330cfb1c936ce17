"""Keys for the API: shown once, kept as a digest, good for what their owner may do until they expire."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from assistant.accounts.models import ApiKey, User
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound, UsageError

_PREFIX = "mundap_"
_LONGEST_NAME = 80
_MOST_DAYS = 365


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key in the only moment in which its text is known."""

    id: int
    text: str


def issue_key(*, user_id: int, name: str, days: int, actor: str) -> NewKey:
    """A new key of a person.

    Raises:
        UsageError: no name, or a life of less than a day or more than a year.
        NotFound: no such person, or their account is closed.
    """
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME:
        raise UsageError(f"A key's name must have 1 to {_LONGEST_NAME} characters.")
    if not 1 <= days <= _MOST_DAYS:
        raise UsageError(f"A key lives 1 to {_MOST_DAYS} days.")
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise NotFound("There is no such person.")
    text = _PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        key = ApiKey.objects.create(
            user=user, name=name, digest=_digest(text), expires_at=timezone.now() + timedelta(days=days)
        )
        record(Event.API_KEY_ISSUED, actor=actor, user=user.email, key=key.pk, days=days)
    return NewKey(key.pk, text)


def revoke_key(*, key_id: int, actor: str) -> None:
    """End a key at once.

    Raises:
        NotFound: no such key that still works.
    """
    with transaction.atomic():
        if not ApiKey.objects.filter(pk=key_id, revoked_at=None).update(revoked_at=timezone.now()):
            raise NotFound("There is no such key.")
        record(Event.API_KEY_REVOKED, actor=actor, key=key_id)


def person_with_key(text: str) -> User | None:
    """Whose key this is, if it works and the account is open."""
    working = ApiKey.objects.filter(digest=_digest(text), revoked_at=None, expires_at__gt=timezone.now())
    found = working.filter(user__is_active=True).select_related("user").first()
    return found.user if found else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
