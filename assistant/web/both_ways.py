"""What every middleware of ours needs to stand in front of synchronous and asynchronous views alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

GetResponse = Callable[[HttpRequest], HttpResponseBase]
AsyncGetResponse = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class BothWays:
    """A middleware by up to three steps, each doing nothing unless a subclass says otherwise.

    Django's own mixin sends asynchronous requests through a thread for each middleware; this does not.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse | AsyncGetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request, with the steps around it."""
        if self.is_async:
            return self._later(request)
        self.prepare(request)
        with self.around(request):
            return self.finished(request, cast(GetResponse, self.get_response)(request))

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        await self.aprepare(request)
        with self.around(request):
            return self.finished(request, await cast(AsyncGetResponse, self.get_response)(request))

    def prepare(self, request: HttpRequest) -> None:
        """Before the view; may ask the database."""

    async def aprepare(self, request: HttpRequest) -> None:
        """The same without waiting for the database in the event loop."""

    def around(self, request: HttpRequest) -> AbstractContextManager[None]:  # noqa: ARG002 - for subclasses
        """What holds while the view answers."""
        return nullcontext()

    def finished(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:  # noqa: ARG002 - as above
        """After the view."""
        return response
