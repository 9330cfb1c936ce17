"""What an answer may not show or lack, whatever was asked: the rules that a scanner holds every answer to.

They look at the answer alone and change nothing (the passive rules of OWASP ZAP are the model). Each has an
answer that breaks it in `test_passive.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lxml import etree, html

from tests.security.crawl.messages import Got, Sent

# Every hostile value that is markup, an address or a header carries this word.
MARK = "zqx"
SUM = "62615533"  # 7919 * 7907, which a template or an expression that runs would say
SLOW_S = 20.0
LARGE_BODY = 1_000_000  # bytes, of which the system takes no more than a part before the server reads
_FOREIGN = f"{MARK}.example"
_MARKUP = re.compile(rf"<{MARK}|[\"']{MARK}=", re.IGNORECASE)
_TRACE = re.compile(
    r"Traceback \(most recent|File \"/|site-packages|django\.(?:core|db|urls)\.|DEBUG = True|"
    r"You're seeing this error because|\bat 0x[0-9a-f]{8,}>"
)
_SQL = re.compile(
    r"OperationalError|ProgrammingError|IntegrityError|DataError|sqlite3\.|psycopg|"
    r"syntax error at or near|near \"[^\"]*\": syntax error|no such (?:column|table)|"
    r"UNIQUE constraint failed|invalid input syntax for type"
)
_SECRET = re.compile(
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY|argon2\$argon2|pbkdf2_sha256\$|\bAKIA[0-9A-Z]{16}\b|"
    r"postgres(?:ql)?://[^/\s:]+:[^@\s]+@"
)
_LISTING = re.compile(r"<title>\s*(?:Index of|Directory listing)", re.IGNORECASE)
_TEXTS = ("text/", "application/xml", "application/xhtml")
_LOADED = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "object": "data",
    "embed": "src",
    "source": "src",
    "use": "href",
}
# The same for everybody.
_ANYWHERE = re.compile(r"healthz|static/|favicon\.ico|api/v1/openapi\.json|sign-in/saml/[^/]+/metadata/")

_SENT_AWAY = re.compile(r"sign-in/saml/[^/]+/begin/")


@dataclass(frozen=True, slots=True)
class Known:
    """What the rules must know. `paths`: of the machine; `redirects`: origins beside our own."""

    origin: str
    secrets: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    redirects: tuple[str, ...] = ()
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """A request, who sent it, and its answer."""

    sent: Sent
    got: Got
    who: str = ""
    cookie: str = ""  # of the session
    manages: bool = False
    signed_in: bool = False
    page: html.HtmlElement | None = field(default=None, compare=False)

    @property
    def path(self) -> str:
        """Without the query and the first slash."""
        return self.sent.target.partition("?")[0].lstrip("/")


Rule = Callable[[Seen, Known], Iterator[str]]


def findings(seen: Seen, known: Known) -> list[tuple[str, str]]:
    """The names of the rules that the answer breaks, each with what broke it."""
    rules = RULES if seen.got.status else (no_answer,)
    return [(rule.__name__, detail[:300]) for rule in rules for detail in rule(seen, known)]


def parsed(got: Got) -> html.HtmlElement | None:
    """The page, if the answer is one."""
    if got.kind != "text/html" or not got.body.strip():
        return None
    try:
        return html.fromstring(got.body, parser=html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, ValueError):
        return None


def server_error(seen: Seen, known: Known) -> Iterator[str]:
    """The server made no mistake. To say that a company's sign-in is out of reach is none."""
    if seen.got.status >= 500 and not is_out_of_reach(seen):
        yield f"status {seen.got.status}"


def is_out_of_reach(seen: Seen) -> bool:
    """A page of ours says that the provider or directory cannot be asked now.

    Said where a browser is sent to a SAML provider, and to who sends the form with a directory's password.
    """
    says_so = seen.got.status == 503 and seen.got.kind == "text/html"
    method = seen.sent.method.upper()
    sent_away = method == "GET" and _SENT_AWAY.fullmatch(seen.path) is not None
    return says_so and (sent_away or (method == "POST" and seen.path == "sign-in/"))


def no_answer(seen: Seen, known: Known) -> Iterator[str]:
    """It answers, in HTTP and in time. Who closes while a large body is on its way has refused it.

    It is on its way also when the system has taken all of it, and nobody has read it: then it is reset.
    """
    refused = (seen.got.cut or seen.got.reset) and len(seen.sent.body) > LARGE_BODY
    if seen.got.status == 0 and not refused:
        yield seen.got.wrong or "closed"
    elif seen.got.seconds > SLOW_S:
        yield f"took {seen.got.seconds:.0f} s"


