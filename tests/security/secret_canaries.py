"""Canaries in place of secrets, servers that repeat what they were sent, and where a canary is looked for."""

from __future__ import annotations

import base64
import io
import logging
import logging.config
import socketserver
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from tests.connectors.servers.programs import free_port

# Signs that every way of writing spells otherwise stand around a word that none does.
_SIGNS = ('"/+', "%=&'<é")
_PATIENCE_S = 0.15


def canary(name: str) -> str:
    """A secret like no other text; `name` says whose it is."""
    word = "".join(character for character in name.lower() if character.isalnum())
    return f"{_SIGNS[0]}kanari0{word}0geheim{_SIGNS[1]}"


def plain_canary(name: str) -> str:
    """The same where only letters and digits are taken."""
    return canary(name).removeprefix(_SIGNS[0]).removesuffix(_SIGNS[1])


def spellings(secret: str) -> Iterator[str]:
    """How it could stand somewhere: the word in the middle is spelt the same in JSON, pages and addresses."""
    word = secret.removeprefix(_SIGNS[0]).removesuffix(_SIGNS[1])
    yield word
    yield word[::-1]
    yield word.encode().hex()
    yield "".join(f"\\u{ord(character):04x}" for character in word)
    yield quote(word, safe="").replace("0", "%30")
    for shift in range(3):
        yield base64.b64encode(b" " * shift + word.encode()).decode()[4 if shift else 0 : -4]


def found(text: str | bytes, canaries: Iterable[str]) -> list[str]:
    """The canaries that the text holds."""
    held = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    low = held.lower()
    return sorted(
        {
            one
            for one in canaries
            for spelling in spellings(one)
            if spelling in held or spelling.lower() in low
        }
    )


def found_in_tables(canaries: Iterable[str]) -> list[str]:
    """`table.column: canary` of every column but those that are sealed."""
    from assistant.privacy.sealed import PURPOSES, rows_of  # noqa: PLC0415 - needs loaded apps

    sealed = {(rows_of(label)[0]._meta.db_table, label.rsplit(".", 1)[1]) for label in PURPOSES}
    wanted, hits = list(canaries), []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    raw = bytes(value) if isinstance(value, bytes | memoryview) else str(value)
                    if (table, name) not in sealed and raw:
                        hits += [f"{table}.{name}: {one}" for one in found(raw, wanted)]
    return sorted(set(hits))


class Lines(logging.Handler):
    """Everything that is logged: as the settings' formatter writes it, and as it would be without it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.written, self.bare = io.StringIO(), io.StringIO()
        self._plain = logging.Formatter("%(message)s")
        logged: dict[str, Any] = settings.LOGGING
        self._careful = logging.config.DictConfigurator(logged).configure_formatter(
            dict(logged["formatters"]["plain"])
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Both."""
        record.exc_text = None
        self.bare.write(f"{record.name} {self._plain.format(record)}\n")
        record.exc_text = None
        self.written.write(f"{self._careful.format(record)}\n")
        record.exc_text = None


@contextmanager
def all_lines(level: int = logging.DEBUG) -> Iterator[Lines]:
    """What is logged meanwhile by whatever library, at the finest level that an operator can set."""
    lines, root = Lines(), logging.getLogger()
    before = root.level
    root.setLevel(level)
    root.addHandler(lines)
    try:
        yield lines
    finally:
        root.removeHandler(lines)
        root.setLevel(before)


class _Repeating(socketserver.BaseRequestHandler):
    """Repeats all that it gets: as it is, and in whatever an answer of HTTP has room for."""

    def handle(self) -> None:
        heard = self._heard()
        self.server.heard.append(heard)  # type: ignore[attr-defined]
        if not heard.split(b" ")[0].isalpha() or b"HTTP/1" not in heard:
            self.request.sendall(heard)
            return
        head, _, body = heard.partition(b"\r\n\r\n")
        told = b" ".join(head.split()) + b" " + body + without_coding(heard)
        mode = self.server.mode  # type: ignore[attr-defined]
        there = quote(told.decode("latin-1")[:1500], safe="").encode()
        status = {
            "401": b'401 Unauthorized\r\nWWW-Authenticate: Basic realm="' + there[:300] + b'"',
            "302": b"302 Found\r\nLocation: http://"
            + there[:60].replace(b"%", b"x")
            + b".invalid/?all="
            + there,
            "500": b"500 " + told.replace(b"\r", b" ").replace(b"\n", b" ")[:200],
            "200": b"200 OK",
        }[mode]
        self.request.sendall(
            b"HTTP/1.1 " + status + b"\r\nX-Told: " + there + b"\r\nContent-Type: text/html\r\n"
            b"Connection: close\r\nContent-Length: " + str(len(told)).encode() + b"\r\n\r\n" + told
        )

    def _heard(self) -> bytes:
        self.request.settimeout(_PATIENCE_S)
        heard = b""
        try:
            while piece := self.request.recv(65536):
                heard += piece
                head, end, _body = heard.partition(b"\r\n\r\n")
                if end and b"content-length" not in head.lower():
                    break
        except (TimeoutError, OSError):
            pass
        return heard


def without_coding(heard: bytes) -> bytes:
    """What the credentials in a request are once somebody reads them, as servers that log do."""
    for line in heard.split(b"\r\n"):
        if line.lower().startswith(b"authorization: basic "):
            return b" " + base64.b64decode(line.split(b" ")[2])
    return b""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True
    mode = "200"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.heard: list[bytes] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever hangs up is meant to."""


@dataclass(frozen=True, slots=True)
class Repeater:
    """A server that repeats what it is sent, and what that was."""

    port: int
    heard: list[bytes] = field(default_factory=list)


@contextmanager
def repeating(mode: str) -> Iterator[Repeater]:
    """The server; `refused`: none listens there."""
    if mode == "refused":
        yield Repeater(free_port())
        return
    with _Server(("127.0.0.1", 0), _Repeating) as server:
        server.mode = mode
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield Repeater(int(server.server_address[1]), server.heard)
        finally:
            server.shutdown()
