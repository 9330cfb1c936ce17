"""Where redirects lead, and what goes along."""

from __future__ import annotations

import pytest

from assistant.common.http_messages import Ask, Origin
from assistant.common.network import AddressRefused, HostUnreachable
from tests.common.guarded_http.clients import at, client
from tests.common.scripted_server import ScriptedServer, TestAuthority, reply, serving


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_and_the_answer_says_where_it_came_from(
    server: ScriptedServer, status: int
) -> None:
    server.on("/old", reply(status, location="/new?q=1"))
    server.on("/new?q=1", reply(body=b"found"))
    with client() as http:
        answer = http.get(server.url + "/old")
    assert (answer.body, answer.url) == (b"found", server.url + "/new?q=1")


@pytest.mark.parametrize(
    "place",
    [
        "http://169.254.169.254/latest", "http://10.0.0.1/", "//192.168.0.1/", "http://[::1]/",
        "file:///etc/passwd", "ftp://127.0.0.1/x", "http://2130706433@10.0.0.1/", "http://u:p@127.0.0.1/", "http://[",
        "javascript:1", "http://[fe80::1%25lo]/",
    ],
)  # fmt: skip
def test_a_redirect_to_where_nobody_may_go_is_refused(server: ScriptedServer, place: str) -> None:
    server.on("/", reply(302, location=place))
    with client() as http, pytest.raises((AddressRefused, HostUnreachable)):
        http.get(server.url + "/")
    assert len(server.seen) == 1, "a refusal is not tried again"


def test_a_redirect_to_a_loop_ends(server: ScriptedServer) -> None:
    server.on("/", reply(302, location="/"))
    with client() as http, pytest.raises(HostUnreachable, match="more than 5 times"):
        http.get(server.url + "/")
    assert len(server.seen) == 6


def test_without_redirects_the_redirect_is_the_answer(server: ScriptedServer) -> None:
    server.on("/", reply(302, location="http://10.0.0.1/"))
    with client() as http:
        answer = http.send(Ask("GET", server.url + "/", redirects=0))
    assert (answer.status, answer.headers["location"]) == (302, "http://10.0.0.1/")


def test_credentials_go_to_the_configured_origin_and_stay_in_a_redirect_there(server: ScriptedServer) -> None:
    server.on("/a", reply(302, location="/b"))
    server.on("/b", reply())
    with client(at(server)) as http:
        http.get(server.url + "/a")
    assert [seen.headers.get("authorization") for seen in server.seen] == ["Basic YW5uOnNlc2FtZQ=="] * 2
    assert [seen.headers.get("x-api-key") for seen in server.seen] == ["sesame"] * 2


def test_nothing_that_proves_who_asks_goes_to_another_origin(
    server: ScriptedServer, stranger: ScriptedServer
) -> None:
    server.on("/in", reply(set_cookie="session=sesame; Path=/"))
    server.on("/out", reply(302, location=stranger.url + "/there"))
    stranger.on("/there", reply(302, location=server.url + "/back"))
    server.on("/back", reply())
    stranger.on("/direct", reply())
    with client(at(server)) as http:
        http.get(server.url + "/in")
        http.send(Ask("GET", server.url + "/out", {"Authorization": "Bearer sesame", "X-Other": "sesame"}))
        http.get(stranger.url + "/direct")
    for seen in stranger.seen:
        assert "sesame" not in repr(seen)
        assert set(seen.headers) <= {"host", "accept", "accept-encoding", "user-agent"}
    back = server.seen[-1]
    assert back.path == "/back"
    assert "authorization" not in back.headers, "who was sent by a stranger comes back as one"


@pytest.mark.parametrize("status", [307, 308])
def test_content_is_not_sent_on_to_another_origin(
    server: ScriptedServer, stranger: ScriptedServer, status: int
) -> None:
    server.on("/sign-in", reply(status, location=stranger.url + "/sign-in"))
    with client() as http, pytest.raises(AddressRefused, match="may hold secrets"):
        http.send(Ask("POST", server.url + "/sign-in", content=b"password=sesame"))
    assert stranger.seen == []


def test_content_stays_in_a_redirect_that_keeps_the_method(server: ScriptedServer) -> None:
    server.on("/a", reply(307, location="/b"))
    server.on("/b", reply())
    with client() as http:
        http.send(Ask("POST", server.url + "/a", {"Content-Type": "text/plain"}, b"body"))
    assert [(seen.method, seen.body) for seen in server.seen] == [("POST", b"body")] * 2


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_form_that_is_redirected_is_followed_by_a_plain_get(server: ScriptedServer, status: int) -> None:
    server.on("/a", reply(status, location="/b"))
    server.on("/b", reply())
    with client() as http:
        http.send(Ask("POST", server.url + "/a", {"Content-Type": "text/plain"}, b"body"))
    assert (server.seen[1].method, server.seen[1].body) == ("GET", b"")
    assert "content-type" not in server.seen[1].headers


def test_a_propfind_that_is_redirected_stays_one(server: ScriptedServer) -> None:
    server.on("/a", reply(302, location="/b"))
    server.on("/b", reply(207))
    with client() as http:
        http.send(Ask("PROPFIND", server.url + "/a", {"Depth": "1"}, b"<propfind/>"))
    assert [(seen.method, seen.body, seen.headers["depth"]) for seen in server.seen] == [
        ("PROPFIND", b"<propfind/>", "1")
    ] * 2


def test_a_redirect_out_of_tls_is_refused(server: ScriptedServer, authority: TestAuthority) -> None:
    with serving(authority.context("127.0.0.1")) as secure:
        secure.on("/", reply(302, location=server.url + "/"))
        with (
            client(Origin(ca_file=str(authority.file))) as http,
            pytest.raises(AddressRefused, match="https to http"),
        ):
            http.get(secure.url + "/")
    assert server.seen == []
