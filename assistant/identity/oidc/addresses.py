"""Which addresses of a provider may be asked, and to which may a browser be sent?"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from assistant.common.network import AddressRefused
from assistant.common.web_target import parse_target

LONGEST = 2_000


def is_web_address(text: str) -> bool:
    """Whether this is an http or https address without a password, spaces or control characters."""
    if not 0 < len(text) <= LONGEST or not text.isascii() or not text.isprintable() or " " in text:
        return False
    if "\\" in text:  # a slash to browsers, and none to us
        return False
    try:
        parse_target(text)
    except AddressRefused:
        return False
    return text.startswith(("https://", "http://"))


def is_loopback(address: str) -> bool:
    """Whether it leads to this very machine by name, so that no line could be listened to."""
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_safe_beside(address: str, issuer: str) -> bool:
    """Whether a provider may name this address as its own: https, unless both are this very machine."""
    if not is_web_address(address) or "#" in address:
        return False
    return address.startswith("https://") or (is_loopback(address) and is_loopback(issuer))
