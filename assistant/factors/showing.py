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


def prove(*, user: User, entered: Proof, session: SessionBase) -> throttle.Held | bool:
    """Whether this proves as much as signing in does: the password and, for who has one, a second factor."""
    outcome = proof.right_password(user=user, password=entered.password, address=entered.address)
    if outcome is True and has_any(user):
        way = try_code(user=user, code=entered.code, address=entered.address)
        outcome = way if isinstance(way, throttle.Held) else way is not None
    if outcome is True:
        proof.note(session)
    return outcome


def prove_by_passkey(
    *, user: User, site: passkeys.Site, browser: str, response: JsonObject, session: SessionBase
) -> None:
    """The person's own passkey alone proves as much.

    Raises:
        Unusable: it is not theirs, or not now.
    """
    passkeys.show(site, passkeys.Asked(Purpose.PROVE, browser, user), response)
    proof.note(session)
