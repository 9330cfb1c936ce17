"""The pages of sources: the list, one source, and what its runs are doing."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect, reselect, reswap, retarget

from assistant.access.viewer import viewer_for
from assistant.accounts.roles import Right
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.ingest.index_status import shown_status
from assistant.sync import selectors, services

KINDS = ("incremental", "full")


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
    run = selectors.run(viewer=viewer_for(request.user), run_id=run_id)
    if run.is_open and request.htmx:
        return render(request, "console/fragments/progress.html", {"run": run, "source_id": source_id})
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
    selectors.source(viewer=viewer_for(request.user), source_id=source_id)
    services.request_run(source_id=source_id, kind=kind, actor=request.user.email)
    return _to_source(request, source_id)


@require_POST
@with_right(Right.MANAGE_SOURCES)
def cancel(request: AdministratorRequest, source_id: int, run_id: int) -> HttpResponse:
    """Stop a run. What it has stored stays."""
    services.cancel_run(run_id=run_id, actor=request.user.email)
    return _to_source(request, source_id)


@require_POST
@with_right(Right.MANAGE_SOURCES)
def approve(request: AdministratorRequest, source_id: int, run_id: int) -> HttpResponse:
    """Let a run delete what it found missing, after somebody has looked at the number."""
    services.approve_deletions(run_id=run_id, actor=request.user.email)
    return _to_source(request, source_id)


def _source_page(request: AdministratorRequest, source_id: int) -> HttpResponse:
    detail = selectors.source(viewer=viewer_for(request.user), source_id=source_id)
    latest = detail.runs[0] if detail.runs else None
    return render(request, "console/source.html", {"detail": detail, "row": detail.row, "run": latest})


def _to_source(request: AdministratorRequest, source_id: int) -> HttpResponse:
    response = redirect("console:source", source_id)
    return HttpResponseClientRedirect(response["Location"]) if request.htmx else response
