"""Requests that were refused are written to the log: who, which route, which answer, from where.

By the pattern of the route and never by the address, which may hold what somebody looked for, and with the
person's number alone. "Not yours" and "not there" answer alike, so both are written.
"""

from __future__ import annotations

import logging

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from assistant.accounts.models import User
from assistant.audit.origin import address_of
from assistant.web.both_ways import BothWays

log = logging.getLogger(__name__)

_PERSON = "mundap.person"  # its place in `request.META`
_REFUSALS = frozenset({400, 401, 403, 404, 405, 413, 429})


class RefusalLogMiddleware(BothWays):
    """Stands below the one that says who is signed in."""

    def prepare(self, request: HttpRequest) -> None:
        """Remember who asks: a refusal may end their session."""
        _note(request, request.user)

    async def aprepare(self, request: HttpRequest) -> None:
        """See `prepare`."""
        _note(request, await request.auser())

    def finished(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Write a refusal down. Addresses that belong to no route tell nothing of anybody's rights."""
        if response.status_code in _REFUSALS and request.resolver_match is not None:
            log.warning(
                "refused: status=%d method=%s route=/%s person=%s address=%s",
                response.status_code,
                request.method,
                request.resolver_match.route,
                request.META.get(_PERSON, "-"),
                address_of(request) or "-",
            )
        return response


def _note(request: HttpRequest, user: object) -> None:
    if isinstance(user, User):
        request.META[_PERSON] = user.pk
