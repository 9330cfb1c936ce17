"""Before somebody changes how they sign in, they show once more who they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, resolve_url
from django.views.decorators.http import require_http_methods

from assistant.access.viewer import viewer_for
from assistant.accounts.models import User
from assistant.accounts.proof import is_recent
from assistant.factors.asking_again import asks_again
from assistant.web.company_sign_in import safe_page
from assistant.web.conversations import rail
from assistant.web.signed_in import PersonRequest, for_people

P = ParamSpec("P")
Page = Callable[Concatenate[PersonRequest, P], HttpResponse]


def _around(user: User) -> dict[str, Any]:
    return dict(rail(viewer_for(user)))


def proven_first(page: Page[P]) -> Page[P]:
    """The page for who proved within half an hour who they are; others prove it first and come back.

    What a form sent is not kept: nothing here is long to enter again. Stands below `for_people`.
    """

    @wraps(page)
    def guarded(request: PersonRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if is_recent(request.session):
            return page(request, *args, **kwargs)
        back = request.get_full_path() if request.method == "GET" else resolve_url("web:security")
        return redirect(f"{resolve_url('web:prove')}?{urlencode({'next': back})}")

    return guarded


def kept_and_proven(page: Page[P]) -> Page[P]:
    """As `proven_first`, for a form that is long to enter again: the page that asks carries its fields along.

    Stands below `for_people`.
    """
    return asks_again("app.html", _around)(page)


@require_http_methods(["GET", "POST"])
@for_people
@asks_again("app.html", _around, reading=True)
def prove_again(request: PersonRequest) -> HttpResponse:
    """Where somebody proves who they are before they go on to a page of ours, whichever way they can."""
    asked_for = request.POST.get("next") or request.GET.get("next", "")
    return redirect(safe_page(request, asked_for) or resolve_url("web:security"))
