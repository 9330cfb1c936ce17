"""Somebody follows the link that they were given, and chooses a password."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from assistant.accounts import invitations, throttle
from assistant.accounts.door_models import SignedInSession
from assistant.accounts.invitation_models import Invitation
from assistant.accounts.models import Address, User
from assistant.accounts.services import add_user
from assistant.audit.trail import Event, record
from assistant.common.errors import UsageError
from assistant.common.one_line import one_line
from assistant.factors import passwords


class Over(UsageError):
    """The link was used, revoked, replaced, is too old, or never was one. Which, is not said."""


def join(*, word: str, name: str, password: str) -> User:
    """The account that comes of the link, or the one whose password it renews. The link is used up.

    Raises:
        Over: nothing came of it.
        Unfit: the password will not do; the link still counts.
        UsageError: the address got an account meanwhile; the link still counts.
    """
    found = invitations.look(word)
    if found is None:
        raise Over("This link does not count.")
    name = one_line(name)[: invitations.LONGEST_NAME] or found.name
    passwords.judge(password, found.user or User(email=found.email, name=name))
    with transaction.atomic():
        row = invitations.use_up(word)
        if row is None:
            raise Over("This link does not count.")
        if row.purpose == Invitation.Purpose.PASSWORD and row.user is not None:
            user = _renewed(row.user, password)
        else:
            user = _new(row, name, password)
        record(Event.INVITATION_USED, actor_id=user.pk, actor=user.email, user=user.email, invitation=row.pk)
    return user


def _new(row: Invitation, name: str, password: str) -> User:
    # Whoever has the link does this, from where they are; who made it stands in the entry of the invitation.
    user = add_user(email=row.email, name=name, role=row.role, password=password, actor=row.email)
    if not row.is_verified:  # the transaction of the account raised the counter of permissions already
        Address.objects.filter(user=user).update(confirmed=False, since=timezone.now())
    Invitation.objects.filter(pk=row.pk).update(user=user)
    throttle.forget_names([user.email])
    return user


def _renewed(user: User, password: str) -> User:
    """Whoever has the link is who the server's administrator gave it to: what was open elsewhere ends."""
    user.set_password(password)
    user.save(update_fields=["password"])
    SignedInSession.objects.filter(user=user).delete()
    throttle.forget_names([user.email])
    record(Event.PASSWORD_CHANGED, actor_id=user.pk, actor=user.email)
    return user
