"""Change counters, by which every process notices what another one changed."""

from __future__ import annotations

from enum import StrEnum

from django.db import transaction
from django.db.models import F

from assistant.accounts.models import Revision


class Counter(StrEnum):
    """What is counted."""

    PERMISSIONS = "permissions"  # membership, users, age limits
    DOCUMENTS = "documents"  # any document's version, access list or state


def bump(counter: Counter) -> int:
    """Raise the counter and return its new value.

    Must run inside the transaction that makes the change: the counter's row stays
    locked until that commits, so values become visible in order and none is missed.
    """
    assert transaction.get_connection().in_atomic_block, "bump() belongs into the transaction of its change"
    if not Revision.objects.filter(name=counter).update(value=F("value") + 1):
        Revision.objects.get_or_create(name=counter)
        Revision.objects.filter(name=counter).update(value=F("value") + 1)
    return Revision.objects.values_list("value", flat=True).get(name=counter)


def current(counter: Counter) -> int:
    """The value that the database holds now; 0 before the first change."""
    return Revision.objects.filter(name=counter).values_list("value", flat=True).first() or 0
