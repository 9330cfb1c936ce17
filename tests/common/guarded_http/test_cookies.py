"""Cookies stay with their origin."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.common.http_messages import Origin
from assistant.common.origin_cookies import OriginCookies
from tests.common.guarded_http.clients import client
from tests.common.scripted_server import ScriptedServer, TestAuthority, reply, serving


def test_cookies_are_kept_for_their_origin_until_they_are_forgotten(
    server: ScriptedServer, stranger: ScriptedServer
) -> None:
    server.on("/in", reply(set_cookie="session=1; Path=/"))
    server.on("/page", reply())
    stranger.on("/page", reply())
    with client() as http:
        http.get(server.url + "/in")
        http.get(server.url + "/page")
        http.get(stranger.url + "/page")
        http.forget_cookies()
        http.get(server.url + "/page")
    assert [seen.headers.get("cookie") for seen in server.seen] == [None, "session=1", None]
    assert "cookie" not in stranger.seen[0].headers


def test_a_cookie_of_tls_never_goes_in_the_clear(authority: TestAuthority, server: ScriptedServer) -> None:
    with serving(authority.context("127.0.0.1")) as secure:
        secure.on("/", reply(set_cookie="session=1"))
        server.on("/", reply())
        with client(Origin(ca_file=str(authority.file))) as http:
            http.get(secure.url + "/")
            http.get(secure.url + "/")
            http.get(server.url + "/")
    assert secure.seen[1].headers["cookie"] == "session=1"
    assert "cookie" not in server.seen[0].headers


@settings(deadline=None)
@given(st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=60))
def test_no_cookie_breaks_the_jar(text: str) -> None:
    jar = OriginCookies()
    jar.take("http://127.0.0.1:8000/a/b", [("Set-Cookie", text)])
    assert "\n" not in jar.header("http://127.0.0.1:8000/a/c")


def test_a_server_that_sets_cookies_without_end_neither_fills_the_jar_nor_pushes_the_session_out() -> None:
    jar, url = OriginCookies(), "http://127.0.0.1:8000/"
    jar.take(url, [("Set-Cookie", "session=1")])
    for number in range(2000):
        jar.take(
            url, [("Set-Cookie", f"track{number}=1; Path=/"), ("Set-Cookie", f"large{number}={'x' * 5000}")]
        )
    jar.take(url, [("Set-Cookie", "session=2")])
    sent = jar.header(url).split("; ")
    assert ("session=2" in sent, len(sent) <= 300, any(each.startswith("large") for each in sent)) == (
        True,
        True,
        False,
    )
