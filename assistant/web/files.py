"""Files of a conversation: added, looked after while they are read, removed."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect, push_url

from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.how_long import at_least
from assistant.chat import selectors
from assistant.chat.file_limits import FileRefused
from assistant.chat.file_reasons import refusal_words
from assistant.chat.files import Upload, add_file, files_of, remove_file
from assistant.web.conversations import chat_page, rail
from assistant.web.numbers import number
from assistant.web.signed_in import PersonRequest, for_people

_MOST_AT_ONCE = 20  # of one request that are looked at


@require_POST
@for_people
def add(request: PersonRequest) -> HttpResponse:
    """Take files into the conversation that the form names, or into a new one; a refusal has its sentence."""
    viewer = viewer_for(request.user)
    before = number(request.POST.get("conversation", ""))
    conversation_id, refusals = before, []
    for file in request.FILES.getlist("file")[:_MOST_AT_ONCE]:
        upload = Upload(
            name=file.name or "",
            media_type=file.content_type or "",
            size=file.size or 0,
            pieces=file.chunks(),
        )
        try:
            conversation_id = add_file(viewer=viewer, conversation_id=conversation_id, upload=upload)
        except FileRefused as error:
            refusals.append(refusal_words(error.why, error.name, wait=at_least(error.wait_s)))
    return _shown(
        request, viewer, conversation_id, refusals, is_new=before is None and conversation_id is not None
    )


@require_GET
@for_people
def files(request: PersonRequest, conversation_id: int) -> HttpResponse:
    """The files of a conversation as they stand."""
    return _shown(request, viewer_for(request.user), conversation_id, [])


@require_http_methods(["POST"])
@for_people
def remove(request: PersonRequest, conversation_id: int, file_id: int) -> HttpResponse:
    """Remove a file with all that was made of it. A conversation that holds nothing else goes with it."""
    viewer = viewer_for(request.user)
    try:
        is_there = remove_file(viewer=viewer, conversation_id=conversation_id, file_id=file_id)
    except FileRefused as error:
        return _shown(request, viewer, conversation_id, [refusal_words(error.why, error.name)])
    if is_there and not request.htmx:
        return redirect("web:conversation", conversation_id)
    shown = selectors.conversation(viewer=viewer, conversation_id=conversation_id) if is_there else None
    if shown is None or shown.turns:  # answers that stood on it look different now
        to = reverse("web:conversation", args=[conversation_id]) if is_there else reverse("web:home")
        return HttpResponseClientRedirect(to) if request.htmx else redirect(to)
    return _shown(request, viewer, conversation_id, [])


def _shown(
    request: PersonRequest,
    viewer: Viewer,
    conversation_id: int | None,
    refusals: list[str],
    *,
    is_new: bool = False,
) -> HttpResponse:
    held = files_of(viewer=viewer, conversation_id=conversation_id)
    if not request.htmx:
        if refusals:
            shown = (
                selectors.conversation(viewer=viewer, conversation_id=conversation_id)
                if conversation_id is not None
                else None
            )
            return chat_page(request, shown=shown, refusal=" ".join(refusals))
        return redirect("web:conversation", conversation_id) if conversation_id else redirect("web:home")
    context: dict[str, object] = {
        "files": held,
        "files_chosen": request.POST.get("files") or request.GET.get("files", ""),
        "file_refusals": refusals,
        "is_new": is_new,
        "conversation_id": conversation_id,
    }
    if not is_new:
        return render(request, "web/fragments/files.html", context)
    response = render(request, "web/fragments/files_added.html", {**context, **rail(viewer, conversation_id)})
    return push_url(response, reverse("web:conversation", args=[conversation_id]))
