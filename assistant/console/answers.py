"""The page of the answers: from what they may be made, and how they are written."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from assistant.access.viewer import viewer_for
from assistant.accounts.roles import Right
from assistant.chat.style_form import StyleForm, company_form, typed_policy
from assistant.chat.styles import Policy, has_language_model, policy_in_force, set_policy
from assistant.common.errors import UsageError
from assistant.console.administrators import AdministratorRequest, with_right


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_ANSWERS)
def answers(request: AdministratorRequest) -> HttpResponse:
    """What holds now; POST saves what was chosen."""
    if request.method == "GET":
        policy = policy_in_force()
        return _page(request, policy, company_form(policy), saved="saved" in request.GET)
    typed = {name: str(value) for name, value in request.POST.items()}
    try:
        policy = typed_policy(typed)
    except UsageError:
        kept = typed_policy({**typed, "instructions": ""})
        form = company_form(kept, instructions=typed["instructions"].replace("\r\n", "\n"))
        return _page(request, kept, form, status=422)
    set_policy(policy, viewer=viewer_for(request.user))
    response = redirect("console:answers")
    response["Location"] += "?saved"
    return response


def _page(
    request: AdministratorRequest,
    policy: Policy,
    form: StyleForm,
    *,
    status: int = 200,
    saved: bool = False,
) -> HttpResponse:
    context = {
        "policy": policy,
        "form": form,
        "saved": saved,
        "has_language_model": has_language_model(viewer_for(request.user)),
    }
    return render(request, "console/answers.html", context, status=status)
