"""Recovery codes: ten, shown once, each good once. For who lost the phone and the key."""

from __future__ import annotations

import hashlib
import re
import secrets

from django.db import transaction

from assistant.accounts.models import User
from assistant.audit.trail import Event, record
from assistant.factors.models import RecoveryCode

COUNT = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is mistaken for another
# 31 ** 28: 138 bits. From 112 on a digest needs no slow hash (NIST SP 800-63B 5.1.2.2).
_GROUPS, _GROUP = 7, 4
_KEPT = re.compile(r"[a-z0-9]+")


def renew(*, user: User) -> tuple[str, ...]:
    """New codes; those of before are good for nothing. The only moment in which they are known."""
    codes = tuple(_new() for _ in range(COUNT))
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(code)) for code in codes)
        record(Event.RECOVERY_CODES_MADE, actor_id=user.pk, actor=user.email)
    return codes


def accept(*, user: User, code: str) -> bool:
    """Use a code up. Of two requests with the same one a single one succeeds."""
    with transaction.atomic():
        used, _ = RecoveryCode.objects.filter(user=user, digest=_digest(code)).delete()
        if used:
            record(Event.RECOVERY_CODE_USED, actor_id=user.pk, actor=user.email, codes_left=left(user=user))
    return bool(used)


def left(*, user: User) -> int:
    """How many codes can still be used."""
    return RecoveryCode.objects.filter(user=user).count()


def _new() -> str:
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def _digest(code: str) -> str:
    """Of letters and digits alone, so that case, spaces and hyphens do not count."""
    kept = "".join(_KEPT.findall(code.lower()))
    return hashlib.sha256(kept.encode()).hexdigest()
