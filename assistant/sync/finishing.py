"""The end of a pass: confirm what was seen, delete what is gone, ask where that is in doubt."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F

from assistant.accounts.models import Connection
from assistant.accounts.revisions import Counter, bump
from assistant.documents.models import Document, Hidden
from assistant.ingest.storing import remove
from assistant.sync.committing import mark_stale
from assistant.sync.lease import hold
from assistant.sync.models import RunFailure, RunKind, RunState, SyncRun
from assistant.sync.plan import Deletion, plan_deletions
from connectors.sdk.contract import Failure

_WRITTEN_AT_ONCE = 500  # rows named in one statement


@dataclass(slots=True)
class Seen:
    """What a pass noticed on its way."""

    listed: int = 0
    complete: bool = False
    tombstones: set[str] = field(default_factory=set)
    failures: list[Failure] = field(default_factory=list)


def finish_documents(run: SyncRun, connection: Connection, seen: Seen, *, began: datetime) -> RunState:
    """Close a pass that reached its end; returns the state in which the run ends.

    `began`: when the listing began, which is as old as its news may be.
    """
    missing = _missing(run, connection, seen) if seen.complete else []
    doubted = _doubted(run)
    if seen.complete:
        _confirm(run, connection, missing, doubted, began=began)
    known = Document.objects.filter(connection=connection).exclude(hidden=Hidden.REMOVED).count()
    decision = plan_deletions(known=known, missing=len(missing), listed=seen.listed)
    if decision is Deletion.DELETE:
        with transaction.atomic():
            hold(run.pk)
            remove(missing)
            SyncRun.objects.filter(pk=run.pk).update(deleted=F("deleted") + len(missing))
    elif decision is Deletion.ASK:
        _ask(run, missing)
        return RunState.WAITING_FOR_APPROVAL
    return end_state(run, complete=seen.complete)


def _ask(run: SyncRun, missing: list[int]) -> None:
    """Hide what is missing until an administrator has decided."""
    with transaction.atomic():
        hold(run.pk)
        revision = bump(Counter.DOCUMENTS)
        for start in range(0, len(missing), _WRITTEN_AT_ONCE):
            part = missing[start : start + _WRITTEN_AT_ONCE]
            Document.objects.filter(pk__in=part, hidden=Hidden.NO).update(
                hidden=Hidden.MISSING, revision=revision
            )
        SyncRun.objects.filter(pk=run.pk).update(missing=len(missing))


def end_state(run: SyncRun, *, complete: bool) -> RunState:
    """Succeeded, with or without errors."""
    clean = complete and not RunFailure.objects.filter(run=run).exists()
    return RunState.SUCCEEDED if clean else RunState.SUCCEEDED_WITH_ERRORS


def _doubted(run: SyncRun) -> list[RunFailure]:
    """All failures of the run, also those that a worker noted which then died."""
    return list(RunFailure.objects.filter(run=run))


def _names(failure: RunFailure, external_id: str) -> bool:
    return (
        external_id.startswith(failure.external_id)
        if failure.is_prefix
        else external_id == failure.external_id
    )


def _missing(run: SyncRun, connection: Connection, seen: Seen) -> list[int]:
    """Documents that a complete listing did not name, and that no failure covers."""
    failures = _doubted(run)
    unseen = (
        Document.objects.filter(connection=connection)
        .exclude(seen_in_run=run.pk)
        .exclude(hidden=Hidden.REMOVED)
        .values_list("pk", "external_id")
    )
    return [
        pk
        for pk, external_id in unseen
        if external_id in seen.tombstones or not any(_names(failure, external_id) for failure in failures)
    ]


def _confirm(
    run: SyncRun, connection: Connection, missing: list[int], failures: list[RunFailure], *, began: datetime
) -> None:
    """The listing is complete: the access lists of all documents seen are right as of its beginning."""
    gone = set(missing)
    with transaction.atomic():
        hold(run.pk)
        revision = bump(Counter.DOCUMENTS)
        for document in Document.objects.filter(connection=connection, acl_stale=False).exclude(
            seen_in_run=run.pk
        ):
            if document.pk not in gone and document.hidden != Hidden.REMOVED:
                mark_stale(document, connection)
                document.revision = revision
                document.save(update_fields=["acl_stale", "acl_confirmed_at", "revision"])
        for document in Document.objects.filter(
            connection=connection, seen_in_run=run.pk, hidden=Hidden.PERMISSIONS, acl_stale=False
        ):
            if not any(failure.hides and _names(failure, document.external_id) for failure in failures):
                document.hidden, document.revision = Hidden.NO, revision
                document.save(update_fields=["hidden", "revision"])
        Connection.objects.filter(pk=connection.pk).update(permissions_confirmed_at=began)
        connection.permissions_confirmed_at = began
        if run.kind != RunKind.PERMISSIONS:
            _answer_older_questions(run)


def _answer_older_questions(run: SyncRun) -> None:
    """What earlier runs asked about is answered by this listing, or asked again with its run."""
    waiting = SyncRun.objects.filter(source_id=run.source_id, state=RunState.WAITING_FOR_APPROVAL)
    waiting.filter(pk__lt=run.pk).update(
        state=RunState.SUCCEEDED_WITH_ERRORS, detail=f"Run {run.pk} has listed the source anew."
    )


def finish_permissions(run: SyncRun, connection: Connection, seen: Seen, *, began: datetime) -> RunState:
    """Close a pass over permissions alone. It deletes nothing: what was not named becomes stale."""
    if seen.complete:
        _confirm(run, connection, [], _doubted(run), began=began)
    return end_state(run, complete=seen.complete)
