"""Links that let somebody in once: to an account of their own, or to a new password of theirs.

Mundap sends no mail: whoever makes a link hands it over. A page makes invitations alone, never with more
rights than its maker has, nor for longer than they have them; what the new account's address opens is decided
by other eyes than those that saw the link (`people.confirm_address`). Links to a new password, which would
let a manager in as a colleague, are made on the server alone.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from assistant.accounts import local_sign_in
from assistant.accounts.invitation_models import Invitation
from assistant.accounts.models import Address, Role, User, is_service_address
from assistant.accounts.people import require_ordinary
from assistant.accounts.roles import RIGHTS, Right
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound, UsageError
from assistant.common.identity import canonical_email
from assistant.common.one_line import one_line

LIFE = timedelta(hours=72)
KEPT_FOR = timedelta(days=30)  # after its end, so that a list says what became of it
LONGEST_NAME = 120
_LONGEST_WORD = 100
Purpose = Invitation.Purpose


class NotNow(UsageError):
    """Passwords of Mundap count for emergency accounts alone, so nobody is given one."""


class MoreRights(UsageError):
    """The role may do what its giver may not."""


class Taken(UsageError):
    """The address has an account."""


class BadAddress(UsageError):
    """No e-mail address."""


@dataclass(frozen=True, slots=True)
class Made:
    """A link in the only moment in which its word is known."""

    id: int
    word: str
    email: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """A link as it is listed. `state`: open, used, revoked or expired."""

    id: int
    purpose: str
    email: str
    name: str
    role: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    state: str
    user_id: int | None


def invite(
    *, email: str, name: str = "", role: str = Role.EMPLOYEE, inviter: User | None, verified: bool = False
) -> Made:
    """A link to an account of one's own. An open one of the same address ends.

    `inviter`: who manages people; None for whoever runs the server, who alone may say that the address is
    `verified`, so that what sources let it read counts from the start.

    Raises:
        NotNow, BadAddress, Taken.
        MoreRights: the role may do what the inviter may not.
        UsageError: no such role, or a name that is too long.
    """
    _require_local()
    email, name = _address(email), one_line(name)
    if role not in Role.values:
        raise UsageError(f"'{role}' is no role. Known roles: {', '.join(Role.values)}.")
    if len(name) > LONGEST_NAME:
        raise UsageError(f"A name has at most {LONGEST_NAME} characters.")
    if inviter is not None and not RIGHTS[role] <= inviter.rights:
        raise MoreRights("Nobody invites somebody who may do more than they may themselves.")
    if Address.objects.filter(address=email).exclude(user=None).exists():
        raise Taken(f"There is already an account {email}, or one with that alias.")
    return _made(
        Invitation(
            purpose=Purpose.JOIN,
            email=email,
            name=name,
            role=role,
            maker=inviter,
            made_by=inviter.email if inviter else "command line",
            is_verified=verified and inviter is None,
        ),
        inviter,
    )


def offer_password(*, user: User) -> Made:
    """A link to a new password of this person, by whoever runs the server.

    Raises:
        NotNow.
        EmergencyAccount: it is renewed by a command of its own.
        UsageError: the account is closed, or a service account.
    """
    _require_local()
    require_ordinary(user)
    if user.is_service:
        raise UsageError(f"{user.email} is a service account: it has no password. Make a key for it.")
    if not user.is_active:
        raise UsageError(f"The account {user.email} is closed. Open it first.")
    return _made(
        Invitation(
            purpose=Purpose.PASSWORD,
            email=user.email,
            name=user.name,
            role=user.role,
            user=user,
            made_by="command line",
        ),
        None,
    )


def look(word: str) -> Invitation | None:
    """The link of this word, if it still counts. Looking changes nothing."""
    found = _open().filter(digest=digest_of(word)).select_related("user", "maker").first()
    return found if found is not None and _leads_somewhere(found) else None


def use_up(word: str) -> Invitation | None:
    """Take the link; of several at once, in all processes, one gets it. Call in a transaction."""
    digest = digest_of(word)
    # A comparison of this row alone: PostgreSQL asks it again of what a rival wrote, a subquery it would not.
    if not _open().filter(digest=digest).update(used_at=timezone.now()):
        return None
    row = Invitation.objects.select_related("user", "maker").get(digest=digest)
    return row if _leads_somewhere(row) else None


def revoke(*, invitation_id: int, actor: str, purposes: tuple[Purpose, ...] = (Purpose.JOIN,)) -> None:
    """End a link that nobody used.

    Raises:
        NotFound: there is none.
    """
    with transaction.atomic():
        row = _open().select_for_update().filter(pk=invitation_id, purpose__in=purposes).first()
        if row is None:
            raise NotFound("There is no such invitation.")
        Invitation.objects.filter(pk=row.pk).update(revoked_at=timezone.now())
        record(Event.INVITATION_REVOKED, actor=actor, address=row.email, invitation=row.pk)


def listed(*, purposes: tuple[Purpose, ...] = tuple(Purpose)) -> tuple[Shown, ...]:
    """All that are still known, newest first."""
    now = timezone.now()
    rows = Invitation.objects.filter(purpose__in=purposes).order_by("-pk")
    return tuple(
        Shown(
            row.pk,
            row.purpose,
            row.email,
            row.name,
            row.role,
            row.made_by,
            row.made_at,
            row.expires_at,
            _state(row, now),
            row.user_id,
        )
        for row in rows
    )


def forget_old() -> int:
    """Remove links that ended a while ago unused; those of which an account came stay with it. How many."""
    ended = timezone.now() - KEPT_FOR
    over = Q(expires_at__lt=ended) | Q(revoked_at__lt=ended)
    return Invitation.objects.filter(over).exclude(purpose=Purpose.JOIN, user__isnull=False).delete()[0]


def digest_of(word: str) -> str:
    """What is kept of the word in a link."""
    return hashlib.sha256(word[:_LONGEST_WORD].encode()).hexdigest()


def _made(row: Invitation, maker: User | None) -> Made:
    word = secrets.token_urlsafe(32)
    row.digest, row.expires_at = digest_of(word), timezone.now() + LIFE
    with transaction.atomic():
        former = _open().filter(email=row.email, purpose=row.purpose)
        former.update(revoked_at=timezone.now())
        row.save()
        is_new = row.purpose == Purpose.JOIN
        record(
            Event.INVITATION_MADE if is_new else Event.PASSWORD_OFFERED,
            actor_id=maker.pk if maker else None,
            actor=row.made_by,
            address=row.email,
            role=row.role,
            invitation=row.pk,
            verified=row.is_verified,
        )
    return Made(row.pk, word, row.email, row.expires_at)


def _open() -> QuerySet[Invitation]:
    return Invitation.objects.filter(used_at=None, revoked_at=None, expires_at__gt=timezone.now())


def _leads_somewhere(row: Invitation) -> bool:
    """Whether people sign in here at all, and its maker might still make it; a link to a password ends with
    the account."""
    if local_sign_in.is_for_emergencies():
        return False
    maker = row.maker
    if maker is not None and not {Right.MANAGE_PEOPLE, *RIGHTS[row.role]} <= maker.rights:
        return False
    return row.user is None or (row.user.is_active and not row.user.is_emergency)


def _state(row: Invitation, now: datetime) -> str:
    if row.used_at is not None:
        return "used"
    if row.revoked_at is not None:
        return "revoked"
    return "open" if row.expires_at > now else "expired"


def _address(text: str) -> str:
    try:
        email = canonical_email(text)
        validate_email(email)
    except (UsageError, ValidationError) as error:
        raise BadAddress(f"'{text}' is no e-mail address.") from error
    if is_service_address(email):
        raise BadAddress(f"'{email}' is no e-mail address: it is one of service accounts.")
    return email


def _require_local() -> None:
    if local_sign_in.is_for_emergencies():
        raise NotNow(
            "MUNDAP_LOCAL_SIGN_IN=emergency: people come from the company's sign-in, and nobody is given a"
            " password here. Let the provider make accounts, or add one with manage.py user add."
        )
