"""Requests that no browser would send, to every route of a real server: none ends in an error of the server.

    python -m tests.security.hostile_requests --count 5000 --seed 1

Paths, queries, forms, headers and bodies are bent: forged hosts and addresses, ranges, conditions, cookies
and headers that are too long, broken multipart, wrong types and lengths, bytes that are no UTF-8, NUL. They
come as a stranger, an employee and an administrator. No answer may be a 5xx, show a trace, a path of the
machine or the installation's key. JSON on stdout; exit status 1 if one did.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from tests.browser.server import REPOSITORY, environment_of, fill, served
from tests.browser.world import PASSWORD

WHO = ("", "ann@example.com", "ada@example.com")
# Ends the session of who asks, or asks the whole machine to work; no wrong answer could come of them.
_LEFT_OUT = (
    "sign-out/",
    "sessions/end-others/",
    "end/",
    "stream/",
    "end-sessions/",
    "bench/import",
    "close/",
)
_METHODS = (
    "GET",
    "GET",
    "GET",
    "POST",
    "POST",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "HEAD",
    "TRACE",
    "X",
)
_VALUES = (
    "1",
    "0",
    "-1",
    "2",
    "99999999999999999999",
    "9223372036854775808",
    "1e9",
    "NaN",
    "",
    " ",
    "\x00",
    "a\x00b",
    "%",
    "%00",
    "%ff",
    "%c0%ae",
    "..",
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "{{7*7}}",
    "${7*7}",
    "'",
    '"',
    "' OR 1=1--",
    "1;DROP TABLE x",
    "<x>",
    "\u202e",
    "한글",
    "\ud7ff",
    "😀",
    "\r\nX-Y: z",
    "true",
    "null",
    "[]",
    "{}",
    "2026-13-45",
    "0000-00-00",
    "9999-12-31",
    "ㅋ" * 300,
    "a" * 3_000,
    "ada@example.com",
    "http://169.254.169.254/",
)
_FIELDS = """
page q k question text who what person document event since until before after from source type sort name email
password language kind role address account title recency half_life scope_source next csrfmiddlewaretoken
instructions length tone format model files draft stage expected rules shown comment version cron
"""
_NAMES = _FIELDS.split()
_HEADERS: tuple[tuple[str, str], ...] = (
    ("Host", "attacker.example"),
    ("Host", ""),
    ("Host", "127.0.0.1:99999"),
    ("Host", "a b"),
    ("Host", "[::1"),
    ("Host", "127.0.0.1\x0b"),
    ("X-Forwarded-For", "1.2.3.4, garbage, ::1%lo"),
    ("X-Forwarded-For", ","),
    ("X-Forwarded-Host", "attacker.example"),
    ("X-Forwarded-Proto", "https,http"),
    ("Forwarded", 'for="[::1"'),
    ("Range", "bytes=0-0,5-1,-999999999999999999999"),
    ("Range", "bytes=a-b"),
    ("If-Range", '"x'),
    ("If-Modified-Since", "Thu, 99 Zzz 99999 99:99:99 GMT"),
    ("If-None-Match", 'W/"' + "a" * 900),
    ("Accept-Language", "ko;q=x," * 200),
    ("Accept-Language", "../../etc/passwd"),
    ("Accept-Encoding", "\xff"),
    ("Cookie", "sessionid=" + "z" * 3_000),
    ("Cookie", 'sessionid="\xff"; csrftoken=;;=;'),
    ("Cookie", "=;=;a"),
    ("Content-Type", "multipart/form-data"),
    ("Content-Type", "multipart/form-data; boundary=" + "x" * 400),
    ("Content-Type", "application/json; charset=utf-99"),
    ("Content-Type", "\xff/\xff"),
    ("Content-Type", ""),
    ("Content-Type", "application/x-www-form-urlencoded; charset=idna"),
    ("Content-Encoding", "gzip"),
    ("HX-Request", "true"),
    ("HX-Target", "<x>"),
    ("HX-Current-URL", "javascript:1"),
    ("HX-Trigger", "\xe9"),
    ("Referer", "http://["),
    ("Origin", "null"),
    ("Origin", "http://attacker.example"),
    ("Last-Event-ID", "x"),
    ("Last-Event-ID", "9" * 40),
    ("Authorization", "Bearer "),
    ("Authorization", "Basic \xff"),
    ("X-Y", "a" * 20_000),
    ("User-Agent", "\x1b[31m\xff" * 40),
    ("X-HTTP-Method-Override", "DELETE"),
    ("Expect", "100-continue"),
    ("Transfer-Encoding", "gzip"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("X-CSRFToken", "a\xffb"),
)
_PARAMETER = re.compile(r"<(?:(\w+):)?\w+>")
_TRACE = re.compile(
    rb"Traceback|File \"/|site-packages|django\.(?:core|db)\.|OperationalError|DoesNotExist at"
)


@dataclass(slots=True)
class Answers:
    """What came back. Status 0: the connection was closed without an answer."""

    statuses: Counter[int] = field(default_factory=Counter)
    routes: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Bent:
    """A request as it is sent."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def bent(route: str, dice: random.Random) -> Bent:
    """A request to this route with something wrong in it."""
    path = "/" + _PARAMETER.sub(lambda found: _parameter(found[1] or "str", dice), route)
    query = ""
    if dice.random() < 0.6:
        query = "?" + _encoded(dice)
    body, kind = _body(dice)
    headers = [("Content-Type", kind)] if kind else []
    headers += [dice.choice(_HEADERS) for _ in range(dice.choice((0, 1, 1, 2)))]
    method = dice.choice(_METHODS)
    return Bent(method, path + query, tuple(headers), b"" if method in ("GET", "HEAD", "TRACE") else body)


