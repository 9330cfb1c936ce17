"""Keys with which programs put documents into one source, and which open nothing else.

They are no keys of people: no code leads from one to a viewer, so none can ever read.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from assistant.accounts.api_keys import NewKey
from assistant.accounts.models import Connection, PushKey
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound, UsageError

_PREFIX, _BYTES = "mundap_push_", 32
_FORM = re.compile(rf"{_PREFIX}[A-Za-z0-9_-]{{43}}")  # 32 bytes in base64
_LONGEST_NAME = 80
_MOST_DAYS = 365


def issue_push_key(*, connection_id: int, name: str, days: int, actor: str) -> NewKey:
    """A new key for one source.

    Raises:
        UsageError: no name, or a life of less than a day or more than a year.
        NotFound: no such source.
    """
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME:
        raise UsageError(f"A key's name must have 1 to {_LONGEST_NAME} characters.")
    if not 1 <= days <= _MOST_DAYS:
        raise UsageError(f"A key lives 1 to {_MOST_DAYS} days.")
    connection = Connection.objects.filter(pk=connection_id).first()
    if connection is None:
        raise NotFound("There is no such source.")
    text = _PREFIX + secrets.token_urlsafe(_BYTES)
    with transaction.atomic():
        expires = timezone.now() + timedelta(days=days)
        key = PushKey.objects.create(
            connection=connection, name=name, digest=_digest(text), expires_at=expires
        )
        record(Event.PUSH_KEY_ISSUED, actor=actor, source=connection.pk, key=key.pk, days=days)
    return NewKey(key.pk, text)


def revoke_push_key(*, key_id: int, actor: str) -> None:
    """End a key at once.

    Raises:
        NotFound: no such key that still works.
    """
    with transaction.atomic():
        if not PushKey.objects.filter(pk=key_id, revoked_at=None).update(revoked_at=timezone.now()):
            raise NotFound("There is no such key.")
        record(Event.PUSH_KEY_REVOKED, actor=actor, key=key_id)


def is_of_its_form(text: str) -> bool:
    """Whether this could be such a key at all; no database is asked."""
    return _FORM.fullmatch(text) is not None


def working_push_key(text: str) -> PushKey | None:
    """The key, if it works."""
    working = PushKey.objects.filter(digest=_digest(text), revoked_at=None, expires_at__gt=timezone.now())
    return working.first()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
