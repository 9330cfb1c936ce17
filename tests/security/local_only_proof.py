"""Does local-only mode let a single packet out, whatever is configured?

    python -m tests.security.local_only_proof [--up]

Runs in a network of its own (`unshare`), in which every address there is belongs to this machine, and every
packet to or from an address that is neither this machine's loopback nor the house's is read off the wire,
whichever protocol, port and library it is of. The same is done with the mode and without it: without it, each
act is to be seen. With `--up` by the programs of a real start; else by one process. JSON on stdout; exit
status 1 if a packet left, or an act was not seen without the mode.
"""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.common.name_server import NameServer, name_server
from tests.common.own_network import REPOSITORY, run_in_own_network, take_all_addresses
from tests.security.local_only_start import flaws, places, started

HOUSE = "10.20.0.0/16"
INSIDE = "10.20.0.5"  # with a server
KNOWN_NAME = "wiki.house"  # the hosts file has it
RESOLVER = "9.9.9.53"
_INSIDE = "--inside"
_ACTS = "import django; django.setup(); from tests.security import local_only_acts as acts; acts.main()"
_ALL_PROTOCOLS = 0x0003
_IPV4, _IPV6 = 0x0800, 0x86DD
_SETTLING_S = 0.3
_NAMES = ("source", "library", "socket", "old", "db")
# Acts that are seen by another sign than packets to their own address.
_BY_NAME = {
    "name of a source": "source.example.com",
    "name by a library": "library.example.com",
    "name by a socket": "socket.example.com",
    "name of old": "old.example.com",
    "name of an address": "1.8.184.93.in-addr.arpa",
    "database by a name": "db.example.com",
}
_BY_ADDRESS = {"IPv6": "2606:4700::1"}


@dataclass(slots=True)
class Wire:
    """Packets to what is outside, by address, and the names that the name server outside was asked for."""

    addresses: dict[str, int] = field(default_factory=dict)
    inside: int = 0  # packets of the house: the wire is read
    server: NameServer = field(default_factory=NameServer)

    def asked(self) -> set[str]:
        """Names that were asked for since then."""
        return {name for name, _ in list(self.server.asked)}

    def taken(self) -> dict[str, Any]:
        """What was seen since the last time."""
        time.sleep(_SETTLING_S)  # whoever sent and left at once is read by now
        found = {
            "addresses": self.addresses,
            "names": sorted(self.asked()),
            "packets inside": self.inside,
        }
        self.addresses, self.inside = {}, 0
        self.server.asked.clear()
        return found


def proof(*, up: bool = False) -> dict[str, Any]:
    """Run in a network of its own.

    Raises:
        RuntimeError: it failed, or cannot be made on this system.
    """
    return run_in_own_network("tests.security.local_only_proof", _INSIDE, *(["--up"] if up else []))


@contextmanager
def _read_wire() -> Iterator[Wire]:
    """Every packet goes over the loopback device here, and a copy of it comes to this socket."""
    house = (ipaddress.ip_network(HOUSE), ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1"))
    wire = Wire()
    reading = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL_PROTOCOLS))
    reading.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_000_000)

    def read() -> None:
        while True:
            try:
                packet, (_device, protocol, *_rest) = reading.recvfrom(128)
            except OSError:
                return
            if protocol not in (_IPV4, _IPV6):
                wire.addresses["other"] = wire.addresses.get("other", 0) + 1
                continue
            where = ipaddress.ip_address(packet[16:20] if protocol == _IPV4 else packet[24:40])
            if any(where in block for block in house if block.version == where.version):
                wire.inside += 1
            else:
                wire.addresses[str(where)] = wire.addresses.get(str(where), 0) + 1

    threading.Thread(target=read, daemon=True).start()
    yield wire
    reading.close()


def _always(address: str, _before: int) -> list[str]:
    return [address]


