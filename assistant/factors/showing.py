"""Somebody shows a factor: after the password, or once more before something sensitive."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.sessions.backends.base import SessionBase

from assistant.accounts import proof, throttle
from assistant.accounts.models import User
from assistant.audit.trail import Event, record
from assistant.common.types import JsonObject
from assistant.factors import app_codes, passkeys, recovery
from assistant.factors.challenges import Purpose
from assistant.factors.rule import Way, has_any
from assistant.identity.ldap.asking import OutOfReach, identity_at_directory, is_their_password


def try_code(*, user: User, code: str, address: str) -> throttle.Held | Way | None:
    """By which way this code is the person's; None for a wrong one. Counted before it is compared.

    Codes have a counter of their own, which a right password does not take back.
    """
    tried = throttle.admit_code(name=user.email, address=address, by_network=not user.is_emergency)
    if isinstance(tried, throttle.Held):
        return tried
    way = None
    if app_codes.looks_like_one(code):
        way = Way.CODE if app_codes.accept(user=user, code=code) else None
    elif recovery.accept(user=user, code=code):
        way = Way.RECOVERY
    if way is None:
        record(Event.SECOND_FACTOR_FAILED, actor_id=user.pk, actor=user.email)
    else:
        throttle.was_right(tried)
    return way


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody entered to prove themselves again. `code` counts only for who has a second factor."""

    password: str
    code: str
    address: str  # of the network


def prove(*, user: User, entered: Proof, session: SessionBase) -> throttle.Held | OutOfReach | bool:
    """Whether this proves as much as signing in does: the password and, for who has one, a second factor."""
    outcome = _right_password(user, entered)
    if outcome is True and has_any(user):
        way = try_code(user=user, code=entered.code, address=entered.address)
        outcome = way if isinstance(way, throttle.Held) else way is not None
    if outcome is True:
        proof.renew(session)
    return outcome


def _right_password(user: User, entered: Proof) -> throttle.Held | OutOfReach | bool:
    """That of Mundap, or the one by which they came from a directory: either signs them in."""
    tried = proof.admit(user=user, address=entered.address)
    if isinstance(tried, throttle.Held):
        return tried
    if not proof.fits(user, entered.password):
        identity = None if user.is_emergency else identity_at_directory(user)
        if identity is None:
            return False
        right = is_their_password(identity, entered.password)
        if isinstance(right, OutOfReach):
            throttle.was_not_judged(tried)
        if right is not True:
            return right
    throttle.was_right(tried)
    return True


def prove_by_passkey(
    *, user: User, site: passkeys.Site, browser: str, response: JsonObject, session: SessionBase
) -> None:
    """The person's own passkey alone proves as much.

    Raises:
        Unusable: it is not theirs, or not now.
    """
    passkeys.show(site, passkeys.Asked(Purpose.PROVE, browser, user), response)
    proof.renew(session)
