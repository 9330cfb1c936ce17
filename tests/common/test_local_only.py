"""Local-only mode: what is inside, which names are looked up, and that nothing gets past the guard."""

from __future__ import annotations

import ipaddress
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common import local_only
from assistant.common.local_only import Bounds
from assistant.common.network import AddressRefused, Network, parse_networks
from assistant.common.told import said
from tests.common.ssrf_notations import IPV4, IPV6, PUBLIC, PUBLIC6

_OUTSIDE = [
    "10.21.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "fe80::1",
    "::ffff:8.8.8.8",
    "64:ff9b::a14:5",
    "2002:a14:5::",
    "224.0.0.1",
    "255.255.255.255",
    "ff02::1",
]
HOUSE = Bounds(parse_networks("10.20.0.0/16 fd20::/16"), ("house.example", "postgres"))
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This machine's files of names, in a folder of the test."""
    (tmp_path / "hosts").write_text(
        "127.0.0.1 localhost # this machine\n10.20.0.5 wiki.corp Wiki\n8.8.8.8 far.corp\n", encoding="utf-8"
    )
    (tmp_path / "resolv.conf").write_text("search corp\nnameserver 10.20.0.53\n", encoding="utf-8")
    monkeypatch.setattr(local_only, "HOSTS_FILE", tmp_path / "hosts")
    monkeypatch.setattr(local_only, "RESOLVER_FILE", tmp_path / "resolv.conf")
    return tmp_path


@pytest.fixture
def at_home(files: Path) -> Iterator[Path]:
    """The mode is on, for the test."""
    with local_only.bound(HOUSE):
        yield files


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "::1", "10.20.0.5", "fd20::1", "::ffff:10.20.0.5"]
)
def test_this_machine_and_named_networks_are_inside(host: str) -> None:
    assert HOUSE.holds(ipaddress.ip_address(host))


@pytest.mark.parametrize("host", [PUBLIC, PUBLIC6, *_OUTSIDE])
def test_everything_else_is_outside(host: str) -> None:
    assert not HOUSE.holds(ipaddress.ip_address(host))


@given(st.ip_addresses())
def test_the_mode_only_takes_away(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    everything = Network(parse_networks("0.0.0.0/0 ::/0"))
    with local_only.bound(HOUSE):
        inside = everything.permits(address)
        by_default = Network().permits(address)
    assert inside == (HOUSE.holds(address) and everything.permits(address))
    assert not by_default or Network().permits(address)


@given(st.sampled_from([*IPV4, *IPV6, PUBLIC, PUBLIC6]))
def test_a_client_to_which_everything_is_allowed_is_held_as_well(host: str) -> None:
    with local_only.bound(Bounds()):
        found = local_only.refusal(host)
        address = ipaddress.ip_address(host.partition("%")[0])
        assert (found is None) == Bounds().holds(address)


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("8.8.8.8", "outside (8.8.8.8)"),
        ("134744072", "outside (8.8.8.8)"),
        ("0x8.0x8.2056", "outside (8.8.8.8)"),
        ("far.corp", "outside (8.8.8.8)"),
        ("api.example.com", "not looked up. If it is yours, add it to MUNDAP_LOCAL_NAMES"),
        ("evilhouse.example", "not looked up"),
        ("house.example.evil.com", "not looked up"),
        ("8.8.8.8 wiki.corp", "not looked up"),
        ("", "not looked up"),
    ],
)
@pytest.mark.usefixtures("at_home")
def test_what_is_outside_is_refused_before_anything_is_asked(host: str, why: str) -> None:
    refusal = local_only.refusal(host)
    assert refusal is not None
    assert why in refusal
    assert refusal.startswith("Local-only mode: ")
    if host:
        with pytest.raises(AddressRefused) as refused:
            Network(parse_networks("0.0.0.0/0 ::/0")).addresses(host, 80)
        assert said(refused.value) == refusal


@pytest.mark.parametrize(
    "host", ["localhost", "wiki.corp", "WIKI", "house.example", "Nas.House.Example.", "postgres"]
)
@pytest.mark.usefixtures("at_home")
def test_names_of_the_house_may_be_looked_up(host: str) -> None:
    assert local_only.refusal(host) is None


def test_a_name_of_the_house_is_not_asked_of_a_name_server_outside(at_home: Path) -> None:
    (at_home / "resolv.conf").write_text("nameserver 10.20.0.53\nnameserver 8.8.8.8\n", encoding="utf-8")
    refusal = local_only.refusal("nas.house.example")
    assert refusal is not None
    assert "the name server 8.8.8.8 is outside" in refusal
    assert local_only.refusal("wiki.corp") is None  # the file knows it


def test_a_name_of_the_house_that_leads_outside_is_refused(
    at_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del at_home
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [entry])
    with pytest.raises(AddressRefused, match=r"'nas\.house\.example' is outside"):
        Network().addresses("nas.house.example", 80)


def test_addresses_of_the_house_still_need_to_be_allowed_to_sources(at_home: Path) -> None:
    del at_home
    with pytest.raises(AddressRefused, match="MUNDAP_ALLOWED_NETWORKS"):
        Network().addresses("10.20.0.5", 5432)
    assert Network(HOUSE.networks).addresses("10.20.0.5", 5432) == ("10.20.0.5",)


