"""Which addresses may be connected to, in whatever way they are written."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.common.errors import UsageError
from assistant.common.network import (
    Address,
    AddressRefused,
    HostUnreachable,
    Network,
    attempts,
    parse_networks,
)

PUBLIC = Network()

# What a name or a notation may stand for that the public internet does not.
_INSIDE = """
127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1
169.254.169.254 169.254.170.2 100.64.0.1 100.127.255.255 100.100.100.200 192.0.0.8 192.0.0.192 192.0.2.1
192.88.99.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.255
:: ::1 ::2 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:10.0.0.1 ::ffff:0:0 ::127.0.0.1 ::8.8.8.8
64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::10.0.0.1 64:ff9b:1::1 64:ff9b:1:7f00:0:100::
2002:7f00:1:: 2002:a9fe:a9fe:: 2002:808:808:: 2001:0:7f00:1:: 2001::1 2001:10::1 2001:db8::1 3fff::1
fe80::1 fe80::1%lo fec0::1 fc00::1 fd00:ec2::254 ff02::1 ff0e::1 100::1 100:0:0:1::1 4000::1 5f00::1
"""
INSIDE = _INSIDE.split()
_OUTSIDE = "8.8.8.8 1.1.1.1 172.32.0.1 100.128.0.1 2606:4700:4700::1111 ::ffff:8.8.8.8 64:ff9b::8.8.8.8"
OUTSIDE = _OUTSIDE.split()

# Ways to write 127.0.0.1, 169.254.169.254 and 10.0.0.1 that the system's resolver understands.
_NOTATIONS = """
2130706433 0x7f000001 0x7f.1 0x7f.0x0.0x0.0x1 017700000001 0177.0.0.1 0177.0.0.01 127.1 127.0.1
2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.43518 10.1 0xa.1 012.0.0.1 0 0x0 00000
１２７.０.０.１ 127。0。0。1
"""
NOTATIONS = _NOTATIONS.split()


@pytest.mark.parametrize("text", INSIDE)
def test_an_address_inside_is_refused(text: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        PUBLIC.addresses(text, 80)
    assert "MUNDAP_ALLOWED_NETWORKS" in str(refused.value)


@pytest.mark.parametrize("text", OUTSIDE)
def test_an_address_of_the_public_internet_is_permitted(text: str) -> None:
    found = PUBLIC.addresses(text, 443)
    assert list(map(ipaddress.ip_address, found)) == [ipaddress.ip_address(text)]


@pytest.mark.parametrize("text", NOTATIONS)
def test_no_notation_of_an_address_inside_gets_through(text: str) -> None:
    with pytest.raises((AddressRefused, HostUnreachable)):
        PUBLIC.addresses(text, 80)


@pytest.mark.parametrize(
    "text", ["", ".", "a" * 300, "a..b", "a\x00b", "127.0.0.1\x00.example.com", "a\nb", " "]
)
def test_what_is_no_host_name_is_unreachable_and_no_crash(text: str) -> None:
    with pytest.raises(HostUnreachable):
        Network(parse_networks("127.0.0.0/8")).addresses(text, 80)


@pytest.mark.parametrize("port", [0, -1, 65_536, 99_999])
def test_what_is_no_port_is_unreachable(port: int) -> None:
    with pytest.raises(HostUnreachable, match="no port"):
        PUBLIC.addresses("8.8.8.8", port)


def test_an_allowed_network_opens_itself_and_nothing_else() -> None:
    network = Network(parse_networks("10.1.0.0/16 fd00::/8"))
    for text in ("10.1.2.3", "::ffff:10.1.2.3", "fd12::1", "64:ff9b::10.1.2.3"):
        assert network.permits(ipaddress.ip_address(text)), text
    for text in ("10.2.0.1", "127.0.0.1", "::ffff:10.2.0.1", "64:ff9b::10.2.0.1", "fc00::1"):
        assert not network.permits(ipaddress.ip_address(text)), text


def test_an_allowed_translator_does_not_open_what_it_translates_to() -> None:
    network = Network(parse_networks("::/0"))
    assert network.permits(ipaddress.ip_address("fd00::1"))
    for text in ("2002:7f00:1::", "64:ff9b::127.0.0.1", "::127.0.0.1", "::ffff:127.0.0.1"):
        assert not network.permits(ipaddress.ip_address(text)), text


def _resolver(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Names resolve to the next answer each time; gives back the hosts that were asked for."""
    asked: list[str] = []
    left = list(answers)
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *rest: int, **more: int) -> object:
        if host.replace(".", "").replace(":", "").isalnum() and host[-1].isdigit():
            return real(host, port, *rest, **more)
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_of_several_addresses_only_the_permitted_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolver(monkeypatch, ["10.0.0.1", "8.8.8.8", "::1", "8.8.8.8", "2606:4700::1"])
    assert PUBLIC.addresses("mixed.example.com", 80) == ("8.8.8.8", "2606:4700::1")


def test_a_name_that_leads_only_inside_is_refused_and_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolver(monkeypatch, ["10.0.0.1", "fd00::1"])
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1, fd00::1"):
        PUBLIC.addresses("intranet.example.com", 80)


