"""Cookies of ours besides Django's own: one place decides how they are named, sent and read.

Behind TLS each bears the prefix `__Host-`: browsers take it from this very host over https alone, and send it
to no other. That demands the path `/`.
"""

from __future__ import annotations

from typing import Literal

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase


def named(name: str) -> str:
    """What the cookie is called on this installation."""
    return f"__Host-{name}" if settings.SESSION_COOKIE_SECURE else name


def kept_in(request: HttpRequest, name: str) -> str:
    """What the browser sent; empty for nothing."""
    return request.COOKIES.get(named(name), "")


def keep(
    response: HttpResponseBase,
    name: str,
    value: str,
    *,
    life_s: int,
    same_site: Literal["Lax", "Strict"] = "Lax",
) -> None:
    """Leave it in the browser, out of reach of scripts."""
    response.set_cookie(
        named(name),
        value,
        max_age=life_s,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite=same_site,
    )


def forget(response: HttpResponseBase, name: str) -> None:
    """Take it away."""
    response.delete_cookie(named(name))
