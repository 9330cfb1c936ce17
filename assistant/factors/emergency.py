"""Making, renewing and removing the emergency account: on the server, by who may read its disk anyway.

It is for the day on which the company's sign-in does not work. It is no person, so nothing that a provider,
SCIM or a page says changes it. Its passphrase and its recovery codes are told once, to be kept apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Max
from django.utils import timezone

from assistant.accounts import emergency, local_sign_in, people, throttle
from assistant.accounts.door_models import SignedInSession
from assistant.accounts.models import Role, User
from assistant.accounts.services import add_user
from assistant.accounts.written_secrets import digest_of
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound, UsageError
from assistant.common.identity import canonical_email
from assistant.factors import recovery
from assistant.factors.resetting import remove_factors

USUAL_ADDRESS = "emergency@mundap.invalid"  # no such domain can exist (RFC 2606), so no source names it


@dataclass(frozen=True, slots=True)
class Made:
    """The account in the only moment in which its passphrase and codes are known."""

    user: User
    passphrase: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """An emergency account as it is listed. `works`: it is open, and a code is left to sign in with."""

    user: User
    codes_left: int
    used_at: datetime | None
    uses: int
    is_untried: bool

    @property
    def works(self) -> bool:
        """Whether somebody can sign in with it."""
        return self.user.is_active and self.codes_left > 0


def make(*, email: str = USUAL_ADDRESS, name: str = "", actor: str) -> Made:
    """A new emergency account, an administrator.

    Raises:
        UsageError: a bad address, or one that somebody has or had: nothing of theirs is to come with it.
    """
    email = canonical_email(email)
    passphrase = emergency.new_passphrase()
    with transaction.atomic():
        user = add_user(email=email, name=name, role=Role.ADMINISTRATOR, password=passphrase, actor=actor)
        if user.addresses.filter(confirmed=False).exists():
            raise UsageError(f"Somebody had the address {email} before. Take one that nobody ever had.")
        User.objects.filter(pk=user.pk).update(emergency=digest_of(passphrase))
        user.refresh_from_db()
        record(Event.EMERGENCY_MADE, actor=actor, user=email)
        codes = recovery.renew(user=user)
    return Made(user, passphrase, codes)


def renew(*, email: str, actor: str) -> Made:
    """Another passphrase and other codes; sessions end, and those of before are good for nothing.

    Raises:
        NotFound: no emergency account of this address.
    """
    passphrase = emergency.new_passphrase()
    with transaction.atomic():
        user = _locked(email)
        user.set_password(passphrase)
        user.emergency = digest_of(passphrase)
        user.save(update_fields=["password", "emergency"])
        SignedInSession.objects.filter(user=user).delete()
        remove_factors(user)
        throttle.lift(name=user.email, actor=actor)
        record(Event.EMERGENCY_RENEWED, actor=actor, user=user.email)
        codes = recovery.renew(user=user)
    return Made(user, passphrase, codes)


def remove(*, email: str, actor: str) -> None:
    """It is an emergency account no longer: closed, without role, password and factors, its address free.

    What was done with it stays in the audit log.

    Raises:
        UsageError: nobody could sign in any more.
        NotFound: no emergency account of this address.
    """
    with transaction.atomic():
        user = _locked(email)
        others = [one for one in kept().values() if one.works and one.user.pk != user.pk]
        if local_sign_in.is_for_emergencies() and not others:
            raise UsageError(
                f"{user.email} is the only emergency account, and MUNDAP_LOCAL_SIGN_IN=emergency needs one."
                " Make another one first, or set it to everyone."
            )
        if not others and not people.managers().exists():
            raise UsageError(
                f"{user.email} is the last who can manage people. Give somebody that role first."
            )
        user.set_unusable_password()
        user.emergency, user.role = None, Role.EMPLOYEE
        user.save(update_fields=["password", "emergency", "role"])
        remove_factors(user)
        record(Event.EMERGENCY_REMOVED, actor=actor, user=user.email)
        people.close_account(user_id=user.pk, actor=actor)
        people.release_closed_account(user_id=user.pk, actor=actor)


def kept() -> Mapping[str, Kept]:
    """All emergency accounts by address."""
    rows = User.objects.exclude(emergency=None).annotate(
        used=Max("emergency_uses__at"), uses=Count("emergency_uses", distinct=True)
    )
    untried = emergency.untried(timezone.now())
    return {
        row.email: Kept(row, recovery.left(user=row), row.used, row.uses, row.email in untried)
        for row in rows.order_by("email")
    }


def _locked(email: str) -> User:
    found = (
        User.objects.select_for_update().filter(email=canonical_email(email)).exclude(emergency=None).first()
    )
    if found is None:
        raise NotFound(f"There is no emergency account {email}. See: python manage.py emergency list")
    return found
