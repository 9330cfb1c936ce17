"""Whose is this key?"""

from __future__ import annotations

from assistant.accounts.api_keys import asking_with
from assistant.accounts.models import User


def person_with_key(text: str) -> User | None:
    """The owner of a key that works."""
    asking = asking_with(text)
    return asking.user if asking else None
