"""To which addresses may this installation connect?

Whoever may type an address could point it at the cloud's metadata service or at a
machine inside the house. So a name is resolved once, every address it stands for is
judged, and the socket goes to a judged address: a name that means something else a
moment later leads nowhere else.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from assistant.common.errors import MundapError, UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Block = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")  # RFC 4291, deprecated
_HIGHEST_PORT = 65_535


class AddressRefused(MundapError):
    """The host stands only for addresses that this installation may not connect to."""


class HostUnreachable(MundapError):
    """The host's name is not known, or nothing answers there."""


@dataclass(frozen=True, slots=True)
class Network:
    """The public internet, and the private networks that the operator allows."""

    allowed: tuple[Block, ...] = ()

    def permits(self, address: Address) -> bool:
        """Whether a connection to this address is allowed, whatever other address is written inside it."""
        return all(self._permits_plain(each) for each in (address, *_embedded(address)))

    def _permits_plain(self, address: Address) -> bool:
        if any(address in block for block in self.allowed if block.version == address.version):
            return True
        return address.is_global and not address.is_multicast

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """The permitted addresses that `host` stands for now, each ready to be connected to.

        Raises:
            HostUnreachable: the name is not known.
            AddressRefused: it is known, but leads only to addresses that are not allowed.
        """
        if not 0 < port <= _HIGHEST_PORT:
            raise HostUnreachable(f"{port} is no port: it must be 1 to {_HIGHEST_PORT}.")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise HostUnreachable(f"The host '{host[:200]}' is not known: check its name.") from error
        # A link-local address carries its interface after a %; the interface does not matter here.
        names = dict.fromkeys(str(entry[4][0]) for entry in found)
        permitted = tuple(n for n in names if self.permits(ipaddress.ip_address(n.partition("%")[0])))
        if not permitted:
            raise AddressRefused(
                f"The host '{host[:200]}' has a private or reserved address ({', '.join(list(names)[:3])}). "
                f"If it is yours, add its network to MUNDAP_ALLOWED_NETWORKS."
            )
        return permitted

    def connect(self, host: str, port: int, *, timeout_s: float) -> socket.socket:
        """A connected socket to a permitted address of `host`; the caller closes it.

        Raises:
            HostUnreachable: not known, or nothing answers within `timeout_s` seconds.
            AddressRefused: not allowed.
        """
        problem: OSError | None = None
        for address in self.addresses(host, port):
            try:
                return socket.create_connection((address, port), timeout=timeout_s)
            except OSError as error:
                problem = error
        reason = problem.strerror or str(problem) if problem else "no address"
        raise HostUnreachable(f"'{host[:200]}' does not answer on port {port}: {reason}.") from problem


def parse_networks(text: str) -> tuple[Block, ...]:
    """Networks written as `10.0.0.0/8, fd00::/8, 192.0.2.7`.

    Raises:
        UsageError: one of them is no network.
    """
    blocks: list[Block] = []
    for part in filter(None, (piece.strip() for piece in text.replace(",", " ").split())):
        try:
            blocks.append(ipaddress.ip_network(part))
        except ValueError as error:
            raise UsageError(f"'{part[:80]}' is no network: write for example 10.0.0.0/8.") from error
    return tuple(blocks)


def _embedded(address: Address) -> tuple[Address, ...]:
    """IPv4 addresses to which a gateway or the kernel would translate this IPv6 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    inner: list[Address] = [each for each in (address.ipv4_mapped, address.sixtofour) if each is not None]
    inner.extend(address.teredo or ())
    if address in _NAT64 or (address in _IPV4_COMPATIBLE and int(address) > 1):
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return tuple(inner)
