"""The audit log page by page, newest first. For who may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q
from django.utils import timezone

from assistant.audit.models import AuditEvent
from assistant.common.types import Json

PAGE = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: of or about whom (a part of the address), of which event, on which days (both count)."""

    person: str = ""
    event: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry in a list. `number` is None for the moment until it is part of the chain."""

    key: int
    number: int | None
    at: datetime
    event: str
    actor: str
    address: str
    via: str
    data: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some entries; `older` is the key to give as `before` for the next ones, None at the end."""

    entries: tuple[LoggedEntry, ...]
    older: int | None


def log_page(wanted: Wanted, *, before: int | None = None) -> LogPage:
    """The newest entries that are wanted, or those before the entry with the key `before`."""
    rows = AuditEvent.objects.order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    if wanted.person:
        rows = rows.filter(Q(actor__icontains=wanted.person) | Q(data__user__icontains=wanted.person))
    if wanted.event:
        rows = rows.filter(event=wanted.event)
    since, until = moments(wanted)
    if since is not None:
        rows = rows.filter(at__gte=since)
    if until is not None:
        rows = rows.filter(at__lt=until)
    found = list(rows[: PAGE + 1])
    shown = tuple(_logged(row) for row in found[:PAGE])
    return LogPage(shown, shown[-1].key if len(found) > PAGE else None)


def moments(wanted: Wanted) -> tuple[datetime | None, datetime | None]:
    """From the beginning of the first day, and to the beginning of the day after the last."""
    until = wanted.until + timedelta(days=1) if wanted.until else None
    return _midnight(wanted.since), _midnight(until)


def _midnight(day: date | None) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None


def _logged(row: AuditEvent) -> LoggedEntry:
    return LoggedEntry(
        key=row.pk,
        number=row.number,
        at=row.at,
        event=row.event,
        actor=row.actor,
        address=row.address,
        via=row.via,
        data=row.data if isinstance(row.data, dict) else {"?": row.data},
    )
