"""Where is a person signed in, and how does that end? Keys of sessions never leave this module."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from assistant.accounts.door_models import SignedInSession
from assistant.accounts.models import User
from assistant.accounts.session_store import idle_since
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound


@dataclass(frozen=True, slots=True)
class SessionView:
    """One place in which a person is signed in. `browser` and `system` are names of `devices`, or empty."""

    handle: str
    browser: str
    system: str
    address: str
    started_at: datetime
    used_at: datetime
    is_this: bool


def sessions_of(*, user_id: int, key: str | None = None) -> tuple[SessionView, ...]:
    """The person's sessions that still work, this one (of the cookie's `key`) first, then the last used."""
    rows = _working(user_id).order_by("-used_at", "pk")
    views = [
        SessionView(
            row.handle,
            row.browser,
            row.system,
            row.address,
            row.started_at,
            row.used_at,
            is_this=key is not None and row.session_key == key,
        )
        for row in rows
    ]
    return tuple(sorted(views, key=lambda view: not view.is_this))


def end_session(*, user_id: int, handle: str, actor: str) -> None:
    """End one session of this person.

    Raises:
        NotFound: they have no such session, or not any more.
    """
    with transaction.atomic():
        found, _ = _working(user_id).filter(handle=handle).delete()
        if not found:
            raise NotFound("There is no such session.")
        record(Event.SESSION_ENDED, actor_id=user_id, actor=actor)


def end_other_sessions(*, user_id: int, key: str | None, actor: str) -> int:
    """End all sessions of this person but the one of the cookie's `key`. How many."""
    with transaction.atomic():
        ended, _ = _working(user_id).exclude(session_key=key or "").delete()
        record(Event.SESSIONS_ENDED, actor_id=user_id, actor=actor, count=ended)
    return ended


def end_all_sessions(*, user_id: int, actor: str) -> int:
    """End all sessions of a person, by somebody who manages people. How many.

    Raises:
        NotFound: no such person.
    """
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such person.")
    with transaction.atomic():
        ended, _ = SignedInSession.objects.filter(user_id=user_id).delete()
        record(Event.SESSIONS_ENDED, actor=actor, user=user.email, count=ended)
    return ended


def handle_of(*, user_id: int, key: str | None) -> str:
    """The name of this session of the person's, which stays when its key is changed; empty for none."""
    found = _working(user_id).filter(session_key=key or "").values_list("handle", flat=True)
    return found.first() or ""


def lives(*, user_id: int, handle: str) -> bool:
    """Whether this session is still the person's: asked while something streams to it."""
    return bool(handle) and _working(user_id).filter(handle=handle).exists()


def forget_ended() -> int:
    """Remove the rows of sessions that ended by themselves. How many."""
    now = timezone.now()
    ended = Q(expire_date__lte=now) | Q(used_at__lte=idle_since(now))
    return SignedInSession.objects.filter(ended).delete()[0]


def working() -> QuerySet[SignedInSession]:
    """The sessions of people with which somebody can still do something."""
    now = timezone.now()
    return SignedInSession.objects.filter(
        user__is_active=True, expire_date__gt=now, used_at__gt=idle_since(now)
    )


def _working(user_id: int) -> QuerySet[SignedInSession]:
    return working().filter(user_id=user_id)
