"""Which run is due for a source now: by its schedule, or because its access lists were read too long ago."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from assistant.common.errors import UsageError
from assistant.sync.configuration import kind_of
from assistant.sync.models import OPEN_STATES, RunKind, Source, SyncRun
from assistant.sync.schedule import next_after

log = logging.getLogger(__name__)

_LISTING = (RunKind.INCREMENTAL, RunKind.FULL)
_READING_LISTS = (RunKind.PERMISSIONS, RunKind.PRUNE)


def due_kind(source: Source, *, now: datetime) -> RunKind | None:
    """The kind of run that should start now; None: nothing is due, or a run is open."""
    if kind_of(source).pushed:
        return None
    runs = SyncRun.objects.filter(source=source).order_by("-pk")
    latest = runs.first()
    if latest is None:
        return RunKind.INCREMENTAL if source.cron else None
    if latest.state in OPEN_STATES:
        return None
    listing = runs.filter(kind__in=_LISTING).first()
    if listing is None or listing.finished_at is None:
        return RunKind.INCREMENTAL if source.cron else None
    # From the start of the last listing: one that took longer than the interval is followed at once.
    following = next_run_at(source, after=listing.started_at or listing.created_at)
    is_due = following is not None and following <= now
    if is_due and source.cursor is None:
        return RunKind.INCREMENTAL  # lists everything, with all access lists
    # Before a feed is followed: one that is always due would leave no time for them.
    if _lists_are_old(source, now=now):
        return RunKind.PERMISSIONS
    return RunKind.INCREMENTAL if is_due else None


def next_run_at(source: Source, *, after: datetime) -> datetime | None:
    """When the schedule starts the next listing; None: it has none, or one that cannot be read."""
    if not source.cron or kind_of(source).pushed:
        return None
    try:
        return next_after(source.cron, source.time_zone, after=after)
    except UsageError as error:
        log.error("source %s is not started by its schedule: %s", source.pk, error)
        return None


def _lists_are_old(source: Source, *, now: datetime) -> bool:
    """Whether all access lists were last read longer ago than the source's settings bear."""
    if not source.permissions_hours:
        return False
    limit = timedelta(hours=source.permissions_hours)
    read_at = source.connection.permissions_confirmed_at
    if read_at is not None and now - read_at <= limit:
        return False
    # After a reading that failed, not again at once. Runs that follow a feed read no lists.
    tried = SyncRun.objects.filter(source=source, kind__in=_READING_LISTS).order_by("-pk").first()
    tried_at = (tried.finished_at or tried.created_at) if tried else None
    return tried_at is None or now - tried_at > limit / 24
