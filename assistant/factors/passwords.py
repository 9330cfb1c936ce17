"""People choose their own password."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext

from assistant.accounts import proof, throttle
from assistant.accounts.door_models import SignedInSession
from assistant.accounts.models import User
from assistant.accounts.people import require_ordinary
from assistant.audit.trail import Event, record
from assistant.common.errors import UsageError


class Unfit(UsageError):
    """A password that is too short, too common or the old one. `reasons`: in the reader's language."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


class SameAsBefore(UsageError):
    """The new password is the old one."""


def judge(new: str, user: User) -> None:
    """Only length and what everybody tries count, no kinds of characters (NIST SP 800-63B 5.1.1.2).

    `user` may be one that is not kept yet.

    Raises:
        Unfit: it will not do.
    """
    try:
        validate_password(new, user)
    except ValidationError as error:
        raise Unfit(list(error.messages)) from error
    if proof.hashable(new) != new:
        raise Unfit([gettext("A password has at most 1,024 characters.")])


def change(*, user: User, old: str, new: str, address: str, key: str | None) -> throttle.Held | bool:
    """Give the person a new password, if `old` is right. Their sessions end, but for the one of `key`.

    Raises:
        EmergencyAccount: its passphrase is renewed on the server alone.
        Unfit: the new password will not do.
        SameAsBefore: it is the old one.
    """
    require_ordinary(user)
    outcome = proof.right_password(user=user, password=old, address=address)
    if outcome is not True:
        return outcome
    if new == old:
        raise SameAsBefore("That is the password of now.")
    judge(new, user)
    with transaction.atomic():
        user.set_password(new)
        user.save(update_fields=["password"])
        SignedInSession.objects.filter(user=user).exclude(session_key=key or "").delete()
        record(Event.PASSWORD_CHANGED, actor_id=user.pk, actor=user.email)
    return True
