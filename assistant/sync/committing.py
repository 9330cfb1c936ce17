"""Writing a batch: documents, permissions, failures and the counts that include them, in one transaction.

After the transaction the new texts are published to the index. A process killed in
between leaves nothing wrong: the next run publishes what the index lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from assistant.accounts.models import Connection
from assistant.accounts.revisions import Counter, bump
from assistant.common.errors import FailureCode
from assistant.common.told import told
from assistant.common.types import JsonObject
from assistant.documents.acls import both_lists
from assistant.documents.models import Document, Hidden
from assistant.ingest.indexing import publish
from assistant.ingest.storing import Prepared, embed_missing, store
from assistant.sync.detail import kept_detail
from assistant.sync.lease import hold_unchanged
from assistant.sync.models import RunFailure, RunKind, SyncRun
from assistant.sync.noting import note_access_changes
from assistant.sync.plan import DocumentPlan
from connectors.sdk.contract import Upsert

_GONE = (Hidden.MISSING, Hidden.REMOVED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One reported document with all that was decided and read, ready to be written.

    `prepared` None with no failure: the content is what the database already has.
    `again`: this run has counted the document before. `doubted`: its permissions are in doubt, so it
    is hidden. `acl_outdated`: access lists were read anew after the document was reported; `acl_unsettled`:
    since its listing began, so that nobody knows which list is younger. `told_acl_id`: the one that was told
    then, of a document that was not stored.
    """

    upsert: Upsert
    plan: DocumentPlan
    document_id: int | None
    acl_id: int | None
    prepared: Prepared | None = None
    content_digest: str = ""
    failure: FailureCode | None = None
    detail: str = ""
    again: bool = False
    fetched: bool = False
    doubted: bool = False
    acl_outdated: bool = False
    acl_unsettled: bool = False
    told_acl_id: int | None = None
    reported_at: datetime = field(default_factory=timezone.now)


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a listing has come: the connector's checkpoint, and how many documents were named before it.

    `first`: the id of the first of them, by which a connector that lists everything anew is known.
    """

    state: JsonObject
    named: int
    first: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What is written in one transaction. `reached`: what lies before it is here or in an earlier one."""

    outcomes: Sequence[Outcome]
    reached: Reached | None = None
    rate: float = 0.0


def commit(run: SyncRun, connection: Connection, batch: Batch) -> None:
    """Write the outcomes with the checkpoint that they reach, and publish the new texts.

    Raises:
        LostLease: the run belongs to another process now; nothing was written.
        SettingsChanged: somebody has changed what is listed or who may see it; nothing was written.
    """
    embed_missing([outcome.prepared for outcome in batch.outcomes if outcome.prepared])
    now = timezone.now()
    with transaction.atomic():
        hold_unchanged(run)
        batch = replace(batch, outcomes=_settled(run, _as_it_stands(batch.outcomes)))
        outcomes = batch.outcomes
        touched = [outcome for outcome in outcomes if _is_touched(outcome)]
        untouched = [outcome for outcome in outcomes if not _is_touched(outcome)]
        written = _write(run, connection, touched, now) if touched else _Written()
        Document.objects.filter(pk__in=[outcome.document_id for outcome in untouched]).update(
            seen_in_run=run.pk, synced_at=now, asked_in_run=0
        )
        _record_failures(run, outcomes)
        _count(run, batch, described=written.described)
        if batch.reached is not None:
            _note_checkpoint(run, batch.reached)
    publish(list(dict.fromkeys(written.texts)))


def _note_checkpoint(run: SyncRun, reached: Reached) -> None:
    run.listing = {
        **(run.listing or {}),
        "checkpoint": reached.state,
        "named": reached.named,
        "first": reached.first,
    }
    SyncRun.objects.filter(pk=run.pk).update(listing=run.listing)


