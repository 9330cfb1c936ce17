"""To which addresses may this installation connect?

Whoever may type an address could point it at the cloud's metadata service or at a
machine inside the house. So a name is resolved once, every address it stands for is
judged, and the socket goes to a judged address: a name that means something else a
moment later leads nowhere else.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.common import local_only
from assistant.common.errors import MundapError, UsageError
from assistant.common.local_only import Address, Block
from assistant.common.os_reasons import os_reason
from assistant.common.told import told

__all__ = ["Address", "AddressRefused", "Block", "HostUnreachable", "Network", "attempts", "parse_networks"]

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")  # RFC 4291, deprecated
_GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")  # all that was ever given out to the public internet
# IANA's registries of special-purpose addresses. Python's own idea of "global" differs between
# its releases, and lets site-local addresses and local translators through.
_RESERVED: tuple[Block, ...] = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' shared space
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the metadata services of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)
_HIGHEST_PORT = 65_535
_SHORTEST_ATTEMPT_S = 0.05


class AddressRefused(MundapError):
    """The host stands only for addresses that this installation may not connect to."""


class HostUnreachable(MundapError):
    """The host's name is not known, or nothing answers there."""


@dataclass(frozen=True, slots=True)
class Network:
    """The public internet, and the private networks that the operator allows.

    In local-only mode nothing outside the bounds of the process, whatever is allowed here.
    """

    allowed: tuple[Block, ...] = ()

    def permits(self, address: Address) -> bool:
        """Whether a connection to this address is allowed, whatever other address is written inside it."""
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            return self.permits(address.ipv4_mapped)  # to the kernel it is that address
        return local_only.holds(address) and all(
            self._permits_plain(each) for each in (address, *_embedded(address))
        )

    def _permits_plain(self, address: Address) -> bool:
        return _is_within(address, self.allowed) or _is_public(address)

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """The permitted addresses that `host` stands for now, each ready to be connected to.

        Raises:
            HostUnreachable: the name is not known.
            AddressRefused: it is known, but leads only to addresses that are not allowed; or it may not
                even be looked up.
        """
        if not 0 < port <= _HIGHEST_PORT:
            raise HostUnreachable(
                told("{port} is no port: it must be 1 to {most}.", port=port, most=_HIGHEST_PORT)
            )
        if not host.isprintable():  # the resolver would stop reading at a NUL
            raise HostUnreachable(
                told("The host '{host}' is not known: check its name.", host=repr(host[:200])[1:-1])
            )
        if (refusal := local_only.refusal(host)) is not None:
            raise AddressRefused(refusal)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise HostUnreachable(
                told("The host '{host}' is not known: check its name.", host=host[:200])
            ) from error
        # A link-local address carries its interface after a %; the interface does not matter here.
        names = dict.fromkeys(str(entry[4][0]) for entry in found)
        judged = {name: ipaddress.ip_address(name.partition("%")[0]) for name in names}
        permitted = tuple(name for name, address in judged.items() if self.permits(address))
        if not permitted and not any(map(local_only.holds, judged.values())):
            raise AddressRefused(local_only.outside(host, tuple(names)))
        if not permitted:
            raise AddressRefused(
                told(
                    "The host '{host}' has a private or reserved address ({names}). If it is yours, add "
                    "its network to MUNDAP_ALLOWED_NETWORKS.",
                    host=host[:200],
                    names=", ".join(list(names)[:3]),
                )
            )
        return permitted

    def connect(self, host: str, port: int, *, timeout_s: float) -> socket.socket:
        """A connected socket to a permitted address of `host`; the caller closes it.

        Raises:
            HostUnreachable: not known, or no address answers within `timeout_s` seconds in all.
            AddressRefused: not allowed.
        """
        problem: OSError | None = None
        for address, share_s in attempts(self.addresses(host, port), timeout_s=timeout_s):
            try:
                connected = socket.create_connection((address, port), timeout=share_s)
                connected.settimeout(timeout_s)
                return connected
            except OSError as error:
                problem = error
        reason = os_reason(problem) if problem else told("no address")
        raise HostUnreachable(
            told(
                "'{host}' does not answer on port {port}: {reason}.",
                host=host[:200],
                port=port,
                reason=reason,
            )
        ) from problem


def attempts(addresses: tuple[str, ...], *, timeout_s: float) -> Iterator[tuple[str, float]]:
    """Each address, and the seconds it may take so that all together take `timeout_s`.

    What one attempt does not use, the next ones have.
    """
    end = time.monotonic() + timeout_s
    for number, address in enumerate(addresses):
        share_s = (end - time.monotonic()) / (len(addresses) - number)
        yield address, max(share_s, _SHORTEST_ATTEMPT_S)


def parse_networks(text: str) -> tuple[Block, ...]:
    """Networks written as `10.0.0.0/8, fd00::/8, 192.0.2.7`.

    Raises:
        UsageError: one of them is no network.
    """
    blocks: list[Block] = []
    for part in text.replace(",", " ").split():
        try:
            blocks.append(ipaddress.ip_network(part))
        except ValueError as error:
            raise UsageError(
                told("'{part}' is no network: write for example 10.0.0.0/8.", part=part[:80])
            ) from error
    return tuple(blocks)


def _is_within(address: Address, blocks: tuple[Block, ...]) -> bool:
    return any(address in block for block in blocks if block.version == address.version)


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_IPV6 and address not in _NAT64:
        return False
    return not _is_within(address, _RESERVED)


def _embedded(address: Address) -> tuple[Address, ...]:
    """IPv4 addresses to which a gateway would translate this IPv6 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    inner: list[Address] = [] if address.sixtofour is None else [address.sixtofour]
    inner.extend(address.teredo or ())
    if address in _NAT64 or (address in _IPV4_COMPATIBLE and int(address) > 1):
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return tuple(inner)
