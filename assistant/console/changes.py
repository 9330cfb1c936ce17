"""Who gains and who loses by what a run changed."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from assistant.access.viewer import viewer_for
from assistant.accounts.roles import Right
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.paging import Paging, page_asked
from assistant.sync.access_changes import run_changes


@require_GET
@with_right(Right.INSPECT_PERMISSIONS)
def changes(request: AdministratorRequest, source_id: int, run_id: int) -> HttpResponse:
    """The documents, memberships and findings of one run."""
    page = page_asked(request)
    found = run_changes(viewer=viewer_for(request.user), run_id=run_id, page=page)
    if found.source_id != source_id:
        raise Http404
    longest = max(found.documents_total, found.memberships_total)
    return render(request, "console/changes.html", {"changes": found, "paging": Paging(page, longest)})
