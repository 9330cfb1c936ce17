"""A message of a provider counts once, in all processes together.

The unique constraint decides, not a question asked before it: of any number that spend the same message at
the same moment, one inserts. Inside the caller's transaction, a sign-in that is rolled back has spent nothing.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from assistant.identity.models import SpentMessage

LONGEST: Final = timedelta(hours=24)  # what is valid for longer is refused: it could not be remembered
_MOST_REMOVED: Final = 200  # at one sign-in, so that none waits for a big clean-up


def spend(provider_id: int, message_id: str, expires_at: datetime) -> bool:
    """Whether this caller is the one that may use the message.

    `message_id` is the provider's ID of an assertion or a logout request, `expires_at` until when it would be
    accepted. False: it was used before, or would be valid for longer than it is remembered.
    """
    now = timezone.now()
    if expires_at > now + LONGEST:
        return False
    digest = hashlib.sha256(message_id.encode()).hexdigest()
    try:
        with transaction.atomic():
            SpentMessage.objects.create(provider_id=provider_id, digest=digest, expires_at=expires_at)
    except IntegrityError:
        return False
    _forget(now)
    return True


def _forget(now: datetime) -> None:
    """Remove some of what has expired. An hour more than needed: the clocks of machines differ."""
    old = SpentMessage.objects.filter(expires_at__lt=now - timedelta(hours=1)).values_list("pk", flat=True)
    SpentMessage.objects.filter(pk__in=list(old[:_MOST_REMOVED])).delete()
