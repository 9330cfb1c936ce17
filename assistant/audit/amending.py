"""Takes what names a person out of the entries of the audit log, and says so in their codes.

The entry, its number, its time and what was done stay; its `mac` stays too, because the chain stands on it,
and the salt that went into it is erased with the name. A code under the present key covers what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from django.db import models, transaction

from assistant.audit.chain import Entry, Head, amended_code, is_intact, own_key
from assistant.audit.chaining import chain_new
from assistant.audit.keyring import keys, remember
from assistant.audit.models import AuditEvent, AuditHead

_BATCH = 500


def amend(rewritten: Callable[[Entry], Entry | None]) -> int:
    """Rewrite the entries for which `rewritten` gives another one. How many.

    An entry that is not as the program wrote it is rewritten, too, and stays one that `verify` tells of.
    """
    by, done = keys(), 0
    for row in _rows(AuditEvent.objects.all()):
        entry = row.as_entry()
        wanted = rewritten(entry)
        if wanted is None or wanted == entry:
            continue
        wanted = replace(wanted, salt="")
        code = amended_code(wanted, own_key()) if is_intact(entry, by) else "altered before"
        done += (
            _unguarded(row.pk)
            .filter(mac=row.mac)
            .update(
                actor=wanted.actor,
                address=wanted.address,
                data=dict(wanted.data),
                salt="",
                amended=code,
            )
        )
    return done


def retire(secrets: list[str]) -> int:
    """End the time of the keys that these secrets gave: they count for what stands now and nothing later.

    Safe to repeat. How many were ended.
    """
    chain_new()
    with transaction.atomic():
        AuditHead.objects.select_for_update().filter(pk=1).first()  # nobody numbers anything meanwhile
        chain_new()
        _amend_anew()
        last = AuditEvent.objects.exclude(number=None).order_by("-number").first()
        end = Head(last.number or 0, last.digest) if last is not None else Head(0, "")
        return sum(remember(secret, end=end) for secret in secrets)


def _amend_anew() -> None:
    """Amendments under a key whose time ends get a code of the present one."""
    by = keys()
    for row in _rows(AuditEvent.objects.exclude(amended="")):
        entry = row.as_entry()
        code = amended_code(entry, own_key())
        if code != row.amended and is_intact(entry, by):
            _unguarded(row.pk).filter(amended=row.amended).update(amended=code)


def _rows(among: models.QuerySet[AuditEvent]) -> Iterator[AuditEvent]:
    """In pages, so that no query is open while rows change."""
    after = 0
    while page := list(among.filter(pk__gt=after).order_by("pk")[:_BATCH]):
        yield from page
        after = page[-1].pk


def _unguarded(key: int) -> models.QuerySet[AuditEvent]:
    return models.QuerySet(AuditEvent).filter(pk=key)
