"""The end of a pass: confirm what was seen, delete what is gone, ask where that is in doubt."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from assistant.accounts.models import Connection
from assistant.accounts.revisions import Counter, bump
from assistant.common.told import told
from assistant.documents.models import Document, Hidden
from assistant.ingest.storing import remove
from assistant.sync.committing import mark_stale
from assistant.sync.configuration import listing_mark
from assistant.sync.detail import kept_detail
from assistant.sync.doubts import Named
from assistant.sync.lease import hold_unchanged
from assistant.sync.models import CONTENT_KINDS, RunFailure, RunKind, RunState, Source, SyncRun
from assistant.sync.plan import Deletion, Guard, plan_deletions
from assistant.sync.seen import Seen

_WRITTEN_AT_ONCE = 500  # rows named in one statement


def finish_documents(run: SyncRun, connection: Connection, seen: Seen, *, began: datetime) -> RunState:
    """Close a pass that reached its end; returns the state in which the run ends.

    `began`: when the listing began, which is as old as its news may be.
    """
    decided = seen.complete or seen.caught_up or run.kind == RunKind.RETRY
    if not decided:  # it broke off: what it called gone stays hidden until a run comes to its end
        return end_state(run, complete=False)
    missing = _unnamed(run, connection) if seen.complete else _named_gone(connection)
    if seen.complete:
        _confirm(run, connection, missing, began=began, named=_seen(run))
    else:
        _end_doubts(run, connection, named=_seen(run))
    _answer_older_questions(run)
    _keep_cursor(run, seen, began=began)
    return _deleted_or_asked(run, connection, missing, whole=seen.complete)


def finish_permissions(run: SyncRun, connection: Connection, seen: Seen, *, began: datetime) -> RunState:
    """Close a pass over permissions alone: what was not named becomes stale.

    It deletes nothing, unless the run is to look for what is gone.
    """
    if not seen.complete:
        return end_state(run, complete=False)
    missing = _unnamed(run, connection) if run.kind == RunKind.PRUNE else []
    _confirm(run, connection, missing, began=began, named=_seen(run))
    if run.kind == RunKind.PRUNE:
        _answer_older_questions(run)
    return _deleted_or_asked(run, connection, missing, whole=True)


def finish_lists_amid_documents(run: SyncRun, connection: Connection, seen: Seen, *, began: datetime) -> None:
    """Close a reading of access lists that a run over documents made on its way."""
    if seen.complete:
        _confirm(run, connection, [], began=began, named=Q(acl_seen_in_run=run.pk))


def _deleted_or_asked(run: SyncRun, connection: Connection, missing: list[int], *, whole: bool) -> RunState:
    source = run.source
    known = Document.objects.filter(connection=connection).exclude(hidden=Hidden.REMOVED).count()
    listed = (
        Document.objects.filter(_seen(run), connection=connection).count() if whole else known - len(missing)
    )
    guard = Guard(source.max_deleted, source.max_deleted_percent)
    decision = plan_deletions(
        known=known, missing=len(missing), listed=listed, lately=_deleted_lately(run), guard=guard
    )
    if decision is Deletion.DELETE and _unanswered(connection, missing):
        decision = Deletion.ASK
    if decision is Deletion.DELETE:
        with transaction.atomic():
            hold_unchanged(run)
            remove(missing)
            SyncRun.objects.filter(pk=run.pk).update(deleted=F("deleted") + len(missing))
    elif decision is Deletion.ASK:
        _ask(run, missing)
        return RunState.WAITING_FOR_APPROVAL
    return end_state(run, complete=True)


def _deleted_lately(run: SyncRun) -> int:
    """How many documents of the source the other runs of the last day deleted without asking."""
    runs = SyncRun.objects.filter(source=run.source_id, finished_at__gt=timezone.now() - timedelta(days=1))
    deleted: int = runs.exclude(pk=run.pk).aggregate(all=Sum("deleted", default=0))["all"]
    approved = Document.objects.filter(connection=run.source_id, hidden=Hidden.REMOVED)
    return max(0, deleted - approved.filter(asked_in_run__in=runs.values("pk")).count())


def _unanswered(connection: Connection, missing: list[int]) -> bool:
    """Whether an earlier run asked about one of them, and nobody has said that it may go.

    No later run decides it instead, also not where somebody has said that it stays.
    """
    asked = Document.objects.filter(connection=connection, asked_in_run__gt=0).exclude(hidden=Hidden.REMOVED)
    return not set(missing).isdisjoint(asked.values_list("pk", flat=True))


def _ask(run: SyncRun, missing: list[int]) -> None:
    """Hide what is missing until an administrator has decided."""
    with transaction.atomic():
        hold_unchanged(run)
        revision = bump(Counter.DOCUMENTS)
        for start in range(0, len(missing), _WRITTEN_AT_ONCE):
            part = missing[start : start + _WRITTEN_AT_ONCE]
            Document.objects.filter(pk__in=part, hidden=Hidden.NO).update(
                hidden=Hidden.MISSING, revision=revision
            )
            Document.objects.filter(pk__in=part).update(asked_in_run=run.pk)
        SyncRun.objects.filter(pk=run.pk).update(missing=len(missing))


def end_state(run: SyncRun, *, complete: bool) -> RunState:
    """Succeeded, with or without errors."""
    clean = complete and not RunFailure.objects.filter(run=run).exists()
    return RunState.SUCCEEDED if clean else RunState.SUCCEEDED_WITH_ERRORS


def _keep_cursor(run: SyncRun, seen: Seen, *, began: datetime) -> None:
    """The next run goes on from here. Below a prefix that failed it would miss what changed meanwhile.

    A run during which somebody changed what is listed leaves the cursor to the one that lists it all.
    """
    changes: dict[str, object] = {}
    failed_prefix = RunFailure.objects.filter(run=run, is_prefix=True).exists()
    if (seen.complete or seen.caught_up) and not failed_prefix:
        changes["cursor"] = seen.cursor
    if seen.complete:
        changes["listed_at"] = began
    with transaction.atomic():
        source = Source.objects.select_for_update(of=("self",)).get(pk=run.source_id)
        if changes and (run.listing or {}).get("settings", "") in ("", listing_mark(source)):
            Source.objects.filter(pk=source.pk).update(**changes)


def _seen(run: SyncRun) -> Q:
    return Q(seen_in_run=run.pk) if run.kind in CONTENT_KINDS else Q(acl_seen_in_run=run.pk)


def _unnamed(run: SyncRun, connection: Connection) -> list[int]:
    """Documents that a complete listing did not name, and that no failure covers; or that it called gone."""
    failures = Named.by_run(run)
    unseen = (
        Document.objects.filter(connection=connection)
        .exclude(_seen(run))
        .exclude(hidden=Hidden.REMOVED)
        .values_list("pk", "external_id", "hidden")
    )
    return [
        pk for pk, external_id, hidden in unseen if hidden == Hidden.MISSING or not failures.name(external_id)
    ]


def _named_gone(connection: Connection) -> list[int]:
    """Documents that the source has called gone and that nobody has decided about."""
    gone = Document.objects.filter(connection=connection, hidden=Hidden.MISSING)
    return list(gone.values_list("pk", flat=True))


def _confirm(run: SyncRun, connection: Connection, missing: list[int], *, began: datetime, named: Q) -> None:
    """The listing is complete: the access lists of all documents it `named` are right as of its beginning."""
    gone = set(missing)
    with transaction.atomic():
        hold_unchanged(run)
        revision = bump(Counter.DOCUMENTS)
        mine = Document.objects.filter(connection=connection, acl_stale=False)
        for document in mine.exclude(named):
            if document.pk not in gone and document.hidden != Hidden.REMOVED:
                mark_stale(document, connection)
                document.revision = revision
                document.save(update_fields=["acl_stale", "acl_confirmed_at", "revision"])
        _end_doubts(run, connection, named=named)
        # Lists that were read amid the documents are younger than the listing.
        rows = Connection.objects.filter(pk=connection.pk)
        amid = rows.values_list("permissions_confirmed_at", flat=True).get()
        connection.permissions_confirmed_at = max(began, amid or began)
        rows.update(permissions_confirmed_at=connection.permissions_confirmed_at)


def _end_doubts(run: SyncRun, connection: Connection, *, named: Q) -> None:
    """Documents that were hidden for doubts come back once a run has named them and doubts them no more."""
    hiding = Named.by_run(run, hides=True)
    doubted = Document.objects.filter(
        named, connection=connection, acl_stale=False, hidden=Hidden.PERMISSIONS
    )
    with transaction.atomic():
        hold_unchanged(run)
        cleared = [
            pk for pk, external_id in doubted.values_list("pk", "external_id") if not hiding.name(external_id)
        ]
        revision = bump(Counter.DOCUMENTS) if cleared else 0
        for start in range(0, len(cleared), _WRITTEN_AT_ONCE):
            Document.objects.filter(pk__in=cleared[start : start + _WRITTEN_AT_ONCE]).update(
                hidden=Hidden.NO, revision=revision
            )


def _answer_older_questions(run: SyncRun) -> None:
    """What earlier runs asked about is answered by this listing, or asked again with its run."""
    waiting = SyncRun.objects.filter(source_id=run.source_id, state=RunState.WAITING_FOR_APPROVAL)
    waiting.filter(pk__lt=run.pk).update(
        state=RunState.SUCCEEDED_WITH_ERRORS,
        **kept_detail(told("Run {number} has listed the source anew.", number=run.pk)),
    )
