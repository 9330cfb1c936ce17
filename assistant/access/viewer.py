"""The person on whose behalf something is read."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.accounts.models import User


@dataclass(frozen=True, slots=True)
class Viewer:
    """Only says who asks. What they may see is asked of the database each time, never kept here."""

    user_id: int
    email: str


def viewer_for(user: User) -> Viewer:
    """The viewer that a signed-in person is."""
    return Viewer(user_id=user.pk, email=user.email)
