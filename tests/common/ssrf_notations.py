"""Every way in which an address can be written, and every place that a redirect may name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

# One of each private, reserved or special network, and the metadata services of clouds.
_IPV4 = """
127.0.0.1 127.8.8.8 0.0.0.0 0.1.2.3 10.0.0.5 10.255.255.254 172.16.0.1 172.31.255.254 192.168.0.1
169.254.169.254 169.254.170.2 100.64.0.1 100.100.100.200 192.0.0.192 192.0.2.1 192.88.99.1 198.18.0.1
198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
"""
_IPV6 = """
:: ::1 ::2 fd00:ec2::254 fc00::1 fd12:3456::1 fe80::1 fec0::1 ff02::1 ff0e::1 100::1 2001:db8::1 2001::1
2001:10::1 3fff::1 64:ff9b:1::1 4000::1 5f00::1
"""
IPV4, IPV6 = _IPV4.split(), _IPV6.split()
PUBLIC = "198.41.0.4"  # in no special network; here it is a server of this machine
PUBLIC6 = "2600:1f18::99"
_CIRCLED = str.maketrans({"0": "⓪", **{str(n): chr(0x245F + n) for n in range(1, 10)}})
_WIDE = str.maketrans({str(n): chr(0xFF10 + n) for n in range(10)})
_BOLD = str.maketrans({str(n): chr(0x1D7CE + n) for n in range(10)})
_ARABIC = str.maketrans({str(n): chr(0x0660 + n) for n in range(10)})


def hosts_of(address: str) -> Iterator[tuple[str, str]]:
    """The class of a notation, and the host as it would stand in an address."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv4Address):
        yield from _ipv4(parsed)
    else:
        yield from _ipv6(parsed)


def _ipv4(address: ipaddress.IPv4Address) -> Iterator[tuple[str, str]]:
    text, number = str(address), int(address)
    a, b, c, d = address.packed
    yield "dotted", text
    yield "trailing dot", f"{text}."
    yield "decimal", f"{number}"
    yield "hex", f"0x{number:08x}"
    yield "hex", f"0X{number:X}"
    yield "hex", f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"
    yield "octal", f"0{number:011o}"
    yield "octal", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}"
    yield "octal", f"000{a:o}.{b}.0x{c:x}.0{d:o}"
    yield "short", f"{a}.{number & 0xFFFFFF}"
    yield "short", f"{a}.{b}.{c << 8 | d}"
    yield "short", f"0x{a:x}.0{number & 0xFFFFFF:o}"
    yield "overflow", f"{number + 2**32}"
    yield "overflow", f"{a + 256}.{b}.{c}.{d}"
    for name, table in (("full width", _WIDE), ("circled", _CIRCLED), ("bold", _BOLD), ("arabic", _ARABIC)):
        yield name, text.translate(table)
    yield "other dots", text.replace(".", "。")
    yield "other dots", text.replace(".", "．")
    yield "other dots", text.replace(".", "｡")
    yield "percent", "".join(f"%{ord(char):02x}" for char in text)
    yield "percent", text.replace(".", "%2e")
    yield "percent", f"{text}%00.example.com"
    yield "invisible", text.replace(".", ".\u00ad")
    yield "invisible", f"\u200b{text}"
    for six in _embedding(address):
        yield "inside IPv6", f"[{six}]"
    yield "inside IPv6", f"[::ffff:{text}]"
    yield "inside IPv6", f"[0:0:0:0:0:FFFF:{text}]"
    yield "inside IPv6", f"[::ffff:0:{text}]"
    yield "inside IPv6", f"[::{text}]"
    yield "inside IPv6", f"[64:ff9b::{text}]"
    yield "zone", f"[::ffff:{text}%25lo]"
    yield "zone", f"[::ffff:{text}%lo]"


def _embedding(address: ipaddress.IPv4Address) -> Iterator[ipaddress.IPv6Address]:
    number = int(address)
    for high, shift in ((0xFFFF << 32, 0), (0, 0), (0x64FF9B << 96, 0), (0x2002 << 112, 80)):
        yield ipaddress.IPv6Address(high | number << shift)
    yield ipaddress.IPv6Address(0x20010000 << 96 | number << 64 | (number ^ 0xFFFFFFFF))  # Teredo
    yield ipaddress.IPv6Address(0xFE80 << 112 | 0x5EFE << 32 | number)  # ISATAP


def _ipv6(address: ipaddress.IPv6Address) -> Iterator[tuple[str, str]]:
    yield "IPv6", f"[{address}]"
    yield "IPv6", f"[{address.exploded}]"
    yield "IPv6", f"[{address.exploded.upper()}]"
    yield "zone", f"[{address}%25lo]"
    yield "zone", f"[{address}%251]"
    yield "zone", f"[{address}%lo]"


def urls_of(host: str) -> Iterator[tuple[str, str]]:
    """The class, and a whole address that means `host`, or that some reader takes to mean it."""
    yield "plain", f"http://{host}/"
    yield "port", f"http://{host}:80/"
    yield "port", f"http://{host}:00080/"
    yield "port", f"http://{host}:/"
    yield "user", f"http://{PUBLIC}@{host}/"
    yield "user", f"http://{PUBLIC}:80@{host}:80/"
    yield "user", f"http://{PUBLIC}%2f@{host}/"
    yield "confusion", f"http://{host}#@{PUBLIC}/"
    yield "confusion", f"http://{host}\\@{PUBLIC}/"
    yield "confusion", f"http://{host}?@{PUBLIC}/"
    yield "confusion", f"http:\\\\{host}/"
    yield "confusion", f"http:/{host}/"
    yield "confusion", f"http:{host}/"
    yield "confusion", f"http:///{host}/"
    yield "confusion", f" http://{host}/"
    yield "confusion", f"http://{host}\t/"
    yield "confusion", f"ht\ntp://{host}/"
    yield "confusion", f"//{host}/"
    for scheme in (
        "HTTP",
        "https",
        "ftp",
        "gopher",
        "dict",
        "ldap",
        "file",
        "jar:http",
        "ws",
        "tftp",
        "url:http",
    ):
        yield "scheme", f"{scheme}://{host}/"


STATUSES = (301, 302, 303, 307, 308)


def places_of(host: str) -> Iterator[tuple[str, str]]:
    """What a `Location` might say to lead to `host`."""
    yield "whole", f"http://{host}/"
    yield "without a scheme", f"//{host}/"
    yield "backslashes", f"\\\\{host}/"
    yield "backslashes", f"/\\{host}/"
    yield "blanks", f"  http://{host}/"
    yield "blanks", f"http://{host}\t/"
    yield "blanks", f"\thttp://{host}/"
    yield "user", f"http://{PUBLIC}@{host}/"
    yield "scheme", f"https://{host}/"
    yield "scheme", f"ftp://{host}/"
    yield "scheme", f"gopher://{host}/"
    yield "scheme", f"file://{host}/etc/passwd"
