"""Cookies that go back to whom they were meant for.

Browsers send a host's cookies to every port of it and, unless told otherwise, also in
the clear. Here a cookie that names no domain stays with the port that set it, and
what came over https never goes over http.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterable
from email.message import Message
from http.client import HTTPResponse
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import cast
from urllib.parse import urlsplit

_MOST_COOKIES = 300
_MOST_CHARACTERS = 4096  # of name and value together


class OriginCookies:
    """The cookies of one client, at most 300. May be used by several threads."""

    def __init__(self) -> None:
        policy = _StrictPolicy(strict_domain=True)
        self._jar = policy.jar = CookieJar(policy)

    def header(self, url: str) -> str:
        """The value of the header Cookie for this address; empty: none."""
        if not len(self._jar):
            return ""
        request = _request(url)
        self._jar.add_cookie_header(request)
        return request.get_header("Cookie") or ""

    def take(self, url: str, headers: Iterable[tuple[str, str]]) -> None:
        """Keep what an answer from `url` sets."""
        headed = _Headed(headers)
        if headed.sets_any:
            self._jar.extract_cookies(cast(HTTPResponse, headed), _request(url))

    def clear(self) -> None:
        """Forget all."""
        self._jar.clear()


class _Headed:
    """As much of an answer as the cookie jar reads."""

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        self._message = Message()
        for name, value in headers:
            if name.lower() in ("set-cookie", "set-cookie2"):
                self._message[name] = value

    @property
    def sets_any(self) -> bool:
        return len(self._message) > 0

    def info(self) -> Message:
        return self._message


class _StrictPolicy(DefaultCookiePolicy):
    jar: CookieJar

    def set_ok(self, cookie: Cookie, request: urllib.request.Request) -> bool:
        """Whether the cookie is kept; it is first tied to where it came from.

        A server that names a new one with every page fills neither the memory nor the requests: what
        came first, as the proof of having signed in does, stays and can be renewed.
        """
        if len(cookie.name) + len(cookie.value or "") > _MOST_CHARACTERS:
            return False
        if len(self.jar) >= _MOST_COOKIES and not self._is_known(cookie):
            return False
        if request.type == "https":
            cookie.secure = True
        if not cookie.domain_specified:
            cookie.port = _port(request)
        return super().set_ok(cookie, request)

    def _is_known(self, cookie: Cookie) -> bool:
        place = (cookie.domain, cookie.path, cookie.name)
        return any((each.domain, each.path, each.name) == place for each in self.jar)

    def return_ok_port(self, cookie: Cookie, request: urllib.request.Request) -> bool:
        """Whether the cookie may go to this port."""
        return cookie.port is None or cookie.port == _port(request)


def _request(url: str) -> urllib.request.Request:
    return urllib.request.Request(url)  # noqa: S310 - only a value for the jar; nothing is opened


def _port(request: urllib.request.Request) -> str:
    return str(urlsplit(request.full_url).port or {"https": 443}.get(request.type, 80))
