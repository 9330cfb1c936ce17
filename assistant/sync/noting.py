"""What a run changed about permissions, noted in the transaction that changes it.

Only what was known before is noted: the first reading of a source is no change.
"""

from __future__ import annotations

from collections.abc import Mapping

from assistant.accounts.principals import MembershipChange as Change
from assistant.sync.models import AccessChange, MembershipChange, SyncRun

_BATCH = 500


def note_access_changes(run: SyncRun, changes: Mapping[int, tuple[int | None, int | None]]) -> None:
    """Note by document id which list was there before and which is there now.

    A run that meets a document twice keeps the first `before`: it is what counted
    when the run began.
    """
    news = {pk: change for pk, change in changes.items() if change[0] != change[1]}
    if not news:
        return
    AccessChange.objects.bulk_create(
        [
            AccessChange(run=run, document_id=pk, before_id=before, after_id=after)
            for pk, (before, after) in sorted(news.items())
        ],
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["run", "document"],
        update_fields=["after"],
    )


def note_membership_changes(run: SyncRun, change: Change) -> None:
    """Note who joined and who left which group."""
    MembershipChange.objects.bulk_create(
        [
            MembershipChange(run=run, group_id=group, member_id=member, joined=joined)
            for edges, joined in ((change.joined, True), (change.left, False))
            for group, member in sorted(edges)
        ],
        batch_size=_BATCH,
        ignore_conflicts=True,  # a run that was taken over reads its groups again
    )
