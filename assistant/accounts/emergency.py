"""The emergency account at the door: its passphrase, and who is told that it was used.

The passphrase is made here and has 148 bits, so a plain digest of it is safe to keep and cheap to compare: it
is looked at before any counter of wrong passwords, and no stranger's guesses keep its holder out. How it is
made, renewed and removed stands in `assistant.factors.emergency`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from assistant.accounts.emergency_models import EmergencyUse
from assistant.accounts.models import User
from assistant.accounts.people import OwnAccount
from assistant.accounts.written_secrets import digest_of, new_secret
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound, UsageError
from assistant.common.identity import canonical_email

SESSION_LIFE = timedelta(hours=1)  # however much it is used
TRIED_WITHIN = timedelta(days=90)
_GROUPS, _GROUP = 6, 5  # 31 ** 30: 148 bits
_MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Use:
    """A sign-in that nobody has seen to yet. `browser` and `system` are names of `devices`, or empty."""

    id: int
    email: str
    at: datetime
    address: str
    browser: str
    system: str


def new_passphrase() -> str:
    """What nobody can guess, in groups to be written down."""
    return new_secret(groups=_GROUPS, letters=_GROUP)


def by_passphrase(*, name: str, passphrase: str) -> User | None:
    """The emergency account of this name, if this is its passphrase. One look-up, whatever was entered."""
    found = User.objects.filter(emergency=digest_of(passphrase), is_active=True).first()
    try:
        return found if found is not None and found.email == canonical_email(name) else None
    except UsageError:
        return None


def fits(user: User, passphrase: str) -> bool:
    """Whether this is the passphrase of this emergency account."""
    return user.emergency is not None and constant_time_compare(user.emergency, digest_of(passphrase))


def note_use(*, user: User, address: str, browser: str, system: str) -> None:
    """Somebody signed in with it: say so in the audit log and to everybody who manages people."""
    with transaction.atomic():
        EmergencyUse.objects.create(user=user, address=address, browser=browser, system=system)
        record(Event.EMERGENCY_USED, actor_id=user.pk, actor=user.email)


def open_uses() -> tuple[Use, ...]:
    """What nobody has seen to yet, newest first: as many as leave room for the page; others follow."""
    rows = EmergencyUse.objects.filter(acknowledged_at=None).select_related("user").order_by("-at", "-pk")
    return tuple(
        Use(row.pk, row.user.email, row.at, row.address, row.browser, row.system)
        for row in rows[:_MOST_SHOWN]
    )


def acknowledge(*, use_id: int, actor: User) -> None:
    """Somebody who manages people has seen it; it is shown no longer.

    Raises:
        OwnAccount: the actor is an emergency account.
        NotFound: no such use, or somebody else was first.
    """
    if actor.is_emergency:
        raise OwnAccount("The emergency account does not see to its own use.")
    with transaction.atomic():
        waiting = EmergencyUse.objects.filter(pk=use_id, acknowledged_at=None)
        if not waiting.update(acknowledged_at=timezone.now(), acknowledged_by=actor.email):
            raise NotFound("There is no such use.")
        used = EmergencyUse.objects.select_related("user").get(pk=use_id)
        record(Event.EMERGENCY_ACKNOWLEDGED, actor_id=actor.pk, actor=actor.email, user=used.user.email)


def untried(now: datetime) -> tuple[str, ...]:
    """The addresses of emergency accounts that nobody has signed in with for `TRIED_WITHIN`."""
    since = now - TRIED_WITHIN
    rows = User.objects.exclude(emergency=None).annotate(used=Max("emergency_uses__at")).order_by("email")
    return tuple(row.email for row in rows if (row.used or row.created_at) < since)
