"""What is no HTTP, or HTTP that two programs read differently: each connection ends in order.

Lines, headers and lengths that are bent, requests hidden in the bodies of others (smuggling), many at once,
half of one, and other protocols, written to the socket as they are.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit

QUIET_S = 1.5  # after which a connection that is still open says no more
HALF_OPEN = 60
AT_ONCE = 40
_LONGEST_S = 20.0
_HIDDEN = b"GET /hidden-in-a-body/ HTTP/1.1\r\nHost: hidden.example\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
_GET = b"GET /sign-in/ HTTP/1.1\r\n"
_HOST = b"Host: %(host)s\r\n"
_POST = b"POST /sign-in/ HTTP/1.1\r\n" + _HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"


@dataclass(frozen=True, slots=True)
class Case:
    """What is written, and how many answers it may get. `refused`: none of them may be a success."""

    name: str
    written: bytes
    most: int = 1
    least: int = 0
    refused: bool = False


def cases(host: str) -> list[Case]:
    """All of them, to this host."""
    made = [*_lines(), *_headers(), *_smuggled(), *_pipelines(), *_other_protocols()]
    return [
        Case(case.name, case.written.replace(b"%(host)s", host.encode()), case.most, case.least, case.refused)
        for case in made
    ]


def _lines() -> list[Case]:
    end = _HOST + b"\r\n"
    lines = {
        "no version": b"GET /sign-in/\r\n",
        "HTTP/0.9": b"GET /\r\n",
        "version 2.0 as text": b"GET / HTTP/2.0\r\n",
        "version 9.9": b"GET / HTTP/9.9\r\n",
        "no method": b" / HTTP/1.1\r\n",
        "two spaces": b"GET  /  HTTP/1.1\r\n",
        "tabs": b"GET\t/\tHTTP/1.1\r\n",
        "a method of signs": b"G<>T / HTTP/1.1\r\n",
        "a line of NULs": b"\x00\x00\x00 / HTTP/1.1\r\n",
        "bytes that are no ASCII": b"GET /\xff\xfe HTTP/1.1\r\n",
        "a bare CR": b"GET / HTTP/1.1\rX: y\r\n",
        "spaces in the address": b"GET /a b HTTP/1.1\r\n",
        "an address of 100 KB": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n",
        "nothing but lines": b"\r\n" * 500,
    }
    served = ("nothing but lines", "version 2.0 as text", "version 9.9")  # a version is but a word to h11
    return [Case(name, line + end, refused=name not in served) for name, line in lines.items()]


def _headers() -> list[Case]:
    bombs = {
        "30,000 headers": b"".join(b"X-%d: y\r\n" % n for n in range(30_000)),
        "a header of 1 MB": b"X: " + b"a" * 1_000_000 + b"\r\n",
        "a header without a name": b": x\r\n",
        "a space before the colon": b"Content-Length : 5\r\n",
        "a NUL in a header": b"X: a\x00b\r\n",
        "a line that goes on first": b" folded\r\n",
        "two hosts": b"Host: other.example\r\n",
        "a name of bytes": b"\xff\xff: x\r\n",
        "no colon": b"Nothing\r\n",
    }
    made = [Case(name, _GET + _HOST + lines + b"\r\n", refused=True) for name, lines in bombs.items()]
    return [
        *made,
        Case("no host", _GET + b"\r\n", refused=True),
        Case("a line that goes on", _GET + _HOST + b"X: a\r\n b\r\nConnection: close\r\n\r\n", least=1),
        Case("lines by LF alone", (_GET + _HOST + b"Connection: close\r\n\r\n").replace(b"\r\n", b"\n")),
        Case("Expect", _POST + b"Expect: 100-continue\r\nContent-Length: 0\r\n\r\n", most=2),
    ]


def _smuggled() -> list[Case]:
    """A request in the body of another: no server that reads lengths right answers the hidden one."""
    lengths = [
        b"%d",
        b"+%d",
        b"0%d",
        b"%d, %d",
        b"%d\r\nContent-Length: 0",
        b"0x%x",
        b"%d ",
        b"-%d",
        b"1_0",
        b"\xb2",
    ]
    codings = [
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding : chunked",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding:\x0bchunked",
        b"Transfer-Encoding: \x00chunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        b"X: y\nTransfer-Encoding: chunked",
        b"Transfer-Encoding\r\n: chunked",
        b"transfer-encoding: CHUNKED",
    ]
    whole = b"0\r\n\r\n" + _HIDDEN
    made = []
    for length, coding in itertools.product((b"%d", b"%d\r\nContent-Length: 0", b"+%d"), codings):
        told = length.replace(b"%d", b"%d" % len(whole))
        lines = b"Content-Length: " + told + b"\r\n" + coding + b"\r\n\r\n"
        made.append(Case(f"both lengths: {lines!r}", _POST + lines + whole))
    for length in lengths:
        told = length.replace(b"%d", b"%d" % len(_HIDDEN)).replace(b"%x", b"%x" % len(_HIDDEN))
        made.append(Case(f"a length: {told!r}", _POST + b"Content-Length: " + told + b"\r\n\r\n" + _HIDDEN))
    for size in (b"0;x=y", b"00", b"-0", b"0x0", b"+0", b" 0", b"0 ", b"F" * 40, b"g", b"", b"1\n", b"0\n"):
        body = size + b"\r\n\r\n" + (b"" if size in (b"0;x=y", b"00", b"0 ", b" 0", b"0\n") else _HIDDEN)
        made.append(Case(f"a chunk: {size!r}", _POST + b"Transfer-Encoding: chunked\r\n\r\n" + body))
    trailer = b"0\r\nContent-Length: 999\r\nHost: other.example\r\n\r\n"
    made.append(Case("lengths in a trailer", _POST + b"Transfer-Encoding: chunked\r\n\r\n" + trailer))
    return made


def _pipelines() -> list[Case]:
    last = _GET + _HOST + b"Connection: close\r\n\r\n"
    one = _GET + _HOST + b"\r\n"
    post = _POST + b"Content-Length: 3\r\n\r\na=b"
    return [
        Case("20 in one", one * 19 + last, most=20, least=20),
        Case(
            "answers in order",
            one + post + b"GET /nothing/ HTTP/1.1\r\n" + _HOST + b"\r\n" + last,
            most=4,
            least=4,
        ),
        Case("after the last one", last + one, most=1, least=1),
        Case("a broken second one", one + b"\x00\x01\r\n\r\n", most=2, least=1),
        Case(
            "no chunk after the answer",
            b"GET /healthz HTTP/1.1\r\n" + _HOST + _CHUNKED + b"1\r\na\r\nno chunk\r\n",
        ),
        Case(
            "no chunk after HEAD",
            b"HEAD /sign-in/ HTTP/1.1\r\n" + _HOST + _CHUNKED + b"no chunk\r\n",
            refused=True,
        ),
        Case("1.0 keeps nothing", b"GET /sign-in/ HTTP/1.0\r\n" + _HOST + b"\r\n" + one, most=1, least=1),
    ]


def _other_protocols() -> list[Case]:
    upgrade = (
        _GET + _HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    h2c = (
        _GET
        + _HOST
        + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
    )
    return [
        Case("websocket", upgrade, least=1),
        Case("websocket, then frames", upgrade + b"\x81\x85\x00\x00\x00\x00hello"),
        Case("h2c", h2c, least=1),
        Case("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04", most=2, refused=True),
        Case("TLS", bytes.fromhex("16030100a1010000 9d0303".replace(" ", "")) + b"\x00" * 160, refused=True),
        Case("PROXY", b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + _GET + _HOST + b"\r\n", refused=True),
        Case("CONNECT", b"CONNECT db:5432 HTTP/1.1\r\n" + _HOST + b"\r\n", refused=True),
        Case("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", refused=True),
        Case("random bytes", bytes(range(256)) * 40 + b"\r\n\r\n", refused=True),
    ]


def judged(case: Case, told: bytes) -> str:
    """What is wrong with what came back, or nothing."""
    statuses = [int(status) for status in _STATUS.findall(told)]
    finals = [status for status in statuses if status >= 200]
    if any(status >= 500 and status != 501 for status in statuses):
        return f"an error of the server: {statuses}"
    if 101 in statuses:
        return "another protocol was taken up"
    if not case.least <= len(finals) <= case.most:
        return f"{len(finals)} answers: {statuses}"
    if case.refused and any(status < 400 for status in finals):
        return f"taken for a request: {statuses}"
    return ""


def spoken(address: str) -> dict[str, object]:
    """Write all of it to the server. What is wrong, by name; `half_open_s`: how long others waited."""
    return asyncio.run(_spoken(address))


async def _spoken(address: str) -> dict[str, object]:
    parts = urlsplit(address)
    host, port = str(parts.hostname), int(parts.port or 80)
    all_cases = cases(parts.netloc)
    told = []
    for beginning in range(
        0, len(all_cases), AT_ONCE
    ):  # that one server with a few threads can answer in time
        told += await asyncio.gather(
            *(_written(host, port, each) for each in all_cases[beginning : beginning + AT_ONCE])
        )
    wrong = [
        f"{case.name}: {judged(case, got)}"
        for case, got in zip(all_cases, told, strict=True)
        if judged(case, got)
    ]
    statuses = Counter(int(status) for got in told for status in _STATUS.findall(got))
    waited = await _beside_half_open(host, port)
    if waited is None:
        wrong.append("beside connections that are half open, nobody else is answered")
    return {
        "cases": len(all_cases),
        "by_status": {str(status): count for status, count in sorted(statuses.items())},
        "without_answer": sum(not _STATUS.search(got) for got in told),
        "half_open": HALF_OPEN,
        "half_open_s": waited,
        "wrong": wrong,
    }


async def _written(host: str, port: int, case: Case) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    told = b""
    try:
        writer.write(case.written)
        until = time.monotonic() + _LONGEST_S
        while time.monotonic() < until:
            quiet = QUIET_S if _STATUS.search(told) or not case.least else _LONGEST_S
            part = await asyncio.wait_for(reader.read(65_536), quiet)
            if not part:
                break
            told += part
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return told


async def _beside_half_open(host: str, port: int) -> float | None:
    """Seconds until somebody is answered while many others have said half of what they want to."""
    halves = [
        _GET + b"X: ",
        _POST + b"Content-Length: 1000\r\n\r\na",
        _POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    ]
    writers = []
    for number in range(HALF_OPEN):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(halves[number % len(halves)].replace(b"%(host)s", f"{host}:{port}".encode()))
        writers.append(writer)
    began = time.monotonic()
    asked = Case(
        "health",
        b"GET /healthz HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\n\r\n" % (host.encode(), port),
        least=1,
    )
    told = await _written(host, port, asked)
    waited = time.monotonic() - began
    for writer in writers:
        writer.transport.abort()
    return round(waited, 2) if b" 200 " in told[:20] else None
