"""A body is whole, within its limit, or none."""

from __future__ import annotations

import gzip
import time
import zlib
from http.server import BaseHTTPRequestHandler

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.common.content_coding import BrokenCoding, decoded
from assistant.common.http_messages import Ask, TooLarge
from assistant.common.network import HostUnreachable
from tests.common.guarded_http.clients import client
from tests.common.scripted_server import Script, ScriptedServer, Seen, raw, reply

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
