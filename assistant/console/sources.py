"""The pages of sources: the list, one source, and what its runs are doing."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect, reselect, reswap, retarget

from assistant.access.viewer import viewer_for
from assistant.accounts.roles import Right
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.paging import Paging, page_asked
from assistant.console.timing import timing_of
from assistant.ingest.index_status import shown_status
from assistant.sync import selectors, services
from assistant.sync.failures import failed_documents, missing_documents
from assistant.sync.kinds import offered_kind
from assistant.sync.reading import RunView

KINDS = ("incremental", "full", "permissions", "principals", "prune")
_LONGEST_TEXT = 200


@require_GET
@with_right(Right.SEE_SOURCES)
def source_list(request: AdministratorRequest) -> HttpResponse:
    """All sources with their state. While one is running the table asks again every two seconds."""
    viewer = viewer_for(request.user)
    rows = selectors.sources(viewer=viewer)
    running = any(row.last_run is not None and row.last_run.is_open for row in rows)
    index = shown_status(viewer=viewer)
    return render(request, "console/sources.html", {"rows": rows, "running": running, "index": index})


@require_GET
@with_right(Right.SEE_SOURCES)
def source(request: AdministratorRequest, source_id: int) -> HttpResponse:
    """One source: progress, figures, settings, failures, runs."""
    return _source_page(request, source_id)


@require_GET
@with_right(Right.SEE_SOURCES)
def progress(request: AdministratorRequest, source_id: int, run_id: int) -> HttpResponse:
    """The progress of a run. Once it is finished, the whole page body comes instead and asks no more."""
    run = _run(request, source_id, run_id)
    if run.is_open and request.htmx:
        shown = {"run": run, "source_id": source_id, "again": True}
        return render(request, "console/fragments/progress.html", shown)
    if not request.htmx:
        return redirect("console:source", source_id)
    response = _source_page(request, source_id)
    return retarget(reselect(reswap(response, "outerHTML"), "#source-body"), "#source-body")


@require_POST
@with_right(Right.MANAGE_SOURCES)
def sync(request: AdministratorRequest, source_id: int) -> HttpResponse:
    """Ask for a run. One that is open already goes on."""
    kind = request.POST.get("kind", "incremental")
    if kind not in KINDS:
        raise Http404
    detail = selectors.source(viewer=viewer_for(request.user), source_id=source_id)
    if offered_kind(detail.row.kind, "en").pushed:
        raise Http404  # there is nothing that a run could read
    services.request_run(source_id=source_id, kind=kind, actor=request.user.email)
    return _to_source(request, source_id)


@require_POST
@with_right(Right.MANAGE_SOURCES)
def cancel(request: AdministratorRequest, source_id: int, run_id: int) -> HttpResponse:
    """Stop a run. What it has stored stays."""
    services.cancel_run(run_id=_run(request, source_id, run_id).id, actor=request.user.email)
    return _to_source(request, source_id)


@require_POST
@with_right(Right.MANAGE_SOURCES)
def approve(request: AdministratorRequest, source_id: int, run_id: int) -> HttpResponse:
    """Let a run delete what it found missing, after somebody has looked at the number."""
    services.approve_deletions(run_id=_run(request, source_id, run_id).id, actor=request.user.email)
    return _to_source(request, source_id)


@require_POST
@with_right(Right.MANAGE_SOURCES)
def refuse(request: AdministratorRequest, source_id: int, run_id: int) -> HttpResponse:
    """Keep what a run found missing, and show it again."""
    services.refuse_deletions(run_id=_run(request, source_id, run_id).id, actor=request.user.email)
    return _to_source(request, source_id)


@require_POST
@with_right(Right.MANAGE_SOURCES)
def pause(request: AdministratorRequest, source_id: int) -> HttpResponse:
    """Let nothing of the source run. An open run keeps its place."""
    services.pause_source(source_id=source_id, actor=request.user.email)
    return _to_source(request, source_id)


@require_POST
@with_right(Right.MANAGE_SOURCES)
def resume(request: AdministratorRequest, source_id: int) -> HttpResponse:
    """Go on with what was paused."""
    services.resume_source(source_id=source_id, actor=request.user.email)
    return _to_source(request, source_id)


@require_POST
@with_right(Right.MANAGE_SOURCES)
def retry(request: AdministratorRequest, source_id: int) -> HttpResponse:
    """Read the documents again that failed."""
    services.retry_failed(source_id=source_id, actor=request.user.email)
    return _to_source(request, source_id)


def _run(request: AdministratorRequest, source_id: int, run_id: int) -> RunView:
    """The run that the address names, if it is one of this source."""
    return selectors.run(viewer=viewer_for(request.user), source_id=source_id, run_id=run_id)


def _source_page(request: AdministratorRequest, source_id: int) -> HttpResponse:
    viewer = viewer_for(request.user)
    detail = selectors.source(viewer=viewer, source_id=source_id)
    latest = detail.runs[0] if detail.runs else None
    text, reason = request.GET.get("text", "")[:_LONGEST_TEXT], request.GET.get("reason", "")
    failed = failed_documents(
        viewer=viewer, source_id=source_id, text=text, code=reason, page=page_asked(request)
    )
    context = {
        "detail": detail,
        "row": detail.row,
        "run": latest,
        "asking": detail.asking,  # a question stands until it is answered, whatever ran since
        "kind": offered_kind(detail.row.kind, (get_language() or "en")[:2]),
        "timing": timing_of(detail.cron, detail.time_zone),
        "past_runs": [past for past in detail.runs if not past.is_open],
        "failed": failed,
        "paging": Paging(failed.page, failed.total),
        "text": text,
        "reason": reason,
        "missing": missing_documents(viewer=viewer, source_id=source_id)
        if detail.asking is not None and request.user.has_right(Right.MANAGE_SOURCES)
        else (),
        "saved": "saved" in request.GET,
    }
    return render(request, "console/source.html", context)


def _to_source(request: AdministratorRequest, source_id: int) -> HttpResponse:
    response = redirect("console:source", source_id)
    return HttpResponseClientRedirect(response["Location"]) if request.htmx else response
