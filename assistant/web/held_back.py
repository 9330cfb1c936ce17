"""Signed-in people who ask for pages or questions faster than the limit are told for how long to wait.

Nothing of theirs is lost: a page can be opened again, a fragment stays as it was, a stream goes on by itself.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import cast

from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext
from django_htmx.middleware import HtmxDetails

from assistant.accounts.how_long import at_least
from assistant.accounts.models import User
from assistant.accounts.rate_limits import Holder, Limit, Wait, spend
from assistant.web.both_ways import AsyncGetResponse, BothWays

_TOO_MANY = 429
_EVENTS = "text/event-stream"


class HtmxRequest(HttpRequest):
    """A request that knows whether htmx sent it."""

    htmx: HtmxDetails


class HeldBackMiddleware(BothWays):
    """Every page, part of a page and stream counts, for the account that asks. Stands below the others."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request, or say for how long to wait."""
        if self.is_async:
            return self._later(request)
        return _held(request, request.user) or super().__call__(request)

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        held = await sync_to_async(_held)(request, await request.auser())
        return held or await cast(AsyncGetResponse, self.get_response)(request)


def question_held(user: User) -> Wait | None:
    """Count a question of this person. Wait: it is not taken."""
    return spend(Limit.QUESTIONS, Holder(user.pk, user))


def told_to_wait(response: HttpResponse, wait: Wait) -> HttpResponse:
    """The response as a refusal that says for how long."""
    response.status_code = _TOO_MANY
    response.headers["Retry-After"] = str(wait.seconds)
    response.headers["Cache-Control"] = "no-store"
    return response


def _held(request: HttpRequest, user: User | AnonymousUser) -> HttpResponse | None:
    if not isinstance(user, User):
        return None
    wait = spend(Limit.REQUESTS, Holder(user.pk, user))
    if wait is None:
        return None
    if request.headers.get("Accept", "").startswith(_EVENTS):
        # The browser comes back by itself when there is room.
        again = HttpResponse(f"retry: {wait.seconds * 1000}\n\n", content_type=_EVENTS)
        again.headers["Cache-Control"] = "no-store"
        return again
    sentence = gettext("You opened very many pages in a short time. Wait %(time)s, then go on.") % {
        "time": at_least(wait.seconds)
    }
    if not cast(HtmxRequest, request).htmx:
        return told_to_wait(render(request, "429.html", {"sentence": sentence}), wait)
    response = told_to_wait(HttpResponse(sentence, content_type="text/plain; charset=utf-8"), wait)
    # What asked for a fragment keeps what it shows.
    response.headers["HX-Reswap"] = "none"
    response.headers["HX-Trigger"] = json.dumps({"mundap:held": {"text": sentence}})
    return response
