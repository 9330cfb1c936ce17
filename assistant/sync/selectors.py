"""What administrators see of sources and runs.

Ids of failed documents are shown to the administrator of their source, who must
mend them; titles and text never are. Everybody else is told that nothing is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language, gettext

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.access.visibility import confirmed_recently
from assistant.accounts.roles import Right
from assistant.common.errors import NotFound
from assistant.common.told import restored
from assistant.common.types import Json
from assistant.documents.models import Document, Hidden
from assistant.sync.asked_hosts import refusal_of
from assistant.sync.due import next_run_at
from assistant.sync.kinds import choice_label
from assistant.sync.models import RunFailure, RunState, Source, SyncRun
from assistant.sync.reading import FailureView, RunView, SourceDetail, SourceRow
from assistant.sync.reasons import document_reason, run_reason
from connectors.registry import connector_kind
from connectors.sdk.contract import ConfigField, FieldType

_RUNS_SHOWN = 20
_FAILURES_SHOWN = 500


def sources(*, viewer: Viewer) -> list[SourceRow]:
    """All sources by name.

    Raises:
        NotFound: the viewer is no administrator.
    """
    require(viewer, Right.SEE_SOURCES)
    return [
        _row(source) for source in Source.objects.select_related("connection").order_by("connection__name")
    ]


def source(*, viewer: Viewer, source_id: int) -> SourceDetail:
    """One source with its runs and the failures of the latest run.

    Raises:
        NotFound: no such source, or the viewer is no administrator.
    """
    require(viewer, Right.SEE_SOURCES)
    found = Source.objects.select_related("connection").filter(pk=source_id).first()
    if found is None:
        raise NotFound("There is no such source.")
    runs = list(found.runs.order_by("-pk")[:_RUNS_SHOWN])
    asking = found.runs.filter(state=RunState.WAITING_FOR_APPROVAL).order_by("-pk").first()
    now = timezone.now()
    doubted = Document.objects.filter(connection=found.connection, version__gt=0).filter(
        Q(hidden=Hidden.PERMISSIONS) | (Q(hidden=Hidden.NO) & ~confirmed_recently(now))
    )
    return SourceDetail(
        row=_row(found),
        config=_shown_config(found),
        cron=found.cron,
        time_zone=found.time_zone,
        audience=tuple(principal.removeprefix("user:") for principal in found.audience),
        paused=found.paused,
        permissions_confirmed_at=found.connection.permissions_confirmed_at,
        hidden=doubted.count(),
        runs=tuple(_run(run, now) for run in runs),
        asking=_run(asking, now) if asking else None,
        failures=_failures(runs[0]) if runs else (),
        outside=refusal_of(found) or "",
    )


def run(*, viewer: Viewer, source_id: int, run_id: int) -> RunView:
    """One run of a source.

    Raises:
        NotFound: no such run of this source, or the viewer may not see sources.
    """
    require(viewer, Right.SEE_SOURCES)
    if not SyncRun.objects.filter(pk=run_id, source_id=source_id).exists():
        raise NotFound("There is no such run.")
    return run_progress(run_id)


def run_progress(run_id: int) -> RunView:
    """One run, for the command line.

    Raises:
        NotFound: no such run.
    """
    found = SyncRun.objects.filter(pk=run_id).first()
    if found is None:
        raise NotFound("There is no such run.")
    return _run(found, timezone.now())


def _row(found: Source) -> SourceRow:
    latest = found.runs.order_by("-pk").first()
    language = get_language() or "en"
    label = connector_kind(found.connection.kind).label
    findable = Document.objects.filter(
        connection=found.connection, version__gt=0, hidden=Hidden.NO, acl__clause_count__gt=0
    )
    next_run = None if found.paused else next_run_at(found, after=timezone.now())
    return SourceRow(
        id=found.pk,
        name=found.connection.name,
        kind=found.connection.kind,
        kind_label=label.get(language[:2], label["en"]),
        last_run=_run(latest, timezone.now()) if latest else None,
        documents=findable.count(),
        failures=latest.failed if latest else 0,
        next_run_at=next_run,
    )


def _run(found: SyncRun, now: datetime) -> RunView:
    elapsed = (found.finished_at or now) - found.started_at if found.started_at else timedelta(0)
    average = found.done / elapsed.total_seconds() if elapsed.total_seconds() > 0 else 0.0
    rate = average if found.finished_at else found.rate or average
    running = found.finished_at is None and found.started_at is not None
    expected = _expected(found) if running else None
    left = None if expected is None else expected - found.done
    return RunView(
        id=found.pk,
        kind=found.kind,
        state=found.state,
        requested_by=found.requested_by,
        created_at=found.created_at,
        started_at=found.started_at,
        finished_at=found.finished_at,
        phase=found.phase,
        found=found.found,
        fetched=found.fetched,
        total=found.total,
        done=found.done,
        added=found.added,
        updated=found.updated,
        unchanged=found.unchanged,
        deleted=found.deleted,
        failed=found.failed,
        missing=found.missing,
        current_item=found.current_item,
        rate=rate,
        eta_s=max(left, 0) / rate if left is not None and rate else None,
        heartbeat_age_s=_age(now, found.heartbeat_at) if running else None,
        progress_age_s=_age(now, found.progress_at) if running else None,
        code=found.code,
        detail=_in_words(found),
        cause=restored(found.detail, found.detail_parts),
    )


def _expected(found: SyncRun) -> int | None:
    """How many documents the run will deal with: while it is still listing, about as many as last time.

    None where that would be a guess.
    """
    if found.total is not None:
        return found.total
    before = SyncRun.objects.filter(source=found.source_id, kind=found.kind, pk__lt=found.pk)
    last = before.filter(total__isnull=False).order_by("-pk").values_list("total", flat=True).first()
    return None if last is None else max(found.found, last)


def _age(now: datetime, moment: datetime | None) -> float | None:
    return (now - moment).total_seconds() if moment else None


def _in_words(found: SyncRun) -> str:
    if not found.code:
        return found.detail
    reason = run_reason(found.code)
    return " ".join(part for part in (str(reason.what), str(reason.do), found.detail) if part)


def _failures(latest: SyncRun) -> tuple[FailureView, ...]:
    rows = RunFailure.objects.filter(run=latest).order_by("-is_prefix", "external_id")[:_FAILURES_SHOWN]
    return tuple(
        FailureView(
            external_id=row.external_id,
            code=row.code,
            reason=str(document_reason(row.code).what),
            what_to_do=str(document_reason(row.code).do),
            detail=restored(row.detail, row.detail_parts),
            at=row.at,
        )
        for row in rows
    )


def _shown_config(found: Source) -> tuple[tuple[str, str], ...]:
    language = (get_language() or "en")[:2]
    fields = connector_kind(found.connection.kind).fields
    return tuple(
        (
            field.label.get(language, field.label.get("en", field.name)),
            _shown_value(field, found.config[field.name], language),
        )
        for field in fields
        if field.type is not FieldType.SECRET and field.name in found.config
    )


def _shown_value(field: ConfigField, value: Json, language: str) -> str:
    match field.type:
        case FieldType.CHOICE:
            return choice_label(field, str(value), language)
        case FieldType.SWITCH:
            return gettext("Yes") if value is True else gettext("No")
        case FieldType.LINES if isinstance(value, Sequence) and not isinstance(value, str):
            return ", ".join(str(line) for line in value)
        case _:
            return str(value)