def trace_shown(seen: Seen, known: Known) -> Iterator[str]:
    """No trace of a program and no error of a database."""
    for pattern in (_TRACE, _SQL):
        if found := pattern.search(seen.got.text):
            yield found[0]


def reflected(seen: Seen, known: Known) -> Iterator[str]:
    """Nothing of a request is markup, an expression or an address in a page."""
    if seen.got.kind in ("text/html", "image/svg+xml", "text/xml", "application/xml"):
        if found := _MARKUP.search(seen.got.text):
            yield found[0]
        if SUM in seen.got.text:
            yield "an expression was computed"


def header_injected(seen: Seen, known: Known) -> Iterator[str]:
    """Nothing of a request becomes a header."""
    for name, value in seen.got.headers:
        if MARK in name.lower() or "\r" in value or "\n" in value:
            yield f"{name}: {value}"


def redirected_away(seen: Seen, known: Known) -> Iterator[str]:
    """Redirects stay here, or go to the company's sign-in."""
    for to in seen.got.all("Location"):
        own = to.startswith("/") and not to.startswith(("//", "/\\")) and not re.search(r"[\x00-\x20]", to)
        parts = urlsplit(to) if not own else None
        if parts and f"{parts.scheme}://{parts.netloc}" not in (known.origin, *known.redirects):
            yield to


def foreign_host(seen: Seen, known: Known) -> Iterator[str]:
    """A forged name of the host is in no address."""
    forged = _FOREIGN in seen.sent.header("Host") + seen.sent.header("X-Forwarded-Host")
    if forged and _FOREIGN in seen.got.text + seen.got.header("Location"):
        yield _FOREIGN


def security_headers(seen: Seen, known: Known) -> Iterator[str]:
    """What every answer of ours says to a browser."""
    got = seen.got
    wanted = {
        "X-Content-Type-Options": ["nosniff"],
        "Referrer-Policy": ["same-origin", "no-referrer"],  # the latter for links that open something
        "Cross-Origin-Opener-Policy": ["same-origin"],
    }
    for name, values in wanted.items():
        if len(got.all(name)) != 1 or got.header(name) not in values:
            yield f"{name}: {got.all(name)}"
    if known.tls and "max-age=" not in got.header("Strict-Transport-Security"):
        yield "no Strict-Transport-Security"


def content_policy(seen: Seen, known: Known) -> Iterator[str]:
    """A policy that runs nothing but what the answer names, and no frame of another site."""
    policies = seen.got.all("Content-Security-Policy")
    if len(policies) != 1:
        yield f"{len(policies)} policies"
        return
    directives = dict(part.strip().partition(" ")[::2] for part in policies[0].split(";"))
    for name in ("default-src", "object-src", "base-uri"):
        if directives.get(name) != "'none'":
            yield f"{name} {directives.get(name)}"
    if "unsafe" in policies[0] or "*" in policies[0] or "http:" in policies[0]:
        yield policies[0]
    if directives.get("frame-ancestors") not in ("'none'", "'self'"):
        yield f"frame-ancestors {directives.get('frame-ancestors')}"


def kept_in_caches(seen: Seen, known: Known) -> Iterator[str]:
    """What somebody may read is kept nowhere."""
    for_all = _ANYWHERE.match(seen.path)
    if seen.signed_in and 200 <= seen.got.status < 300 and not for_all:
        control = seen.got.header("Cache-Control")
        if "no-store" not in control:
            yield f"Cache-Control: {control}"


def cookie_flags(seen: Seen, known: Known) -> Iterator[str]:
    """Cookies are for this host, this site and, the session's, for no script."""
    for line in seen.got.all("Set-Cookie"):
        flags = line.lower().split(";")
        names = {flag.partition("=")[0].strip() for flag in flags[1:]}
        if "max-age=0" in line.lower():
            continue  # it takes one away
        cookie = flags[0].partition("=")[0]
        lacking = {"samesite", "path"} - names
        if "session" in cookie:
            lacking |= {"httponly"} - names
        if known.tls:
            lacking |= {"secure"} - names
        if lacking or "domain" in names:
            yield f"{cookie}: lacks {sorted(lacking)}, has {sorted(names)}"


