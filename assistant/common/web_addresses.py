"""Which addresses may become links?"""

from __future__ import annotations

from urllib.parse import urlsplit


def web_address(url: str) -> str:
    """The address if it is a plain http or https one, else empty: a source's data never runs as a script."""
    if any(character <= " " or character == "\x7f" for character in url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""
