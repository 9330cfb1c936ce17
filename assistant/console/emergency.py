"""That the emergency account was used is shown in the console until somebody has seen to it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from assistant.accounts.emergency import acknowledge
from assistant.accounts.people import OwnAccount
from assistant.accounts.roles import Right
from assistant.common.errors import NotFound
from assistant.console.administrators import AdministratorRequest, with_right


@require_POST
@with_right(Right.MANAGE_PEOPLE)
def seen(request: AdministratorRequest, use_id: int) -> HttpResponse:
    """It was looked into."""
    try:
        acknowledge(use_id=use_id, actor=request.user)
    except OwnAccount as error:
        raise NotFound("There is no such button for the emergency account.") from error
    return redirect("console:people")
