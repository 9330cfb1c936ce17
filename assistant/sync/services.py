"""What can be done with sources and runs. A view, task or command calls exactly one of these."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from assistant.accounts.models import Connection
from assistant.accounts.revisions import Counter, bump
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound, UsageError
from assistant.common.told import told
from assistant.common.types import JsonObject
from assistant.documents.models import Document, Hidden
from assistant.ingest.storing import remove
from assistant.sync.configuration import checked_settings, kind_of, sealed_secrets
from assistant.sync.detail import kept_detail
from assistant.sync.due import due_kind
from assistant.sync.finishing import end_state
from assistant.sync.lease import release_dead
from assistant.sync.models import (
    COLLECTING,
    CONTENT_KINDS,
    OPEN_STATES,
    Phase,
    RunKind,
    RunState,
    Source,
    SyncRun,
)
from assistant.sync.push_turns import end_silent
from assistant.sync.reasons import RunCode
from assistant.sync.spool import spool_of
from assistant.sync.wake import wake
from connectors.registry import connector_kind

_ON_REQUEST = tuple(kind for kind in RunKind.values if kind != RunKind.PUSH)
_LISTS_ONLY = (RunKind.PERMISSIONS, RunKind.PRINCIPALS)
_RESEND_AFTER_S = 20
_LONGEST_NAME = 120
_WRITTEN_AT_ONCE = 500  # rows named in one statement


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
    checked, checked_secrets = checked_settings(connector_kind(kind), config=config, secrets=secrets or {})
    if Connection.objects.filter(name=name).exists():
        raise UsageError(f"There is already a source named '{name}'.")
    with transaction.atomic():
        connection = Connection.objects.create(
            name=name, kind=kind, max_age_s=settings.MUNDAP_PERMISSION_MAX_AGE_S
        )
        Source.objects.create(
            connection=connection,
            # Not all sources at the full hour.
            cron="" if connector_kind(kind).pushed else f"{connection.pk * 7 % 60} * * * *",
            time_zone=settings.TIME_ZONE,
            config=checked,
            sealed_secrets=(
                sealed_secrets(checked_secrets, connection_id=connection.pk) if checked_secrets else b""
            ),
        )
        record(Event.SOURCE_ADDED, actor=actor, source=name, kind=kind)
    return connection.pk


# What each kind of run does of what another one would.
_COVERED = {
    RunKind.FULL: {RunKind.FULL, RunKind.INCREMENTAL, RunKind.PRUNE, RunKind.RETRY},
    RunKind.INCREMENTAL: {RunKind.INCREMENTAL},
    RunKind.RETRY: {RunKind.RETRY},
    RunKind.PRUNE: {RunKind.PRUNE, RunKind.PERMISSIONS, RunKind.PRINCIPALS},
    RunKind.PERMISSIONS: {RunKind.PERMISSIONS, RunKind.PRINCIPALS},
    RunKind.PRINCIPALS: {RunKind.PRINCIPALS},
}


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


def request_run(*, source_id: int, kind: str, actor: str, anew: bool = False) -> int:
    """Ask for a run and wake a worker up; returns the id of the run that is open now.

    While documents are read, access lists are read amid them: nobody waits hours for a revocation. What
    an open run does not cover it becomes, if nobody works on it yet, or is followed by. `anew`: what
    has begun does not cover it, because something has changed since.

    Raises:
        NotFound: no such source.
        UsageError: no such kind of run, or a source into which programs push.
    """
    if kind not in _ON_REQUEST:
        raise UsageError(f"'{kind}' is no kind of run. Known: {', '.join(_ON_REQUEST)}.")
    source = Source.objects.filter(pk=source_id).select_related("connection").first()
    if source is None:
        raise NotFound("There is no such source.")
    if kind_of(source).pushed:
        raise UsageError("Programs push the documents of this source: a run would have nothing to read.")
    run_id = _joined_run(source_id, kind, anew=anew)
    if run_id is None:
        try:
            with transaction.atomic():
                run = SyncRun.objects.create(source_id=source_id, kind=kind, requested_by=actor)
                record(Event.SYNC_REQUESTED, actor=actor, run=run.pk, kind=kind)
                transaction.on_commit(lambda: wake(run.pk))
            return run.pk
        except IntegrityError:  # another process opened one in between
            run_id = _joined_run(source_id, kind, anew=anew)
    if run_id is not None:
        return run_id
    # The other one's run has ended meanwhile, so that there is room again.
    return request_run(source_id=source_id, kind=kind, actor=actor, anew=anew)


def _joined_run(source_id: int, kind: str, *, anew: bool) -> int | None:
    """The open run of the source, which does what is asked for on its way where it can."""
    with transaction.atomic():
        rows = SyncRun.objects.select_for_update(of=("self",))
        run = rows.filter(source_id=source_id, state__in=OPEN_STATES).first()
        if run is None:
            return None
        begun = run.started_at is not None
        if kind in _LISTS_ONLY and run.kind in CONTENT_KINDS:
            run.permissions_requested = True
        elif begun and (anew or kind not in _COVERED[RunKind(run.kind)]):
            run.permissions_requested |= _leaves_lists(run.next_kind, kind)
            run.next_kind = _both(run.next_kind, kind)
        elif not begun:
            run.permissions_requested |= _leaves_lists(run.kind, kind)
            run.kind = _both(run.kind, kind)
        run.save(update_fields=["permissions_requested", "next_kind", "kind"])
    return run.pk


def _both(wanted: str, kind: str) -> str:
    """The kind of a run that does what both do. Access lists are left out, see `_leaves_lists`."""
    if not wanted or wanted in _COVERED[RunKind(kind)] or (wanted in _LISTS_ONLY and kind in CONTENT_KINDS):
        return kind
    if kind in _COVERED[RunKind(wanted)] or kind in _LISTS_ONLY:
        return wanted
    return RunKind.FULL


def _leaves_lists(wanted: str, kind: str) -> bool:
    """Whether the access lists that one of the two asks for must be asked for beside the other."""
    both = _both(wanted, kind)
    return both in CONTENT_KINDS and (wanted in _LISTS_ONLY or kind in _LISTS_ONLY)


def follow(run_id: int) -> None:
    """Tidy up after a run that has ended, and ask for what somebody wanted while it was open."""
    spool_of(run_id).clear()  # however it ended: what was fetched for it is of no use any more
    run = SyncRun.objects.get(pk=run_id)
    wanted = [run.next_kind] if run.next_kind else []
    if run.permissions_requested:
        wanted.append(RunKind.PERMISSIONS)
    for kind in wanted:
        request_run(source_id=run.source_id, kind=kind, actor=run.requested_by)


def retry_failed(*, source_id: int, actor: str) -> int:
    """Read the documents again that failed; returns the id of the run that is open now.

    Raises:
        NotFound: no such source.
    """
    return request_run(source_id=source_id, kind=RunKind.RETRY, actor=actor)


def cancel_run(*, run_id: int, actor: str) -> None:
    """Ask a run to stop. What it committed stays. A run that nobody works on ends at once."""
    by = kept_detail(told("Cancelled by {actor}.", actor=actor))
    SyncRun.objects.filter(pk=run_id, state__in=OPEN_STATES).update(cancel_requested=True, **by)
    release_dead()
    now = timezone.now()
    idle = Q(state=RunState.PENDING) | (Q(state=RunState.RUNNING, lease_until__lt=now) & ~COLLECTING)
    ended = SyncRun.objects.filter(idle, pk=run_id).update(
        state=RunState.CANCELLED,
        finished_at=now,
        phase=Phase.NONE,
        lease_until=None,
        code="",
        **by,
    )
    if ended:
        follow(run_id)


def pause_source(*, source_id: int, actor: str) -> None:
    """Let nothing of the source run until it is resumed. An open run keeps its place.

    Raises:
        NotFound: no such source.
    """
    _set_paused(source_id, paused=True, actor=actor)


def resume_source(*, source_id: int, actor: str) -> None:
    """Go on with what was paused.

    Raises:
        NotFound: no such source.
    """
    _set_paused(source_id, paused=False, actor=actor)
    run = SyncRun.objects.filter(source_id=source_id, state=RunState.PENDING).first()
    if run is not None:
        SyncRun.objects.filter(pk=run.pk, code=RunCode.PAUSED).update(code="", not_before=timezone.now())
        wake(run.pk)


def _set_paused(source_id: int, *, paused: bool, actor: str) -> None:
    with transaction.atomic():
        if not Source.objects.filter(pk=source_id).update(paused=paused):
            raise NotFound("There is no such source.")
        record(Event.SOURCE_PAUSED if paused else Event.SOURCE_RESUMED, actor=actor, source=source_id)


def approve_deletions(*, run_id: int, actor: str) -> int:
    """Delete what the run found missing and asked about; returns how many documents.

    Raises:
        NotFound: no such run waits for approval.
    """
    with transaction.atomic():
        run, missing = _asked(run_id)
        remove(missing)
        SyncRun.objects.filter(pk=run.pk).update(
            state=end_state(run, complete=True), deleted=F("deleted") + len(missing), missing=0
        )
        record(Event.DELETION_APPROVED, actor=actor, run=run.pk, documents=len(missing))
    return len(missing)


def refuse_deletions(*, run_id: int, actor: str) -> int:
    """Keep what the run found missing, and show it again; returns how many documents.

    The next run that finds them missing asks again, however few they are, unless they were there meanwhile.

    Raises:
        NotFound: no such run waits for approval.
    """
    with transaction.atomic():
        run, missing = _asked(run_id)
        revision = bump(Counter.DOCUMENTS)
        for start in range(0, len(missing), _WRITTEN_AT_ONCE):
            Document.objects.filter(pk__in=missing[start : start + _WRITTEN_AT_ONCE]).update(
                hidden=Hidden.NO, revision=revision
            )
        SyncRun.objects.filter(pk=run.pk).update(state=RunState.SUCCEEDED_WITH_ERRORS, missing=0)
        record(Event.DELETION_REFUSED, actor=actor, run=run.pk, documents=len(missing))
    return len(missing)


def _asked(run_id: int) -> tuple[SyncRun, list[int]]:
    """The run that waits, and the documents it asks about, locked.

    One that came back is not among them, nor is what a later run has found missing.
    """
    waiting = SyncRun.objects.select_for_update().filter(pk=run_id, state=RunState.WAITING_FOR_APPROVAL)
    run = waiting.first()
    if run is None:
        raise NotFound("No run with this number waits for approval.")
    missing = (
        Document.objects.select_for_update()
        .filter(connection_id=run.source_id, hidden=Hidden.MISSING, asked_in_run=run.pk)
        .values_list("pk", flat=True)
    )
    return run, list(missing)


def sweep() -> list[int]:
    """Start what is due, free what died, send lost wake-ups again. Returns the runs woken."""
    now = timezone.now()
    release_dead()
    end_silent(now=now)
    for source in Source.objects.filter(paused=False).select_related("connection"):
        kind = due_kind(source, now=now)
        if kind is not None:
            request_run(source_id=source.pk, kind=kind, actor="schedule")
    lost = SyncRun.objects.filter(state=RunState.RUNNING, lease_until__lt=now) | SyncRun.objects.filter(
        state=RunState.PENDING, not_before__lte=now, created_at__lt=now - timedelta(seconds=_RESEND_AFTER_S)
    )
    lost = lost.exclude(COLLECTING)
    woken = list(lost.filter(source__paused=False).values_list("pk", flat=True))
    for run_id in woken:
        wake(run_id)
    return woken
