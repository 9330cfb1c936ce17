"""What can be done with sources and runs. A view, task or command calls exactly one of these."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from assistant.accounts.models import Connection
from assistant.accounts.revisions import Counter, bump
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound, UsageError
from assistant.common.types import JsonObject
from assistant.documents.models import Document, Hidden
from assistant.ingest.storing import remove
from assistant.sync.configuration import sealed_secrets
from assistant.sync.finishing import end_state
from assistant.sync.lease import release_dead
from assistant.sync.models import OPEN_STATES, RunKind, RunState, Source, SyncRun
from assistant.sync.wake import wake
from connectors.registry import connector_kind
from connectors.sdk.config import validate

_RESEND_AFTER_S = 20
_LONGEST_NAME = 120
_LONGEST_LIMIT_H = 24 * 365


def add_source(
    *, kind: str, name: str, config: JsonObject, secrets: Mapping[str, str] | None = None, actor: str = ""
) -> int:
    """Store a new source; returns its id. Nothing is read yet.

    Raises:
        UsageError: unknown kind, settings that do not fit it, or a name that is taken.
    """
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME:
        raise UsageError(f"A source's name must have 1 to {_LONGEST_NAME} characters.")
    checked, checked_secrets = validate(connector_kind(kind), config=config, secrets=secrets or {})
    if Connection.objects.filter(name=name).exists():
        raise UsageError(f"There is already a source named '{name}'.")
    with transaction.atomic():
        connection = Connection.objects.create(
            name=name, kind=kind, max_age_s=settings.MUNDAP_PERMISSION_MAX_AGE_S
        )
        Source.objects.create(
            connection=connection,
            config=checked,
            sealed_secrets=(
                sealed_secrets(checked_secrets, connection_id=connection.pk) if checked_secrets else b""
            ),
        )
        record(Event.SOURCE_ADDED, actor=actor, source=name, kind=kind)
    return connection.pk


def set_age_limit(*, source_id: int, hours: int, actor: str) -> None:
    """How old permissions and groups of a source may be before nobody sees what they open.

    Raises:
        UsageError: less than an hour or more than a year.
        NotFound: no such source.
    """
    if not 1 <= hours <= _LONGEST_LIMIT_H:
        raise UsageError(f"The limit must be 1 to {_LONGEST_LIMIT_H} hours.")
    with transaction.atomic():
        changed = Connection.objects.filter(pk=source_id).update(max_age_s=hours * 3600)
        if not changed:
            raise NotFound("There is no such source.")
        bump(Counter.PERMISSIONS)
        record(Event.AGE_LIMIT_CHANGED, actor=actor, source=source_id, hours=hours)


def find_source(name_or_id: str) -> int:
    """The id of the source with this name, or else with this number.

    Raises:
        UsageError: there is none.
    """
    found = Source.objects.filter(connection__name=name_or_id).values_list("pk", flat=True).first()
    if found is None and name_or_id.isascii() and name_or_id.isdigit():
        found = Source.objects.filter(pk=int(name_or_id)).values_list("pk", flat=True).first()
    if found is None:
        known = ", ".join(Connection.objects.order_by("name").values_list("name", flat=True)) or "none yet"
        raise UsageError(f"There is no source '{name_or_id}'. Known sources: {known}.")
    return found


def request_run(*, source_id: int, kind: str, actor: str) -> int:
    """Ask for a run and wake a worker up; returns the id of the run that is open now.

    Raises:
        NotFound: no such source.
        UsageError: no such kind of run.
    """
    if kind not in RunKind.values:
        raise UsageError(f"'{kind}' is no kind of run. Known: {', '.join(RunKind.values)}.")
    if not Source.objects.filter(pk=source_id).exists():
        raise NotFound("There is no such source.")
    run_id = _open_run(source_id)
    if run_id is None:
        try:
            with transaction.atomic():
                run = SyncRun.objects.create(source_id=source_id, kind=kind, requested_by=actor)
                record(Event.SYNC_REQUESTED, actor=actor, run=run.pk, kind=kind)
                transaction.on_commit(lambda: wake(run.pk))
            return run.pk
        except IntegrityError:  # another process opened one in between
            run_id = _open_run(source_id)
    # None: the other one's run has ended meanwhile, so that there is room again.
    return run_id if run_id is not None else request_run(source_id=source_id, kind=kind, actor=actor)


def _open_run(source_id: int) -> int | None:
    return (
        SyncRun.objects.filter(source_id=source_id, state__in=OPEN_STATES)
        .values_list("pk", flat=True)
        .first()
    )


def cancel_run(*, run_id: int, actor: str) -> None:
    """Ask a run to stop. What it committed stays. A run that nobody works on ends at once."""
    SyncRun.objects.filter(pk=run_id, state__in=OPEN_STATES).update(cancel_requested=True)
    SyncRun.objects.filter(pk=run_id, state=RunState.PENDING).update(
        state=RunState.CANCELLED, finished_at=timezone.now(), detail=f"Cancelled by {actor}."
    )


def approve_deletions(*, run_id: int, actor: str) -> int:
    """Delete what the run found missing and asked about; returns how many documents.

    Raises:
        NotFound: no such run waits for approval.
    """
    waiting = SyncRun.objects.select_for_update().filter(pk=run_id, state=RunState.WAITING_FOR_APPROVAL)
    with transaction.atomic():
        run = waiting.first()
        if run is None:
            raise NotFound("No run with this number waits for approval.")
        # Locked, so that a document which a run brings back at this moment is not deleted.
        missing = list(
            Document.objects.select_for_update()
            .filter(connection_id=run.source_id, hidden=Hidden.MISSING)
            .values_list("pk", flat=True)
        )
        remove(missing)
        SyncRun.objects.filter(pk=run.pk).update(
            state=end_state(run, complete=True), deleted=F("deleted") + len(missing), missing=0
        )
        record(Event.DELETION_APPROVED, actor=actor, run=run.pk, documents=len(missing))
    return len(missing)


def sweep() -> list[int]:
    """Start what is due, free what died, send lost wake-ups again. Returns the runs woken."""
    now = timezone.now()
    release_dead()
    for source in Source.objects.filter(paused=False).select_related("connection"):
        if is_due(source):
            request_run(source_id=source.pk, kind=RunKind.INCREMENTAL, actor="schedule")
    lost = SyncRun.objects.filter(state=RunState.RUNNING, lease_until__lt=now) | SyncRun.objects.filter(
        state=RunState.PENDING, not_before__lte=now, created_at__lt=now - timedelta(seconds=_RESEND_AFTER_S)
    )
    woken = list(lost.values_list("pk", flat=True))
    for run_id in woken:
        wake(run_id)
    return woken


def is_due(source: Source) -> bool:
    """Whether the schedule asks for a run now. A source is never due while one is open."""
    latest = SyncRun.objects.filter(source=source).order_by("-pk").first()
    if latest is None:
        return True
    if latest.state in OPEN_STATES or not source.schedule_minutes or latest.finished_at is None:
        return False
    return latest.finished_at + timedelta(minutes=source.schedule_minutes) <= timezone.now()
