"""The Content-Security-Policy of every response: only our own scripts run, and only where a page names them.

A script runs if its element bears the nonce of this very response (CSP Level 3, "strict-dynamic"; the modules
that it imports follow it), so a document, a name or a model's answer that slipped through escaping could
neither run nor load one, not even a file of this host. What is no page may do nothing at all. What does
not say how long it may be kept is kept in no cache.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import SimpleLazyObject

from assistant.web.both_ways import BothWays

_NONCE_BYTES = 18  # 144 random bits; the specification asks for 128
_NONCE = "mundap.csp_nonce"  # its place in `request.META`
_PAGES = frozenset({"text/html"})
_OTHERS = "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# What a page never needs, so that nothing that got into one could ask for it.
PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "screen-wake-lock",
        "serial",
        "usb",
    )
)


def csp_nonce(request: HttpRequest) -> dict[str, object]:
    """For templates: `csp_nonce`, made when a page first uses it."""
    return {"csp_nonce": SimpleLazyObject(lambda: _nonce(request))}


def _nonce(request: HttpRequest) -> str:
    """The nonce of this response, the same for all of its scripts."""
    return str(request.META.setdefault(_NONCE, secrets.token_urlsafe(_NONCE_BYTES)))


def policy_for_pages(nonce: str, framed_by: str) -> str:
    """The policy of a page. `nonce`: "" if it names no script; `framed_by`: sources that may show it."""
    scripts = f"'nonce-{nonce}' 'strict-dynamic'" if nonce else "'none'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "font-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            f"frame-ancestors {framed_by}",
        )
    )


class ContentPolicyMiddleware(BothWays):
    """Gives every response its policy, whatever the view answered."""

    def finished(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the headers."""
        return _with_policy(request, response)


def _with_policy(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
    if kind in _PAGES:
        framed_by = _framed_by(request)
        policy = policy_for_pages(request.META.get(_NONCE, ""), framed_by)
        # The older header knows no list: where sites are named, the policy alone speaks.
        response.xframe_options_exempt = framed_by != "'none'"  # type: ignore[attr-defined]
    else:
        policy = _OTHERS
    response.headers["Content-Security-Policy"] = policy
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Permissions-Policy"] = PERMISSIONS
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _framed_by(request: HttpRequest) -> str:
    """Which other sites may show this page in a frame: never one in which somebody signs in or decides."""
    match = request.resolver_match
    may = match is not None and match.view_name in settings.MUNDAP_EMBEDDED_VIEWS
    origins: tuple[str, ...] = settings.MUNDAP_EMBED_ORIGINS if may else ()
    return " ".join(("'self'", *origins)) if origins else "'none'"
