"""What every response of the pages gets: the person's language and a strict content policy."""

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

# Documents, model output and names are data: even if one slipped through escaping, none of it could run.
CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


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


class ContentSecurityPolicyMiddleware:
    """No inline script or style, nothing from another host, no frame."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse | AsyncGetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Add the header, whatever the view answered."""
        if self.is_async:
            return self._later(request)
        return _with_policy(cast(GetResponse, self.get_response)(request))

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        return _with_policy(await cast(AsyncGetResponse, self.get_response)(request))


def _with_policy(response: HttpResponseBase) -> HttpResponseBase:
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    return response
