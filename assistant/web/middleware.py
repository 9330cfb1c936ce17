"""Every page is in the language that its reader has chosen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation

from assistant.accounts.models import User

GetResponse = Callable[[HttpRequest], HttpResponseBase]
AsyncGetResponse = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class PersonLanguageMiddleware:
    """The language that a person has chosen wins over the browser's, on every machine they use."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse | AsyncGetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Activate the person's language for this request."""
        if self.is_async:
            return self._later(request)
        _activate(request, request.user)
        return cast(GetResponse, self.get_response)(request)

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        _activate(request, await request.auser())
        return await cast(AsyncGetResponse, self.get_response)(request)


def _activate(request: HttpRequest, user: User | AnonymousUser) -> None:
    chosen = user.language if isinstance(user, User) else ""
    if chosen in dict(settings.LANGUAGES):
        translation.activate(chosen)
        request.LANGUAGE_CODE = chosen
