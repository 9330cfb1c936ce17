"""Each rule of the crawl finds the answer that breaks it, and none finds anything in a sound one."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from tests.security.crawl import hostile, pages
from tests.security.crawl.broken_http import Case, cases, judged
from tests.security.crawl.crawler import pattern_of
from tests.security.crawl.messages import Got, Sent
from tests.security.crawl.passive import RULES, SUM, Known, Seen, findings, parsed
from tests.security.crawl.serving import errors_in

POLICY = "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Content-Security-Policy", POLICY),
    ("Cache-Control", "no-store"),
)
FORM = '<form method="post" action="/a/"><input name="csrfmiddlewaretoken" value="t"><input type="password">'
PAGE = (
    f'<!DOCTYPE html><body><script src="/static/a.js"></script>{FORM}</form><a href="/b/?c=1#d">&lt;zqx</a>'
)
KNOWN = Known("http://here:1", ("the-secret-key",), ("/srv/mundap",), ("https://idp.example.com",))


def seen(
    body: str = PAGE,
    status: int = 200,
    *,
    sent: Sent | None = None,
    without: str = "",
    also: tuple[tuple[str, str], ...] = (),
    seconds: float = 0.1,
    manages: bool = False,
) -> Seen:
    """A sound answer, but for what is given."""
    headers = tuple(pair for pair in HEADERS if pair[0] != without) + also
    got = Got(status, headers, body.encode(), seconds)
    asked = sent or Sent("GET", "/a/")
    return Seen(asked, got, "ann", "cookie-of-ann", manages=manages, signed_in=True, page=parsed(got))


def typed(kind: str) -> Seen:
    """The sound page under another type."""
    return seen(without="Content-Type", also=(("Content-Type", kind),))


SIGN_IN = Sent("POST", "/sign-in/", body=b"email=a")
JSON = (("Content-Type", "application/json"),)
FORGED = Sent("GET", "/a/", (("Host", "zqx.example"),))
BROKEN = [
    ("server_error", seen(status=500)),
    ("server_error", seen(status=503)),
    ("server_error", seen(status=500, sent=Sent("GET", "/sign-in/saml/a/begin/"))),
    ("server_error", seen(status=503, sent=Sent("POST", "/sign-in/saml/a/begin/"))),
    ("server_error", seen(status=503, sent=Sent("GET", "/sign-in/saml/a/metadata/"))),
    ("server_error", seen(status=503, sent=Sent("GET", "/sign-in/"))),
    ("server_error", seen(status=503, sent=Sent("POST", "/sign-in/second-step/"))),
    ("server_error", seen("{}", 503, sent=SIGN_IN, without="Content-Type", also=JSON)),
    ("no_answer", seen(status=0)),
    ("no_answer", Seen(SIGN_IN, Got(0, wrong="reset", cut=True))),
    ("no_answer", Seen(SIGN_IN, Got(0, wrong="reset", reset=True))),
    ("no_answer", seen(seconds=25)),
    ("trace_shown", seen("Traceback (most recent call last):")),
    ("trace_shown", seen('near "x": syntax error')),
    ("trace_shown", seen("<pre>django.db.utils</pre>")),
    ("reflected", seen("<p><zqx a=1></p>")),
    ("reflected", seen('<input value=""zqx=1">')),
    ("reflected", seen(SUM)),
    ("header_injected", seen(also=(("X-Zqx", "1"),))),
    ("redirected_away", seen(also=(("Location", "//zqx.example/"),))),
    ("redirected_away", seen(also=(("Location", "/\\zqx.example/"),))),
    ("redirected_away", seen(also=(("Location", "https://zqx.example/"),))),
    ("redirected_away", seen(also=(("Location", "https://idp.example.com.zqx.example/"),))),
    ("redirected_away", seen(also=(("Location", "javascript:1"),))),
    ("redirected_away", seen(also=(("Location", "c/3/"),))),
    ("foreign_host", seen('<a href="http://zqx.example/reset">', sent=FORGED)),
    ("security_headers", seen(without="X-Content-Type-Options")),
    ("security_headers", seen(without="Referrer-Policy")),
    ("security_headers", seen(also=(("Referrer-Policy", "unsafe-url"),))),
    ("content_policy", seen(without="Content-Security-Policy")),
    ("content_policy", seen(also=(("Content-Security-Policy", POLICY),))),
    (
        "content_policy",
        seen(
            without="Content-Security-Policy",
            also=(("Content-Security-Policy", f"{POLICY}; script-src 'unsafe-inline'"),),
        ),
    ),
    ("kept_in_caches", seen(without="Cache-Control")),
    ("cookie_flags", seen(also=(("Set-Cookie", "sessionid=a; Path=/; SameSite=Lax"),))),
    ("cookie_flags", seen(also=(("Set-Cookie", "csrftoken=a; Path=/"),))),
    ("cookie_flags", seen(also=(("Set-Cookie", "a=b; Path=/; SameSite=Lax; Domain=example.com"),))),
    ("program_named", seen(also=(("Server", "uvicorn"),))),
    ("content_type", typed("text/html")),
    ("content_type", seen(without="Content-Type")),
    ("other_origins", seen('<script src="https://cdn.example/a.js"></script>')),
    ("other_origins", seen('<form action="//zqx.example/"></form>')),
    ("other_origins", seen('<a href="javascript:alert(1)">a</a>')),
    ("other_origins", seen('<a href="https://zqx.example/">a</a>')),
    ("other_origins", seen('<p onclick="a()">a</p>')),
    ("other_origins", seen('<meta http-equiv="refresh" content="0;url=//a">')),
    ("form_without_token", seen('<form method="POST" action="/a/"><input name="b"></form>')),
    ("password_shown", seen('<input type="password" name="p" value="hunter2">')),
    ("secret_shown", seen("the-secret-key")),
    ("secret_shown", seen("cookie-of-ann")),
    ("secret_shown", seen("-----BEGIN RSA PRIVATE KEY-----")),
    ("machine_shown", seen("/srv/mundap/mundap.sqlite3")),
    ("machine_shown", seen("/srv/mundap/x", status=404, manages=True)),
    ("directory_listed", seen("<title>Index of /static</title>")),
    ("method_unnamed", seen(status=405)),
    ("other_sites_let_in", seen(also=(("Access-Control-Allow-Origin", "*"),))),
]


def test_nothing_is_wrong_with_a_sound_answer() -> None:
    assert findings(seen(), KNOWN) == []
    allowed = (
        ("Location", "/c/3/?next=https://zqx.example/"),
        ("Set-Cookie", "sessionid=; Max-Age=0; Path=/"),
    )
    assert findings(seen(also=allowed), KNOWN) == []
    assert findings(seen(also=(("Location", "https://idp.example.com/sso?a"),)), KNOWN) == []


@pytest.mark.parametrize(
    ("rule", "broken"), BROKEN, ids=[f"{name} {n}" for n, (name, _) in enumerate(BROKEN)]
)
def test_the_answer_that_breaks_a_rule_is_found_by_it(rule: str, broken: Seen) -> None:
    assert rule in [name for name, _ in findings(broken, KNOWN)]


def test_what_is_said_on_purpose_is_no_finding() -> None:
    begin = Sent("GET", "/sign-in/saml/a/begin/?next=/")
    on_purpose = (
        seen(status=503, sent=begin),
        seen(status=503, sent=SIGN_IN),
        seen(without="Referrer-Policy", also=(("Referrer-Policy", "no-referrer"),)),
        Seen(replace(SIGN_IN, body=b"a" * 3_000_000), Got(0, wrong="reset", cut=True)),
    )
    assert [findings(one, KNOWN) for one in on_purpose] == [[]] * 4


def test_every_rule_has_an_answer_that_breaks_it() -> None:
    assert {rule.__name__ for rule in RULES} == {name for name, _ in BROKEN}


def test_behind_tls_cookies_are_secure_and_browsers_told_to_stay_there() -> None:
    cookie = (("Set-Cookie", "sessionid=a; HttpOnly; Path=/; SameSite=Lax"),)
    names = [name for name, _ in findings(seen(also=cookie), replace(KNOWN, tls=True))]
    assert names == ["security_headers", "cookie_flags"]


def test_a_page_leads_to_its_links_and_forms_on_this_host_alone() -> None:
    page = parsed(seen(PAGE + '<a href="https://elsewhere.example/">x</a><div hx-post="/d/"></div>').got)
    assert page is not None
    assert pages.links(page, "/a/") == ["/b/?c=1"]
    assert [(form.method, form.action) for form in pages.forms(page, "/a/")] == [
        ("POST", "/a/"),
        ("POST", "/d/"),
    ]
    assert pages.forms(page, "/a/")[0].fields == (("csrfmiddlewaretoken", "t"),)


def test_the_same_seed_bends_the_same_requests() -> None:
    first, second = Random(5), Random(5)
    assert [hostile.bent("/c/1/", first) for _ in range(50)] == [
        hostile.bent("/c/1/", second) for _ in range(50)
    ]


def test_a_route_knows_its_addresses() -> None:
    pattern = pattern_of("c/<int:conversation_id>/files/<slug:name>/")
    assert pattern.fullmatch("c/12/files/a-b/")
    assert not pattern.fullmatch("c/x/files/a/")


def test_an_error_in_the_log_is_found_and_a_refused_host_is_none() -> None:
    log = "\n".join(
        (
            "2026-11-23 12:00:00,000 ERROR django.security.DisallowedHost Invalid HTTP_HOST header: 'a'.",
            "2026-11-23 12:00:00,000 WARNING django.request Not Found: /a",
            "2026-11-23 12:00:00,000 ERROR django.request Internal Server Error: /a",
            "ERROR:    Exception in ASGI application",
            "2026-11-23 12:00:00,000 ERROR asyncio Task exception was never retrieved",
        )
    )
    assert len(errors_in(log)) == 4


@pytest.mark.parametrize(
    ("case", "told", "wrong"),
    [
        (Case("a", b""), b"HTTP/1.1 400 Bad Request\r\n\r\n", False),
        (Case("a", b""), b"HTTP/1.1 500 Internal Server Error\r\n\r\n", True),
        (Case("a", b""), b"HTTP/1.1 403 Forbidden\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n", True),
        (Case("a", b""), b"HTTP/1.1 101 Switching Protocols\r\n\r\n", True),
        (Case("a", b"", refused=True), b"HTTP/1.1 200 OK\r\n\r\n", True),
        (Case("a", b"", least=1), b"", True),
        (Case("a", b"", most=2), b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", False),
    ],
)
def test_a_broken_connection_is_judged_by_its_answers(case: Case, told: bytes, wrong: bool) -> None:
    assert bool(judged(case, told)) == wrong


def test_no_case_of_broken_http_is_there_twice() -> None:
    made = cases("here:1")
    assert len({case.written for case in made}) > 90
    assert len({case.name for case in made}) == len(made)
