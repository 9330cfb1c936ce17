"""What no browser would send: values, headers, bodies and addresses that are bent, by a seed."""

from __future__ import annotations

import json
import re
from random import Random
from urllib.parse import quote, urlencode

from tests.security.crawl.messages import Sent
from tests.security.crawl.passive import MARK

METHODS = (
    *(["GET"] * 4),
    *(["POST"] * 5),
    *("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "X", "get", "A" * 300),
)
FORM = "application/x-www-form-urlencoded"
VALUES = (
    # Markup and scripts
    f"<{MARK} a=1>",
    f"\"{MARK}=1 onfocus={MARK}(1) autofocus='",
    f"'{MARK}=1 ",
    f"</title></textarea></script><{MARK}>",
    f"javascript:{MARK}(1)",
    f"<!--><{MARK}>",
    f"]]><{MARK}>",
    # Expressions
    "{{7919*7907}}{% debug %}",
    "${7919*7907}#{7919*7907}<%= 7919*7907 %>",
    "{% load static %}{{request.META}}",
    "%(asctime)s%n%s%x%d{0.__class__}",
    # Queries of databases, directories and documents
    "'",
    "' OR '1'='1",
    "1); DROP TABLE x;--",
    '" UNION SELECT 1,2,3--',
    "1 AND SLEEP(9)",
    "*)(uid=*))(|(uid=*",
    "' or '1'='1' or ''='",
    '{"$gt": ""}',
    # Paths and commands
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "/etc/passwd\x00.html",
    "..\\..\\windows\\win.ini",
    "file:///etc/passwd",
    "; cat /etc/passwd",
    "`id`$(id)|id",
    # Lines and headers
    f"x\r\nX-{MARK}: 1",
    f"x\r\n\r\n<{MARK}>",
    f"x\u560d\u560aX-{MARK}: 1",
    # Addresses
    f"//{MARK}.example/",
    f"https://{MARK}.example/",
    f"/\\{MARK}.example/",
    f"http:{MARK}.example",
    f"\thttps://{MARK}.example",
    "http://169.254.169.254/latest/",
    "http://[::ffff:127.0.0.1]/",
    f"ada@example.com\nbcc:x@{MARK}.example",
    # Numbers, times and kinds
    "0",
    "-1",
    "1",
    "2",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999999999",
    "1e309",
    "NaN",
    "Infinity",
    "-0",
    "0x10",
    "1_000",
    "１２",
    "٣",
    "²",
    "1.5",
    "2026-13-45",
    "0000-00-00",
    "9999-12-31",
    "10000-01-01",
    "2026-02-29T99:99:99+99:99",
    "true",
    "null",
    "undefined",
    "[]",
    "{}",
    "[[[[]]]]",
    "* * * * *",
    "@reboot",
    # Texts
    "",
    " ",
    "\x00",
    "a\x00b",
    "\x1b[31m",
    "\u202e\u2066",
    "\ufeff",
    "\ufffe",
    "\ud800",
    "\U0010ffff",
    "한글 가\u11a8",
    "e\u0301" * 40,
    "😀" * 60,
    "ㅋ" * 300,
    "a" * 3_000,
    "a " * 4_000,
    "(" * 400,
    "a@" * 200,
    "%",
    "%00",
    "%ff",
    "%c0%ae%c0%ae/",
    "&#x3c;",
    "xn--" + "a" * 70,
    "ada@example.com",
)
_FIELDS = """
page q k question text who what person document event since until before after from source type sort name
email password language kind role address account title recency half_life scope_source next
csrfmiddlewaretoken instructions length tone format model files draft stage expected rules shown comment
version cron mode conversation code passkey old new again days scopes identity settings setting-path
setting-url SAMLResponse RelayState state error filter startIndex count attributes attribute author
purpose theme conversations job __proto__ name[] a.b setting-
"""
NAMES = _FIELDS.split()
HEADERS: tuple[tuple[str, str], ...] = (
    ("Host", f"{MARK}.example"),
    ("Host", ""),
    ("Host", "127.0.0.1:99999"),
    ("Host", f"127.0.0.1:80@{MARK}.example"),
    ("Host", "a b"),
    ("Host", "[::1"),
    ("Host", "127.0.0.1\x0b"),
    ("X-Forwarded-For", "1.2.3.4, garbage, ::1%lo"),
    ("X-Forwarded-For", ","),
    ("X-Forwarded-For", "9" * 4_000),
    ("X-Forwarded-For", "' OR 1=1--"),
    ("X-Forwarded-Host", f"{MARK}.example"),
    ("X-Forwarded-Port", "x"),
    ("X-Forwarded-Proto", "https,http"),
    ("X-Forwarded-Prefix", "//x"),
    ("X-Original-URL", "/console/"),
    ("X-Rewrite-URL", "/console/"),
    ("Forwarded", 'for="[::1"'),
    ("Range", "bytes=0-0,5-1,-999999999999999999999"),
    ("Range", "bytes=a-b"),
    ("Range", "bytes=-1"),
    ("Range", "bytes=5-2"),
    ("If-Range", '"x'),
    ("If-Modified-Since", "Thu, 99 Zzz 99999 99:99:99 GMT"),
    ("If-Modified-Since", "Thu, 01 Jan 9999 00:00:00 GMT"),
    ("If-Unmodified-Since", "0"),
    ("If-None-Match", 'W/"' + "a" * 900),
    ("If-None-Match", "*"),
    ("If-Match", '"x"'),
    ("Accept", ""),
    ("Accept", "application/json;q=x, */*;v*=nothing''x"),
    ("Accept", "text/html;a*=idna''%ff"),
    ("Accept", "text/event-stream"),
    ("Accept-Language", "ko;q=x," * 200),
    ("Accept-Language", "../../etc/passwd"),
    ("Accept-Language", "a" * 4_000),
    ("Accept-Charset", "undefined"),
    ("Accept-Encoding", "\xff"),
    ("Accept-Encoding", "gzip;q=x, br, identity;q=0, *;q=0"),
    ("Cookie", "sessionid=" + "z" * 3_000),
    ("Cookie", 'sessionid="\xff"; csrftoken=;;=;'),
    ("Cookie", "=;=;a"),
    ("Cookie", "sessionid=\x00; theme=<x>; messages=!!; django_language=../x"),
    ("Cookie", "; ".join(f"c{n}=1" for n in range(400))),
    ("Content-Type", "multipart/form-data"),
    ("Content-Type", "multipart/form-data; boundary=" + "x" * 400),
    ("Content-Type", "multipart/form-data; boundary=\xff"),
    ("Content-Type", "multipart/mixed; boundary=x"),
    ("Content-Type", "multipart/form-data; boundary*=nothing''x"),
    ("Content-Type", "application/json; charset=utf-99"),
    ("Content-Type", "application/json; charset=utf-7"),
    ("Content-Type", "\xff/\xff"),
    ("Content-Type", ""),
    ("Content-Type", ";;;="),
    ("Content-Type", f"{FORM}; charset=idna"),
    ("Content-Type", f"{FORM}; charset=undefined"),
    ("Content-Type", f"{FORM}; charset=utf-16"),
    ("Content-Type", f"{FORM}; charset=base64"),
    ("Content-Type", "text/xml"),
    ("Content-Encoding", "gzip"),
    ("Content-Disposition", "attachment; filename*=nothing''x"),
    ("HX-Request", "true"),
    ("HX-Boosted", "true"),
    ("HX-Target", f"<{MARK}>"),
    ("HX-Current-URL", f"javascript:{MARK}"),
    ("HX-Current-URL", "http://["),
    ("HX-Trigger", "\xe9"),
    ("HX-Prompt", "%"),
    ("HX-Prompt-URI-AutoEncoded", "true"),
    ("Referer", "http://["),
    ("Referer", f"https://{MARK}.example/"),
    ("Origin", "null"),
    ("Origin", f"http://{MARK}.example"),
    ("Origin", "http://["),
    ("Sec-Fetch-Site", "cross-site"),
    ("Access-Control-Request-Method", "DELETE"),
    ("Last-Event-ID", "x"),
    ("Last-Event-ID", "9" * 5_000),
    ("Authorization", "Bearer "),
    ("Authorization", "Bearer " + "a" * 5_000),
    ("Authorization", "Bearer \xff\x01"),
    ("Authorization", "Basic \xff"),
    ("Authorization", "Negotiate YII="),
    (f"X-{MARK}", "a" * 20_000),
    ("User-Agent", "\x1b[31m\xff" * 40),
    ("User-Agent", ""),
    ("User-Agent", "Mozilla/5.0 " + "(" * 3_000),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Requested-With", "XMLHttpRequest"),
    ("Expect", "100-continue"),
    ("Expect", "x"),
    ("Transfer-Encoding", "gzip"),
    ("Transfer-Encoding", "chunked"),
    ("Content-Length", "-1"),
    ("Content-Length", "x"),
    ("Content-Length", "1"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Connection", "close, Host, Cookie"),
    ("TE", "trailers"),
    ("Max-Forwards", "0"),
    ("X-CSRFToken", "a\xffb"),
    ("X-CSRFToken", "a" * 64),
)
# Such a request ends by itself, or before it is whole: that a server closes without a word is in order.
UNANSWERED = {"transfer-encoding", "content-length"}
_TRICKS = (
    "/%2e%2e/%2e%2e/etc/passwd",
    "/static/../assistant/config/settings.py",
    "/static/%2e%2e/manage.py",
    "/static/..%2f..%2fmanage.py",
    "/static/css/",
    "/static/",
    "/static/css/tokens.css%00.js",
    "/.git/config",
    "/.env",
    "/secret.key",
    "/mundap.sqlite3",
    "/admin/%00/",
    "/;/console/",
    "/console;x=1/",
    "/console/..;/",
    "//console//",
    f"//{MARK}.example/console/",
    f"/\\{MARK}.example",
    f"/%5c{MARK}.example/",
    f"//{MARK}.example/%2f..",
    f"/%0d%0aX-{MARK}:%201",
    "/CONSOLE/",
    "/console",
    "/%63onsole/",
    "/%",
    "/%zz",
    "/%ff",
    "/%C0%AF",
    "/%F0%9F%98%80/",
    "/" + "a/" * 900,
    "/?" + "a=1&" * 1_100,
    "*",
    f"http://{MARK}.example/console/",
    "?",
    "/#x",
    "/robots.txt",
    "/.well-known/security.txt",
    "/healthz/",
    "/api/v1/",
    "/__debug__/",
    "/console/?" + "a" * 9_000,
)
_PARAMETER = re.compile(r"(?<=/)[^/?]+(?=/|$|\?)")


def bent(path: str, dice: Random) -> Sent:
    """A request to this address (which is somebody's, and right) with something wrong in it."""
    if dice.random() < 0.06:
        target = dice.choice(_TRICKS)
    else:
        target = _bent_path(path, dice)
        if dice.random() < 0.6:
            target = target.partition("?")[0] + "?" + query(dice)
    body, kind = a_body(dice)
    headers = [("Content-Type", kind)] if kind else []
    for name, value in (dice.choice(HEADERS) for _ in range(dice.choice((0, 1, 1, 2)))):
        headers = [header for header in headers if header[0] != name or dice.random() < 0.2]
        headers.append((name, value))
    method = dice.choice(METHODS)
    without = method.upper() in ("GET", "HEAD", "TRACE", "OPTIONS") and dice.random() < 0.9
    return Sent(method, target, tuple(headers), b"" if without else body)


def _bent_path(path: str, dice: Random) -> str:
    if dice.random() < 0.7:
        return path
    parts = list(_PARAMETER.finditer(path))
    if not parts:
        return path
    part = dice.choice(parts)
    value = quote(a_value(dice).encode("utf-8", "surrogatepass"), safe=dice.choice(("", "%", "/")))
    return path[: part.start()] + value + path[part.end() :]


def a_value(dice: Random) -> str:
    """One of them, or two in a row."""
    value = dice.choice(VALUES)
    return value + dice.choice(VALUES) if dice.random() < 0.1 else value


def encoded(pairs: list[tuple[str, str]]) -> str:
    """As a form sends them."""
    return urlencode(pairs, errors="surrogatepass")


def query(dice: Random) -> str:
    """Fields that some page reads, bent."""
    pairs = [(dice.choice(NAMES), a_value(dice)) for _ in range(dice.randint(1, 5))]
    if dice.random() < 0.2:
        pairs += [(pairs[0][0], a_value(dice))] * 3
    text = encoded(pairs)
    return dice.choice(
        (
            *(text, text, text, text),
            text + "&%ff=%fe",
            "&&==" + text,
            text.replace("%", "%%"),
            text.replace("=", ""),
            "a=1&" * 1_100,
        )
    )


def a_body(dice: Random) -> tuple[bytes, str]:
    """A body and the type that it claims to be of, which may not be true."""
    form = query(dice).encode()
    words = json.dumps({dice.choice(NAMES): _nested(dice) for _ in range(3)}).encode()
    file = multipart([("csrfmiddlewaretoken", "x")], dice)
    kinds = "multipart/form-data; boundary=x"
    return dice.choice(
        (
            *((form, FORM), (form, FORM), (form, FORM)),
            (form[: len(form) // 2], ""),
            (form, "text/plain"),
            (words, "application/json"),
            (words, "application/json"),
            (words, "application/scim+json"),
            (words[:-2], "application/json"),
            (words, FORM),
            (b"[" * 5_000, "application/json"),
            (b'{"a":' * 3_000, "application/json"),
            (b"\xff\xfe\x00", "application/json"),
            (b"", "application/json"),
            (b"null", "application/json"),
            (b'"x"', "application/json"),
            (b"1" * 5_000, "application/json"),
            (b'{"a": 1e999, "question": "\\ud800", "question": []}', "application/json"),
            (
                b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
                "text/xml",
            ),
            (file, kinds),
            (file, kinds),
            (file[:-6], kinds),
            (file[:20], kinds),
            (file, "multipart/form-data; boundary=y"),
            (b"--x\r\n" * 50, kinds),
            (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 1_100 + b"--x--\r\n", kinds),
            (
                b"--x\r\nContent-Transfer-Encoding: base64\r\n"
                b"Content-Disposition: form-data; name=q\r\n\r\n!\r\n--x--",
                kinds,
            ),
            (b"a" * 3_000_000, FORM),
        )
    )


def multipart(pairs: list[tuple[str, str]], dice: Random) -> bytes:
    """A form with a file in it, of the boundary `x`."""
    name = dice.choice(VALUES)[:90].encode(errors="replace")
    disposition = dice.choice(
        (
            b'filename="%s"' % name,
            b"filename*=utf-8''%s" % name,
            b"filename*=undefined''%ff",
            b'filename="a.pdf"',
        )
    )
    content = dice.choice((b"", b"\x00" * 99, b"%PDF-1.4", b"PK\x03\x04", f"<{MARK}>".encode(), b"# A\n\nb"))
    field_ = dice.choice((b"files", b"file", b"metadata", b"document", b"cases"))
    parts = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (key.encode(errors="replace"), value.encode(errors="replace"))
        for key, value in pairs
    )
    kind = dice.choice((b"text/plain", b"application/pdf", b"\xff", b"text/html; charset=undefined"))
    return (
        parts
        + b'--x\r\nContent-Disposition: form-data; name="%s"; %s\r\nContent-Type: %s\r\n\r\n%s\r\n--x--\r\n'
        % (field_, disposition, kind, content)
    )


def _nested(dice: Random) -> object:
    value: object = dice.choice(VALUES).encode(errors="replace").decode()
    if dice.random() < 0.3:
        value = dice.choice(
            (None, True, 1, -1, 2**63, 1.5, [], {}, [value], {"a": value}, [[None]], [1, "a", {}])
        )
    return value
