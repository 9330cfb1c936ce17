"""Who can reach this server, and would they guess its key? What start-up checks judge by."""

from __future__ import annotations

import ipaddress

from django.conf import settings

SHORTEST_SECRET_KEY = 32
_FEWEST_CHARACTERS = 8  # different ones; one in 10^8 random keys of 32 hexadecimal digits has fewer
_WRITTEN_BY_HAND = (
    "django-insecure",
    "changeme",
    "change-me",
    "change_me",
    "secret",
    "password",
    "example",
)


def weakness_of_key(key: str) -> str:
    """Why sessions and sealed secrets are not safe under this key; empty if nothing speaks against it."""
    if len(key) < SHORTEST_SECRET_KEY:
        return f"has fewer than {SHORTEST_SECRET_KEY} characters"
    if len(set(key)) < _FEWEST_CHARACTERS:
        return f"has fewer than {_FEWEST_CHARACTERS} different characters"
    lowered = key.lower()
    if found := next((word for word in _WRITTEN_BY_HAND if lowered.startswith(word)), ""):
        return f"begins with '{found}' as in an example, so others know it"
    return ""


def reached_at() -> str:
    """A name by which other machines reach this server, as the settings have it; empty if none does.

    Behind a proxy on this machine the server listens on a loopback address, and all the same others reach it.
    """
    host: str = settings.MUNDAP_HOST
    if not is_loopback(host):
        return host
    others = [name for name in settings.ALLOWED_HOSTS if not is_loopback(name.strip("[]"))]
    if others:
        return str(others[0])
    return "the proxy with TLS" if settings.SECURE_SSL_REDIRECT else ""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
