"""Readers that leave: in the middle of a stream, an export, a question, an upload.

Nothing of it is an error, so that the server's log, which is read at the end, must not hold one.
"""

from __future__ import annotations

import socket
import struct
from urllib.parse import urlsplit

from tests.security.crawl import hostile
from tests.security.crawl.crawler import Visitor
from tests.security.crawl.messages import Sent, exchanged

_READ = (
    "turns/<int:turn_id>/stream/",
    "c/<int:conversation_id>/export/",
    "s/<slug:token>/export/",
    "c/<int:conversation_id>/",
    "console/audit/",
    "console/guardrails/bench/export/",
    "static/js/page.js",
)
_SENT = ("ask/", "files/", "my-data/", "console/audit/export/", "console/audit/verify/")


def left_in_the_middle(address: str, visitors: list[Visitor], *, times: int = 2) -> int:
    """Leave before the answer, at its first bytes, and in the middle of one's own words. How often."""
    left = 0
    for visitor in visitors:
        if not visitor.email:
            continue
        token = exchanged(address, Sent("GET", "/style/", _cookies(visitor)), source=visitor.source)
        for line in token.all("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            visitor.cookies[name] = value
        for _ in range(times):
            for route in _READ:
                target = visitor.paths.get(route, f"/{route}")
                for method, wait in (("GET", 0), ("GET", 1), ("HEAD", 1)):
                    _leave(address, visitor, Sent(method, target, _cookies(visitor)), wait)
                    left += 1
            for route in _SENT:
                for part in (1.0, 0.4):
                    _leave(address, visitor, _form(visitor, visitor.paths.get(route, f"/{route}")), 0, part)
                    left += 1
    return left


def _cookies(visitor: Visitor) -> tuple[tuple[str, str], ...]:
    return (("Cookie", "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())),)


def _form(visitor: Visitor, target: str) -> Sent:
    fields = [
        ("csrfmiddlewaretoken", visitor.cookies.get("csrftoken", "")),
        ("question", "How long is a leave?"),
    ]
    headers = (("Content-Type", hostile.FORM), *_cookies(visitor))
    return Sent("POST", target, headers, hostile.encoded(fields).encode())


def _leave(address: str, visitor: Visitor, sent: Sent, read: int, part: float = 1.0) -> None:
    """Send this part of the body, read so many bytes, and reset the connection."""
    parts = urlsplit(address)
    source = (visitor.source, 0) if visitor.source else None
    with socket.create_connection(
        (parts.hostname, parts.port), timeout=60, source_address=source
    ) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        lines = [f"{sent.method} {sent.target} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{name}: {value}" for name, value in sent.headers]
        if sent.body:
            lines.append(f"Content-Length: {len(sent.body)}")
        body = sent.body[: int(len(sent.body) * part)]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        if read:
            connection.recv(read)
