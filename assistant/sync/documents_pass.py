"""One pass over a connector's documents: look up, decide, read, commit in batches."""

from __future__ import annotations

import time
from collections import Counter as Multiset
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from assistant.accounts.models import Connection
from assistant.accounts.revisions import Counter, bump
from assistant.common.acl import Acl
from assistant.common.errors import FailureCode
from assistant.documents.acls import intern_acl
from assistant.documents.models import Document, Hidden
from assistant.ingest.sandbox import ParserProcess
from assistant.sync.committing import Outcome, commit, failed_count
from assistant.sync.detail import storable
from assistant.sync.finishing import Seen
from assistant.sync.lease import Heartbeat, hold
from assistant.sync.listing import ReadAhead
from assistant.sync.models import RunFailure, RunKind, SyncRun
from assistant.sync.plan import Known, is_news, plan_document
from assistant.sync.reading_content import read_content
from connectors.sdk.contract import Checkpoint, Complete, Event, Failure, Tombstone, Upsert

_WINDOW = 100  # documents looked up together
_BATCH_CHUNKS = 64  # chunks embedded and committed together; small enough to show progress
_WRITTEN_AT_ONCE = 500  # rows named in one statement
_BATCH_SECONDS = 2.0  # progress is committed at least this often


class DocumentsPass:
    """Carries every reported document into the database. Remembers what the run's end must know."""

    def __init__(
        self, run: SyncRun, connection: Connection, parser: ParserProcess, heartbeat: Heartbeat
    ) -> None:
        self._run = run
        self._connection = connection
        self._parser = parser
        self._heartbeat = heartbeat
        self._last_commit = time.monotonic()
        self._reported: set[str] = set()
        self._acl_ids: dict[Acl, int] = {}
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
                self._note_total(listing.found)
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
        self._note_total(listing.found)
        self._take_window(window)
        return self.seen

    def _note_total(self, total: int) -> None:
        SyncRun.objects.filter(pk=self._run.pk).update(total=total)

    def _take_window(self, upserts: Sequence[Upsert]) -> None:
        batch: list[Outcome] = []
        for outcome, known_digest in self._decided(upserts):
            self._heartbeat.stop_if_asked()
            needs_content = outcome.plan.fetch and outcome.failure is None
            batch.append(
                read_content(outcome, known_digest=known_digest, parser=self._parser)
                if needs_content
                else outcome
            )
            chunks = sum(len(o.prepared.chunks) for o in batch if o.prepared)
            if chunks >= _BATCH_CHUNKS or time.monotonic() - self._last_commit > _BATCH_SECONDS:
                self._commit(batch)
                batch = []
        self._commit(batch)

    def _decided(self, upserts: Sequence[Upsert]) -> list[tuple[Outcome, str]]:
        """Each document with something to do, with its plan and the digest of its known content."""
        upserts = self._without_repeated(upserts)
        rows = Document.objects.filter(
            connection=self._connection, external_id__in=[u.external_id for u in upserts]
        ).in_bulk(field_name="pk")
        known = {row.external_id: row for row in rows.values()}
        decided = []
        for upsert in upserts:
            row = known.get(upsert.external_id)
            self.seen.listed += 1
            version, acl_id = upsert.version[:200], self._acl_id(upsert.acl)
            again = row is not None and row.seen_in_run == self._run.pk
            if row and again and not is_news(_known(row), source_version=version, acl_id=acl_id):
                continue  # committed before this worker took the run over
            plan = plan_document(
                _known(row) if row else None,
                source_version=version,
                acl_id=acl_id,
                full=self._run.kind == RunKind.FULL and not again,
            )
            outcome = Outcome(
                upsert=upsert,
                plan=plan,
                document_id=row.pk if row else None,
                acl_id=acl_id,
                failure=plan.failed_before,
                again=again,
            )
            decided.append((outcome, row.content_digest if row else ""))
        return decided

    def _without_repeated(self, upserts: Sequence[Upsert]) -> list[Upsert]:
        """Whoever carries an id that was reported before is hidden: which permissions hold is not known."""
        times = Multiset(upsert.external_id for upsert in upserts)
        repeated = {name for name, number in times.items() if number > 1 or name in self._reported}
        self._reported.update(times)
        for name in sorted(repeated):
            self._take_failure(Failure(name, FailureCode.DUPLICATE_ID, "reported twice", hide=True))
        return [upsert for upsert in upserts if upsert.external_id not in repeated]

    def _acl_id(self, acl: Acl | None) -> int | None:
        if acl is None:
            return None
        if acl not in self._acl_ids:
            self._acl_ids[acl] = intern_acl(acl, connection=self._connection)
        return self._acl_ids[acl]

    def _commit(self, batch: list[Outcome]) -> None:
        if batch:
            commit(self._run, self._connection, batch)
            self._last_commit = time.monotonic()

    def _take_failure(self, failure: Failure) -> None:
        record_failure(self._run, self._connection, failure)
        self.seen.failures.append(failure)


def record_failure(run: SyncRun, connection: Connection, failure: Failure) -> None:
    """Note what could not be read; where permissions are in doubt, hide it now."""
    with transaction.atomic():
        hold(run.pk)
        row, new = RunFailure.objects.get_or_create(
            run=run,
            external_id=failure.external_id[:1024],
            code=failure.code,
            defaults={
                "detail": storable(failure.detail),
                "is_prefix": failure.is_prefix,
                "hides": failure.hide,
                "at": timezone.now(),
            },
        )
        if new:
            SyncRun.objects.filter(pk=run.pk).update(failed=failed_count(run))
        elif (failure.hide and not row.hides) or (failure.is_prefix and not row.is_prefix):
            _widen(row, failure)
        named = documents_named(connection, failure) if failure.hide else []
        revision = bump(Counter.DOCUMENTS) if named else 0
        for start in range(0, len(named), _WRITTEN_AT_ONCE):
            Document.objects.filter(pk__in=named[start : start + _WRITTEN_AT_ONCE]).exclude(
                hidden=Hidden.REMOVED
            ).update(hidden=Hidden.PERMISSIONS, revision=revision)


def _widen(row: RunFailure, failure: Failure) -> None:
    """A failure of the same name and code was noted that doubts less than this one."""
    row.hides, row.is_prefix = row.hides or failure.hide, row.is_prefix or failure.is_prefix
    row.detail = storable(f"{row.detail} {failure.detail}".strip())
    row.save(update_fields=["hides", "is_prefix", "detail"])


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


def _known(row: Document) -> Known:
    return Known(
        version=row.version,
        source_version=row.source_version,
        acl_id=row.acl_id,
        acl_stale=row.acl_stale,
        hidden=row.hidden,
        failure_code=row.failure_code,
    )
