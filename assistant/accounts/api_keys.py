"""Keys for the API: shown once, kept as a digest, good until they expire for what their scopes say.

A key never opens more than its owner may do at that moment.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from assistant.accounts.directory import PersonRow
from assistant.accounts.models import ApiKey, User
from assistant.accounts.people import require_ordinary
from assistant.accounts.scopes import Scope, scopes_in, words_of
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound, UsageError

_PREFIX = "mundap_"
LONGEST_NAME = 80
MOST_DAYS = 365
MOST_KEYS = 20  # of one person that work at the same time
_NOTED_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key in the only moment in which its text is known."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks with a key, and what for they may."""

    user: User
    key_id: int
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class KeyShown:
    """A key as it is listed. Nothing here opens anything."""

    id: int
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


def scopes_for(account: User | PersonRow) -> tuple[Scope, ...]:
    """What keys of this account can be for at all. Permissions are inspected by people."""
    return tuple(scope for scope in Scope if scope is not Scope.PERMISSIONS or not account.is_service)


def issue_key(
    *, user_id: int, name: str, days: int, actor: str, scopes: Collection[Scope] = tuple(Scope)
) -> NewKey:
    """A new key of a person or of a service account.

    Raises:
        UsageError: no name, no scope or one that the account can't have, a life of less than a day or more
            than a year, or too many keys.
        EmergencyAccount: a key would outlive its session.
        NotFound: no such person, or their account is closed.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME:
        raise UsageError(f"A key's name must have 1 to {LONGEST_NAME} characters.")
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"A key lives 1 to {MOST_DAYS} days.")
    if not scopes:
        raise UsageError(f"A key needs one scope at least: {', '.join(Scope)}.")
    text = _PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        user = User.objects.select_for_update().filter(pk=user_id, is_active=True).first()
        if user is None:
            raise NotFound("There is no such person.")
        require_ordinary(user)
        if beyond := sorted(set(scopes) - set(scopes_for(user))):
            raise UsageError(
                f"A key of a service account can't have the scope {', '.join(beyond)}."
                f" It can have: {', '.join(scopes_for(user))}."
            )
        if _working().filter(user=user).count() >= MOST_KEYS:
            raise UsageError(f"{user.email} has {MOST_KEYS} keys that work. Revoke one first.")
        key = ApiKey.objects.create(
            user=user,
            name=name,
            digest=_digest(text),
            scopes=words_of(scopes),
            expires_at=timezone.now() + timedelta(days=days),
        )
        record(
            Event.API_KEY_ISSUED,
            actor=actor,
            user=user.email,
            key=key.pk,
            days=days,
            scopes=words_of(scopes),
        )
    return NewKey(key.pk, text)


def revoke_key(*, key_id: int, actor: str, user_id: int | None = None) -> None:
    """End a key at once; with `user_id` only a key of that person.

    Raises:
        NotFound: no such key that is not revoked.
    """
    keys = ApiKey.objects.filter(pk=key_id, revoked_at=None)
    if user_id is not None:
        keys = keys.filter(user_id=user_id)
    with transaction.atomic():
        if not keys.update(revoked_at=timezone.now()):
            raise NotFound("There is no such key.")
        record(Event.API_KEY_REVOKED, actor=actor, key=key_id)


def working_keys_of(*, user_id: int) -> tuple[KeyShown, ...]:
    """The person's keys that work, newest first."""
    return tuple(
        KeyShown(
            id=row.pk,
            name=row.name,
            scopes=tuple(scope for scope in Scope if scope in scopes_in(row.scopes)),
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
        )
        for row in _working().filter(user_id=user_id).order_by("-pk")
    )


def asking_with(text: str) -> Asking | None:
    """Who asks with this key, if it works and the account is open. That it was used is noted now and then."""
    working = ApiKey.objects.filter(digest=_digest(text), revoked_at=None, expires_at__gt=timezone.now())
    found = working.filter(user__is_active=True).select_related("user").first()
    if found is None:
        return None
    now = timezone.now()
    if found.last_used_at is None or now - found.last_used_at >= _NOTED_EVERY:
        ApiKey.objects.filter(pk=found.pk).update(last_used_at=now)
    return Asking(found.user, found.pk, scopes_in(found.scopes))


def _working() -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(revoked_at=None, expires_at__gt=timezone.now())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
