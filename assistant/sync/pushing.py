"""Documents that programs push: read, parsed and committed within the request that brings them.

So the answer says of each document what became of it, and what was answered is in the
database: a server that is killed loses nothing that was acknowledged, and a request whose
answer was lost can be sent again. The work is bounded by the limits of a request.
"""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from assistant.accounts.revisions import Counter, bump
from assistant.common.errors import FailureCode, UsageError
from assistant.common.told import said, told
from assistant.common.types import Json, JsonObject
from assistant.documents.acls import intern_acls
from assistant.documents.models import Document, Hidden
from assistant.ingest.indexing import compact
from assistant.ingest.sandbox import Limits
from assistant.sync.committing import Batch, Outcome, commit, failed_count
from assistant.sync.doubts import record_failure
from assistant.sync.lease import hold
from assistant.sync.models import RunFailure, SyncRun
from assistant.sync.plan import KNOWN_COLUMNS, Known, plan_document
from assistant.sync.push_turns import Turn, turn
from assistant.sync.reading_content import ContentReader
from assistant.sync.reasons import document_reason
from assistant.sync.spool import spool_of_request
from assistant.sync.treatment import Treatment, treatment_of
from connectors.sdk.contract import Failure, Upsert
from connectors.sdk.pushed_document import decode_body, pushed_document

MOST_DOCUMENTS = 10
LARGEST_BODY = 16 * 1024 * 1024  # bytes
MOST_DELETED = 1_000  # ids in one request
_LONGEST_PARSE_S = 20  # of one document; a program waits
_ALL_PARSED_S = 60.0  # of all in one request; what is left is to be put again
_COMPACT_EVERY = 500  # documents
_CONFIRMED_ANEW = timedelta(hours=1)  # a list put again unchanged is noted as confirmed at most so often


class Put:
    """What can become of a document that was put."""

    ADDED, UPDATED, UNCHANGED, FAILED, LEFT_OUT = "added", "updated", "unchanged", "failed", "left_out"


PUT_STATUSES = (Put.ADDED, Put.UPDATED, Put.UNCHANGED, Put.FAILED, Put.LEFT_OUT)


@dataclass(slots=True)
class _Request:
    """One request at work: what it brought, and what has become of each, by its place."""

    turn: Turn
    treatment: Treatment
    results: dict[int, JsonObject] = field(default_factory=dict)


def decoded(body: bytes) -> Json:
    """The JSON of a request; see `connectors.sdk.pushed_document.decode_body`.

    Raises:
        UsageError: it is none.
    """
    try:
        return decode_body(body)
    except ValueError as error:
        raise UsageError(said(error)) from error


def put_documents(*, source_id: int, documents: Sequence[Json], job_id: int | None = None) -> JsonObject:
    """Store each document, or say why it cannot be taken. One that is bad harms no other.

    Raises:
        NotFound, PushRefused, PushBusy: see `push_turns.turn`.
    """
    reported = [pushed_document(value) for value in documents]
    with turn(source_id, job_id=job_id) as mine:
        request = _Request(mine, treatment_of(mine.run.source))
        upserts = _without_failures(request, _without_repeated(reported))
        if upserts:
            _take(request, upserts)
    return {"documents": [request.results[place] for place in sorted(request.results)]}


def delete_documents(*, source_id: int, external_ids: Sequence[str], job_id: int | None = None) -> JsonObject:
    """Let nobody see these from now on; the run's end deletes them, or asks where they are many.

    Says the same of ids that are not there, so that a repeated request is answered alike.

    Raises:
        NotFound, PushRefused, PushBusy: see `push_turns.turn`.
    """
    with turn(source_id, job_id=job_id) as mine:
        _take_away(mine, external_ids)
    return {"documents": [_result(name, "deleted") for name in external_ids]}


def _without_repeated(reported: Sequence[Upsert | Failure]) -> list[Upsert | Failure]:
    """Which of two documents with one id is meant is not known, nor whose permissions hold."""
    times = Tally(event.external_id for event in reported if isinstance(event, Upsert))
    times.update(event.external_id for event in reported if isinstance(event, Failure) and event.hide)
    detail = told("The request holds this id more than once.")
    return [
        Failure(event.external_id, FailureCode.DUPLICATE_ID, detail, hide=True)
        if times[event.external_id] > 1
        else event
        for event in reported
    ]


def _without_failures(request: _Request, reported: Sequence[Upsert | Failure]) -> dict[int, Upsert]:
    """The documents that can be taken, by their place; the others are noted."""
    upserts: dict[int, Upsert] = {}
    mine = request.turn
    for place, event in enumerate(reported):
        if isinstance(event, Failure):
            record_failure(mine.run, mine.connection, event)
            request.results[place] = _failed(event.external_id, event.code, event.detail)
            continue
        treated = request.treatment.document(event)
        if treated is None:
            _take_away(mine, [event.external_id])
            request.results[place] = _result(
                event.external_id, Put.LEFT_OUT, message="A rule of the source leaves it out."
            )
        else:
            upserts[place] = treated
    return upserts


def _take(request: _Request, upserts: dict[int, Upsert]) -> None:
    mine = request.turn
    planned = _planned(request, list(upserts.values()))
    outcomes = _read(mine, planned)
    mine.heartbeat.stop_if_asked()
    before = _dealt_with(mine.run)
    commit(mine.run, mine.connection, Batch(outcomes))
    _settle(mine, outcomes)
    for place, outcome in zip(upserts, outcomes, strict=True):
        request.results[place] = _outcome_result(outcome)
    if _dealt_with(mine.run) // _COMPACT_EVERY > before // _COMPACT_EVERY:
        compact()


