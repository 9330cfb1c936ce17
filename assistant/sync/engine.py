"""Carrying out a run: claim it, read groups and documents, end it in a state that says what happened."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from assistant.accounts.models import Connection
from assistant.common.errors import MundapError
from assistant.ingest.indexing import compact, publish_missing
from assistant.ingest.sandbox import Limits, ParserProcess
from assistant.sync.configuration import built_connector
from assistant.sync.detail import storable
from assistant.sync.documents_pass import DocumentsPass
from assistant.sync.findings import note_findings
from assistant.sync.finishing import finish_documents, finish_permissions
from assistant.sync.lease import Cancelled, Heartbeat, LostLease, claim, owner_of_this_process
from assistant.sync.listing import ReadAhead
from assistant.sync.models import RunKind, RunState, SyncRun
from assistant.sync.permissions_pass import take_permissions, take_principals
from assistant.sync.reasons import RunCode
from connectors.sdk.contract import Connector, Failure, Upsert
from connectors.sdk.errors import Reconfigure, Retry, Stop

log = logging.getLogger(__name__)


def execute_run(run_id: int) -> bool:
    """Carry the run out, if no other worker has it. True if this process did.

    A run ends in the database, whatever happens: only a lost lease leaves it to
    the worker that took it over.
    """
    run = claim(run_id)
    if run is None:
        return False
    log.info("run %s of source %s begins", run.pk, run.source_id)
    with Heartbeat(run.pk) as heartbeat:
        try:
            state, code, detail = _carried_out(run, heartbeat)
        except LostLease as lost:
            log.warning("%s", lost)
            return True
        except Cancelled:
            state, code, detail = RunState.CANCELLED, "", ""
        except Retry as retry:
            _postpone(run, retry)
            return True
        except Reconfigure as error:
            state, code, detail = RunState.FAILED, RunCode.RECONFIGURE, str(error)
        except Stop as error:
            state, code, detail = RunState.FAILED, RunCode.SOURCE_GONE, str(error)
        except MundapError as error:
            state, code, detail = RunState.FAILED, RunCode.FAILED, str(error)
        except Exception as error:  # the edge of a task: the run must end, and the log says where
            log.exception("run %s failed", run.pk)
            state, code, detail = RunState.FAILED, RunCode.INTERNAL, type(error).__name__
    _end(run, state, code, detail)
    return True


def _carried_out(run: SyncRun, heartbeat: Heartbeat) -> tuple[RunState, str, str]:
    connection = run.source.connection
    connector = built_connector(run.source)
    began = timezone.now()
    groups_complete = take_principals(run, connection, connector.principals())
    if run.kind == RunKind.PERMISSIONS:
        seen = take_permissions(run, connection, connector.permissions(), heartbeat)
        state = finish_permissions(run, connection, seen, began=began)
    else:
        publish_missing()  # what a killed worker had committed but not yet made findable
        state = _documents(run, connection, connector, heartbeat)
        compact()
    note_findings(run, connection)
    if not groups_complete and state is RunState.SUCCEEDED:
        state = RunState.SUCCEEDED_WITH_ERRORS
    return state, "", ""


def _documents(run: SyncRun, connection: Connection, connector: Connector, heartbeat: Heartbeat) -> RunState:
    began = timezone.now()
    listing = ReadAhead(connector.documents(), counts=lambda event: isinstance(event, Upsert | Failure))
    try:
        with ParserProcess(Limits(seconds=settings.MUNDAP_PARSE_SECONDS)) as parser:
            seen = DocumentsPass(run, connection, parser, heartbeat).take_all(listing)
    finally:
        listing.close()
    return finish_documents(run, connection, seen, began=began)


def _postpone(run: SyncRun, retry: Retry) -> None:
    SyncRun.objects.filter(pk=run.pk, owner=owner_of_this_process()).update(
        state=RunState.PENDING,
        owner="",
        lease_until=None,
        not_before=timezone.now() + timedelta(seconds=max(1.0, retry.after)),
        code=RunCode.BUSY,
        detail=storable(str(retry)),
    )


def _end(run: SyncRun, state: RunState, code: str, detail: str) -> None:
    ended = SyncRun.objects.filter(pk=run.pk, owner=owner_of_this_process(), state=RunState.RUNNING).update(
        state=state,
        code=code,
        detail=storable(detail),
        finished_at=timezone.now(),
        lease_until=None,
        current_item="",
    )
    log.info("run %s ends: %s%s", run.pk, state.value, "" if ended else " (taken over)")