def program_named(seen: Seen, known: Known) -> Iterator[str]:
    """The server does not say which programs answer."""
    for name in ("Server", "X-Powered-By", "X-AspNet-Version", "Via"):
        if seen.got.header(name):
            yield f"{name}: {seen.got.header(name)}"


def content_type(seen: Seen, known: Known) -> Iterator[str]:
    """A body has a type, and a text its coding."""
    if seen.got.body and not seen.got.kind:
        yield "no Content-Type"
    given = seen.got.header("Content-Type").lower()
    if seen.got.kind.startswith(_TEXTS) and "charset=utf-8" not in given.replace('"', ""):
        yield given
    if seen.got.status in (204, 304) and seen.got.body:
        yield f"a body with {seen.got.status}"


def other_origins(seen: Seen, known: Known) -> Iterator[str]:
    """A page loads and sends nothing elsewhere, and no link is a script."""
    if seen.page is None:
        return
    for element in seen.page.iter():
        if not isinstance(element.tag, str):
            continue
        address = element.get(_LOADED.get(element.tag, ""), "") if element.tag in _LOADED else ""
        if element.tag == "form":
            address = element.get("action", "")
        if re.match(r"(?:[a-z]+:)?//", address.strip(), re.IGNORECASE) and not address.startswith(
            known.origin
        ):
            yield f"{element.tag} {address}"
        link = element.get("href", "").strip().lower()
        if element.tag == "a" and re.match(r"(?:javascript|data|vbscript|file):", link):
            yield f"link {link}"
        if element.tag == "a" and re.match(rf"(?:https?:)?[/\\]+{MARK}", link):
            yield f"link {link}"
        if element.tag == "meta" and element.get("http-equiv", "").lower() == "refresh":
            yield f"refresh {element.get('content')}"
        if any(name.lower().startswith("on") for name in element.attrib):
            yield f"a handler in <{element.tag}>"


def form_without_token(seen: Seen, known: Known) -> Iterator[str]:
    """Every form that changes something carries the token against forged requests."""
    if seen.page is None:
        return
    for form in seen.page.iter("form"):
        posts = form.get("method", "get").lower() == "post"
        if posts and not form.get("hx-post") and "csrfmiddlewaretoken" not in form.fields:
            yield f"form to {form.get('action')}"


def password_shown(seen: Seen, known: Known) -> Iterator[str]:
    """A field for a password comes back empty."""
    if seen.page is not None:
        for field_ in seen.page.iter("input"):
            if field_.get("type", "").lower() == "password" and field_.get("value"):
                yield str(field_.get("name"))


def secret_shown(seen: Seen, known: Known) -> Iterator[str]:
    """No key, cookie or digest of a password."""
    text = seen.got.text
    for secret in (*known.secrets, seen.cookie):
        if secret and secret in text:
            yield f"{secret[:6]}…"
    if found := _SECRET.search(text):
        yield found[0]


def machine_shown(seen: Seen, known: Known) -> Iterator[str]:
    """No path or name of the machine in an error, or for somebody who manages nothing.

    A form that is refused (422) shows to who manages the path that they entered.
    """
    if not seen.manages or (seen.got.status >= 400 and seen.got.status != 422):
        for path in known.paths:
            if path in seen.got.text:
                yield path


def directory_listed(seen: Seen, known: Known) -> Iterator[str]:
    """No list of files."""
    if found := _LISTING.search(seen.got.text):
        yield found[0]


def method_unnamed(seen: Seen, known: Known) -> Iterator[str]:
    """Who uses a method that is not there is told which are (RFC 9110, 15.5.6)."""
    if seen.got.status == 405 and not seen.got.all("Allow"):
        yield "no Allow"


def other_sites_let_in(seen: Seen, known: Known) -> Iterator[str]:
    """No other site's scripts may read an answer."""
    for name, value in seen.got.headers:
        if name.lower().startswith("access-control-"):
            yield f"{name}: {value}"


RULES: tuple[Rule, ...] = (
    server_error,
    no_answer,
    trace_shown,
    reflected,
    header_injected,
    redirected_away,
    foreign_host,
    security_headers,
    content_policy,
    kept_in_caches,
    cookie_flags,
    program_named,
    content_type,
    other_origins,
    form_without_token,
    password_shown,
    secret_shown,
    machine_shown,
    directory_listed,
    method_unnamed,
    other_sites_let_in,
)