def _as_it_stands(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes with what became of their documents after their plans were made; locks these.

    One that was called gone and is here again comes back. One whose deletion somebody approved
    meanwhile has lost its text: it fails, so that the next run reads it.
    """
    textless = [
        outcome.document_id for outcome in outcomes if outcome.prepared is None and outcome.document_id
    ]
    if not textless:
        return list(outcomes)
    rows = Document.objects.select_for_update().filter(pk__in=textless, hidden__in=_GONE)
    hidden = dict(rows.values_list("pk", "hidden"))
    return [
        _after(outcome, hidden[outcome.document_id]) if outcome.document_id in hidden else outcome
        for outcome in outcomes
    ]


def _after(outcome: Outcome, hidden: str) -> Outcome:
    if hidden == Hidden.MISSING:
        return replace(outcome, plan=replace(outcome.plan, acl_changed=True))
    if outcome.plan.new or outcome.prepared is not None or outcome.failure is not None:
        return outcome
    detail = told("Its deletion was approved while the source named it again.")
    return replace(outcome, failure=FailureCode.UNREACHABLE, detail=detail)


def _settled(run: SyncRun, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    """The outcomes, each with the list that counts. Of which nobody knows whether it is younger, both do.

    So nobody is let in whom one of the two keeps out, until the lists are read once more after this run.
    """
    open_ones = [each for each in outcomes if each.acl_unsettled and each.acl_id is not None]
    if not open_ones:
        return outcomes
    rows = Document.objects.filter(connection=run.source_id, acl_seen_in_run=run.pk, acl__isnull=False)
    rows = rows.filter(external_id__in=[each.upsert.external_id for each in open_ones])
    told_lists = dict(rows.values_list("external_id", "acl_id"))
    told_lists.update((each.upsert.external_id, each.told_acl_id) for each in open_ones if each.told_acl_id)
    both: dict[tuple[int, int], int] = {}
    settled = []
    for each in outcomes:
        told_list = told_lists.get(each.upsert.external_id) if each.acl_unsettled else None
        if each.acl_id is None or told_list in (None, each.acl_id):
            settled.append(each)
            continue
        pair = (each.acl_id, told_list)
        both[pair] = both.get(pair) or both_lists(*pair)
        settled.append(replace(each, acl_id=both[pair], plan=replace(each.plan, acl_changed=True)))
    if both:
        SyncRun.objects.filter(pk=run.pk, next_kind="").update(next_kind=RunKind.PERMISSIONS)
    return settled


def _is_touched(outcome: Outcome) -> bool:
    """Whether the document's row changes in more than the note that it was seen."""
    return outcome.document_id is None or outcome.plan.fetch or outcome.plan.acl_changed or outcome.doubted


@dataclass(frozen=True, slots=True)
class _Written:
    """Documents with a new text, by row id, and those with a new description, by the source's id."""

    texts: list[int] = field(default_factory=list)
    described: set[str] = field(default_factory=set)


def _write(run: SyncRun, connection: Connection, outcomes: Sequence[Outcome], now: datetime) -> _Written:
    revision = bump(Counter.DOCUMENTS)
    names = [outcome.upsert.external_id for outcome in outcomes]
    rows = Document.objects.filter(connection=connection, external_id__in=names)
    known = {row.external_id: row for row in rows}
    written = _Written()
    lists: dict[int, tuple[int | None, int | None]] = {}
    for outcome in outcomes:
        name = outcome.upsert.external_id
        # A change feed may name a document twice, so the second finds what the first has made.
        document = known.setdefault(name, Document(connection=connection, external_id=name))
        before = document.acl_id if document.hidden != Hidden.REMOVED else None
        _apply_permissions(run, document, outcome, connection, now)
        if document.pk and document.version:
            lists[document.pk] = (before, document.acl_id)
        document.seen_in_run, document.synced_at, document.revision = run.pk, now, revision
        if outcome.plan.fetch and _apply_description(document, outcome):
            written.described.add(document.external_id)
        if outcome.prepared is None:
            document.save()
            continue
        document.save()  # a new row needs its key before its chunks
        store(document, outcome.prepared)
        document.save()
        written.texts.append(document.pk)
    note_access_changes(run, lists)
    return written


def _apply_permissions(
    run: SyncRun, document: Document, outcome: Outcome, connection: Connection, now: datetime
) -> None:
    # Doubts about permissions end only with the run (see `finishing`). What was deleted needs its text first.
    without_text = document.hidden == Hidden.REMOVED and outcome.prepared is None
    if outcome.doubted and not without_text:
        document.hidden = Hidden.PERMISSIONS
    elif document.hidden != Hidden.PERMISSIONS and not without_text:
        document.hidden, document.asked_in_run = Hidden.NO, 0  # it is there: a new question if it goes
    # Only what a reading amid the documents has told of this very one is younger than its listing.
    told_since = document.acl_seen_in_run == run.pk
    if outcome.acl_outdated and told_since and document.acl_id is not None:
        return
    if outcome.acl_id is not None:
        document.acl_id, document.acl_confirmed_at, document.acl_stale = outcome.acl_id, now, False
    elif not document.acl_stale:
        mark_stale(document, connection)


def mark_stale(document: Document, connection: Connection) -> None:
    """The access list could not be read: it keeps the age of its last confirmation from now on."""
    moments = [
        moment for moment in (document.acl_confirmed_at, connection.permissions_confirmed_at) if moment
    ]
    document.acl_confirmed_at = max(moments, default=None)
    document.acl_stale = True


def _apply_description(document: Document, outcome: Outcome) -> bool:
    """Whether anything changed that a reader can see beside the text."""
    upsert = outcome.upsert
    document.source_version = upsert.version[:200]
    document.failure_code = outcome.failure or ""
    if outcome.failure and document.version:
        return False  # the text shown is still that of the last version that could be read
    before = (document.name, document.url, document.media_type, document.attributes)
    document.title = document.title if document.version and not outcome.prepared else upsert.title[:500]
    document.name = upsert.name[:255]
    document.url = upsert.url[:2000]
    document.media_type = upsert.media_type[:120]
    document.attributes = dict(upsert.attributes)
    document.modified_at = upsert.modified
    document.content_digest = outcome.content_digest
    return before != (document.name, document.url, document.media_type, document.attributes)


def _record_failures(run: SyncRun, outcomes: Sequence[Outcome]) -> None:
    RunFailure.objects.bulk_create(
        [
            RunFailure(
                run=run,
                external_id=outcome.upsert.external_id[:1024],
                code=outcome.failure,
                **kept_detail(outcome.detail),
            )
            for outcome in outcomes
            if outcome.failure
        ],
        ignore_conflicts=True,
    )


def failed_count(run: SyncRun) -> int:
    """How many documents and prefixes the run could not take."""
    return RunFailure.objects.filter(run=run).count()


def _count(run: SyncRun, batch: Batch, *, described: set[str]) -> None:
    outcomes = batch.outcomes
    now = timezone.now()
    fine = [outcome for outcome in outcomes if outcome.failure is None and not outcome.again]
    added = sum(outcome.plan.new for outcome in fine)
    updated = sum(
        outcome.prepared is not None or outcome.plan.acl_changed or outcome.upsert.external_id in described
        for outcome in fine
        if not outcome.plan.new
    )
    SyncRun.objects.filter(pk=run.pk).update(
        added=F("added") + added,
        updated=F("updated") + updated,
        unchanged=F("unchanged") + len(fine) - added - updated,
        failed=failed_count(run),
        fetched=F("fetched") + sum(outcome.fetched for outcome in outcomes),
        current_item=outcomes[-1].upsert.external_id[:200] if outcomes else "",
        rate=batch.rate,
        postponed=0,
        heartbeat_at=now,
        progress_at=now,
    )


def hide_missing(run: SyncRun, connection: Connection, external_ids: Sequence[str]) -> None:
    """The source no longer has these: nobody sees them from now on. The run's end deletes them, or asks."""
    with transaction.atomic():
        hold_unchanged(run)
        gone = Document.objects.filter(connection=connection, external_id__in=external_ids, hidden=Hidden.NO)
        ids = list(gone.values_list("pk", flat=True))
        if ids:
            revision = bump(Counter.DOCUMENTS)
            gone.filter(pk__in=ids).update(hidden=Hidden.MISSING, revision=revision)
