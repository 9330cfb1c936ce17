"""For whom do passwords and passkeys of Mundap itself count?

By `MUNDAP_LOCAL_SIGN_IN=emergency` for the emergency accounts alone: everybody else comes from the company's
sign-in, and a right password is answered as a wrong one. Who came from there may still show a passkey, as the
second factor of a directory or to prove anew who they are: it adds to a session and begins none.
"""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings

from assistant.accounts.models import User


class LocalSignIn(StrEnum):
    """For whom."""

    EVERYONE = "everyone"
    EMERGENCY = "emergency"


def is_for_emergencies() -> bool:
    """Whether nobody else signs in here."""
    return bool(settings.MUNDAP_LOCAL_SIGN_IN == LocalSignIn.EMERGENCY)


def counts_for(user: User) -> bool:
    """Whether this person may sign in here at all."""
    return user.is_emergency or not is_for_emergencies()


def has_password(user: User) -> bool:
    """Whether the account has a password here that is good for something."""
    return user.has_usable_password() and counts_for(user)
