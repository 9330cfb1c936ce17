"""Whom the client takes a server for."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from assistant.common.http_messages import BadCertificate, Origin
from assistant.common.network import HostUnreachable
from tests.common.guarded_http.clients import SECRETS, client
from tests.common.scripted_server import ScriptedServer, TestAuthority, reply, serving


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
