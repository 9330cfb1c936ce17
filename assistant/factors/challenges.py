"""Numbers that a device is to sign: each for one purpose, one browser and, where it is known, one person."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta

from django.utils import timezone

from assistant.accounts.models import User
from assistant.factors.models import Challenge

LIFE = timedelta(minutes=10)
BYTES = 32
Purpose = Challenge.Purpose


def new_challenge(purpose: str, *, browser: str, user: User | None = None) -> bytes:
    """A number that nobody can guess. `browser`: the word in that browser's cookie."""
    forget_old()
    challenge = os.urandom(BYTES)
    Challenge.objects.create(digest=_digest(challenge), purpose=purpose, user=user, browser=_word(browser))
    return challenge


def spend(challenge: bytes, purpose: str, *, browser: str, user: User | None = None) -> bool:
    """Whether it was given for this and comes back in time; never a second time."""
    if not browser:
        return False
    rows = Challenge.objects.filter(
        digest=_digest(challenge),
        purpose=purpose,
        user=user,
        browser=_word(browser),
        made_at__gt=timezone.now() - LIFE,
    )
    return rows.delete()[0] == 1


def forget_old() -> None:
    """Remove what was never signed."""
    Challenge.objects.filter(made_at__lte=timezone.now() - LIFE).delete()


def _digest(challenge: bytes) -> str:
    return hashlib.sha256(challenge).hexdigest()


def _word(browser: str) -> str:
    return hashlib.sha256(browser.encode("utf-8", "surrogatepass")).hexdigest()
