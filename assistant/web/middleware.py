"""What holds for every request: from where it comes, and the language that its reader has chosen."""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import translation

from assistant.accounts.models import User
from assistant.audit.origin import coming_from, origin_of
from assistant.web.both_ways import BothWays


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
