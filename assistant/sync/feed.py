"""What a run asks its connector for: everything, what changed since the last run, or what failed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from assistant.common.types import Json, JsonObject
from assistant.documents.models import Document, Hidden
from assistant.sync.configuration import listing_mark
from assistant.sync.models import CONTENT_KINDS, RunFailure, RunKind, RunState, Source, SyncRun
from assistant.sync.plan import LASTING_FAILURES
from connectors.sdk.contract import Connector, Event, Failure, FeedGap, Upsert

_MOST_AGAIN = 10_000
_WHOLE = (RunState.SUCCEEDED, RunState.SUCCEEDED_WITH_ERRORS, RunState.WAITING_FOR_APPROVAL)


def is_document(event: Event) -> bool:
    """Whether the event counts as a document that the listing has found."""
    return isinstance(event, Upsert | Failure)


def events_of(run: SyncRun, connector: Connector) -> Iterator[Event]:
    """The events of this run, from where an interrupted worker left it. Asks the database now, not later."""
    if run.listing is None:
        _begin(run, run.source.cursor if _follows_the_feed(run) else None)
    if run.kind == RunKind.RETRY:
        return connector.again(_failed(run.source, lasting=True))
    assert run.listing is not None
    cursor, checkpoint = run.listing["cursor"], run.listing.get("checkpoint")
    if cursor is None:
        return connector.documents(checkpoint=checkpoint)
    return _changes(run, connector, cursor, checkpoint, _failed(run.source, lasting=False))


def began_at(run: SyncRun) -> datetime:
    """How old the news of the listing may be: one that goes on from a checkpoint began earlier."""
    listing = run.listing or {}
    if listing.get("checkpoint") is None:
        return timezone.now()
    return datetime.fromisoformat(listing["began"])


def _follows_the_feed(run: SyncRun) -> bool:
    """Not where everything was last listed too long ago: no feed carries every change."""
    source = run.source
    if run.kind != RunKind.INCREMENTAL or source.cursor is None or source.listed_at is None:
        return False
    limit = timedelta(hours=source.full_hours)
    return not source.full_hours or timezone.now() - source.listed_at < limit


def _begin(run: SyncRun, cursor: JsonObject | None) -> None:
    """Begin the listing; it goes on from here as long as the settings stay, see `beginning_anew`."""
    run.listing = _beginning(listing_mark(run.source), cursor)
    SyncRun.objects.filter(pk=run.pk).update(listing=run.listing)


def _beginning(mark: Json, cursor: JsonObject | None) -> JsonObject:
    return {
        "cursor": cursor,
        "settings": mark,
        "began": timezone.now().isoformat(),
    }


def _changes(
    run: SyncRun,
    connector: Connector,
    cursor: JsonObject,
    checkpoint: JsonObject | None,
    failed: list[str],
) -> Iterator[Event]:
    """What changed, after what failed last time; everything, where the feed no longer reaches back."""
    if failed and checkpoint is None:
        yield from connector.again(failed)
    try:
        yield from connector.documents(cursor=cursor, checkpoint=checkpoint)
    except FeedGap:
        # Stored with the first checkpoint. This thread reads the source and asks no database.
        run.listing = _beginning((run.listing or {}).get("settings", ""), None)
        yield from connector.documents()


def _failed(source: Source, *, lasting: bool) -> list[str]:
    """Ids of documents that failed, which no feed names again; `lasting`: also what will fail again."""
    rows = Document.objects.filter(connection=source.connection).exclude(hidden=Hidden.REMOVED)
    rows = rows.exclude(failure_code="")
    if not lasting:
        rows = rows.exclude(failure_code__in=LASTING_FAILURES)
    # Those of the last run that came to its end with documents; later ones broke off, or read none.
    ended = SyncRun.objects.filter(source=source, kind__in=CONTENT_KINDS, state__in=_WHOLE)
    since = ended.order_by("-pk").values_list("pk", flat=True).first() or 0
    noted = RunFailure.objects.filter(run__source=source, run__gte=since, is_prefix=False)
    noted = noted.exclude(external_id="")
    if not lasting:
        noted = noted.exclude(code__in=LASTING_FAILURES)
    names = {*rows.values_list("external_id", flat=True), *noted.values_list("external_id", flat=True)}
    return sorted(names)[:_MOST_AGAIN]