def _planned(request: _Request, upserts: list[Upsert]) -> list[tuple[Outcome, Known | None]]:
    mine = request.turn
    limited = {upsert.external_id: request.treatment.acl(upsert.acl) for upsert in upserts}
    lists = [acl for acl in limited.values() if acl is not None]
    interned = intern_acls(lists, connection=mine.connection)
    rows = Document.objects.filter(connection=mine.connection, external_id__in=list(limited))
    columns = rows.values_list("external_id", *KNOWN_COLUMNS)
    known = {values[0]: Known(*values[1:]) for values in columns}
    planned = []
    for upsert in upserts:
        acl = limited[upsert.external_id]
        acl_id = interned[acl] if acl is not None else None
        row = known.get(upsert.external_id)
        plan = plan_document(row, source_version=upsert.version, acl_id=acl_id, full=False)
        outcome = Outcome(
            upsert=upsert,
            plan=plan,
            document_id=row.id if row else None,
            acl_id=acl_id,
            failure=plan.failed_before,
            again=row is not None and row.seen_in_run == mine.run.pk,
        )
        planned.append((outcome, row))
    return planned


def _read(mine: Turn, planned: list[tuple[Outcome, Known | None]]) -> list[Outcome]:
    """The outcomes with their texts, parsed in the sandbox. Memory and time are bounded by the request."""
    spool = spool_of_request()
    spool.open()
    seconds = min(settings.MUNDAP_PARSE_SECONDS, _LONGEST_PARSE_S)
    reader = ContentReader(
        limits=Limits(seconds=seconds),
        spool=spool,
        fetches_at_once=1,
        max_bytes=settings.MUNDAP_MAX_FILE_BYTES,
    )
    mine.heartbeat.interrupt = reader.interrupt
    until = time.monotonic() + _ALL_PARSED_S
    try:
        read = []
        for outcome, row in planned:
            mine.heartbeat.stop_if_asked()
            if not outcome.plan.fetch or outcome.failure is not None:
                read.append(outcome)
            elif time.monotonic() > until:
                detail = told(
                    "Reading the documents before it took too long: put it in a request of its own."
                )
                read.append(replace(outcome, failure=FailureCode.TIMEOUT, detail=detail))
            else:
                read.append(reader.read(outcome, row.content_digest if row else ""))
        return read
    finally:
        reader.close()
        spool.clear()


def _settle(mine: Turn, outcomes: Sequence[Outcome]) -> None:
    """Each document was put with permissions that could be read: doubts about it end now, not with the run.

    What failed earlier in this run and is well now is no failure of the run any more.
    """
    now = timezone.now()
    names = [outcome.upsert.external_id for outcome in outcomes]
    well = [outcome.upsert.external_id for outcome in outcomes if outcome.failure is None]
    with transaction.atomic():
        hold(mine.run.pk)
        RunFailure.objects.filter(run=mine.run, external_id__in=well).delete()
        RunFailure.objects.filter(run=mine.run, external_id__in=names, hides=True).delete()
        SyncRun.objects.filter(pk=mine.run.pk).update(failed=failed_count(mine.run))
        rows = Document.objects.filter(connection=mine.connection, external_id__in=names)
        doubted = rows.filter(hidden=Hidden.PERMISSIONS)
        old = rows.filter(acl_stale=False, acl_confirmed_at__lt=now - _CONFIRMED_ANEW)
        if doubted.exists() or old.exists():
            revision = bump(Counter.DOCUMENTS)
            old.update(acl_confirmed_at=now, revision=revision)
            doubted.update(hidden=Hidden.NO, revision=revision)


def _take_away(mine: Turn, external_ids: Sequence[str]) -> None:
    """Hide documents until the run's end decides. Lists that were in doubt never count again."""
    with transaction.atomic():
        hold(mine.run.pk)
        rows = Document.objects.filter(connection=mine.connection, external_id__in=list(external_ids))
        revision = bump(Counter.DOCUMENTS)
        rows.filter(hidden=Hidden.PERMISSIONS).update(acl=None, hidden=Hidden.NO, revision=revision)
        rows.filter(hidden=Hidden.NO).update(
            hidden=Hidden.MISSING, asked_in_run=0, seen_in_run=0, revision=revision
        )
        RunFailure.objects.filter(run=mine.run, external_id__in=list(external_ids)).delete()
        SyncRun.objects.filter(pk=mine.run.pk).update(failed=failed_count(mine.run))


def _dealt_with(run: SyncRun) -> int:
    return SyncRun.objects.get(pk=run.pk).done


def _outcome_result(outcome: Outcome) -> JsonObject:
    name = outcome.upsert.external_id
    if outcome.failure is not None:
        return _failed(name, outcome.failure, outcome.detail)
    if outcome.plan.new:
        return _result(name, Put.ADDED)
    changed = outcome.prepared is not None or outcome.plan.fetch or outcome.plan.acl_changed
    return _result(name, Put.UPDATED if changed else Put.UNCHANGED)


def _failed(name: str, code: FailureCode, detail: str) -> JsonObject:
    message = " ".join(part for part in (str(document_reason(code).what), detail) if part)
    return _result(name, Put.FAILED, code=code.value, message=message)


def _result(name: str, status: str, *, code: str = "", message: str = "") -> JsonObject:
    return {"id": name, "status": status, "code": code, "message": message}
