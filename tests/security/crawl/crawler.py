"""Goes through all pages as each visitor, sends every form bent, and asks every route for the impossible.

A part of the requests follows links and fills forms as they are drawn, with their tokens, so that what is
typed reaches the code behind them; the rest is bent from the address of any route. Every answer is held
against all rules of `passive`.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.cookies import CookieError, SimpleCookie
from random import Random

from lxml.html import HtmlElement

from tests.security.crawl import hostile, pages
from tests.security.crawl.messages import LONGEST_S, Got, Sent, exchanged
from tests.security.crawl.passive import Known, Seen, findings, is_out_of_reach, parsed

# Asked by nobody here: it would end the visitor's own session, never ends, or has the machine work for long.
LEFT_OUT = re.compile(
    r"^/(?:sign-out/|sessions/|console/guardrails/bench/import|.*/stream/|sign-in/oidc/)|end-sessions/"
)
_RARELY = re.compile(r"/test/$|/try/|/refresh/$|/preview/$|^/my-data/|^/ask/|^/files/$|/verify/$")
_OF_PEOPLE = re.compile(r"^/console/people/(\d+)/.")
_BEGINNINGS = ("/", "/security/", "/console/")  # from where links lead to all that there is
UNFINISHED_S = 1.0
NO_HTTP = (b"Invalid HTTP request received.", b"")
_MOST_LINKS, _MOST_FORMS, _LOOK_EVERY = 600, 150, 150


@dataclass(slots=True)
class Visitor:
    """Somebody who comes with a cookie, with a key, or with nothing."""

    name: str
    cookies: dict[str, str] = field(default_factory=dict)
    key: str = ""
    email: str = ""
    manages: bool = False
    source: str = ""  # the address of this machine that they come from
    paths: Mapping[str, str] = field(default_factory=dict)  # by route
    links: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    forms: dict[tuple[str, str], pages.Form] = field(default_factory=dict)
    signed_in_again: int = 0


@dataclass(slots=True)
class Report:
    """What was asked and what came back. `findings`: by rule, route and detail, with the first request."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    routes: set[str] = field(default_factory=set)
    pages: set[str] = field(default_factory=set)
    forms: set[str] = field(default_factory=set)
    forms_sent: int = 0
    out_of_reach: int = 0
    cut: int = 0  # closed while the request was on its way
    findings: dict[tuple[str, str, str], str] = field(default_factory=dict)
    by_visitor: Counter[str] = field(default_factory=Counter)

    @property
    def server_errors(self) -> int:
        """Answers of 500 and above, but those that say that a company's sign-in is out of reach."""
        return sum(count for status, count in self.statuses.items() if status >= 500) - self.out_of_reach


