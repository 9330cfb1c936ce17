"""How large may the body of a request be, and how slow? Decided before Django reads it.

Django keeps a whole body on the disk before it asks who sent it. So this stands in front of it: a stranger
sends a few megabytes at most; files come from who is signed in, documents from who has a key for pushing, and
neither while the disk is nearly full. Bytes are counted as they come, whatever `Content-Length` says. A
body that stops coming, or trickles, is ended. The database is asked only about cookies and keys that could be
ours, a few at once: nobody who has none opens lines to it.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable

from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    HTTPScope,
    Scope,
)
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import connection
from django.http import parse_cookie
from django.urls import reverse

from assistant.accounts.push_keys import is_of_its_form, working_push_key
from assistant.accounts.session_store import SessionStore
from assistant.api.answers import STATUS, ErrorCode
from assistant.api.keys import BEARER
from assistant.chat.file_limits import MOST_FILES, most_bytes
from assistant.ingest.disk_room import DiskNearlyFull, is_nearly_full
from assistant.slackbot.limits import LARGEST_BODY as LARGEST_OF_SLACK
from assistant.sync.pushing import LARGEST_BODY

USUAL_BYTES = 5 * 1024 * 1024  # the largest form of the console is a file of 4 MiB
_FORM_BYTES = 1024 * 1024  # of a form around its files
_SILENCE_S = 30.0  # without a byte
_MOST_AT_ONCE = 4  # questions to the database, each on a line of its own
_FIRST_S, _LEAST_PER_S = 60.0, 8 * 1024  # from the second minute on a body comes at least as fast
_SESSION_KEY = re.compile(r"[a-z0-9]{32}")  # as Django makes them
_API, _PUSHED, _SLACK = "/api/", "/api/v1/sources/", "/slack/"
_TOO_LARGE, _TOO_SLOW, _NO_ROOM, _BAD_LENGTH = 413, 408, 503, 400
_SENTENCES = {
    _TOO_LARGE: (ErrorCode.TOO_LARGE, "The body of the request is too large."),
    _TOO_SLOW: (ErrorCode.BAD_REQUEST, "The body of the request came too slowly."),
    _NO_ROOM: (ErrorCode.UNAVAILABLE, str(DiskNearlyFull())),
    _BAD_LENGTH: (ErrorCode.BAD_REQUEST, "The length of the request's body is no number."),
}


class _Stopped(Exception):
    """The body is not read on. Django never sees the request's end, so nothing of it is carried out."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class BoundedBodies:
    """An application behind these bounds."""

    def __init__(self, application: ASGI3Application) -> None:
        self._application = application
        self._asking = asyncio.Semaphore(_MOST_AT_ONCE)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """See the module."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        try:
            await self._bounded(scope, receive, send)
        except _Stopped as stopped:
            await _refuse(scope, stopped.status, send)

    async def _bounded(self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        announced = _announced(scope)
        most = LARGEST_OF_SLACK if _path(scope).startswith(_SLACK) else USUAL_BYTES
        if announced is None or announced > most:  # without a length it may become anything
            most = max(most, await self._most_of(scope))
        if announced is not None and announced > most:
            raise _Stopped(_TOO_LARGE)
        if announced and announced > USUAL_BYTES and await asyncio.to_thread(is_nearly_full, announced):
            raise _Stopped(_NO_ROOM)
        body = _Body(receive, most)
        answering = False

        async def noted(event: ASGISendEvent) -> None:
            nonlocal answering
            answering = True
            await send(event)

        try:
            await self._application(scope, body.receive, noted)
        except _Stopped:
            if not answering:
                raise

    async def _most_of(self, scope: HTTPScope) -> int:
        """What this request may bring beyond the usual, by its path and by who sends it."""
        if _path(scope) == reverse("web:add-files"):
            may = await self._asked(_is_signed_in, _session_key(scope))
            return MOST_FILES * most_bytes() + _FORM_BYTES if may else 0
        if _path(scope).startswith(_PUSHED):
            return LARGEST_BODY if await self._asked(_is_push_key, _push_key(scope)) else 0
        return 0

    async def _asked(self, ask: Callable[[str], bool], shown: str | None) -> bool:
        """What the database says of it; nothing that could not be ours is asked about."""
        if shown is None:
            return False
        async with self._asking:
            return await asyncio.to_thread(_asked_apart, ask, shown)


class _Body:
    """A body as it comes in, counted and timed."""

    def __init__(self, receive: ASGIReceiveCallable, most: int) -> None:
        self._receive, self._most = receive, most
        self._came, self._whole = 0, False
        self._began = time.monotonic()

    async def receive(self) -> ASGIReceiveEvent:
        """The next event. After the whole body only the end of the connection can come, whenever it does.

        Raises:
            _Stopped: too much, or too slow.
        """
        if self._whole:
            return await self._receive()
        try:
            event = await asyncio.wait_for(self._receive(), _SILENCE_S)
        except TimeoutError:
            raise _Stopped(_TOO_SLOW) from None
        if event["type"] != "http.request":
            return event
        before = self._came
        self._came += len(event.get("body", b""))
        self._whole = not event.get("more_body", False)
        if self._came > self._most:
            raise _Stopped(_TOO_LARGE)
        looks = self._came > USUAL_BYTES and self._came // _FORM_BYTES > before // _FORM_BYTES
        if looks and await asyncio.to_thread(is_nearly_full):
            raise _Stopped(_NO_ROOM)
        took = time.monotonic() - self._began
        if not self._whole and took > _FIRST_S and self._came < (took - _FIRST_S) * _LEAST_PER_S:
            raise _Stopped(_TOO_SLOW)
        return event


def _announced(scope: HTTPScope) -> int | None:
    """How long the body says it is. None: it comes in chunks."""
    headers = scope["headers"]
    lengths = {value for name, value in headers if name == b"content-length"}
    if not lengths:
        return None if any(name == b"transfer-encoding" for name, _ in headers) else 0
    (length, *others) = lengths
    if others or not length.isdigit():
        raise _Stopped(_BAD_LENGTH)
    return int(length)


def _path(scope: HTTPScope) -> str:
    return scope["path"].removeprefix(scope.get("root_path", "") or "")


def _asked_apart(ask: Callable[[str], bool], shown: str) -> bool:
    """In a thread of its own, whose line to the database nobody else would close."""
    try:
        return ask(shown)
    finally:
        connection.close()


def _session_key(scope: HTTPScope) -> str | None:
    """The key in the cookie, if it could be one of ours."""
    # Read as Django reads them: a cookie of another program that is none hides no other.
    sent = "; ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
    key = parse_cookie(sent).get(settings.SESSION_COOKIE_NAME, "")
    return key if _SESSION_KEY.fullmatch(key) else None


def _is_signed_in(key: str) -> bool:
    return SESSION_KEY in SessionStore(key).load()


def _push_key(scope: HTTPScope) -> str | None:
    """The key in the header, if it could be one for pushing."""
    sent = [value for name, value in scope["headers"] if name == b"authorization"]
    key = BEARER.fullmatch(sent[0].decode("latin-1")) if len(sent) == 1 else None
    return key[1] if key is not None and is_of_its_form(key[1]) else None


def _is_push_key(text: str) -> bool:
    return working_push_key(text) is not None


async def _refuse(scope: HTTPScope, status: int, send: ASGISendCallable) -> None:
    """One line, of the API in its own shape. The connection ends: what is left of the body is not read."""
    code, sentence = _SENTENCES[status]
    body, kind = f"{sentence}\n".encode(), b"text/plain; charset=utf-8"
    if _path(scope).startswith(_API):
        status = STATUS[code]
        body, kind = json.dumps({"error": {"code": code, "message": sentence}}).encode(), b"application/json"
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": body, "more_body": False})
