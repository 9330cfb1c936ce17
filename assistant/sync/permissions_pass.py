"""Groups and access lists without content: what a revocation needs, and nothing that takes long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from assistant.accounts.models import Connection
from assistant.accounts.principals import replace_membership
from assistant.accounts.revisions import Counter, bump
from assistant.common.acl import PrincipalRef
from assistant.documents.acls import intern_acl
from assistant.documents.models import Document, Hidden
from assistant.sync.committing import mark_stale
from assistant.sync.documents_pass import record_failure
from assistant.sync.finishing import Seen
from assistant.sync.lease import Heartbeat, hold
from assistant.sync.models import SyncRun
from assistant.sync.noting import note_access_changes, note_membership_changes
from connectors.sdk.contract import (
    Account,
    Complete,
    DocumentAcl,
    Failure,
    GroupMembers,
    PermissionEvent,
    PrincipalEvent,
)

_WINDOW = 500


def take_principals(run: SyncRun, connection: Connection, events: Iterable[PrincipalEvent]) -> bool:
    """Replace the connection's membership if the read was complete; else keep the last one.

    Returns whether it was complete.
    """
    groups: dict[str, tuple[PrincipalRef, ...]] = {}
    accounts: dict[str, str] = {}
    complete = False
    for event in events:
        match event:
            case GroupMembers(group, members):
                groups[group] = (*groups.get(group, ()), *members)
            case Account(account, email):
                accounts[account] = email
            case Failure():
                # It names groups, no documents. The last complete membership counts until it is too old.
                record_failure(run, connection, replace(event, hide=False, is_prefix=False))
            case Complete():
                complete = True
    if complete:
        with transaction.atomic():
            hold(run.pk)
            change = replace_membership(
                connection=connection, groups=groups, accounts=accounts, now=timezone.now()
            )
            if connection.generation:  # the first reading is no change
                note_membership_changes(run, change)
        connection.refresh_from_db()
    return complete


def take_permissions(
    run: SyncRun, connection: Connection, events: Iterable[PermissionEvent], heartbeat: Heartbeat
) -> Seen:
    """Apply the access list of every known document. Unknown documents wait for a run that reads content.

    Raises:
        Cancelled: somebody asked to stop; what was committed stays.
        LostLease: another worker has the run.
    """
    seen = Seen()
    window: list[DocumentAcl] = []
    for event in events:
        heartbeat.stop_if_asked()
        match event:
            case DocumentAcl():
                window.append(event)
                seen.listed += 1
            case Failure():
                record_failure(run, connection, event)
                seen.failures.append(event)
            case Complete():
                seen.complete = True
        if len(window) >= _WINDOW:
            _apply(run, connection, window)
            window = []
    _apply(run, connection, window)
    return seen


def _apply(run: SyncRun, connection: Connection, window: list[DocumentAcl]) -> None:
    acls = {
        item.external_id: intern_acl(item.acl, connection=connection) if item.acl is not None else None
        for item in window
    }
    now = timezone.now()
    with transaction.atomic():
        hold(run.pk)
        rows = Document.objects.filter(connection=connection, external_id__in=list(acls)).exclude(
            hidden=Hidden.REMOVED
        )
        changed, counted = [], set()
        before = {document.pk: document.acl_id for document in rows}
        for document in rows:
            acl_id = acls[document.external_id]
            if document.seen_in_run == run.pk:  # before this worker took the run over
                counted.add(document.pk)
            if acl_id is None and not document.acl_stale:
                mark_stale(document, connection)
                changed.append(document)
            elif acl_id is not None and (document.acl_id != acl_id or document.acl_stale):
                document.acl_id, document.acl_confirmed_at, document.acl_stale = acl_id, now, False
                changed.append(document)
        if changed:
            revision = bump(Counter.DOCUMENTS)
            for document in changed:
                document.revision = revision
            Document.objects.bulk_update(
                changed, ["acl", "acl_confirmed_at", "acl_stale", "revision"], batch_size=200
            )
            note_access_changes(run, {row.pk: (before[row.pk], row.acl_id) for row in changed})
        fresh = rows.exclude(seen_in_run=run.pk).update(seen_in_run=run.pk)
        updated = sum(document.pk not in counted for document in changed)
        SyncRun.objects.filter(pk=run.pk).update(
            updated=F("updated") + updated,
            unchanged=F("unchanged") + fresh - updated,
            heartbeat_at=now,
        )
