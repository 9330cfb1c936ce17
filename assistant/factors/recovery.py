"""Recovery codes: ten, shown once, each good once. For who lost the phone and the key."""

from __future__ import annotations

from django.db import transaction

from assistant.accounts.models import User
from assistant.accounts.written_secrets import digest_of, new_secret
from assistant.audit.trail import Event, record
from assistant.factors.models import RecoveryCode

COUNT = 10
_GROUPS, _GROUP = 7, 4  # 31 ** 28: 138 bits


def renew(*, user: User) -> tuple[str, ...]:
    """New codes; those of before are good for nothing. The only moment in which they are known."""
    codes = tuple(new_secret(groups=_GROUPS, letters=_GROUP) for _ in range(COUNT))
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=digest_of(code)) for code in codes)
        record(Event.RECOVERY_CODES_MADE, actor_id=user.pk, actor=user.email)
    return codes


def accept(*, user: User, code: str) -> bool:
    """Use a code up. Of two requests with the same one a single one succeeds."""
    with transaction.atomic():
        used, _ = RecoveryCode.objects.filter(user=user, digest=digest_of(code)).delete()
        if used:
            record(Event.RECOVERY_CODE_USED, actor_id=user.pk, actor=user.email, codes_left=left(user=user))
    return bool(used)


def left(*, user: User) -> int:
    """How many codes can still be used."""
    return RecoveryCode.objects.filter(user=user).count()
