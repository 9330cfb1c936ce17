"""Who may open a page? People who are signed in; what is not theirs looks as if it were not there."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from assistant.accounts.models import User
from assistant.common.errors import NotFound
from assistant.common.row_numbers import require_possible_numbers

P = ParamSpec("P")


class PersonRequest(HttpRequest):
    """A request of somebody who is signed in."""

    user: User
    htmx: HtmxDetails


Page = Callable[Concatenate[PersonRequest, P], HttpResponseBase]
GuardedPage = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
AsyncPage = Callable[Concatenate[PersonRequest, P], Coroutine[None, None, HttpResponseBase]]
GuardedAsyncPage = Callable[Concatenate[HttpRequest, P], Coroutine[None, None, HttpResponseBase]]


def for_people(page: Page[P]) -> GuardedPage[P]:
    """The page, for people who are signed in; others go to the sign-in page and come back.

    `NotFound` becomes the one 404 page. Nothing of it stays in a cache: what may
    be read now may be revoked in a minute.
    """

    @wraps(page)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return to_sign_in(request)
        try:
            require_possible_numbers(kwargs)
            response = page(cast(PersonRequest, request), *args, **kwargs)
        except NotFound as error:
            raise Http404 from error
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return guarded


def for_people_async(page: AsyncPage[P]) -> GuardedAsyncPage[P]:
    """As `for_people`, for a page that streams."""

    @wraps(page)
    async def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        user = await request.auser()
        if not user.is_authenticated:
            return HttpResponse(status=401)
        request.user = user
        try:
            require_possible_numbers(kwargs)
            return await page(cast(PersonRequest, request), *args, **kwargs)
        except NotFound as error:
            raise Http404 from error

    return guarded


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in page and back. A fragment request moves the whole page, not its fragment."""
    htmx = cast(PersonRequest, request).htmx
    if not htmx:
        return redirect_to_login(request.get_full_path())
    return HttpResponseClientRedirect(resolve_url("web:sign-in"))
