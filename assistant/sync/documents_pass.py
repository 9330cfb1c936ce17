"""One pass over a connector's documents: look up, decide, read, commit in batches."""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from assistant.accounts.models import Connection
from assistant.accounts.revisions import Counter, bump
from assistant.documents.acls import intern_acl
from assistant.documents.models import Document, Hidden
from assistant.ingest.sandbox import ParserProcess
from assistant.sync.committing import Outcome, commit
from assistant.sync.finishing import Seen
from assistant.sync.lease import Heartbeat, LostLease, hold
from assistant.sync.listing import ReadAhead
from assistant.sync.models import RunFailure, RunKind, SyncRun
from assistant.sync.plan import Known, plan_document
from assistant.sync.reading_content import read_content
from connectors.sdk.contract import Checkpoint, Complete, Event, Failure, Tombstone, Upsert

_WINDOW = 100  # documents looked up together
_BATCH_CHUNKS = 256  # chunks embedded and committed together
_BATCH_SECONDS = 2.0  # progress is committed at least this often


class Cancelled(Exception):  # noqa: N818 - not an error: somebody asked for it
    """The run was asked to stop."""


class DocumentsPass:
    """Carries every reported document into the database. Remembers what the run's end must know."""

    def __init__(self, run: SyncRun, connection: Connection, parser: ParserProcess, heartbeat: Heartbeat) -> None:
        self._run = run
        self._connection = connection
        self._parser = parser
        self._heartbeat = heartbeat
        self._last_commit = time.monotonic()
        self.seen = Seen()

    def take_all(self, listing: ReadAhead[Event]) -> Seen:
        """Work through the listing.

        Raises:
            Cancelled: somebody asked to stop; what was committed stays.
            LostLease: another worker has the run.
        """
        window: list[Upsert] = []
        total_known = False
        for event in listing:
            if listing.finished and not total_known:
                total_known = True
                SyncRun.objects.filter(pk=self._run.pk).update(total=listing.found)
            match event:
                case Upsert():
                    window.append(event)
                case Tombstone(external_id):
                    self.seen.tombstones.add(external_id)
                case Failure():
                    self._take_failure(event)
                case Checkpoint():
                    pass  # what a run has seen stands on the documents themselves
                case Complete():
                    self.seen.complete = True
            if len(window) >= _WINDOW:
                self._take_window(window)
                window = []
        self._take_window(window)
        return self.seen

    def _take_window(self, upserts: Sequence[Upsert]) -> None:
        batch: list[Outcome] = []
        for outcome, known_digest in self._decided(upserts):
            self._stop_if_asked()
            needs_content = outcome.plan.fetch and outcome.failure is None
            batch.append(
                read_content(outcome, known_digest=known_digest, parser=self._parser) if needs_content else outcome
            )
            chunks = sum(len(o.prepared.chunks) for o in batch if o.prepared)
            if chunks >= _BATCH_CHUNKS or time.monotonic() - self._last_commit > _BATCH_SECONDS:
                self._commit(batch)
                batch = []
        self._commit(batch)

    def _decided(self, upserts: Sequence[Upsert]) -> list[tuple[Outcome, str]]:
        """Each document not yet dealt with in this run, with its plan and the digest of its known content."""
        rows = Document.objects.filter(
            connection=self._connection, external_id__in=[u.external_id for u in upserts]
        ).in_bulk(field_name="pk")
        known = {row.external_id: row for row in rows.values()}
        decided = []
        for upsert in upserts:
            row = known.get(upsert.external_id)
            self.seen.listed += 1
            if row is not None and row.seen_in_run == self._run.pk:
                continue  # committed before this worker took the run over
            acl_id = intern_acl(upsert.acl, connection=self._connection) if upsert.acl is not None else None
            plan = plan_document(
                _known(row),
                source_version=upsert.version[:200],
                acl_id=acl_id,
                full=self._run.kind == RunKind.FULL,
            )
            outcome = Outcome(
                upsert=upsert,
                plan=plan,
                document_id=row.pk if row else None,
                acl_id=acl_id,
                failure=plan.failed_before,
            )
            decided.append((outcome, row.content_digest if row else ""))
        return decided

    def _commit(self, batch: list[Outcome]) -> None:
        if batch:
            commit(self._run, self._connection, batch)
            self._last_commit = time.monotonic()

    def _stop_if_asked(self) -> None:
        if self._heartbeat.lost.is_set():
            raise LostLease(f"Run {self._run.pk} has been taken over by another worker.")
        if self._heartbeat.cancelled.is_set():
            raise Cancelled

    def _take_failure(self, failure: Failure) -> None:
        record_failure(self._run, self._connection, failure)
        self.seen.failures.append(failure)


def record_failure(run: SyncRun, connection: Connection, failure: Failure) -> None:
    """Note what could not be read; where permissions are in doubt, hide it now."""
    with transaction.atomic():
        hold(run.pk)
        _, new = RunFailure.objects.get_or_create(
            run=run,
            external_id=failure.external_id[:1024],
            code=failure.code,
            defaults={
                "detail": failure.detail[:2000],
                "is_prefix": failure.is_prefix,
                "hides": failure.hide,
                "at": timezone.now(),
            },
        )
        if new:
            SyncRun.objects.filter(pk=run.pk).update(failed=run_failed_count(run))
        named = documents_named(connection, failure)
        if failure.hide and named:
            Document.objects.filter(pk__in=named).exclude(hidden=Hidden.REMOVED).update(
                hidden=Hidden.PERMISSIONS, revision=bump(Counter.DOCUMENTS)
            )


def run_failed_count(run: SyncRun) -> int:
    """How many documents and prefixes the run could not take."""
    return RunFailure.objects.filter(run=run).count()


def documents_named(connection: Connection, failure: Failure) -> list[int]:
    """Ids of the documents that a failure names. Exact case, which LIKE on SQLite is not."""
    rows = Document.objects.filter(connection=connection)
    if not failure.is_prefix:
        return list(rows.filter(external_id=failure.external_id).values_list("pk", flat=True))
    if failure.external_id == "":
        return list(rows.values_list("pk", flat=True))
    return [
        pk
        for pk, external_id in rows.filter(external_id__startswith=failure.external_id).values_list(
            "pk", "external_id"
        )
        if external_id.startswith(failure.external_id)
    ]


def _known(row: Document | None) -> Known | None:
    if row is None:
        return None
    return Known(
        version=row.version,
        source_version=row.source_version,
        acl_id=row.acl_id,
        acl_stale=row.acl_stale,
        hidden=row.hidden,
        failure_code=row.failure_code,
    )
