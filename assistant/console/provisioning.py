"""Which providers make people and groups known by SCIM: their keys, shown once, and how to connect."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from assistant.accounts.api_keys import NewKey
from assistant.accounts.roles import Right
from assistant.common.errors import UsageError
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.paging import number_in
from assistant.console.proving import recently_proven
from assistant.identity.scim.keys import (
    LONGEST_NAME,
    MOST_DAYS,
    clients,
    issue_provisioning_key,
    revoke_provisioning_key,
)

_LIVES = (90, 180, MOST_DAYS)  # days


@dataclass(frozen=True, slots=True)
class Wish:
    """A key that was wished for: of which provider, under which name."""

    provider_id: int
    name: str = ""


@require_GET
@with_right(Right.MANAGE_SIGN_IN)
def provisioning(request: AdministratorRequest) -> HttpResponse:
    """All providers with their keys."""
    return _page(request)


@require_POST
@with_right(Right.MANAGE_SIGN_IN)
@recently_proven
def add_key(request: AdministratorRequest, provider_id: int) -> HttpResponse:
    """A new key of a provider. This answer alone shows it."""
    wish = Wish(provider_id, request.POST.get("name", ""))
    days = number_in(request.POST.get("days", "")) or 0
    try:
        made = issue_provisioning_key(
            provider_id=provider_id, name=wish.name, days=days, actor=request.user.email
        )
    except UsageError as error:
        return _page(request, wish, problem=str(error))
    return _page(request, Wish(provider_id), made=made)


@require_POST
@with_right(Right.MANAGE_SIGN_IN)
@recently_proven
def revoke_key(request: AdministratorRequest, key_id: int) -> HttpResponse:
    """End a key at once."""
    revoke_provisioning_key(key_id=key_id, actor=request.user.email)
    return redirect("console:provisioning")


def _page(
    request: AdministratorRequest, wish: Wish | None = None, *, problem: str = "", made: NewKey | None = None
) -> HttpResponse:
    """`made` is the key that was wished for, `problem` why there is none."""
    context = {
        "clients": clients(),
        "address": request.build_absolute_uri("/scim/v2"),
        "lives": _LIVES,
        "longest": LONGEST_NAME,
        "provider_id": wish.provider_id if wish else None,
        "name": wish.name if wish else "",
        "problem": problem,
        "made": made,
    }
    return render(request, "console/provisioning.html", context, status=422 if problem else 200)
