"""The one HTTP client, against real servers that behave badly."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.common import guarded_http
from assistant.common.content_coding import BrokenCoding, decoded
from assistant.common.errors import MundapError
from assistant.common.guarded_http import (
    Answer,
    Ask,
    BadCertificate,
    Busy,
    GuardedClient,
    Origin,
    Reach,
    TooLarge,
    Unsendable,
)
from assistant.common.network import AddressRefused, HostUnreachable, Network, parse_networks
from assistant.common.origin_cookies import OriginCookies
from assistant.common.pace import Pace, Stopped
from tests.common.scripted_server import Script, ScriptedServer, Seen, TestAuthority, raw, reply, serving

LOCAL = Network(parse_networks("127.0.0.0/8"))


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_http, "_pause", lambda attempt: 0.01)


NOWHERE = Origin()


def client(origin: Origin = NOWHERE, *, stopped: Callable[[], bool] = lambda: False) -> GuardedClient:
    return GuardedClient(Reach(LOCAL, stopped=stopped), origin, timeout_s=2)


# --- where it goes ---


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/latest/meta-data", "http://0x0a.1/",
        "http://167772161/", "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::10.0.0.1]/", "http://0/",
    ],
)  # fmt: skip
def test_a_private_address_is_refused_without_a_second_try(url: str) -> None:
    begin = time.monotonic()
    with client() as http, pytest.raises(AddressRefused, match="MUNDAP_ALLOWED_NETWORKS"):
        http.get(url)
    assert time.monotonic() - begin < 1


@pytest.mark.parametrize(
    "url",
    [
        "", "/path", "//host/path", "ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "http://",
        "http:///path", "http://.127.0.0.1/", "http://127.0.0.1:0/", "http://127.0.0.1:70000/", "http://a\tb/",
        "http://user:secret@127.0.0.1/", "http://secret@127.0.0.1/", "http://１２７.0.0.1/", "http://a\nb/",
        "http://127.0.0.1:80\\@example.com/", "javascript:alert(1)", "data:,secret", "http://[::1/",
        "http://a b/",
    ],
)  # fmt: skip
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with client() as http, pytest.raises((AddressRefused, HostUnreachable)) as refused:
        http.get(url)
    assert "secret" not in str(refused.value)


def test_a_name_is_judged_and_connected_to_in_one_look(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(server.url.rpartition(":")[2])
    server.on("/", reply(body=b"here"))
    answers = ["127.0.0.1", "10.0.0.1"]
    real = socket.getaddrinfo

    def rebinding(host: str, *rest: int, **more: int) -> object:
        if host != "wiki.example.com":
            return real(host, *rest, **more)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with client() as http:
        assert http.get(f"http://wiki.example.com:{port}/").body == b"here"
    assert answers == ["10.0.0.1"], "the name was looked up twice"
    assert server.seen[0].headers["host"] == f"wiki.example.com:{port}"
    with client() as http, pytest.raises(AddressRefused):
        http.get(f"http://wiki.example.com:{port}/")


def test_proxies_of_the_environment_are_ignored(
    server: ScriptedServer, stranger: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, stranger.url)
    server.on("/", reply(body=b"direct"))
    with client() as http:
        assert http.get(server.url + "/").body == b"direct"
    assert stranger.seen == []


# --- redirects ---


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


SECRETS = Origin(headers={"X-Api-Key": "sesame"}, auth=("ann", "sesame"))


def at(server: ScriptedServer) -> Origin:
    return Origin(server.url + "/wiki", SECRETS.headers, SECRETS.auth)


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


# --- cookies ---


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


# --- certificates ---


def test_a_certificate_of_the_named_authority_is_trusted(authority: TestAuthority) -> None:
    with serving(authority.context("127.0.0.1")) as secure:
        secure.on("/", reply(body=b"sealed"))
        with client(Origin(ca_file=str(authority.file))) as http:
            assert http.get(secure.url + "/").body == b"sealed"


def test_tls_checks_the_name_that_was_asked_for_and_not_the_address(
    authority: TestAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: real("127.0.0.1" if host.endswith(".com") else host, *rest, **more),
    )
    with serving(authority.context("wiki.example.com")) as secure:
        secure.on("/", reply(body=b"sealed"))
        port = secure.url.rpartition(":")[2]
        with client(Origin(ca_file=str(authority.file))) as http:
            assert http.get(f"https://wiki.example.com:{port}/").body == b"sealed"
            with pytest.raises(BadCertificate, match="evil"):
                http.get(f"https://evil.example.com:{port}/")


@pytest.mark.parametrize("flaw", ["expired", "self-signed", "wrong name", "unknown authority"])
def test_a_certificate_that_proves_nothing_is_refused_at_once(authority: TestAuthority, flaw: str) -> None:
    names = "wiki.example.com" if flaw == "wrong name" else "127.0.0.1"
    context = authority.context(names, expired=flaw == "expired", self_signed=flaw == "self-signed")
    trusted = "" if flaw == "unknown authority" else str(authority.file)
    with serving(context) as secure:
        origin = Origin(secure.url, SECRETS.headers, SECRETS.auth, trusted)
        with client(origin) as http, pytest.raises(BadCertificate, match="is not trusted"):
            http.get(secure.url + "/")
        assert secure.seen == [], "credentials were sent before the certificate was judged"


def test_a_file_of_authorities_that_is_none_is_said_so_when_it_is_used(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("hello")
    for name in (broken, tmp_path / "missing.pem"):
        with client(Origin(ca_file=str(name))) as http, pytest.raises(BadCertificate, match=name.name):
            http.get("https://127.0.0.1:1/")


def test_plain_http_where_tls_was_expected_is_unreachable(server: ScriptedServer) -> None:
    with client() as http, pytest.raises(HostUnreachable, match="no secure connection"):
        http.get(server.url.replace("http:", "https:") + "/")


# --- busy servers ---


def test_a_busy_server_is_asked_again_after_the_time_it_names(server: ScriptedServer) -> None:
    server.on("/", reply(429, retry_after="1"), reply(body=b"now"))
    begin = time.monotonic()
    with client() as http:
        assert http.get(server.url + "/").body == b"now"
    assert 0.99 <= time.monotonic() - begin < 3


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_server_that_is_busy_for_long_is_left_alone(server: ScriptedServer, form: str) -> None:
    later = datetime.now(UTC) + timedelta(seconds=300)
    server.on(
        "/", reply(503, retry_after="300" if form == "seconds" else format_datetime(later, usegmt=True))
    )
    with client() as http, pytest.raises(Busy) as busy:
        http.get(server.url + "/")
    assert 290 < busy.value.after <= 300
    assert len(server.seen) == 1


def test_a_date_years_ahead_is_a_wrong_clock_and_means_a_day_at_most(server: ScriptedServer) -> None:
    server.on("/", reply(429, retry_after="Fri, 31 Dec 2100 23:59:59 GMT"))
    with client() as http, pytest.raises(Busy) as busy:
        http.get(server.url + "/")
    assert busy.value.after == 86_400


@pytest.mark.parametrize(
    "said",
    ["", "soon", "-5", "1e3", "٣", "Mon, 01 Jan 2026 00:00:00 +9999999999", "Thu, 01 Jan 1970 00:00:00 GMT"],
)
def test_a_wait_that_is_not_understood_becomes_our_own(server: ScriptedServer, said: str) -> None:
    header = said.encode().decode("latin-1")
    server.on("/", reply(429, retry_after=header), reply(503, retry_after=header), reply(body=b"now"))
    with client() as http:
        assert http.get(server.url + "/").body == b"now"


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_wait_or_none(text: str) -> None:
    seconds = guarded_http._retry_after({"retry-after": text})
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_stays_busy_is_given_up(server: ScriptedServer, status: int) -> None:
    server.on("/", reply(status))
    with client() as http, pytest.raises(Busy, match=str(status)):
        http.get(server.url + "/")
    assert len(server.seen) == 4


@pytest.mark.parametrize(("status", "sent"), [(429, 4), (503, 4), (502, 1), (504, 1)])
def test_what_may_have_been_done_is_not_sent_again(server: ScriptedServer, status: int, sent: int) -> None:
    server.on("/", reply(status))
    with client() as http, pytest.raises(Busy):
        http.send(Ask("POST", server.url + "/", content=b"once"))
    assert len(server.seen) == sent


def test_while_one_thread_waits_as_asked_no_other_asks(server: ScriptedServer) -> None:
    server.on("/busy", reply(429, retry_after="1"), reply())
    server.on("/other", reply())
    moments: dict[str, float] = {}
    with client() as http:
        http.get(server.url + "/other")

        def other() -> None:
            http.get(server.url + "/other")
            moments["other"] = time.monotonic()

        waiting = threading.Thread(target=http.get, args=(server.url + "/busy",))
        begin = time.monotonic()
        waiting.start()
        while len(server.seen) < 2:
            time.sleep(0.005)
        time.sleep(0.05)
        second = threading.Thread(target=other)
        second.start()
        waiting.join()
        second.join()
    assert moments["other"] - begin >= 0.9


# --- bodies ---

CUT_OFF = {
    "shorter than it says": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    "no end of the chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    "a broken chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n0\r\n\r\n",
    "headers that break off": b"HTTP/1.1 200 OK\r\nContent-Le",
    "nothing": b"",
    "no HTTP": b"220 mail.example.com ESMTP\r\n",
    "half of a gzip body to the end of the line": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    + gzip.compress(bytes(range(256)) * 40)[:200],
    "a damaged gzip body": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\nabcd",
    "endless headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 200_000,
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nhalf!",
}


@pytest.mark.parametrize("data", CUT_OFF.values(), ids=CUT_OFF.keys())
def test_a_body_that_is_not_whole_is_no_answer(server: ScriptedServer, data: bytes) -> None:
    server.on("/", raw(data))
    with client() as http, pytest.raises(HostUnreachable) as failed:
        http.get(server.url + "/")
    assert len(server.seen) == 4, "what changes nothing is asked again"
    assert "half" not in str(failed.value)


def test_a_body_that_is_whole_at_the_second_try_is_the_answer(server: ScriptedServer) -> None:
    server.on("/", raw(CUT_OFF["shorter than it says"]), reply(body=b"whole"))
    with client() as http:
        assert http.get(server.url + "/").body == b"whole"


def test_a_post_without_an_answer_is_not_sent_again(server: ScriptedServer) -> None:
    server.on("/", raw(b""))
    with client() as http, pytest.raises(HostUnreachable):
        http.send(Ask("POST", server.url + "/", content=b"once"))
    assert len(server.seen) == 1


@pytest.mark.parametrize("trouble", [raw(b""), raw(CUT_OFF["shorter than it says"]), reply(502)])
def test_a_post_that_only_asks_is_sent_again(server: ScriptedServer, trouble: Script) -> None:
    server.on("/", trouble, reply(body=b"whole"))
    with client() as http:
        answer = http.send(Ask("POST", server.url + "/", content=b"what is there?", only_asks=True))
    assert (answer.body, len(server.seen)) == (b"whole", 2)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "bare deflate", "gzip twice", "gzip in two members"])
def test_codings_that_are_asked_for_are_undone(server: ScriptedServer, coding: str) -> None:
    text = "문서 " * 1000
    plain = text.encode()
    bare = zlib.compressobj(wbits=-15)
    bodies = {
        "gzip": ("gzip", gzip.compress(plain)),
        "deflate": ("deflate", zlib.compress(plain)),
        "bare deflate": ("deflate", bare.compress(plain) + bare.flush()),
        "gzip twice": ("gzip, gzip", gzip.compress(gzip.compress(plain))),
        "gzip in two members": ("gzip", gzip.compress(plain[:100]) + gzip.compress(plain[100:]) + b"\0" * 8),
    }
    name, body = bodies[coding]
    server.on("/", reply(body=body, content_encoding=name))
    with client() as http:
        assert http.get(server.url + "/").text == text
    assert server.seen[0].headers["accept-encoding"] == "gzip, deflate"


@settings(deadline=None)
@given(st.binary(max_size=3000), st.integers(1, 500), st.sampled_from(["gzip", "deflate", "gzip, deflate"]))
def test_a_coded_body_in_any_blocks_reads_as_it_was(plain: bytes, step: int, codings: str) -> None:
    body = plain
    for name in codings.split(", "):
        body = gzip.compress(body) if name == "gzip" else zlib.compress(body)
    blocks = [body[at : at + step] for at in range(0, len(body), step)]
    assert b"".join(decoded(iter(blocks), codings)) == plain
    with pytest.raises(BrokenCoding):
        b"".join(decoded(iter([body[:-1]]), codings))


def test_a_bomb_is_given_up_after_the_first_pieces(server: ScriptedServer) -> None:
    bomb = gzip.compress(bytes(300_000_000), compresslevel=1)
    server.on("/", reply(body=gzip.compress(bomb), content_encoding="gzip, gzip"))
    begin = time.monotonic()
    with client() as http, pytest.raises(TooLarge, match="3000000 bytes"):
        http.get(server.url + "/", max_bytes=3_000_000)
    assert time.monotonic() - begin < 1
    assert len(server.seen) == 1


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
def test_the_limit_counts_the_bytes_of_the_body(server: ScriptedServer, size: int, fits: bool) -> None:
    server.on("/", reply(body=b"x" * size))
    with client() as http:
        if fits:
            assert len(http.get(server.url + "/", max_bytes=1000).body) == 1000
        else:
            with pytest.raises(TooLarge):
                http.get(server.url + "/", max_bytes=1000)


def test_an_endless_body_is_given_up_at_the_limit(server: ScriptedServer) -> None:
    def endless(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            handler.wfile.write(b"x" * 65536)

    server.on("/", endless)
    with client() as http, pytest.raises(TooLarge):
        http.get(server.url + "/", max_bytes=1_000_000)


def test_a_head_has_no_body_however_long_it_says_it_is(server: ScriptedServer) -> None:
    server.on("/", reply(body=b"x" * 1000))
    with client() as http:
        answer = http.send(Ask("HEAD", server.url + "/", max_bytes=10))
    assert (answer.body, answer.headers["content-length"]) == (b"", "1000")


# --- slow servers, and stopping ---


def silent(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
    """Say nothing until the client hangs up."""
    handler.connection.recv(1)


def test_a_silent_server_is_given_up(server: ScriptedServer) -> None:
    server.on("/", silent)
    begin = time.monotonic()
    http = GuardedClient(Reach(LOCAL), timeout_s=0.3, tries=2)
    with http, pytest.raises(HostUnreachable, match="silent or slow"):
        http.get(server.url + "/")
    assert 0.6 <= time.monotonic() - begin < 2
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"]
)
def test_a_server_that_trickles_is_given_up(server: ScriptedServer, start: bytes) -> None:
    def trickle(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        handler.wfile.write(start)
        for _ in range(900):
            handler.wfile.write(b"a")
            time.sleep(0.02)

    server.on("/", trickle)
    begin = time.monotonic()
    http = GuardedClient(Reach(LOCAL), timeout_s=5, tries=1, longest_s=0.4)
    with http, pytest.raises(HostUnreachable, match="silent or slow"):
        http.get(server.url + "/")
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize("waiting_for", ["a turn", "a busy server", "a silent server", "a body"])
def test_a_stop_is_noticed_within_a_second(server: ScriptedServer, waiting_for: str) -> None:
    def half(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        silent(handler, seen)

    scripts = {"a busy server": reply(429, retry_after="50"), "a silent server": silent, "a body": half}
    server.on("/", scripts.get(waiting_for, reply()))
    stop = threading.Event()
    pace = Pace(0.01 if waiting_for == "a turn" else 0)
    with GuardedClient(Reach(LOCAL, pace, stop.is_set), timeout_s=30) as http:
        if waiting_for == "a turn":
            http.get(server.url + "/")
        threading.Timer(0.1, stop.set).start()
        begin = time.monotonic()
        with pytest.raises(Stopped):
            http.get(server.url + "/")
    assert time.monotonic() - begin < 1.1


def test_every_hop_of_a_redirect_takes_its_turn(server: ScriptedServer) -> None:
    turns: list[int] = []

    class Counted(Pace):
        def turn(self, *, stopped: Callable[[], bool] = lambda: False) -> None:
            turns.append(1)

    server.on("/a", reply(302, location="/b"))
    server.on("/b", reply(503), reply())
    with GuardedClient(Reach(LOCAL, Counted())) as http:
        http.get(server.url + "/a")
    assert len(turns) == len(server.seen) == 4


# --- secrets and threads ---


def test_secrets_are_in_no_repr_and_no_log(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    server.on("/page?token=sesame", reply(body=b"sesame", set_cookie="session=sesame"))
    caplog.set_level("DEBUG")
    ask = Ask("POST", server.url, {"Authorization": "sesame"}, b"sesame")
    with client(at(server)) as http:
        answer = http.get(server.url + "/page?token=sesame")
    shown = repr((ask, at(server), http, Answer(200, answer.headers, "http://h/", answer.body)))
    assert "sesame" not in shown
    assert "sesame" not in caplog.text


@pytest.mark.parametrize("value", ["ses\name", "ses\rame", "ses\x00ame", "ses\x7fame"])
def test_a_header_that_cannot_be_sent_is_named_without_its_value(server: ScriptedServer, value: str) -> None:
    for origin, ask in (
        (Origin(server.url, {"Authorization": value}), Ask("GET", server.url + "/")),
        (Origin(), Ask("GET", server.url + "/", {"Authorization": value})),
    ):
        with client(origin) as http, pytest.raises(Unsendable, match="authorization") as failed:
            http.send(ask)
        assert "ame" not in str(failed.value).replace("name", "")
    assert server.seen == []


def test_a_method_that_cannot_be_sent_is_no_crash(server: ScriptedServer) -> None:
    with client() as http, pytest.raises(Unsendable):
        http.send(Ask("GET / HTTP/1.1\r\nX: y", server.url + "/"))


def test_a_token_with_a_line_break_at_its_end_or_beyond_ascii_is_sent(server: ScriptedServer) -> None:
    server.on("/", reply())
    with client(Origin(server.url, {"X-Token": "열려라\n"})) as http:
        http.get(server.url + "/")
    assert server.seen[0].headers["x-token"].encode("latin-1").decode() == "열려라"


def test_the_headers_of_a_request_win_over_those_of_the_origin_in_any_case(server: ScriptedServer) -> None:
    server.on("/", reply())
    with client(Origin(server.url, {"Accept": "a/b", "X-Key": "1"})) as http:
        http.get(server.url + "/", headers={"ACCEPT": "c/d"})
    assert (server.seen[0].headers["accept"], server.seen[0].headers["x-key"]) == ("c/d", "1")


def test_an_origin_is_compared_with_its_port_and_whole(
    server: ScriptedServer, stranger: ScriptedServer
) -> None:
    server.on("/", reply())
    stranger.on("/", reply())
    with client(at(stranger)) as http:
        http.get(server.url + "/")
    assert "authorization" not in server.seen[0].headers


def test_one_client_serves_many_threads_while_cookies_change(server: ScriptedServer) -> None:
    counter = iter(range(10_000))

    def answer(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        reply(body=b"ok", set_cookie=f"c{next(counter)}=1")(handler, seen)

    server.on("/", answer)
    failed: list[MundapError | RuntimeError] = []
    with client() as http:

        def work() -> None:
            try:
                for _ in range(15):
                    assert http.get(server.url + "/").body == b"ok"
            except (MundapError, RuntimeError) as error:
                failed.append(error)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []


def test_connections_are_used_again(server: ScriptedServer) -> None:
    ports: set[int] = set()

    def answer(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        ports.add(handler.client_address[1])
        reply(body=b"ok")(handler, seen)

    server.on("/", answer)
    with client() as http:
        for _ in range(5):
            http.get(server.url + "/")
    assert len(ports) == 1
