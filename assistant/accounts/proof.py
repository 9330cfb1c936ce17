"""When did this session last prove who it is? For what a browser that was left open must not be enough."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone

from assistant.accounts import emergency, local_sign_in, throttle
from assistant.accounts.models import User

PROVEN_FOR = timedelta(minutes=30)
_KEY = "proven"
_LONGEST_PASSWORD = 1_024


def hashable(password: str) -> str:
    """The password, or nothing, which is nobody's, for one so long that hashing it would only cost time.

    It is never cut: a password counts exactly as it was entered.
    """
    return password if len(password) <= _LONGEST_PASSWORD else ""


def is_recent(session: SessionBase) -> bool:
    """Whether the session proved who it is within `PROVEN_FOR`. What is missing or broken proves nothing."""
    try:
        passed = timezone.now() - datetime.fromisoformat(session.get(_KEY, ""))
    except (TypeError, ValueError):
        return False
    return timedelta(0) <= passed < PROVEN_FOR


def right_password(*, user: User, password: str, address: str) -> throttle.Held | bool:
    """Whether this is the password of who is signed in; Held where it must not even be tried now.

    Guesses are counted for the signed-in account by itself, as on a device that it knows. Where passwords of
    Mundap count for emergency accounts alone, no other one is right.
    """
    tried = admit(user=user, address=address)
    if isinstance(tried, throttle.Held):
        return tried
    if not fits(user, password):
        return False
    throttle.was_right(tried)
    return True


def admit(*, user: User, address: str) -> throttle.Try | throttle.Held:
    """Count a guess at the password of who is signed in, or hold it back."""
    return throttle.admit(name=user.email, address=address, device=f"signed-in:{user.pk}")


def fits(user: User, password: str) -> bool:
    """Whether this is the password that is kept here, and counts for them. Count the guess first."""
    if user.is_emergency:
        return emergency.fits(user, password)
    return user.check_password(hashable(password)) and local_sign_in.counts_for(user)


def note_sign_in(*, request: HttpRequest, **_: object) -> None:
    """Signing in is a proof, too."""
    note(request.session)


def connect() -> None:
    """Hear of every sign-in."""
    user_logged_in.connect(note_sign_in, dispatch_uid="mundap.proof")


def renew(session: SessionBase) -> None:
    """A session that goes on proved again who it is: from now on under another key."""
    session.cycle_key()
    note(session)


def note(session: SessionBase) -> None:
    """This session proved just now who it is."""
    session[_KEY] = timezone.now().isoformat()
