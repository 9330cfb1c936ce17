"""Somebody lost every factor: who manages people takes them all away, so that the person sets up new ones."""

from __future__ import annotations

from django.db import transaction

from assistant.accounts.door_models import SignedInSession
from assistant.accounts.models import User
from assistant.accounts.people import OwnAccount, require_ordinary
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound
from assistant.factors.models import AuthenticatorApp, Passkey, Postponement, RecoveryCode

_KINDS = (AuthenticatorApp, Passkey, RecoveryCode, Postponement)


def reset(*, user_id: int, actor: str) -> int:
    """Take away all second factors of a person and end their sessions. How many there were.

    Raises:
        OwnAccount: the actor is the person: whoever sits at their browser must not get rid of them.
        EmergencyAccount: its codes are renewed by a command of its own.
        NotFound: no such person.
    """
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such person.")
    if actor == user.email:
        raise OwnAccount("Nobody resets their own second factors. Ask another person who manages people.")
    require_ordinary(user)
    with transaction.atomic():
        removed = remove_factors(user)
        SignedInSession.objects.filter(user=user).delete()
        record(Event.FACTORS_RESET, actor=actor, user=user.email, count=removed)
    return removed


def remove_factors(user: User) -> int:
    """All of them. How many there were."""
    return sum(kind.objects.filter(user=user).delete()[0] for kind in _KINDS)


def remembered(*, user_id: int) -> dict[str, int]:
    """How many of each the person has."""
    return {
        "apps": AuthenticatorApp.objects.filter(user_id=user_id).count(),
        "passkeys": Passkey.objects.filter(user_id=user_id).count(),
        "recovery_codes": RecoveryCode.objects.filter(user_id=user_id).count(),
    }
