"""The first of our code that a request meets: it reads the type of a body so that no type can be an error.

Django reads it before any middleware stands around the request, so whatever goes wrong there ends in a bare
error of the server, in three ways that every stranger knows: a coding that decodes no text, a parameter in a
coding that nobody knows (RFC 2231), and any coding at all beside more fields than a query may have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.utils.http import parse_header_parameters


class Request(ASGIRequest):
    """A request whose query and body are UTF-8, as all our pages are, whatever its type says."""

    def _set_content_type_params(self, meta: Mapping[str, Any]) -> None:
        """As Django does, but a type that cannot be read is none, and the coding that it names is not taken.

        What names another coding is no form then: see `assistant.web.middleware.FormTypeMiddleware`.
        """
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (ValueError, LookupError):
            self.content_type, self.content_params = "", {}
            self.META["CONTENT_TYPE"] = ""


class Handler(ASGIHandler):
    """Django's, for such requests."""

    request_class = Request
