"""The pages of sharing: the owner's, where a link is made and ended, and the reader's, behind the link."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistant.access.viewer import viewer_for
from assistant.chat import sharing
from assistant.common.errors import UsageError
from assistant.web.conversations import chat_page, rail
from assistant.web.evidence import source_page
from assistant.web.signed_in import PersonRequest, for_people


@require_http_methods(["GET", "POST"])
@for_people
def share(request: PersonRequest, conversation_id: int) -> HttpResponse:
    """How far a conversation is shared. POST opens a link, or moves it on to the newest answer."""
    if request.method == "GET":
        return _state(request, conversation_id)
    viewer = viewer_for(request.user)
    try:
        sharing.share_conversation(viewer=viewer, conversation_id=conversation_id)
    except UsageError:
        refusal = gettext("There is nothing to share yet. Wait until the first answer is finished.")
        return _state(request, conversation_id, refusal=refusal)
    return _changed(request, conversation_id)


@require_POST
@for_people
def stop(request: PersonRequest, conversation_id: int) -> HttpResponse:
    """End the link."""
    sharing.stop_sharing(viewer=viewer_for(request.user), conversation_id=conversation_id)
    return _changed(request, conversation_id)


@require_GET
@for_people
def shared(request: PersonRequest, token: str) -> HttpResponse:
    """What is behind a link, as this reader may see it."""
    viewer = viewer_for(request.user)
    shown = sharing.shared_conversation(viewer=viewer, token=token)
    return render(
        request, "web/shared.html", {"conversation": shown, "share_token": shown.token, **rail(viewer)}
    )


@require_GET
@for_people
def source(request: PersonRequest, token: str, turn_id: int, n: int) -> HttpResponse:
    """What a chip of a shared answer opens, with the reader's own rights."""
    viewer = viewer_for(request.user)
    cited = sharing.shared_source(viewer=viewer, token=token, turn_id=turn_id, n=n)
    return source_page(request, viewer, cited)


@require_GET
@for_people
def ask(request: PersonRequest, token: str, turn_id: int) -> HttpResponse:
    """A new conversation of the reader's own, with a shared question in its box. Nothing is asked yet."""
    viewer = viewer_for(request.user)
    question = sharing.shared_question(viewer=viewer, token=token, turn_id=turn_id)
    return chat_page(request, question=question)


def _changed(request: PersonRequest, conversation_id: int) -> HttpResponse:
    if request.htmx:
        return _state(request, conversation_id)
    return redirect("web:share", conversation_id)


def _state(request: PersonRequest, conversation_id: int, *, refusal: str = "") -> HttpResponse:
    viewer = viewer_for(request.user)
    state = sharing.share_state(viewer=viewer, conversation_id=conversation_id)
    path = reverse("web:shared", args=[state.token]) if state.token else ""
    context: dict[str, object] = {
        "share": state,
        "link": request.build_absolute_uri(path) if path else "",
        "refusal": refusal,
        "in_dialog": bool(request.htmx),
    }
    status = 422 if refusal else 200
    if request.htmx:
        return render(request, "web/fragments/share_dialog.html", context, status=status)
    return render(request, "web/share.html", {**context, **rail(viewer, conversation_id)}, status=status)
