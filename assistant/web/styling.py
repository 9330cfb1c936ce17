"""The page on which a person says how answers are to be written for them."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from assistant.access.viewer import Viewer, viewer_for
from assistant.chat.style_form import StyleForm, personal_form, typed_wishes
from assistant.chat.styles import has_language_model, policy_in_force, set_wishes, wishes_of
from assistant.common.errors import UsageError
from assistant.web.conversations import rail
from assistant.web.signed_in import PersonRequest, for_people


@require_http_methods(["GET", "POST"])
@for_people
def style(request: PersonRequest) -> HttpResponse:
    """What the person wants now; POST keeps what was chosen."""
    viewer = viewer_for(request.user)
    policy = policy_in_force()
    if request.method == "GET":
        return _page(request, viewer, personal_form(wishes_of(viewer), policy), saved="saved" in request.GET)
    typed = {name: str(value) for name, value in request.POST.items()}
    try:
        wishes = typed_wishes(typed)
    except UsageError:
        kept = typed_wishes({**typed, "instructions": ""})
        form = personal_form(kept, policy, instructions=typed["instructions"].replace("\r\n", "\n"))
        return _page(request, viewer, form, status=422)
    set_wishes(wishes, viewer=viewer)
    response = redirect("web:style")
    response["Location"] += "?saved"
    return response


def _page(
    request: PersonRequest, viewer: Viewer, form: StyleForm, *, status: int = 200, saved: bool = False
) -> HttpResponse:
    context = {
        "form": form,
        "saved": saved,
        "has_language_model": has_language_model(viewer),
        **rail(viewer),
    }
    return render(request, "web/style.html", context, status=status)
