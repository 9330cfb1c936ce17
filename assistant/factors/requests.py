"""What a request says about passkeys: the site, the browser, and what a device signed."""

from __future__ import annotations

import ipaddress
import json
from typing import cast

from django.http import HttpRequest

from assistant.accounts import cookies
from assistant.common.types import JsonObject
from assistant.factors.passkeys import Site, Unusable

BROWSER_COOKIE = "mundap_passkey"
_LONGEST = 20_000


def site_of(request: HttpRequest) -> Site | None:
    """The site, by the name that the browser used and that `MUNDAP_ALLOWED_HOSTS` knows.

    None where browsers make no passkeys: under a bare address, and without TLS anywhere but on localhost.
    """
    host = request.get_host()
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
    if _is_address(name) or not (request.is_secure() or name == "localhost"):
        return None
    return Site(name.lower(), f"{request.scheme}://{host.lower()}")


def word_of(request: HttpRequest) -> str:
    """The word in the cookie of the browser that asked for a number."""
    return cookies.kept_in(request, BROWSER_COOKIE)


def shown_in(request: HttpRequest, field: str) -> JsonObject:
    """What a device signed, from a field of a form.

    Raises:
        Unusable: no JSON object.
    """
    text = request.POST.get(field, "")[:_LONGEST]
    try:
        sent = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable("The browser sent no passkey.") from error
    if not isinstance(sent, dict):
        raise Unusable("The browser sent no passkey.")
    return cast(JsonObject, sent)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
