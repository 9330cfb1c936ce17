"""Does a run that is taken up go on from where it was, or begin anew because its settings are others now?"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from assistant.documents.models import Document
from assistant.sync.configuration import listing_mark
from assistant.sync.lease import hold
from assistant.sync.models import RunFailure, SyncRun
from assistant.sync.spool import spool_of


def begin_anew_if_changed(run: SyncRun) -> None:
    """Forget what the run has listed, if it did so by other settings than those that count now.

    Nothing that was said by the old ones is said by the new ones: what was named counts as unnamed, so
    that no list is confirmed, no doubt ended and no document kept by it. Failures and counts are those of
    the new listing alone. What failures have hidden stays hidden until a run names it without a doubt.

    Raises:
        LostLease: the run belongs to another process now; nothing is changed.
    """
    if run.listing is None or run.listing.get("settings") == listing_mark(run.source):
        return
    spool_of(run.pk).clear()  # the same id and version may mean another content elsewhere
    with transaction.atomic():
        hold(run.pk)
        RunFailure.objects.filter(run=run).delete()
        named = Q(seen_in_run=run.pk) | Q(acl_seen_in_run=run.pk)
        Document.objects.filter(named, connection=run.source_id).update(seen_in_run=0, acl_seen_in_run=0)
        SyncRun.objects.filter(pk=run.pk).update(
            listing=None,
            found=0,
            fetched=0,
            total=None,
            added=0,
            updated=0,
            unchanged=0,
            failed=0,
            current_item="",
        )
    run.listing = None
