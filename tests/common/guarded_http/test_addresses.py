"""Where the client connects to, and where it does not."""

from __future__ import annotations

import socket
import time

import pytest

from assistant.common.network import AddressRefused, HostUnreachable
from tests.common.guarded_http.clients import client
from tests.common.scripted_server import ScriptedServer, reply


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
