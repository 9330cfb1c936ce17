"""The password was right and more is wanted: who is it, for the next few minutes and nothing else?

Kept in the session of a browser in which nobody is signed in, so that whatever forgets to ask for more meets
nobody. It ends with the password that it stands on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from assistant.accounts.models import Kind, User
from assistant.factors.rule import Way

LIFE = timedelta(minutes=10)
_KEY = "halfway"


@dataclass(frozen=True, slots=True)
class Halfway:
    """Whose password was entered, to which page of ours they wanted, and what the password showed."""

    user: User
    next_page: str
    ways: tuple[Way, ...] = (Way.PASSWORD,)


def begin(session: SessionBase, user: User, *, next_page: str, by_directory: bool = False) -> None:
    """The password was right, here or `by_directory` of the company. The session gets a new key; what it held
    of somebody else before goes."""
    session.flush()
    session[_KEY] = {
        "user": user.pk,
        "at": timezone.now().isoformat(),
        "password": user.get_session_auth_hash(),
        "next": next_page,
        "directory": by_directory,
    }


def who(session: SessionBase) -> Halfway | None:
    """Who is halfway in, if that was less than ten minutes ago and their password and account still hold."""
    kept = session.get(_KEY)
    if not isinstance(kept, dict):
        return None
    try:
        passed = timezone.now() - datetime.fromisoformat(kept["at"])
        user = User.objects.filter(pk=kept["user"], is_active=True, kind=Kind.PERSON).first()
        holds = user is not None and constant_time_compare(kept["password"], user.get_session_auth_hash())
    except (KeyError, TypeError, ValueError):
        return None
    if user is None or not holds or not timedelta(0) <= passed < LIFE:
        return None
    ways = (Way.PASSWORD, Way.DIRECTORY) if kept.get("directory") is True else (Way.PASSWORD,)
    return Halfway(user, str(kept.get("next", "")), ways)


def forget(session: SessionBase) -> None:
    """They are in, or gave up."""
    session.pop(_KEY, None)
