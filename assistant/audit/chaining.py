"""Gives committed entries their numbers. A step of its own, after the transaction that recorded them.

Numbering inside that transaction would hold the chain's lock until it commits: whoever records in the
middle of their work and then waits for another row would deadlock with who does it the other way round.
As a step of its own it takes one lock and nothing else, numbers only what is committed (so that nothing
rolled back leaves a gap), and takes along what a killed process left. Until then an entry is held by `mac`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, count, islice

from django.db import models, transaction

from assistant.audit import head_file
from assistant.audit.chain import (
    BEGINNING,
    ChainKey,
    Head,
    is_intact,
    is_linked,
    is_own_head,
    linked,
    own_key,
    signed_head,
)
from assistant.audit.keyring import keys
from assistant.audit.models import AuditEvent, AuditHead

_BATCH = 500


def waiting() -> models.QuerySet[AuditEvent]:
    """Entries without a number."""
    return AuditEvent.objects.filter(number=None)


def chain_new() -> int:
    """Number every committed entry that has no number yet and that the program wrote. How many they were."""
    if not waiting().exists():
        return 0
    by = keys()
    with transaction.atomic():
        row = _locked_head()
        head, done = _latest(row, by), 0
        numbers = _free_after(head.number)
        for rows in _batches(waiting().order_by("pk").iterator(_BATCH)):
            for one in _genuine(rows, by):
                number = next(numbers)
                entry = linked(one.as_entry(), number, head.digest, own_key())
                _place(one.pk, number, entry.previous, entry.digest)
                head, done = Head(number, entry.digest), done + 1
        if not done:
            return 0
        head = signed_head(head.number, head.digest, own_key())
        AuditHead.objects.filter(pk=row.pk).update(number=head.number, digest=head.digest, mac=head.mac)
        transaction.on_commit(lambda: head_file.remember(head, by))
    return done


def _batches(rows: Iterator[AuditEvent]) -> Iterator[list[AuditEvent]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _free_after(number: int) -> Iterator[int]:
    """The numbers behind this one, without those that somebody gave to rows of their own."""
    taken = set(AuditEvent.objects.filter(number__gt=number).values_list("number", flat=True))
    return (free for free in count(number + 1) if free not in taken)


def _genuine(rows: Sequence[AuditEvent], by: Sequence[ChainKey]) -> list[AuditEvent]:
    """Those that `record` wrote and nobody altered or copied since. `audit verify` names the others."""
    others = AuditEvent.objects.filter(uid__in=[row.uid for row in rows]).exclude(
        pk__in=[row.pk for row in rows]
    )
    copied = set(others.values_list("uid", flat=True))
    fresh: dict[str, AuditEvent] = {}
    for row in rows:
        if not row.previous and not row.digest and row.uid not in copied and is_intact(row.as_entry(), by):
            fresh.setdefault(row.uid, row)
    return list(fresh.values())


def _place(row_id: int, number: int, previous: str, digest: str) -> None:
    """The one change that an entry sees."""
    unplaced: models.QuerySet[AuditEvent] = models.QuerySet(AuditEvent).filter(pk=row_id, number=None)
    unplaced.update(number=number, previous=previous, digest=digest)


def _locked_head() -> AuditHead:
    """The head's row, locked until the end of the transaction (SQLite locks everything)."""
    row = AuditHead.objects.select_for_update().filter(pk=1).first()
    if row is not None:
        return row
    first = signed_head(0, BEGINNING, own_key())
    AuditHead.objects.get_or_create(pk=1, defaults={"digest": first.digest, "mac": first.mac})
    return AuditHead.objects.select_for_update().get(pk=1)


def _latest(row: AuditHead, by: Sequence[ChainKey]) -> Head:
    """Where the chain goes on: the latest end that anything remembers.

    What is cut off must leave a gap behind it that stays: going on from the entries that are left would
    give the numbers of the missing ones to others.
    """
    known = [Head(0, BEGINNING)]
    if is_own_head(row.as_head(), by):
        known.append(row.as_head())
    try:
        kept = head_file.remembered(by)
    except head_file.HeadFileChanged:
        kept = None
    placed = AuditEvent.objects.exclude(number=None).order_by("-number")
    for last in chain(placed[:1], placed[1:_BATCH]):  # nearly always the first one
        if last.number is not None and is_linked(last.as_entry(), last.number, by):
            known.append(Head(last.number, last.digest))
            break
    return max([*known, *([kept] if kept else [])], key=lambda head: head.number)
