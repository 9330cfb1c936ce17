"""A session is opened with a form, noticed when it ends, and its password goes nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from assistant.common import guarded_http
from assistant.common.errors import UsageError
from assistant.common.types import Json
from connectors.sdk.contract import Complete, Connector
from connectors.sdk.errors import ConnectorError, Reconfigure
from connectors.sources.web.settings import web_settings
from tests.connectors.servers.site import Answerer, Reply, Request, Site, page, redirect, running_site
from tests.connectors.sources.web_site import documents, failed, listing, source

SECRET = "sehr geheim & 비밀"
FORM = (
    '<form method="post" action="/enter"><input type="hidden" name="token" value="t-1"><input name="who">'
    '<input type="password" name="word"><button name="go" value="yes">Sign in</button></form>'
)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_http, "_pause", lambda attempt: 0.01)


class Club:
    """Pages for members only; `forget` ends every session."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.sessions: set[str] = set()
        self.sent: list[dict[str, list[str]]] = []
        self.tickets = 0
        site.pages["/login"] = Reply(FORM.encode(), headers={"Content-Type": "text/html"})
        site.pages["/login?error=1"] = site.pages["/login"]
        site.pages["/enter"] = self.enter
        for path, links in (("/", ("/a", "/logout", "/b")), ("/a", ()), ("/b", ())):
            site.pages[path] = self.for_members(*links)

    def enter(self, request: Request) -> Reply:
        values = parse_qs(request.body.decode())
        self.sent.append(values)
        right = {"token": ["t-1"], "who": ["reader"], "word": [SECRET], "go": ["yes"]}
        if values != right:
            return redirect("/login?error=1")
        self.tickets += 1
        self.sessions.add(f"s={self.tickets}")
        return redirect("/", 303, **{"Set-Cookie": f"s={self.tickets}; Path=/; HttpOnly"})

    def for_members(self, *links: str) -> Answerer:
        def answer(request: Request) -> Reply:
            if request.headers.get("Cookie", "") in self.sessions:
                return page(*links, text="members only")
            return redirect("/login?next=" + request.path.replace("/", "%2F"))

        return answer

    def forget(self) -> None:
        self.sessions.clear()

    def connector(self, scratch: Path | None = None, *, password: str = SECRET, **more: Json) -> Connector:
        settings: dict[str, Json] = {
            "sign_in": "form",
            "username": "reader",
            "login_url": self.site.url + "/login",
        }
        return source(self.site, scratch, secrets={"password": password}, also={**settings, **more})


@pytest.fixture
def club() -> Iterator[Club]:
    with running_site() as site:
        yield Club(site)


def test_the_form_is_filled_in_as_a_browser_would(club: Club) -> None:
    events = listing(club.connector())
    assert documents(club.site, events) == ["/", "/a", "/b"]
    assert "/logout" not in club.site.paths()
    assert club.sent == [{"token": ["t-1"], "who": ["reader"], "word": [SECRET], "go": ["yes"]}]


def test_a_session_that_ends_in_mid_crawl_is_begun_anew(club: Club) -> None:
    run = club.connector().documents()
    next(run)
    club.forget()
    events = list(run)
    assert documents(club.site, events) == ["/a", "/b"]
    assert failed(club.site, events) == {}
    assert club.tickets == 2
    assert isinstance(events[-1], Complete)


@pytest.mark.parametrize(
    "shown", [redirect("/login"), Reply(FORM.encode(), headers={"Content-Type": "text/html"})]
)
def test_a_page_that_stays_behind_the_sign_in_is_neither_content_nor_gone(club: Club, shown: Reply) -> None:
    club.site.pages["/a"] = shown
    events = listing(club.connector())
    assert failed(club.site, events) == {"/a": "refused"}
    assert documents(club.site, events) == ["/", "/b"]
    assert not isinstance(events[-1], Complete)


def test_signing_in_in_vain_is_given_up_before_the_account_is_locked(club: Club) -> None:
    club.site.pages["/"] = club.for_members(*(f"/closed/{n}" for n in range(20)))
    for n in range(20):
        club.site.pages[f"/closed/{n}"] = redirect("/login")
    assert len(failed(club.site, listing(club.connector()))) == 20
    assert club.tickets == 6


def test_a_wrong_password_asks_for_the_administrator_and_is_not_repeated(club: Club) -> None:
    connector = club.connector(password="wrong one")
    with pytest.raises(Reconfigure, match="does not accept") as raised:
        listing(connector)
    assert len(club.sent) == 1
    assert "wrong one" not in str(raised.value) + repr(connector)
    items = club.connector(password="wrong one").check()
    assert [(item.step, item.ok) for item in items] == [("sign-in", False)]
    assert "wrong one" not in items[0].detail


