"""A message of a provider counts once, in all processes together.

The unique constraint decides, not a question asked before it: of any number that spend the same message at
the same moment, one inserts. Inside the caller's transaction, a sign-in that is rolled back has spent
nothing.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from assistant.identity.models import SpentMessage

LONGEST: Final = timedelta(hours=24)  # what would be valid for longer is refused: it is not remembered
_CLOCKS: Final = timedelta(hours=1)  # how much the clocks of our own machines may differ


def spend(provider_id: int, message_id: str, expires_at: datetime) -> bool:
    """Whether this caller is the one that may use the message.

    `message_id` is the provider's ID of an assertion or a logout request, `expires_at` until when it would be
    accepted. False: it was used before, or would be valid for longer than it is remembered.
    """
    if expires_at > timezone.now() + LONGEST:
        return False
    digest = hashlib.sha256(message_id.encode()).hexdigest()
    try:
        with transaction.atomic():
            SpentMessage.objects.create(provider_id=provider_id, digest=digest, expires_at=expires_at)
    except IntegrityError:
        return False
    return True


def forget_old() -> int:
    """Remove what would be refused for its age by now; how many they were."""
    return SpentMessage.objects.filter(expires_at__lt=timezone.now() - _CLOCKS).delete()[0]
