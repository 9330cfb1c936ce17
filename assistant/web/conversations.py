"""The pages of conversations: a new one, one of them, and the question before one is deleted."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from assistant.access.viewer import Viewer, viewer_for
from assistant.catalogue.selectors import models_for
from assistant.chat import selectors, services
from assistant.chat.file_scope import is_about_files
from assistant.chat.files import files_of
from assistant.chat.reading import ConversationView
from assistant.privacy.retention import kept
from assistant.retrieval.filters import NO_FILTERS
from assistant.web.days import by_day
from assistant.web.examples import example_questions
from assistant.web.scopes import scope_form
from assistant.web.signed_in import PersonRequest, for_people

QUESTION_LIMIT = 4_000


@require_GET
@for_people
def home(request: PersonRequest) -> HttpResponse:
    """A new conversation. `?question=` fills the box, so that a question can be linked to."""
    return chat_page(request, question=request.GET.get("question", "")[:QUESTION_LIMIT])


@require_GET
@for_people
def conversation(request: PersonRequest, conversation_id: int) -> HttpResponse:
    """One conversation with all its turns."""
    viewer = viewer_for(request.user)
    return chat_page(request, shown=selectors.conversation(viewer=viewer, conversation_id=conversation_id))


@require_http_methods(["GET", "POST"])
@for_people
def delete(request: PersonRequest, conversation_id: int) -> HttpResponse:
    """Ask once, naming the conversation; then delete it."""
    viewer = viewer_for(request.user)
    if request.method == "POST":
        services.delete_conversation(viewer=viewer, conversation_id=conversation_id)
        return redirect("web:home")
    context = {
        "conversation": selectors.conversation(viewer=viewer, conversation_id=conversation_id),
        "files": files_of(viewer=viewer, conversation_id=conversation_id),
    }
    return render(request, "web/delete.html", {**context, **rail(viewer, conversation_id)})


def chat_page(
    request: PersonRequest,
    *,
    shown: ConversationView | None = None,
    question: str = "",
    refusal: str = "",
    mode: str = "",
) -> HttpResponse:
    """The chat page, with what was typed kept where it was refused."""
    viewer = viewer_for(request.user)
    conversation_id = shown.id if shown else None
    held = files_of(viewer=viewer, conversation_id=conversation_id)
    last = shown.turns[-1] if shown and shown.turns else None
    latest = last.scope if last else None  # the next question stays in it
    context = {
        "conversation": shown,
        "question": question,
        "refusal": refusal,
        "question_limit": QUESTION_LIMIT,
        "examples": () if shown else example_questions(),
        "offers_drafts": services.offers_drafts(viewer),
        "mode": mode,
        "files": held,
        # The choice stays; that a question was about the files by its own words is no choice.
        "files_chosen": last.files if last and not is_about_files(last.question, held.names) else "",
        "scope": scope_form(viewer, latest.filters if latest else NO_FILTERS),
        "models": models_for(viewer),
        "model": last.model if last else "",  # the conversation stays with it while it is the person's
        **rail(viewer, conversation_id),
    }
    return render(request, "web/chat.html", context, status=422 if refusal else 200)


def rail(viewer: Viewer, current: int | None = None) -> dict[str, object]:
    """What the rail shows: the person's conversations by day, the open one marked."""
    return {"days": by_day(selectors.conversations(viewer=viewer)), "current": current, "kept": kept()}
