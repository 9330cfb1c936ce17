"""Codes of six digits from an authenticator app (RFC 6238): set up, accepted once each, removed."""

from __future__ import annotations

import re
import time

import pyotp
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from assistant.accounts.models import User
from assistant.audit.trail import Event, record
from assistant.common.sealing import seal, unseal
from assistant.factors.models import AuthenticatorApp

STEP_S = 30
DRIFT = 1  # steps that a clock may be wrong, either way
_ISSUER = "Mundap"
_CODE = re.compile(r"[0-9]{6}")
_SPACES = re.compile(r"[\s-]")


def new_secret() -> str:
    """160 random bits in base 32, as apps take it."""
    return pyotp.random_base32()


def address_for_app(secret: str, user: User) -> str:
    """What the QR code says: `otpauth://totp/Mundap:ann@example.com?secret=...`."""
    return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=_ISSUER)


def set_up(*, user: User, secret: str, code: str) -> bool:
    """Make this the person's app, in place of any other. Only with a code that it shows now."""
    step = _step_of(secret, code)
    if step is None:
        return False
    sealed = seal(secret, key=settings.SECRET_KEY, purpose=_purpose(user.pk))
    with transaction.atomic():
        AuthenticatorApp.objects.update_or_create(
            user=user,
            defaults={
                "sealed_secret": sealed,
                "last_step": step,
                "made_at": timezone.now(),
                "used_at": timezone.now(),
            },
        )
        record(Event.APP_CODES_SET_UP, actor_id=user.pk, actor=user.email)
    return True


def accept(*, user: User, code: str) -> bool:
    """Whether the person's app shows this code now. Each is good once, in whatever process it arrives.

    Raises:
        MundapError: the secret cannot be opened with the installation's key.
    """
    app = AuthenticatorApp.objects.filter(user=user).first()
    if app is None:
        return False
    secret = unseal(
        bytes(app.sealed_secret),
        key=settings.SECRET_KEY,
        older=settings.SECRET_KEY_FALLBACKS,
        purpose=_purpose(user.pk),
    )
    step = _step_of(secret, code, after=app.last_step)
    if step is None:
        return False
    # Compare and set: of two requests with one code a single one finds an older step.
    newer = AuthenticatorApp.objects.filter(pk=app.pk, sealed_secret=app.sealed_secret, last_step__lt=step)
    return newer.update(last_step=step, used_at=timezone.now()) == 1


def remove(*, user: User) -> None:
    """The person has no app any more."""
    with transaction.atomic():
        removed, _ = AuthenticatorApp.objects.filter(user=user).delete()
        if removed:
            record(Event.APP_CODES_REMOVED, actor_id=user.pk, actor=user.email)


def looks_like_one(text: str) -> bool:
    """Six digits, however they are spaced."""
    return _CODE.fullmatch(_SPACES.sub("", text)) is not None


def _step_of(secret: str, code: str, *, after: int = -1) -> int | None:
    """Which step near now, newer than `after`, has this code. All are compared, whatever the outcome."""
    code = _SPACES.sub("", code)
    if not _CODE.fullmatch(code):
        return None
    now, totp = int(time.time()) // STEP_S, pyotp.TOTP(secret, interval=STEP_S)
    near = range(now - DRIFT, now + DRIFT + 1)
    fits = [step for step in near if constant_time_compare(totp.generate_otp(step), code)]
    return next((step for step in fits if step > after), None)


def _purpose(user_id: int) -> str:
    return f"authenticator app {user_id}"
