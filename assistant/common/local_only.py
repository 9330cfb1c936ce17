"""Local-only mode: with which addresses may this process speak at all, and which names may it look up?

One decision for everybody: `Network` asks it before it connects, the guard (`local_guard.py`) when
anything else does. It belongs to the process, so nobody can make a client that forgets it. To look
a name up is to speak, too: the name goes to a name server, and from there to others. So a name counts
only if the hosts file of this machine holds it, or the operator named it as the house's own.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from assistant.common.told import Told, told

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Block = ipaddress.IPv4Network | ipaddress.IPv6Network

HOSTS_FILE = Path("/etc/hosts")
RESOLVER_FILE = Path("/etc/resolv.conf")
_DEFAULT_SERVER = "127.0.0.1"  # resolv.conf(5): where the file names none
_LONGEST_SHOWN = 100
_NUMBERS = re.compile(r"[0-9a-fx.]+", re.IGNORECASE)  # all that the older notations of IPv4 are made of
_WHITE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The house. `networks` besides this machine's loopback; `names` in lower case, with all below them."""

    networks: tuple[Block, ...] = ()
    names: tuple[str, ...] = ()

    def holds(self, address: Address) -> bool:
        """Whether this address is inside. Without one (0.0.0.0, ::) the kernel connects to this machine."""
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            return self.holds(address.ipv4_mapped)
        if address.is_loopback or address.is_unspecified:
            return True
        return any(address in block for block in self.networks if block.version == address.version)

    def names_it(self, host: str) -> bool:
        """Whether the operator called this name the house's own."""
        wanted = _plain(host)
        return any(wanted == name or wanted.endswith(f".{name}") for name in self.names)


_bounds: Bounds | None = None


def in_force() -> Bounds | None:
    """The bounds of this process; None where the mode is off."""
    return _bounds


def bind(bounds: Bounds | None) -> None:
    """Hold this process to these bounds from now on, and those that are forked from it."""
    global _bounds  # noqa: PLW0603 - the one switch of the process
    _bounds = bounds


@contextmanager
def bound(bounds: Bounds | None) -> Iterator[None]:
    """The same until the end of the block, for tests."""
    before = in_force()
    bind(bounds)
    try:
        yield
    finally:
        bind(before)


def holds(address: Address) -> bool:
    """Whether the mode lets anybody connect to this address; True where it is off."""
    return _bounds is None or _bounds.holds(address)


def refusal(host: str, *, version: int = 0) -> Told | None:
    """Why nothing may be sent to `host`, neither a connection nor a question for its address. None: it may.

    Nothing is asked of any network to find that out. A name that may be looked up can still turn out to
    stand for an address outside. `version`: addresses of this version of IP alone are wanted, and where the
    hosts file has none of them the system asks a name server; 0: of either.
    """
    if _bounds is None:
        return None
    address = literal(host)
    known = (address,) if address is not None else in_hosts_file(host, version=version)
    if known:
        return None if any(map(_bounds.holds, known)) else outside(host, known)
    if not _bounds.names_it(host):
        return told(
            "Local-only mode: the name '{host}' is not looked up. If it is yours, add it to "
            "MUNDAP_LOCAL_NAMES or to the hosts file of this machine.",
            host=shown(host),
        )
    strange = next((each for each in name_servers() if not _holds_text(_bounds, each)), None)
    if strange is not None:
        return told(
            "Local-only mode: the name '{host}' is not looked up, because the name server {server} is "
            "outside. If it is yours, add its network to MUNDAP_LOCAL_NETWORKS.",
            host=shown(host),
            server=strange,
        )
    return None


def refusal_of_any(addresses: Iterable[str]) -> Told | None:
    """The same for addresses as settings have them: `https://host/path`, `host:port`, `host`; the first."""
    for address in addresses:
        if (host := host_in(address)) and (found := refusal(host)) is not None:
            return found
    return None


def host_in(address: str) -> str:
    """The host that an address names; empty where it names none, as a folder does."""
    try:
        return urlsplit(address if "://" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""


def outside(host: str, addresses: tuple[Address | str, ...]) -> Told:
    """The sentence for a host whose addresses are all outside."""
    names = ", ".join(dict.fromkeys(map(str, addresses[:3])))
    return told(
        "Local-only mode: '{host}' is outside ({names}). If it is yours, add its network to "
        "MUNDAP_LOCAL_NETWORKS.",
        host=shown(host),
        names=names,
    )


def literal(host: str) -> Address | None:
    """The address that `host` is in digits, in any notation that the system takes; None for a name."""
    bare = host.partition("%")[0]  # a link-local address carries its interface after it
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        pass
    if not _NUMBERS.fullmatch(host):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))  # 127.1, 0x7f000001
    except OSError:
        return None


def in_hosts_file(host: str, *, version: int = 0) -> tuple[Address, ...]:
    """The addresses that this machine's own file gives the name; none where it does not hold it."""
    if _WHITE.search(host):
        return ()
    found = _hosts_of(_stamp(HOSTS_FILE)).get(_plain(host), ())
    return tuple(each for each in found if version in (0, each.version))


def name_servers() -> tuple[str, ...]:
    """Whom the system asks for names that no file holds."""
    return _servers_of(_stamp(RESOLVER_FILE))


def shown(host: str) -> str:
    """A host as a sentence or the log may have it."""
    return host[:_LONGEST_SHOWN] if host.isprintable() else repr(host[:_LONGEST_SHOWN])[1:-1]


def _plain(name: str) -> str:
    """A name as names are compared."""
    bare = name.lower().removesuffix(".")
    try:
        return bare if bare.isascii() else bare.encode("idna").decode("ascii")
    except UnicodeError:
        return bare


def _holds_text(bounds: Bounds, address: str) -> bool:
    found = literal(address)
    return found is not None and bounds.holds(found)


def _stamp(file: Path) -> tuple[Path, int, int]:
    """What tells one state of a file from another; zeros where it is not there."""
    try:
        found = file.stat()
    except OSError:
        return file, 0, 0
    return file, found.st_mtime_ns, found.st_ino


@lru_cache(maxsize=4)
def _hosts_of(stamp: tuple[Path, int, int]) -> dict[str, tuple[Address, ...]]:
    found: dict[str, tuple[Address, ...]] = {}
    for words in _lines(stamp[0]):
        address = literal(words[0])
        if address is not None:
            for name in words[1:]:
                found[_plain(name)] = (*found.get(_plain(name), ()), address)
    return found


@lru_cache(maxsize=4)
def _servers_of(stamp: tuple[Path, int, int]) -> tuple[str, ...]:
    found = tuple(words[1] for words in _lines(stamp[0]) if words[0] == "nameserver" and len(words) > 1)
    return found or (_DEFAULT_SERVER,)


def _lines(file: Path) -> Iterator[list[str]]:
    """The words of each line that is no comment; nothing where the file cannot be read."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        if words := line.partition("#")[0].split():
            yield words