@pytest.mark.parametrize(
    "shown",
    [
        page(text="no form here"),
        Reply(b"gone", 404),
        Reply(
            FORM.replace("/enter", "http://127.0.0.2/steal").encode(), headers={"Content-Type": "text/html"}
        ),
    ],
)
def test_a_sign_in_page_without_a_form_of_its_own_gets_no_password(club: Club, shown: Reply) -> None:
    club.site.pages["/login"] = shown
    with pytest.raises(Reconfigure):
        listing(club.connector())
    assert club.sent == []


def test_the_password_does_not_follow_a_redirect(club: Club) -> None:
    taken: list[Request] = []

    def steal(request: Request) -> Reply:
        taken.append(request)
        return page(text="thanks")

    with running_site("127.0.0.2") as thief:
        thief.pages["/"] = steal
        club.site.pages["/enter"] = redirect(thief.url + "/", 307)
        with pytest.raises(ConnectorError):
            listing(club.connector())
    assert taken == []


def test_without_a_sign_in_of_its_own_a_redirect_to_one_deletes_nothing(club: Club) -> None:
    club.site.pages["/"] = page("/a", "/moved", "/old")
    club.site.pages["/old"] = redirect("/welcome")
    club.site.pages["/welcome"] = Reply(FORM.encode(), headers={"Content-Type": "text/html"})
    events = listing(source(club.site))
    assert failed(club.site, events) == {"/a": "refused", "/old": "refused"}
    assert documents(club.site, events) == ["/"]
    assert not isinstance(events[-1], Complete)


def test_a_page_that_asks_for_the_name_alone_is_a_sign_in_page_too(club: Club) -> None:
    asks = '<title>Sign in</title><form action="/login"><input name="who"></form>'
    offers = '<p>News</p><a href="/b">more</a><form action="/login"><input name="who"></form>'
    club.site.pages["/"] = page("/a", "/c")
    for path, shown in (("/a", asks), ("/c", offers)):
        club.site.pages[path] = Reply(shown.encode(), headers={"Content-Type": "text/html"})
    club.site.pages["/b"] = page(text="open")
    events = listing(source(club.site))
    assert failed(club.site, events) == {"/a": "refused"}
    assert documents(club.site, events) == ["/", "/c", "/b"]


def test_a_page_with_a_password_of_its_own_does_not_revoke_that_of_the_site(club: Club) -> None:
    club.site.pages.update({"/": page("/a", "/b"), "/a": Reply(b"who?", 401), "/b": page(text="open")})
    secrets, basic = {"password": SECRET}, {"sign_in": "basic", "username": "reader"}
    events = listing(source(club.site, secrets=secrets, also=basic))
    assert failed(club.site, events) == {"/a": "refused"}
    assert documents(club.site, events) == ["/", "/b"]
    revoked = iter([page("/a", "/b")])
    club.site.pages["/"] = lambda request: next(revoked, Reply(b"who?", 401))
    with pytest.raises(Reconfigure, match="no longer takes"):
        listing(source(club.site, secrets=secrets, also=basic))


def test_basic_credentials_go_to_the_first_host_only(club: Club) -> None:
    club.site.pages["/"] = page("/a")
    club.site.pages["/a"] = page()
    with running_site("127.0.0.2") as other:
        other.pages["/"] = page(text="other")
        start: list[Json] = [club.site.url + "/", other.url + "/"]
        connector = source(
            club.site, secrets={"password": SECRET}, start=start, sign_in="basic", username="reader"
        )
        assert len(listing(connector)) == 4
        assert not [request for request in other.asked if "Authorization" in request.headers]
    assert all("Authorization" in request.headers for request in club.site.asked)


@pytest.mark.parametrize("way", ["basic", "form"])
def test_settings_do_not_show_their_password(way: str) -> None:
    config: dict[str, Json] = {"start": ["https://x.example/"], "sign_in": way, "username": "reader"}
    shown = repr(web_settings({**config, "login_url": "https://x.example/in"}, {"password": SECRET}))
    assert "x.example" in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("more", "missing"),
    [
        ({"sign_in": "basic"}, "username"),
        ({"sign_in": "basic", "username": "reader"}, "password"),
        ({"sign_in": "form", "username": "reader"}, "login_url"),
        ({"start": None}, "start"),
        ({"start": ["ftp://x.example/"]}, "start"),
        ({"within": ["https://x.example/"]}, "left out"),
    ],
)
def test_settings_that_cannot_work_are_refused(club: Club, more: dict[str, Json], missing: str) -> None:
    secrets = {"password": "x"} if "login_url" in missing else {}
    with pytest.raises(UsageError, match=missing):
        source(club.site, secrets=secrets, also=more)
