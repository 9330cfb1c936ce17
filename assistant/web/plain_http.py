"""Programs that ask without TLS are refused where TLS is there, while people are led to it.

A redirect would hide from them that their key travelled in the clear.
"""

from __future__ import annotations

from collections.abc import Awaitable

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from assistant.web.both_ways import BothWays

FOR_PROGRAMS = ("/api/", "/scim/")
_FORBIDDEN = 403


class PlainHttpMiddleware(BothWays):
    """Stands below Django's, which leaves these addresses out (`SECURE_REDIRECT_EXEMPT`)."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer here what came in the clear to an address for programs."""
        return super().__call__(request) if self.is_async or not _is_refused(request) else _refusal()

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        return _refusal() if _is_refused(request) else await super()._later(request)


def _is_refused(request: HttpRequest) -> bool:
    return (
        bool(settings.SECURE_SSL_REDIRECT)
        and not request.is_secure()
        and request.path_info.startswith(FOR_PROGRAMS)
    )


def _refusal() -> JsonResponse:
    said = "Ask over https. If a key was sent, it travelled in the clear: revoke it."
    return JsonResponse(
        {"error": {"code": "bad_request", "message": said}},
        status=_FORBIDDEN,
        headers={"Cache-Control": "no-store"},
    )
