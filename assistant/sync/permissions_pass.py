"""Groups and access lists without content: what a revocation needs, and nothing that takes long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from assistant.accounts.models import Connection
from assistant.accounts.principals import DIRECTORY, replace_membership
from assistant.accounts.revisions import Counter, bump
from assistant.common.acl import PrincipalRef
from assistant.common.errors import FailureCode
from assistant.common.told import told
from assistant.documents.acls import intern_acls
from assistant.documents.models import Document, Hidden
from assistant.sync.committing import mark_stale
from assistant.sync.doubts import record_failure
from assistant.sync.lease import Heartbeat, hold_unchanged
from assistant.sync.models import CONTENT_KINDS, SyncRun
from assistant.sync.noting import note_access_changes, note_membership_changes
from assistant.sync.seen import Seen
from assistant.sync.treatment import Treatment
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
_BATCH = 500


def forget_named(run: SyncRun, connection: Connection) -> None:
    """A run over documents begins to read access lists once more: none of them has been named yet."""
    Document.objects.filter(connection=connection, acl_seen_in_run=run.pk).update(acl_seen_in_run=0)


def take_principals(
    run: SyncRun, connection: Connection, events: Iterable[PrincipalEvent], heartbeat: Heartbeat
) -> bool:
    """Replace the connection's membership if the read was complete; else keep the last one.

    Returns whether it was complete.
    """
    groups: dict[str, tuple[PrincipalRef, ...]] = {}
    accounts: dict[str, str] = {}
    complete = foreign = False
    for event in events:
        heartbeat.stop_if_asked()
        match event:
            case GroupMembers(group) if group.startswith(DIRECTORY):
                foreign = True
                detail = told("Only the directory itself says who is in its groups.")
                record_failure(run, connection, Failure(group, FailureCode.BAD_PERMISSIONS, detail))
            case GroupMembers(group, members):
                groups[group] = (*groups.get(group, ()), *members)
            case Account(account, email):
                accounts[account] = email
            case Failure():
                # It names groups, no documents. The last complete membership counts until it is too old.
                record_failure(run, connection, replace(event, hide=False, is_prefix=False))
            case Complete():
                complete = True
    complete = complete and not foreign
    if complete:
        with transaction.atomic():
            hold_unchanged(run)
            change = replace_membership(
                connection=connection, groups=groups, accounts=accounts, now=timezone.now()
            )
            if connection.generation:  # the first reading is no change
                note_membership_changes(run, change)
        connection.refresh_from_db()
    return complete


@dataclass(frozen=True, slots=True)
class Lists:
    """The access lists that a connector reports, and what the source's settings make of them."""

    events: Iterable[PermissionEvent]
    treatment: Treatment


def take_permissions(run: SyncRun, connection: Connection, lists: Lists, heartbeat: Heartbeat) -> Seen:
    """Apply the access list of every known document. Unknown documents wait for a run that reads content.

    Raises:
        Cancelled: somebody asked to stop; what was committed stays.
        LostLease: another worker has the run.
    """
    seen = Seen()
    window: list[DocumentAcl] = []
    for event in lists.events:
        heartbeat.stop_if_asked()
        match event:
            case DocumentAcl(external_id, acl):
                window.append(DocumentAcl(external_id, lists.treatment.acl(acl)))
            case Failure():
                record_failure(run, connection, event)
            case Complete():
                seen.complete = True
        if len(window) >= _WINDOW:
            seen.unknown.update(_apply(run, connection, window))
            window = []
    seen.unknown.update(_apply(run, connection, window))
    return seen


def _apply(run: SyncRun, connection: Connection, window: list[DocumentAcl]) -> dict[str, int | None]:
    """Store the lists; returns those of what is not stored, if this run will store it."""
    interned = intern_acls((item.acl for item in window if item.acl is not None), connection=connection)
    acls = {item.external_id: interned[item.acl] if item.acl is not None else None for item in window}
    now = timezone.now()
    with transaction.atomic():
        hold_unchanged(run)
        rows = Document.objects.filter(connection=connection, external_id__in=list(acls)).exclude(
            hidden=Hidden.REMOVED
        )
        documents = list(rows)
        counted = {
            row.pk for row in documents if row.acl_seen_in_run == run.pk
        }  # by a worker taken over from
        unread = [row for row in documents if acls[row.external_id] is None and not row.acl_stale]
        moved = [row for row in documents if _differs(row, acls[row.external_id])]
        if unread or moved:
            _store(run, connection, {row: acls[row.external_id] for row in moved}, unread, now)
        fresh = rows.exclude(acl_seen_in_run=run.pk).update(acl_seen_in_run=run.pk)
        updated = sum(row.pk not in counted for row in (*unread, *moved))
        amid_documents = run.kind in CONTENT_KINDS  # which are counted by the pass that reads them
        SyncRun.objects.filter(pk=run.pk).update(
            updated=F("updated") + (0 if amid_documents else updated),
            unchanged=F("unchanged") + (0 if amid_documents else fresh - updated),
            heartbeat_at=now,
            progress_at=now,
        )
    stored = {row.external_id for row in documents}
    return {name: acl for name, acl in acls.items() if name not in stored} if amid_documents else {}


def _differs(row: Document, acl_id: int | None) -> bool:
    return acl_id is not None and (row.acl_id != acl_id or row.acl_stale)


def _store(
    run: SyncRun,
    connection: Connection,
    moved: dict[Document, int | None],
    unread: list[Document],
    now: datetime,
) -> None:
    """Point the documents at their lists; those whose list could not be read are marked."""
    revision = bump(Counter.DOCUMENTS)
    before = {row.pk: row.acl_id for row in moved}
    for row in unread:
        mark_stale(row, connection)
        row.revision = revision
    Document.objects.bulk_update(unread, ["acl_confirmed_at", "acl_stale", "revision"], batch_size=_BATCH)
    changed = [row for row, acl_id in moved.items() if row.acl_id != acl_id]
    for row in changed:
        row.acl_id = moved[row]
    # What is equal in all rows in a statement without a CASE for each row and column.
    Document.objects.filter(pk__in=before).update(acl_confirmed_at=now, acl_stale=False, revision=revision)
    Document.objects.bulk_update(changed, ["acl"], batch_size=_BATCH)
    note_access_changes(run, {row.pk: (before[row.pk], moved[row]) for row in changed})