def _parameter(kind: str, dice: random.Random) -> str:
    if dice.random() < 0.7:
        return "1" if kind == "int" else dice.choice(("jsonl", "words", "embedder", "x"))
    return quote(dice.choice(_VALUES).encode("utf-8", "surrogatepass"), safe=dice.choice(("", "%", "/")))


def _encoded(dice: random.Random) -> str:
    pairs = [(dice.choice(_NAMES), dice.choice(_VALUES)) for _ in range(dice.randint(1, 5))]
    text = urlencode(pairs, errors="surrogatepass")
    return dice.choice(
        (text, text, text + "&%ff=%fe", "&&==" + text, text.replace("%", "%%"), "a=1&" * 1_100)
    )


def _body(dice: random.Random) -> tuple[bytes, str]:
    form = _encoded(dice).encode()
    words = json.dumps({dice.choice(_NAMES): dice.choice(_VALUES) for _ in range(3)}).encode()
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n%s\r\n'
    file = part % (
        dice.choice(_VALUES).encode(errors="replace")[:90],
        dice.choice((b"", b"\x00" * 99, b"%PDF-")),
    )
    return dice.choice(
        (
            (form, "application/x-www-form-urlencoded"),
            (form, "application/x-www-form-urlencoded"),
            (form[: len(form) // 2], ""),
            (words, "application/json"),
            (words[:-2], "application/json"),
            (b"[" * 5_000, "application/json"),
            (b"\xff\xfe\x00", "application/json"),
            (b'{"a": 1e999, "question": "\\ud800"}', "application/json"),
            (file + b"--x--\r\n", "multipart/form-data; boundary=x"),
            (file, "multipart/form-data; boundary=x"),
            (file[:20], "multipart/form-data; boundary=x"),
            (b"--y\r\n" * 50, "multipart/form-data; boundary=x"),
            (b"a" * 3_000_000, "application/x-www-form-urlencoded"),
        )
    )


def answered(home: Path, *, count: int, seed: int) -> Answers:
    """Send so many to a server over `home`, by turns to each route as each of those who ask."""
    dice = random.Random(seed)
    fill(home)
    found = Answers()
    from tests.security.crawling import ROUTES  # noqa: PLC0415 - Django must be set up

    routes = [route for route in ROUTES if not route.endswith(_LEFT_OUT)]
    with served(home) as address:
        secrets = [str(home).encode(), str(REPOSITORY).encode(), (home / "secret.key").read_bytes().strip()]
        people = {who: _signed_in(address, who) for who in WHO}
        for number in range(count):
            who = WHO[number // len(routes) % len(WHO)]
            route = routes[number % len(routes)]
            asked = bent(route, dice)
            status, content = _sent(address, asked, people[who])
            found.statuses[status] += 1
            found.routes.add(route)
            shown = f"{status} {asked.method} {asked.target[:160]!a} {str(asked.headers)[:160]} as {who}"
            if status >= 500:
                found.wrong.append(shown)
            if _TRACE.search(content) or any(secret in content for secret in secrets):
                found.wrong.append(f"tells too much: {shown}")
    return found


def _signed_in(address: str, who: str) -> dict[str, str]:
    """The cookies of somebody who signed in through the form."""
    if not who:
        return {}
    _, cookies = _exchange(address, "GET", {}, b"")
    form = urlencode(
        {"email": who, "password": PASSWORD, "csrfmiddlewaretoken": cookies["csrftoken"]}
    ).encode()
    status, more = _exchange(address, "POST", cookies, form)
    assert status == 302, status
    return cookies | more


def _exchange(address: str, method: str, cookies: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    headers = {"Cookie": _cookie(cookies), "Content-Type": "application/x-www-form-urlencoded"}
    connection.request(method, "/sign-in/", body, headers if cookies else {})
    answer = connection.getresponse()
    answer.read()
    told = SimpleCookie()
    for line in answer.headers.get_all("Set-Cookie") or []:
        told.load(line)
    connection.close()
    return answer.status, {name: morsel.value for name, morsel in told.items()}


def _cookie(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def _sent(address: str, asked: Bent, cookies: dict[str, str]) -> tuple[int, bytes]:
    netloc = urlsplit(address).netloc
    headers = [(name, value) for name, value in asked.headers if name != "Host"]
    host = next((value for name, value in asked.headers if name == "Host"), netloc)
    if cookies and not any(name == "Cookie" for name, _ in headers):
        headers += [("Cookie", _cookie(cookies))]
        if not any(name == "X-CSRFToken" for name, _ in headers):
            headers.append(("X-CSRFToken", cookies["csrftoken"]))
    lines = [f"{asked.method} {asked.target} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    if asked.body:
        lines.append(f"Content-Length: {len(asked.body)}")
    # As bytes, past the checks of a library that would not send what is wrong.
    message = "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + asked.body
    connection = http.client.HTTPConnection(netloc, timeout=60)
    try:
        connection.connect()
        connection.send(message)
        answer = http.client.HTTPResponse(connection.sock, method=asked.method)
        answer.begin()
        content = str(answer.headers).encode(errors="replace") + answer.read(3_000_000)
    except (http.client.HTTPException, ConnectionError):
        return 0, b""
    finally:
        connection.close()
    return answer.status, content


def main() -> int:
    """Send them, and say what came back."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= environment_of(Path(folder))
        import django  # noqa: PLC0415 - the settings must be in the environment first

        django.setup()
        found = answered(Path(folder), count=wanted.count, seed=wanted.seed)
    result = {
        "requests": found.statuses.total(),
        "seed": wanted.seed,
        "routes": len(found.routes),
        "statuses": {str(status): count for status, count in sorted(found.statuses.items())},
        "wrong": found.wrong[:40],
        "seconds": round(time.monotonic() - began),
    }
    print(json.dumps(result, ensure_ascii=False, indent=1))
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
