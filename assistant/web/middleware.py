"""What holds for every request: what its body can be, from where it comes, and its reader's language."""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation

from assistant.accounts.models import User
from assistant.audit.origin import coming_from, origin_of
from assistant.web.both_ways import BothWays

_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_LONGEST_BOUNDARY = 70  # RFC 2046, 5.1.1


class LengthMiddleware(BothWays):
    """After a request that told its length in two ways, nothing more is read from the connection.

    A proxy may have believed the other one, and taken for the body what stands here as the next request
    (RFC 9112, 6.1; request smuggling).
    """

    def finished(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Have the server close it."""
        if "Transfer-Encoding" in request.headers and "Content-Length" in request.headers:
            response.headers["Connection"] = "close"
        return response


class FormTypeMiddleware(BothWays):
    """A body whose type is no type, or that claims another coding than UTF-8, is no form.

    Every page is UTF-8, so browsers send nothing else. Python knows codings that decode no text, and two
    types in one header name no boundary; either would end in an error of the server.
    """

    def prepare(self, request: HttpRequest) -> None:
        """Take the type away, so that nothing is read as a form."""
        params = request.content_params or {}
        plain = (
            "," not in request.META.get("CONTENT_TYPE", "")
            and params.get("charset", "utf-8").lower() in _CHARSETS
            and len(params.get("boundary", "")) <= _LONGEST_BOUNDARY
        )
        if not plain:
            request.META["CONTENT_TYPE"] = request.content_type = ""
            request.content_params = {}
            request.encoding = settings.DEFAULT_CHARSET

    async def aprepare(self, request: HttpRequest) -> None:
        """See `prepare`."""
        self.prepare(request)


class OriginMiddleware(BothWays):
    """Whatever is audited while a request is answered came from where the request came from."""

    def around(self, request: HttpRequest) -> AbstractContextManager[None]:
        """Keep its origin."""
        return coming_from(origin_of(request))


class PersonLanguageMiddleware(BothWays):
    """The language that a person has chosen wins over the browser's, on every machine they use."""

    def prepare(self, request: HttpRequest) -> None:
        """Activate the person's language for this request."""
        _activate(request, request.user)

    async def aprepare(self, request: HttpRequest) -> None:
        """See `prepare`."""
        _activate(request, await request.auser())


def _activate(request: HttpRequest, user: User | AnonymousUser) -> None:
    chosen = user.language if isinstance(user, User) else ""
    if chosen in dict(settings.LANGUAGES):
        translation.activate(chosen)
        request.LANGUAGE_CODE = chosen
