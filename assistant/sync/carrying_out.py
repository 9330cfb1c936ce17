"""What each kind of run reads, in which order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils import timezone

from assistant.accounts.models import Connection
from assistant.ingest.indexing import compact, publish_missing
from assistant.ingest.sandbox import Limits
from assistant.sync.beginning_anew import begin_anew_if_changed
from assistant.sync.configuration import built_connector, kind_of, settings_changed
from assistant.sync.documents_pass import DocumentsPass, Tools
from assistant.sync.feed import began_at, events_of, is_document
from assistant.sync.findings import note_findings
from assistant.sync.finishing import finish_documents, finish_lists_amid_documents, finish_permissions
from assistant.sync.lease import Heartbeat, SettingsChanged, want_interrupted_lists
from assistant.sync.listing import ReadAhead
from assistant.sync.lists_amid import ListsRead
from assistant.sync.models import Phase, RunKind, RunState, SyncRun
from assistant.sync.permissions_pass import Lists, forget_named, take_permissions, take_principals
from assistant.sync.pipeline import Pipeline
from assistant.sync.push_finishing import finish_push
from assistant.sync.reading_content import PARSERS, ContentReader
from assistant.sync.spool import spool_of
from assistant.sync.treatment import Treatment, treatment_of
from connectors.sdk.contract import Connector


def carry_out(run: SyncRun, heartbeat: Heartbeat) -> RunState:
    """Read what the run's kind asks for; returns the state in which it ends.

    Raises:
        ConnectorError: the source says what becomes of the run.
        Cancelled, Paused, LostLease, OverBudget: it does not go on here.
    """
    connection = run.source.connection
    if run.kind == RunKind.PUSH:
        state = finish_push(run, connection)
        note_findings(run, connection)
        return state
    treatment = treatment_of(run.source)
    want_interrupted_lists(run.pk)  # of a worker that was killed at it
    begin_anew_if_changed(run)  # before anything is noted of what is read now
    with _opened(run, heartbeat) as connector:
        began = timezone.now()
        _enter(run, Phase.PRINCIPALS)
        groups_complete = take_principals(run, connection, connector.principals(), heartbeat)
        match run.kind:
            case RunKind.PRINCIPALS:
                state = RunState.SUCCEEDED
            case RunKind.PERMISSIONS | RunKind.PRUNE:
                _enter(run, Phase.PERMISSIONS)
                seen = take_permissions(run, connection, Lists(connector.permissions(), treatment), heartbeat)
                _enter(run, Phase.FINISHING)
                state = finish_permissions(run, connection, seen, began=began)
            case _:
                state = _documents(run, connector, treatment, heartbeat)
    note_findings(run, connection)
    if not groups_complete and state is RunState.SUCCEEDED:
        state = RunState.SUCCEEDED_WITH_ERRORS
    return state


@contextmanager
def _opened(run: SyncRun, heartbeat: Heartbeat) -> Iterator[Connector]:
    connector = built_connector(run.source, stopped=heartbeat.should_stop)
    try:
        yield connector
    finally:
        connector.close()


def _enter(run: SyncRun, phase: Phase) -> None:
    SyncRun.objects.filter(pk=run.pk).update(phase=phase)


def _documents(run: SyncRun, connector: Connector, treatment: Treatment, heartbeat: Heartbeat) -> RunState:
    _enter(run, Phase.DOCUMENTS)
    publish_missing()  # what a killed worker had committed but not yet made findable
    connection = run.source.connection
    spool = spool_of(run.pk)
    spool.open()
    fetches = min(run.source.fetches_at_once or 64, kind_of(run.source).fetches_at_once)
    reader = ContentReader(
        limits=Limits(seconds=settings.MUNDAP_PARSE_SECONDS),
        spool=spool,
        fetches_at_once=fetches,
        max_bytes=settings.MUNDAP_MAX_FILE_BYTES,
    )
    threads = fetches + PARSERS
    pipeline = Pipeline(threads=threads, ahead=2 * threads)
    heartbeat.interrupt = reader.interrupt
    events = events_of(run, connector)
    began = began_at(run)
    listing = ReadAhead(events, counts=is_document)
    try:
        tools = Tools(
            reader, pipeline, heartbeat, treatment, amid=lambda: _lists_amid(run, treatment, heartbeat)
        )
        seen = DocumentsPass(run, connection, tools).take_all(listing)
    finally:
        listing.close()
        pipeline.close()
        reader.close()
    _enter(run, Phase.FINISHING)
    state = finish_documents(run, connection, seen, began=began)
    compact()
    return state


def _lists_amid(run: SyncRun, treatment: Treatment, heartbeat: Heartbeat) -> ListsRead | None:
    """Read groups and access lists now, if somebody asked for it: a first listing may take hours."""
    if not heartbeat.lists_wanted.is_set():
        return None
    if settings_changed(run.source):  # what is read by the old ones could not be written
        raise SettingsChanged
    heartbeat.lists_wanted.clear()
    SyncRun.objects.filter(pk=run.pk).update(permissions_requested=False, phase=Phase.PERMISSIONS)
    connection = Connection.objects.get(pk=run.source_id)
    began = timezone.now()
    forget_named(run, connection)
    # A connector of its own: the other one is in the middle of its listing.
    with _opened(run, heartbeat) as connector:
        take_principals(run, connection, connector.principals(), heartbeat)
        seen = take_permissions(run, connection, Lists(connector.permissions(), treatment), heartbeat)
    finish_lists_amid_documents(run, connection, seen, began=began)
    _enter(run, Phase.DOCUMENTS)
    return ListsRead(began, seen.unknown)
