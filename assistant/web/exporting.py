"""A conversation as a download: the owner's own, and a shared one as its reader may see it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from assistant.access.viewer import Viewer, viewer_for
from assistant.chat import exporting, selectors, sharing
from assistant.common.errors import UsageError
from assistant.web.conversations import rail
from assistant.web.signed_in import PersonRequest, for_people


@require_GET
@for_people
def export(request: PersonRequest, conversation_id: int) -> HttpResponse:
    """`?format=` gives the file; without it the page offers the kinds of files."""
    viewer = viewer_for(request.user)
    kind = request.GET.get("format")
    if kind is not None:
        try:
            file = exporting.export_conversation(viewer=viewer, conversation_id=conversation_id, kind=kind)
        except UsageError:
            return _choice(request, viewer, _own(viewer, conversation_id), refused=True)
        return _download(file)
    return _choice(request, viewer, _own(viewer, conversation_id))


@require_GET
@for_people
def export_shared(request: PersonRequest, token: str) -> HttpResponse:
    """As `export`, of a shared conversation, from its reader's view."""
    viewer = viewer_for(request.user)
    kind = request.GET.get("format")
    if kind is not None:
        try:
            file = exporting.export_shared(viewer=viewer, token=token, kind=kind)
        except UsageError:
            return _choice(request, viewer, _others(viewer, token), refused=True)
        return _download(file)
    return _choice(request, viewer, _others(viewer, token))


def _own(viewer: Viewer, conversation_id: int) -> dict[str, object]:
    shown = selectors.conversation(viewer=viewer, conversation_id=conversation_id)
    return {
        "title": shown.title,
        "address": reverse("web:export", args=[conversation_id]),
        "back": reverse("web:conversation", args=[conversation_id]),
        "current": conversation_id,
    }


def _others(viewer: Viewer, token: str) -> dict[str, object]:
    shown = sharing.shared_conversation(viewer=viewer, token=token)
    return {
        "title": shown.title,
        "address": reverse("web:export-shared", args=[token]),
        "back": reverse("web:shared", args=[token]),
    }


def _choice(
    request: PersonRequest, viewer: Viewer, what: dict[str, object], *, refused: bool = False
) -> HttpResponse:
    refusal = gettext("A conversation can’t be saved in this format. Choose one of these.") if refused else ""
    context = {"refusal": refusal, "in_dialog": bool(request.htmx), **rail(viewer), **what}
    name = "web/fragments/export_dialog.html" if request.htmx else "web/export.html"
    return render(request, name, context, status=422 if refused else 200)


def _download(file: exporting.ExportFile) -> HttpResponse:
    return HttpResponse(
        file.content,
        content_type=file.media_type,
        headers={
            "Content-Disposition": content_disposition_header(as_attachment=True, filename=file.name) or "",
            "X-Content-Type-Options": "nosniff",
        },
    )