@pytest.fixture
def listener() -> Iterator[int]:
    """The port of something that listens on 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_a_name_is_resolved_once_and_the_socket_goes_to_the_judged_address(
    monkeypatch: pytest.MonkeyPatch, listener: int
) -> None:
    asked = _resolver(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
    with Network(parse_networks("127.0.0.0/8")).connect(
        "wiki.example.com", listener, timeout_s=2
    ) as connected:
        assert connected.getpeername() == ("127.0.0.1", listener)
        assert connected.gettimeout() == 2
    assert asked == ["wiki.example.com"]


def test_a_dead_address_is_followed_by_the_next(monkeypatch: pytest.MonkeyPatch, listener: int) -> None:
    _resolver(monkeypatch, ["127.0.0.2", "127.0.0.1"])
    with Network(parse_networks("127.0.0.0/8")).connect(
        "wiki.example.com", listener, timeout_s=2
    ) as connected:
        assert connected.getpeername()[0] == "127.0.0.1"


def test_a_host_where_nothing_listens_is_unreachable_and_says_why() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = int(closed.getsockname()[1])
    with pytest.raises(HostUnreachable, match="Connection refused"):
        Network(parse_networks("127.0.0.0/8")).connect("127.0.0.1", port, timeout_s=2)


def test_many_dead_addresses_share_one_time_out() -> None:
    shares = [share for _, share in attempts(tuple("abcd"), timeout_s=8)]
    assert shares[0] == pytest.approx(2, abs=0.1)
    assert shares[-1] == pytest.approx(8, abs=0.1), "what earlier attempts did not use is left for the last"


# --- properties, against a reading of the same registries by number instead of by library ---


def _is_public_ipv4(number: int) -> bool:
    a, b, c = number >> 24, number >> 16 & 255, number >> 8 & 255
    if a in (0, 10, 127) or a >= 224:
        return False
    if (a, b) in ((169, 254), (192, 168), (198, 18), (198, 19)):
        return False
    if (a == 172 and 16 <= b < 32) or (a == 100 and 64 <= b < 128):
        return False
    return (a, b, c) not in ((192, 0, 0), (192, 0, 2), (192, 88, 99), (198, 51, 100), (203, 0, 113))


def _is_public_ipv6(number: int) -> bool:
    first, second = number >> 112, number >> 96 & 0xFFFF
    if number >> 32 == 0xFFFF or number >> 32 == 0x64_FF9B << 64:
        return _is_public_ipv4(number & 0xFFFF_FFFF)
    if number >> 125 != 0b001:
        return False
    if first == 0x2001 and (second < 0x200 or second == 0xDB8):
        return False
    return first != 0x2002 and not (first == 0x3FFF and second < 0x1000)


_ipv4 = st.one_of(
    st.integers(0, 2**32 - 1),
    st.sampled_from([each for each in INSIDE + OUTSIDE if ":" not in each]).flatmap(
        lambda text: st.integers(-2, 2).map(lambda step: (int(ipaddress.IPv4Address(text)) + step) % 2**32)
    ),
)
_PREFIXES = (0, 0xFFFF << 32, 0x64_FF9B << 96, 0x2002 << 112, 0x2001 << 112, 0x2001_0DB8 << 96, 0x3FFF << 112)
_ipv6 = st.one_of(
    st.integers(0, 2**128 - 1),
    st.integers(0b001 << 125, (0b010 << 125) - 1),
    st.builds(lambda prefix, tail: prefix | tail, st.sampled_from(_PREFIXES), _ipv4),
    st.builds(lambda prefix, middle: prefix | middle << 80, st.sampled_from(_PREFIXES), _ipv4),
)
_addresses: st.SearchStrategy[Address] = st.one_of(
    _ipv4.map(ipaddress.IPv4Address), _ipv6.map(ipaddress.IPv6Address)
)


@settings(deadline=None)
@given(_addresses)
def test_permits_agrees_with_the_registries(address: Address) -> None:
    number = int(address)
    expected = _is_public_ipv4(number) if address.version == 4 else _is_public_ipv6(number)
    assert PUBLIC.permits(address) == expected


@settings(deadline=None)
@given(_ipv4, st.integers(0, 32), _ipv4)
def test_an_allowed_block_adds_exactly_itself(base: int, length: int, number: int) -> None:
    block = ipaddress.IPv4Network((base >> (32 - length) << (32 - length), length))
    inside = number >> (32 - length) == base >> (32 - length)
    network = Network((block,))
    assert network.permits(ipaddress.IPv4Address(number)) == (inside or _is_public_ipv4(number))


@settings(deadline=None)
@given(st.lists(st.tuples(_ipv4, st.integers(0, 32))), st.sampled_from([",", " ", ", ", "\n", " ,, "]))
def test_networks_are_read_as_they_were_written(blocks: list[tuple[int, int]], separator: str) -> None:
    cut = [(base >> (32 - length) << (32 - length), length) for base, length in blocks]
    texts = [f"{ipaddress.IPv4Address(base)}/{length}" for base, length in cut]
    read = parse_networks(separator.join(texts))
    assert [(int(block.network_address), block.prefixlen) for block in read] == cut


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_networks_or_a_usage_error(text: str) -> None:
    said = ""
    try:
        blocks = parse_networks(text)
    except UsageError as error:
        said = str(error)
        blocks = ()
    assert "is no network" in said or len(blocks) == len(text.replace(",", " ").split())


@pytest.mark.parametrize(
    "text", ["10.0.0.1/8", "10.0.0.0/33", "localhost", "2130706433", "0177.0.0.1", "::/129"]
)
def test_what_is_no_network_is_said_so(text: str) -> None:
    with pytest.raises(UsageError, match="is no network"):
        parse_networks(f"192.0.2.0/24, {text}")