class Crawler:
    """One crawl of a server by several visitors, by a seed."""

    def __init__(
        self,
        known: Known,
        visitors: list[Visitor],
        dice: Random,
        *,
        password: str,
        kept_people: frozenset[int] = frozenset(),
    ) -> None:
        self.known, self.visitors, self.dice = known, visitors, dice
        self.password, self.kept_people = password, kept_people
        self.report = Report()
        routes = sorted({route for visitor in visitors for route in visitor.paths})
        self.patterns = [(route, pattern_of(route)) for route in routes]

    def run(self, seconds: float, *, most: int = sys.maxsize) -> Report:
        """Crawl for so long, or until so many requests were sent."""
        until = time.monotonic() + seconds
        for visitor in self.visitors:
            for beginning in _BEGINNINGS:
                self._visit(visitor, beginning)
        number = 0
        while time.monotonic() < until and self.report.requests < most:
            visitor = self.visitors[number % len(self.visitors)]
            number += 1
            if number // len(self.visitors) % _LOOK_EVERY == 0:
                self._still_signed_in(visitor)
            self._step(visitor)
        return self.report

    def _step(self, visitor: Visitor) -> None:
        chance = self.dice.random()
        if chance < 0.3 and visitor.links:
            self._visit(visitor, visitor.links.pop(self.dice.randrange(len(visitor.links))))
        elif chance < 0.65 and visitor.forms:
            self._fill(visitor, self.dice.choice(list(visitor.forms.values())))
        else:
            self._bend(visitor)

    def _visit(self, visitor: Visitor, target: str) -> None:
        """Follow a link as a browser does."""
        if not LEFT_OUT.search(target):
            self._ask(visitor, Sent("GET", target))

    def _fill(self, visitor: Visitor, form: pages.Form) -> None:
        """Send a form with something in it that its page would not send."""
        if self._is_left_out(form.method, form.action):
            return
        fields = self._bent_fields(list(form.fields))
        headers = [("HX-Request", "true")] if form.by_htmx else []
        if "csrftoken" in visitor.cookies:
            headers.append(("X-CSRFToken", visitor.cookies["csrftoken"]))
        if form.method == "GET":
            sent = Sent("GET", form.action.partition("?")[0] + "?" + hostile.encoded(fields), tuple(headers))
        elif form.has_file and self.dice.random() < 0.7:
            headers.append(("Content-Type", "multipart/form-data; boundary=x"))
            sent = Sent("POST", form.action, tuple(headers), hostile.multipart(fields, self.dice))
        else:
            headers.append(("Content-Type", hostile.FORM))
            sent = Sent("POST", form.action, tuple(headers), hostile.encoded(fields).encode())
        self.report.forms.add(f"{form.method} {self.route_of(form.action)}")
        self.report.forms_sent += 1
        self._ask(visitor, sent)

    def _bent_fields(self, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        names = [n for n, (name, _) in enumerate(fields) if name != "csrfmiddlewaretoken"]
        for n in self.dice.sample(names, min(len(names), self.dice.choice((1, 1, 2, 3, 9)))):
            fields[n] = (fields[n][0], hostile.a_value(self.dice))
        chance = self.dice.random()
        if names and chance < 0.1:
            fields.pop(self.dice.choice(names))
        elif names and chance < 0.2:
            fields += [(fields[self.dice.choice(names)][0], hostile.a_value(self.dice))]
        elif chance < 0.3:
            fields.append((self.dice.choice(hostile.NAMES), hostile.a_value(self.dice)))
        return fields

    def _bend(self, visitor: Visitor) -> None:
        """Ask a route for what no browser would."""
        sent = hostile.bent(self.dice.choice(list(visitor.paths.values())), self.dice)
        if self._is_left_out(sent.method, sent.target):
            return
        if "csrftoken" in visitor.cookies and not sent.header("X-CSRFToken"):
            sent = replace(sent, headers=(*sent.headers, ("X-CSRFToken", visitor.cookies["csrftoken"])))
        self._ask(visitor, sent)

    def _is_left_out(self, method: str, target: str) -> bool:
        person = _OF_PEOPLE.match(target)
        of_visitor = method != "GET" and person is not None and int(person[1]) in self.kept_people
        rarely = bool(_RARELY.search(target.partition("?")[0])) and self.dice.random() < 0.8
        return bool(LEFT_OUT.search(target)) or of_visitor or rarely

    def _ask(self, visitor: Visitor, sent: Sent) -> Got:
        """Send it as this visitor, hold the answer against the rules, and go on from it."""
        own_cookie = not sent.header("Cookie")
        headers = list(sent.headers)
        if own_cookie and visitor.cookies:
            cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
            headers.append(("Cookie", cookies))
        if visitor.key and not sent.header("Authorization"):
            headers.append(("Authorization", f"Bearer {visitor.key}"))
        sent = replace(sent, headers=tuple(headers))
        # What never becomes whole is waited for in vain.
        longest_s = (
            UNFINISHED_S if hostile.UNANSWERED & {name.lower() for name, _ in sent.headers} else LONGEST_S
        )
        got = exchanged(self.known.origin, sent, source=visitor.source, longest_s=longest_s)
        if own_cookie:
            _keep(visitor, got)
        page = parsed(got)
        seen = Seen(
            sent,
            got,
            visitor.name,
            visitor.cookies.get("sessionid", ""),
            manages=visitor.manages,
            signed_in=own_cookie and bool(visitor.email),
            page=page,
        )
        self._count(visitor, seen)
        at = sent.target if sent.target.startswith("/") else "/"
        if page is not None and got.status < 500:
            self._go_on(visitor, page, at)
        if (to := got.header("Location")).startswith("/") and not to.startswith("//"):
            self._remember(visitor, to)
        return got

    def _count(self, visitor: Visitor, seen: Seen) -> None:
        report, route = self.report, self.route_of(seen.sent.target)
        report.requests += 1
        report.statuses[seen.got.status] += 1
        report.by_visitor[visitor.name] += 1
        report.out_of_reach += is_out_of_reach(seen)
        report.cut += seen.got.cut
        if route != "?":
            report.routes.add(route)
        if seen.page is not None and seen.got.status < 400:
            report.pages.add(route)
        for rule, detail in self._judged(seen):
            key = (rule, route, detail[:80])
            report.findings.setdefault(
                key, f"{detail} | {seen.got.status} {_shown(seen.sent)} as {visitor.name}"
            )

    def _judged(self, seen: Seen) -> list[tuple[str, str]]:
        """What is wrong with the answer, if it is one of ours: uvicorn refuses by itself what is no HTTP."""
        found = findings(seen, self.known)
        if seen.got.status == 400 and seen.got.body in NO_HTTP and seen.got.kind == "text/plain":
            return [each for each in found if each[0] in ("server_error", "trace_shown")]
        if not seen.got.status and {name.lower() for name, _ in seen.sent.headers} & hostile.UNANSWERED:
            return []
        return found

    def _go_on(self, visitor: Visitor, page: HtmlElement, at: str) -> None:
        for link in pages.links(page, at):
            self._remember(visitor, link)
        for form in pages.forms(page, at):
            key = (form.method, self.route_of(form.action))
            visitor.forms.pop(key, None)
            visitor.forms[key] = form
            if len(visitor.forms) > _MOST_FORMS:
                visitor.forms.pop(next(iter(visitor.forms)))

    def _remember(self, visitor: Visitor, link: str) -> None:
        if link not in visitor.known and len(visitor.links) < _MOST_LINKS and len(link) < 3_000:
            visitor.known.add(link)
            visitor.links.append(link)

    def _still_signed_in(self, visitor: Visitor) -> None:
        """Have the session of before, or begin another one: with it, what it can reach would be lost."""
        if not visitor.email or self._ask(visitor, Sent("GET", "/style/")).status != 302:
            return
        sign_in(self.known.origin, visitor, self.password)

    def route_of(self, target: str) -> str:
        """The route that an address belongs to, or "?"."""
        path = target.partition("?")[0].lstrip("/")
        return next((route for route, pattern in self.patterns if pattern.fullmatch(path)), "?")


def sign_in(address: str, visitor: Visitor, password: str) -> None:
    """Through the form, as everybody does."""
    visitor.cookies.clear()
    _keep(visitor, exchanged(address, Sent("GET", "/sign-in/"), source=visitor.source))
    fields = [
        ("email", visitor.email),
        ("password", password),
        ("csrfmiddlewaretoken", visitor.cookies["csrftoken"]),
    ]
    headers = (("Content-Type", hostile.FORM), ("Cookie", f"csrftoken={visitor.cookies['csrftoken']}"))
    got = exchanged(
        address,
        Sent("POST", "/sign-in/", headers, hostile.encoded(fields).encode()),
        source=visitor.source,
    )
    _keep(visitor, got)
    visitor.signed_in_again += 1


def pattern_of(route: str) -> re.Pattern[str]:
    """What addresses of a route look like."""
    kinds = {"int": r"\d+", "slug": r"[-\w]+", "path": r".+", "str": r"[^/]+"}
    parts = re.split(r"<(?:(\w+):)?\w+>", route)
    return re.compile(
        "".join(re.escape(part) if n % 2 == 0 else kinds[part or "str"] for n, part in enumerate(parts))
    )


def _keep(visitor: Visitor, got: Got) -> None:
    for line in got.all("Set-Cookie"):
        try:
            told = SimpleCookie(line)
        except CookieError:
            continue
        for name, morsel in told.items():
            if morsel.value and morsel["max-age"] != "0":
                visitor.cookies[name] = morsel.value
            else:
                visitor.cookies.pop(name, None)


def _shown(sent: Sent) -> str:
    headers = [pair for pair in sent.headers if pair[0] not in ("Cookie", "X-CSRFToken", "Authorization")]
    return f"{sent.method} {sent.target[:300]!a} {str(headers)[:300]!a} {sent.body[:200]!a}"
