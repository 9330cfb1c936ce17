"""Requests as bytes, past every library that would not send what is wrong, and the answers to them."""

from __future__ import annotations

import http.client
import socket
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LONGEST_S = 60
MOST_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Sent:
    """A request. Names of headers may repeat; `Host`, `Connection` and the length are added if missing."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str:
        """The first header of this name, or nothing."""
        return next((value for given, value in self.headers if given.lower() == name.lower()), "")


@dataclass(frozen=True, slots=True)
class Got:
    """An answer. Status 0: the connection was closed without one."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    seconds: float = 0.0
    wrong: str = field(default="")  # what was no HTTP
    cut: bool = (
        False  # it was closed while the request was still on its way: refused, but who knows with what
    )

    reset: bool = False  # the system reset it: not all that was sent had been read

    def header(self, name: str) -> str:
        """The first header of this name, or nothing."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        """Every header of this name."""
        return [value for given, value in self.headers if given.lower() == name.lower()]

    @property
    def kind(self) -> str:
        """The type of the body without its parameters."""
        return self.header("Content-Type").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body, whatever it is."""
        return self.body.decode(errors="replace")


def exchanged(address: str, sent: Sent, *, source: str = "", longest_s: float = LONGEST_S) -> Got:
    """Send it over a connection of its own. `source`: the address of this machine that it comes from."""
    began, cut = time.monotonic(), False
    parts = urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    try:
        with socket.create_connection(
            (parts.hostname, parts.port), timeout=longest_s, source_address=(source, 0) if source else None
        ) as connection:
            try:
                connection.sendall(_bytes(parts.netloc, sent))
            except ConnectionError:  # it may have answered before it read all
                cut = True
            answer = http.client.HTTPResponse(connection, method=sent.method)
            answer.begin()
            body = answer.read(MOST_BYTES)
            headers = tuple(answer.headers.items())
            return Got(answer.status, headers, body, time.monotonic() - began)
    except TimeoutError:
        return Got(0, seconds=time.monotonic() - began, wrong="no answer in time")
    except (http.client.HTTPException, ConnectionError, OSError) as error:
        return Got(
            0,
            seconds=time.monotonic() - began,
            wrong=f"{type(error).__name__}: {error}"[:200],
            cut=cut,
            reset=isinstance(error, ConnectionResetError),
        )


def _bytes(netloc: str, sent: Sent) -> bytes:
    given = {name.lower() for name, _ in sent.headers}
    headers = list(sent.headers)
    if "host" not in given:
        headers.insert(0, ("Host", netloc))
    if "connection" not in given:
        headers.append(("Connection", "close"))
    if sent.body and not given & {"content-length", "transfer-encoding"}:
        headers.append(("Content-Length", str(len(sent.body))))
    lines = [f"{sent.method} {sent.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + sent.body