@contextmanager
def _answering(wire: Wire) -> Iterator[None]:
    """A name server outside, and a web server on every address that redirects as asked."""
    server = socket.create_server(("0.0.0.0", 80), backlog=64)

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(3)
            path = connection.recv(65_536).split(b" ", 2)[1:2]
            host = path[0].removeprefix(b"/to/") if path and path[0].startswith(b"/to/") else b""
            head = (
                b"HTTP/1.1 302 Found\r\nLocation: http://%s/\r\n" % host if host else b"HTTP/1.1 200 OK\r\n"
            )
            connection.sendall(head + b"Content-Length: 2\r\nConnection: close\r\n\r\nok")

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    with server, name_server(RESOLVER) as names:
        wire.server = names
        for number, name in enumerate(_NAMES, start=1):
            names.zones[f"{name}.example.com"] = partial(_always, f"93.184.9.{number}")
        yield


def _acts(wire: Wire, home: Path, *, local: bool) -> dict[str, Any]:
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _ACTS],
        cwd=REPOSITORY,
        env={
            **_environment(local=local),
            "MUNDAP_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "assistant.config.settings",
        },
        stdout=subprocess.PIPE,
        stderr=(home.parent / "errors").open("wb"),
        text=True,
    ) as acting:
        while acting.poll() is None:
            time.sleep(0.05)
            sent = _sent(home)
            if sent and "inside" not in list(sent)[-1:] and not unseen(sent, wire.addresses, wire.asked()):
                (home / f"enough-{list(sent)[-1]}").touch()
        assert acting.stdout is not None
        said = acting.stdout.read().strip()
    if not said:
        raise RuntimeError((home.parent / "errors").read_text(encoding="utf-8")[-4_000:])
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return {"sent": _sent(home), **found, **wire.taken()}


def _sent(home: Path) -> dict[str, dict[str, str]]:
    file = home / "sent.json"
    found: dict[str, dict[str, str]] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def _installation(wire: Wire, home: Path, *, local: bool) -> dict[str, Any]:
    home.mkdir()
    sent = {"configured": places()}

    def enough() -> bool:
        return not local and not unseen(sent, wire.addresses, ())

    return {"sent": sent, **started(home, _environment(local=local), enough=enough), **wire.taken()}


def _environment(*, local: bool) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MUNDAP_", "DATABASE_"))}
    return {**own, **({"MUNDAP_LOCAL_ONLY": "1", "MUNDAP_LOCAL_NETWORKS": HOUSE} if local else {})}


def _inside(*, up: bool) -> dict[str, Any]:
    began = time.monotonic()
    run = _installation if up else _acts
    with tempfile.TemporaryDirectory() as folder:
        take_all_addresses(Path(folder), resolver=RESOLVER, hosts=f"{INSIDE} {KNOWN_NAME}\n")
        with _read_wire() as wire, _answering(wire):
            kept = run(wire, Path(folder) / "kept", local=True)
            free = run(wire, Path(folder) / "free", local=False)
    return {"with the mode": kept, "without it": free, "seconds": round(time.monotonic() - began, 1)}


def unseen(
    sent: Mapping[str, Mapping[str, str]], addresses: Container[str], names: Container[str]
) -> list[str]:
    """Acts of which nothing was seen outside; none may be left where the mode is off."""
    return [
        name
        for group, acts in sent.items()
        for name, address in acts.items()
        if group != "inside"
        and not (_BY_NAME[name] in names if name in _BY_NAME else _BY_ADDRESS.get(name, address) in addresses)
    ]


def left(kept: dict[str, Any]) -> list[str]:
    """What went out although the mode is on."""
    return [*kept["addresses"], *kept["names"]]


def main() -> int:
    """Print what was seen."""
    up = "--up" in sys.argv
    found = _inside(up=up) if _INSIDE in sys.argv else proof(up=up)
    free = found["without it"]
    missed = unseen(free["sent"], free["addresses"], free["names"])
    wrong = [*left(found["with the mode"]), *(flaws(found["with the mode"]) if up else [])]
    print(
        json.dumps(
            {**found, "wrong": wrong, "not seen without the mode": missed}, ensure_ascii=False, indent=1
        )
    )
    return 1 if wrong or missed else 0


if __name__ == "__main__":
    sys.exit(main())
