"""Who may open the console? Administrators; for everybody else there is no such page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from assistant.accounts.models import User
from assistant.common.errors import NotFound

P = ParamSpec("P")


class AdministratorRequest(HttpRequest):
    """A request of a signed-in administrator."""

    user: User
    htmx: HtmxDetails


Page = Callable[Concatenate[AdministratorRequest, P], HttpResponse]
GuardedPage = Callable[Concatenate[HttpRequest, P], HttpResponse]


def for_administrators(page: Page[P]) -> GuardedPage[P]:
    """The page for administrators, a 404 for other people, the sign-in page for who is not signed in."""

    @wraps(page)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        asking = cast(AdministratorRequest, request)
        if not request.user.is_authenticated:
            return HttpResponseClientRefresh() if asking.htmx else redirect_to_login(request.get_full_path())
        if not asking.user.is_administrator:
            raise Http404
        try:
            response = page(asking, *args, **kwargs)
        except NotFound as error:
            raise Http404 from error
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return guarded
