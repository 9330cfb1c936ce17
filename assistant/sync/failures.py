"""Which documents of a source failed, why, and which would a waiting run delete?

Ids are shown to who may see sources, who must mend them, and those of missing
documents to who may decide about them. Titles and text never are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.roles import Right
from assistant.common.told import restored
from assistant.documents.models import Document, Hidden
from assistant.sync.models import CONTENT_KINDS, RunFailure, RunState, SyncRun
from assistant.sync.reading import FailureView
from assistant.sync.reasons import document_reason

PAGE_SIZE = 50
MISSING_SHOWN = 10
_MOST = 20_000  # a list beyond it says nothing more


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many documents failed for one reason."""

    code: str
    words: str
    documents: int


@dataclass(frozen=True, slots=True)
class FailurePage:
    """A page of what failed. `total`: that fit the filter; `everything`: all that failed, by reason."""

    rows: tuple[FailureView, ...]
    page: int
    total: int
    everything: int
    reasons: tuple[ReasonCount, ...]


def failed_documents(
    *, viewer: Viewer, source_id: int, text: str = "", code: str = "", page: int = 1
) -> FailurePage:
    """What failed and was not taken since: `text` in its id, for the reason `code`.

    Raises:
        NotFound: the viewer may not see sources.
    """
    require(viewer, Right.SEE_SOURCES)
    known = _failures(source_id)
    wanted = text.strip().casefold()
    fitting = [
        row for row in known if wanted in row.external_id.casefold() and (not code or row.code == code)
    ]
    start = (page - 1) * PAGE_SIZE
    return FailurePage(
        rows=tuple(fitting[start : start + PAGE_SIZE]),
        page=page,
        total=len(fitting),
        everything=len(known),
        reasons=tuple(
            ReasonCount(each, str(document_reason(each).what), count)
            for each, count in Counter(row.code for row in known).most_common()
        ),
    )


def missing_documents(*, viewer: Viewer, source_id: int) -> tuple[str, ...]:
    """The first ids of those that a run of the source asks about.

    Raises:
        NotFound: the viewer may not manage sources.
    """
    require(viewer, Right.MANAGE_SOURCES)
    asking = SyncRun.objects.filter(source=source_id, state=RunState.WAITING_FOR_APPROVAL).values("pk")
    missing = Document.objects.filter(connection_id=source_id, hidden=Hidden.MISSING, asked_in_run__in=asking)
    return tuple(missing.order_by("external_id").values_list("external_id", flat=True)[:MISSING_SHOWN])


def _failures(source_id: int) -> list[FailureView]:
    """What the runs since the last reading of content noted, and documents that failed before that."""
    runs = SyncRun.objects.filter(source_id=source_id)
    last = runs.filter(kind__in=CONTENT_KINDS).order_by("-pk").values_list("pk", flat=True).first()
    noted = RunFailure.objects.filter(run__source_id=source_id, run__gte=last or 0)
    found = {row.external_id: _noted(row) for row in noted.order_by("run", "pk")[:_MOST]}
    documents = Document.objects.filter(connection_id=source_id).exclude(failure_code="")
    for row in documents.exclude(hidden=Hidden.REMOVED).order_by("external_id")[:_MOST]:
        if row.external_id not in found:
            found[row.external_id] = _kept(row)
    return _sorted(found.values())


def _sorted(rows: Iterable[FailureView]) -> list[FailureView]:
    return sorted(rows, key=lambda row: row.external_id)


def _noted(row: RunFailure) -> FailureView:
    reason, detail = document_reason(row.code), restored(row.detail, row.detail_parts)
    return FailureView(row.external_id, row.code, str(reason.what), str(reason.do), detail, row.at)


def _kept(row: Document) -> FailureView:
    reason = document_reason(row.failure_code)
    return FailureView(row.external_id, row.failure_code, str(reason.what), str(reason.do), "", None)
