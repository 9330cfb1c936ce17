"""The pages of what cannot be answered. They read nothing of the request's body.

Django's own ones look there for the token of a form. A body that cannot be read (too many fields, too long)
would then end in an error of the server where the page is only not there.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import loader


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - said to nobody
    """400."""
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - as above
    """403."""
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - as above
    """404."""
    return _page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - it may be what is broken
    """500, drawn without the request."""
    return HttpResponse(loader.render_to_string("500.html"), status=500)


def _page(request: HttpRequest, status: int) -> HttpResponse:
    return HttpResponse(loader.render_to_string(f"{status}.html", request=request), status=status)
