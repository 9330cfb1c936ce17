"""Who may open a page of the console? Who has the right that it needs; for others there is no such page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from assistant.accounts.models import User
from assistant.accounts.roles import Right
from assistant.common.errors import NotFound
from assistant.common.row_numbers import require_possible_numbers

P = ParamSpec("P")


class AdministratorRequest(HttpRequest):
    """A request of somebody who is signed in and has the right that the page needs."""

    user: User
    htmx: HtmxDetails


Page = Callable[Concatenate[AdministratorRequest, P], HttpResponse]
GuardedPage = Callable[Concatenate[HttpRequest, P], HttpResponse]


def with_right(right: Right) -> Callable[[Page[P]], GuardedPage[P]]:
    """The page for who has the right, a 404 for other people, the sign-in page for who is not signed in."""

    def guard(page: Page[P]) -> GuardedPage[P]:
        @wraps(page)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            asking = cast(AdministratorRequest, request)
            if not request.user.is_authenticated:
                to_sign_in = redirect_to_login(request.get_full_path())
                return HttpResponseClientRefresh() if asking.htmx else to_sign_in
            if not asking.user.has_right(right):
                raise Http404
            try:
                require_possible_numbers(kwargs)
                response = page(asking, *args, **kwargs)
            except NotFound as error:
                raise Http404 from error
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        return guarded

    return guard