def test_without_the_mode_nothing_changes(files: Path) -> None:
    del files
    assert local_only.refusal("api.example.com") is None
    assert Network().permits(ipaddress.ip_address(PUBLIC))


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://api.example.com/v1", "api.example.com"),
        ("api.example.com:8080", "api.example.com"),
        ("ssh://git@git.example.com/a.git", "git.example.com"),
        ("http://[::1]:80/", "::1"),
        ("ldaps://directory", "directory"),
        ("file:///srv/a.git", ""),
        ("http://[broken", ""),
    ],
)
def test_the_host_of_an_address(address: str, host: str) -> None:
    assert local_only.host_in(address) == host


# Each line is tried in a process of its own, because a guard is for good. Nothing of it may leave.
_TRIES = {
    "connect": "socket.create_connection(('8.8.8.8', 53), 1)",
    "connect by a name": "socket.socket().connect(('api.example.com', 80))",
    "connect_ex": "socket.socket().connect_ex(('8.8.8.8', 53))",
    "connect without a block": "asyncio.run(asyncio.open_connection('8.8.8.8', 53))",
    "UDP": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('8.8.8.8', 53))",
    "UDP by a name in a message": (
        "socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('api.example.com', 53))"
    ),
    "UDP by a name": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', 0, ('api.example.com', 53))",
    "UDP by a message": "socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('8.8.8.8', 53))",
    "UDP connected": "socket.socket(type=socket.SOCK_DGRAM).connect(('8.8.8.8', 53))",
    "IPv6": "socket.socket(socket.AF_INET6).connect(('2001:4860:4860::8888', 53))",
    "mapped": "socket.socket(socket.AF_INET6).connect(('::ffff:8.8.8.8', 53))",
    "name": "socket.getaddrinfo('api.example.com', 80)",
    "name of old": "socket.gethostbyname('api.example.com')",
    "more of old": "socket.gethostbyname_ex('api.example.com')",
    "a known name, but its other address": "socket.getaddrinfo('localhost', 80, NONE_OF_THESE)",
    "a known name by a socket for the other": "socket.socket(NONE_OF_THESE).connect(('localhost', 80))",
    "name in bytes": "socket.getaddrinfo(b'api.example.com', 80)",
    "name of an address": "socket.gethostbyaddr('8.8.8.8')",
    "name of a place": "socket.getnameinfo(('8.8.8.8', 80), 0)",
    "listening by a name": "socket.socket().bind(('api.example.com', 0))",
    "urllib": "urllib.request.urlopen('http://8.8.8.8/', timeout=1)",
    "thread": "threads.submit(socket.create_connection, ('8.8.8.8', 53), 1).result()",
    "fork": "forked(lambda: socket.create_connection(('8.8.8.8', 53), 1))",
}  # fmt: skip
_INSIDE = {
    "this machine": "socket.create_connection(server.getsockname(), 1)",
    "a path": "socket.socket(socket.AF_UNIX).connect('/nowhere')",
    "UDP here": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', server.getsockname())",
    "a pair": "pair = socket.socketpair(); pair[0].send(b'x')",
    "digits": "socket.getaddrinfo('127.0.0.1', 80)",
    "listening": "socket.create_server(('127.0.0.1', 0))",
}
_PROGRAM = """
import asyncio, concurrent.futures, json, os, pathlib, socket, sys, urllib.request
from assistant.common import local_guard, local_only
told = []
local_guard.on_refusal(lambda *words: told.append(words))
local_guard.enforce(local_only.Bounds())
local_guard.enforce(local_only.Bounds())
local_only.HOSTS_FILE = pathlib.Path(sys.argv[2])
NONE_OF_THESE = socket.AF_INET6
server = socket.create_server(("127.0.0.1", 0))
threads = concurrent.futures.ThreadPoolExecutor(1)
def forked(work):
    read, write = os.pipe()
    if not os.fork():
        try: work()
        except BaseException as error: os.write(write, type(error).__name__.encode())
        finally: os._exit(0)
    os.close(write)
    raise type(os.read(read, 99).decode(), (Exception,), {})
found = {}
for name, line in json.loads(sys.argv[1]).items():
    try: exec(line)
    except BaseException as error: found[name] = type(getattr(error, "reason", error)).__name__
    else: found[name] = ""
print(json.dumps({"found": found, "refused": local_guard.refusals(), "told": told}))
"""


def test_nothing_of_a_process_speaks_with_the_outside(files: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM, json.dumps({**_TRIES, **_INSIDE}), files / "hosts"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    expected = {**dict.fromkeys(_TRIES, "LeftTheHouse"), **dict.fromkeys(_INSIDE, "")}
    assert seen["found"] == {**expected, "a path": "FileNotFoundError"}
    assert seen["refused"] == len(_TRIES) - 1  # a fork counts for itself
    assert len(seen["told"]) == len({tuple(each) for each in seen["told"]}) < seen["refused"]
