"""What a source's title, address, time and attributes may be."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

from assistant.common.told import told
from assistant.common.types import Json, JsonObject
from connectors.sdk.exact_json import MalformedError, as_object, shown

MAX_TITLE_LENGTH = 1000
MAX_URL_LENGTH = 2000
MAX_ATTRIBUTES_LENGTH = 64_000


def one_line(title: str) -> str:
    """A title on one line, without control characters, of at most 1,000 characters."""
    spaced = "".join(c if c.isprintable() else " " for c in title)
    return " ".join(spaced.split())[:MAX_TITLE_LENGTH]


def web_address(url: str) -> str:
    """`url` if a browser may be sent there (http or https with a host), else empty."""
    url = url.strip()
    if len(url) > MAX_URL_LENGTH or not url.isprintable() or " " in url:
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and host else ""


def moment(value: Json, what: str) -> datetime:
    """An RFC 3339 time with its zone, as UTC."""
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else None
        if parsed is not None and parsed.tzinfo is not None:
            return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise MalformedError(
        told("{what} must be an RFC 3339 time with its zone, not '{value}'", what=what, value=shown(value))
    )


def attributes(value: Json, what: str) -> JsonObject:
    """An object of attributes that a database can hold."""
    found = as_object(value, what)
    try:
        text = json.dumps(found, ensure_ascii=False, allow_nan=False)
    except ValueError as error:  # 1e999 is read as infinity, which JSON cannot hold
        raise MalformedError(told("{what} holds a number that is too large", what=what)) from error
    if len(text) > MAX_ATTRIBUTES_LENGTH:
        raise MalformedError(
            told("{what} is longer than {most} characters", what=what, most=MAX_ATTRIBUTES_LENGTH)
        )
    if "\\u0000" in text.replace("\\\\", ""):
        raise MalformedError(told("{what} holds a NUL character", what=what))
    return found
