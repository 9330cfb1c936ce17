"""What could not be read: noted, and hidden at once where permissions are in doubt."""

from __future__ import annotations

from typing import Self

from django.db import transaction
from django.utils import timezone

from assistant.accounts.models import Connection
from assistant.accounts.revisions import Counter, bump
from assistant.common.told import restored, told
from assistant.documents.models import Document, Hidden
from assistant.sync.committing import failed_count
from assistant.sync.detail import kept_detail
from assistant.sync.lease import hold
from assistant.sync.models import RunFailure, SyncRun
from connectors.sdk.contract import Failure

_WRITTEN_AT_ONCE = 500  # rows named in one statement


class Named:
    """Which ids failures name, one by one or by a prefix."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._prefixes: tuple[str, ...] = ()

    @classmethod
    def by_run(cls, run: SyncRun, *, hides: bool = False) -> Self:
        """What the run's failures name, also those of a worker that then died; `hides`: only doubts."""
        named = cls()
        noted = RunFailure.objects.filter(run=run)
        rows = noted.filter(hides=True) if hides else noted
        for external_id, is_prefix in rows.values_list("external_id", "is_prefix"):
            named.add(external_id, is_prefix=is_prefix)
        return named

    def name(self, external_id: str) -> bool:
        """Whether one of them names the document."""
        return external_id in self._ids or external_id.startswith(self._prefixes)

    def add(self, external_id: str, *, is_prefix: bool) -> None:
        """One more id, or everything below it."""
        if is_prefix:
            self._prefixes = (*self._prefixes, external_id)
        else:
            self._ids.add(external_id)


def record_failure(run: SyncRun, connection: Connection, failure: Failure) -> None:
    """Note what could not be read; where permissions are in doubt, hide it now."""
    with transaction.atomic():
        hold(run.pk)
        row, new = RunFailure.objects.get_or_create(
            run=run,
            external_id=failure.external_id[:1024],
            code=failure.code,
            defaults={
                **kept_detail(failure.detail),
                "is_prefix": failure.is_prefix,
                "hides": failure.hide,
                "at": timezone.now(),
            },
        )
        if new:
            SyncRun.objects.filter(pk=run.pk).update(failed=failed_count(run))
        elif (failure.hide and not row.hides) or (failure.is_prefix and not row.is_prefix):
            _widen(row, failure)
        named = _documents_named(connection, failure) if failure.hide else []
        revision = bump(Counter.DOCUMENTS) if named else 0
        for start in range(0, len(named), _WRITTEN_AT_ONCE):
            Document.objects.filter(pk__in=named[start : start + _WRITTEN_AT_ONCE]).exclude(
                hidden=Hidden.REMOVED
            ).update(hidden=Hidden.PERMISSIONS, revision=revision)


def _widen(row: RunFailure, failure: Failure) -> None:
    """A failure of the same name and code was noted that doubts less than this one."""
    row.hides, row.is_prefix = row.hides or failure.hide, row.is_prefix or failure.is_prefix
    known = restored(row.detail, row.detail_parts)
    both = told("{first} {second}", first=known, second=failure.detail) if known else failure.detail
    for field, value in kept_detail(both).items():
        setattr(row, field, value)
    row.save(update_fields=["hides", "is_prefix", "detail", "detail_parts"])


def _documents_named(connection: Connection, failure: Failure) -> list[int]:
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
