"""A question goes in, its turn streams out, and the finished turn is drawn by the server."""

from __future__ import annotations

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import push_url, reswap, retarget

from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts import sessions
from assistant.accounts.how_long import at_least
from assistant.catalogue.entries import ModelNotOffered
from assistant.chat import selectors, services
from assistant.chat.models import TurnMode
from assistant.common.errors import GuardrailsDamaged, ModelUnavailable, MundapError, UsageError
from assistant.web.conversations import QUESTION_LIMIT, chat_page, rail
from assistant.web.held_back import question_held, told_to_wait
from assistant.web.numbers import number
from assistant.web.scopes import chosen_filters
from assistant.web.signed_in import PersonRequest, for_people, for_people_async
from assistant.web.stream_format import Frames, last_seen


@require_POST
@for_people
def ask(request: PersonRequest) -> HttpResponse:
    """Start a turn. With htmx its fragment comes back at once; without it the page waits for the answer."""
    viewer = viewer_for(request.user)
    question = request.POST.get("question", "").replace("\r\n", "\n")
    conversation_id = number(request.POST.get("conversation", ""))
    if (wait := question_held(request.user)) is not None:
        refusal = gettext(
            "You asked very many questions in a short time. Wait %(time)s, then send it again."
        ) % {"time": at_least(wait.seconds)}
        return told_to_wait(_told(request, viewer, question, conversation_id, refusal), wait)
    try:
        turn = services.start_turn(
            viewer=viewer,
            question=question,
            conversation_id=conversation_id,
            filters=chosen_filters(request.POST),
            mode=request.POST.get("mode", "") or TurnMode.ANSWER,
            model=request.POST.get("model", ""),
            files=request.POST.get("files", ""),
        )
    except (UsageError, GuardrailsDamaged, ModelUnavailable) as error:
        return _refused(request, viewer, question, conversation_id, error)
    if not request.htmx:
        async_to_sync(_finish)(viewer, turn.pk)
        return redirect("web:conversation", turn.conversation_id)
    context = {
        "turn": selectors.turn(viewer=viewer, turn_id=turn.pk),
        "conversation_id": turn.conversation_id,
        "is_new": services.is_first(turn),
        **rail(viewer, turn.conversation_id),
    }
    response = render(request, "web/fragments/asked.html", context)
    return push_url(response, reverse("web:conversation", args=[turn.conversation_id]))


@require_GET
@for_people
def turn(request: PersonRequest, turn_id: int) -> HttpResponse:
    """The fragment of one turn as it stands."""
    shown = selectors.turn(viewer=viewer_for(request.user), turn_id=turn_id)
    return render(request, "web/fragments/turn.html", {"turn": shown})


@require_POST
@for_people
def stop(request: PersonRequest, turn_id: int) -> HttpResponse:
    """Stop writing. What came stays."""
    viewer = viewer_for(request.user)
    services.stop_turn(viewer=viewer, turn_id=turn_id)
    return HttpResponse(status=204) if request.htmx else redirect("web:home")


@require_GET
@for_people_async
async def stream(request: PersonRequest, turn_id: int) -> StreamingHttpResponse:
    """The events of one turn, from where the reader left off."""
    after = last_seen(request.headers.get("Last-Event-ID", ""), request.GET.get("after", ""))
    key, user_id = request.session.session_key, request.user.pk
    handle = await sync_to_async(sessions.handle_of)(user_id=user_id, key=key)
    events = Frames(
        services.follow_turn(
            viewer=viewer_for(request.user),
            turn_id=turn_id,
            after=after,
            admitted=lambda: sessions.lives(user_id=user_id, handle=handle),
        )
    )
    await events.begin()
    return StreamingHttpResponse(
        events.frames(),
        content_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _finish(viewer: Viewer, turn_id: int) -> None:
    """Run the turn to its end for a browser that cannot follow a stream."""
    async for _ in services.follow_turn(viewer=viewer, turn_id=turn_id, after=0):
        pass


def _refused(
    request: PersonRequest, viewer: Viewer, question: str, conversation_id: int | None, error: MundapError
) -> HttpResponse:
    if not question.strip():
        refusal = gettext("Write a question first.")
    elif not isinstance(error, UsageError):
        refusal = gettext(
            "No question can be taken now: what may be asked can’t be checked. Tell your administrator."
        )
    elif len(question) > QUESTION_LIMIT:
        refusal = gettext("A question can have at most 4,000 characters. Shorten it and send it again.")
    elif isinstance(error, ModelNotOffered):
        refusal = gettext(
            "You can’t use that model any more. Choose another one and send your question again."
        )
    elif request.POST.get("mode", "") not in ("", TurnMode.ANSWER):
        refusal = gettext("Drafts aren’t offered any more. Choose “Answer from documents” and send it again.")
    else:
        refusal = str(error)
    return _told(request, viewer, question, conversation_id, refusal)


def _told(
    request: PersonRequest, viewer: Viewer, question: str, conversation_id: int | None, refusal: str
) -> HttpResponse:
    """The refusal by the box, in which the question still stands."""
    if request.htmx:
        response = HttpResponse(status=422)
        fragment = render(request, "web/fragments/refusal.html", {"refusal": refusal})
        response.content = fragment.content
        return retarget(reswap(response, "innerHTML"), "#composer-error")
    shown = (
        selectors.conversation(viewer=viewer, conversation_id=conversation_id) if conversation_id else None
    )
    mode = request.POST.get("mode", "")
    return chat_page(request, shown=shown, question=question, refusal=refusal, mode=mode)
