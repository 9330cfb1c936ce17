"""Does the outgoing client reach an address inside, however it is written, redirected to or resolved?

    python -m tests.common.ssrf_matrix

Runs in a network of its own (`unshare`: namespaces of user, mounts and network), in which every address
there is belongs to this machine, names are answered by a DNS server of the attacker's, and a server on every
address counts who comes. So an address that the guard lets through is reached, not merely looked at. JSON on
stdout: tries and connections by class; exit status 1 if one inside was reached, or the control was not.
"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from assistant.common import guarded_http
from assistant.common.errors import MundapError
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Ask, Reach
from assistant.common.network import Network, parse_networks
from tests.common.name_server import NameServer, Zone, name_server
from tests.common.own_network import run_in_own_network, take_all_addresses
from tests.common.ssrf_askers import Asking, askers
from tests.common.ssrf_notations import IPV4, IPV6, PUBLIC, PUBLIC6, STATUSES, hosts_of, places_of, urls_of

# Of servers that connectors and models talk to.
PORTS = (22, 80, 143, 389, 443, 445, 636, 993, 3306, 5432, 8080)
_SOME = ("127.0.0.1", "10.0.0.5", "169.254.169.254", "192.168.0.1")  # for what is multiplied with much else
_COMING_S = 20.0
_INSIDE = "--inside"


@dataclass(slots=True)
class Counted:
    """By class: how often it was tried, and how often a server inside was reached."""

    tried: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    connections: list[tuple[str, int]] = field(default_factory=list)  # address that was connected to, port
    seen: int = 0  # of them

    def inside(self) -> list[tuple[str, int]]:
        """Connections since the last look to what is not one of the two public addresses."""
        since, self.seen = self.seen, len(self.connections)
        return [each for each in self.connections[since : self.seen] if each[0] not in (PUBLIC, PUBLIC6)]


def matrix(*, short: bool = False) -> dict[str, Any]:
    """Run in a network of its own. `short`: fewer addresses, every class.

    Raises:
        RuntimeError: it failed, or cannot be made on this system.
    """
    return run_in_own_network("tests.common.ssrf_matrix", _INSIDE, *(["--short"] if short else []))


@contextmanager
def _servers(counted: Counted) -> Iterator[None]:
    """On every address, at each port: counts, and redirects where the path says so."""
    listening = []
    for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        for port in PORTS:
            server = socket.socket(family)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            server.bind((host, port))
            server.listen(64)
            listening.append(server)
            threading.Thread(target=_serve, args=(server, counted), daemon=True).start()
    yield
    for server in listening:
        server.close()


def _serve(server: socket.socket, counted: Counted) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        counted.connections.append(connection.getsockname()[:2])
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection:
        connection.settimeout(3)
        try:
            while request := connection.recv(65_536):
                connection.sendall(_response(request))
        except OSError:
            return


def _response(request: bytes) -> bytes:
    path = request.split(b" ", 2)[1].decode("latin-1") if request.count(b" ") > 1 else "/"
    first, _, rest = path.removeprefix("/to/").partition("/")
    if path.startswith("/to/"):
        place = unquote(rest, encoding="latin-1").encode("latin-1")
        head = f"HTTP/1.1 {first} Found\r\nContent-Length: 0\r\nLocation: ".encode()
        return head + place + b"\r\nRefresh: 0;url=" + place + b"\r\n\r\n"
    body = b'<meta http-equiv="refresh" content="0;url=http://10.0.0.5/">secret of the inside'
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def _inside(*, short: bool) -> dict[str, Any]:
    guarded_http._pause = lambda attempt: 0.0
    counted = Counted()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        take_all_addresses(Path(folder))
        with name_server() as names, _servers(counted):
            control = _control(counted)
            unguarded = _unguarded(counted)
            _notations(counted, short=short)
            _addresses(counted, short=short)
            _redirects(counted, short=short)
            rebinding = _names(counted, names, rounds=5 if short else 40)
            time.sleep(0.2)  # whoever connected and left at once is counted by now
            if late := counted.inside():
                counted.reached["late"] += len(late)
            by_asker = _askers(counted)
    return {
        "tried": dict(counted.tried),
        "tries": counted.tried.total(),
        "reached": dict(counted.reached),
        "examples": counted.examples[:20],
        "control": control,
        "reached where everything is allowed": unguarded,
        "rebinding": rebinding,
        "askers that reach where everything is allowed": by_asker,
        "seconds": round(time.monotonic() - began, 1),
    }


def _control(counted: Counted) -> dict[str, bool]:
    """Public addresses are reached, after a redirect too, and private ones without the guard."""
    found = {}
    for name, url in (
        ("public", f"http://{PUBLIC}/"),
        ("public IPv6", f"http://[{PUBLIC6}]/"),
        ("public after a redirect", f"http://{PUBLIC}/to/302/{quote(f'http://[{PUBLIC6}]/', safe='')}"),
    ):
        before = len(counted.connections)
        with GuardedClient(Reach(Network()), timeout_s=2, tries=1) as http:
            found[name] = b"secret" in http.get(url).body and len(counted.connections) > before
    for address in (*IPV4[:1], "10.0.0.5", "169.254.169.254", "::1", "fd00:ec2::254"):
        with socket.create_connection((address, 80), timeout=2):
            pass
        time.sleep(0.02)
        found[f"{address} without the guard"] = any(each[0] == address for each in counted.connections)
    counted.inside()
    return found


def _unguarded(counted: Counted) -> str:
    """How many notations of addresses inside lead there if nothing is forbidden."""
    everywhere = Reach(Network(parse_networks("0.0.0.0/0 ::/0")))
    tries, reached = 0, 0
    for address in _SOME:
        for _, host in hosts_of(address):
            tries += 1
            try:
                with GuardedClient(everywhere, timeout_s=2, tries=1) as http:
                    http.get(f"http://{host}/")
            except MundapError:
                continue
            reached += bool(counted.inside())
    return f"{reached} of {tries} notations"


def _notations(counted: Counted, *, short: bool) -> None:
    for address in (*IPV4[::4], *IPV6[::5]) if short else (*IPV4, *IPV6):
        for kind, host in hosts_of(address):
            _tried(counted, f"notation: {kind}", f"http://{host}/")
            _tried(counted, "socket of a connector", host.strip("[]"), _by_socket)


def _addresses(counted: Counted, *, short: bool) -> None:
    for address in _SOME[:1] if short else _SOME:
        for _, host in hosts_of(address):
            for kind, url in urls_of(host):
                _tried(counted, f"address: {kind}", url)


def _redirects(counted: Counted, *, short: bool) -> None:
    for address in _SOME[2:3] if short else (*_SOME, "::1", "fd00:ec2::254"):
        for _, host in hosts_of(address):
            for kind, place in places_of(host):
                for status in STATUSES[1:2] if short else STATUSES:
                    to = quote(place.encode(), safe="")
                    _tried(counted, f"redirect: {kind}", f"http://{PUBLIC}/to/{status}/{to}")
        to = f"http://{address if ':' not in address else f'[{address}]'}/"
        for hops in (2, 3, 4, 5, 6):
            for _ in range(hops):
                to = f"http://{PUBLIC}/to/302/{quote(to, safe='')}"
            _tried(counted, "redirect: chain", to)


def _askers(counted: Counted) -> dict[str, bool]:
    """Every connector and model on addresses inside. Gives back whether each comes where it may."""
    for name, ask in askers():
        for host in ("10.0.0.5", "169.254.169.254"):
            _tried(counted, name, host, partial(_guarded, ask))
    before = len(counted.connections)
    waited: dict[str, str] = {}
    for number, (name, ask) in enumerate(askers(), start=1):
        waited[f"10.9.9.{number}"] = name
        # None is waited for to its end: some are patient with a server that speaks HTTP to them.
        threading.Thread(target=_unjudged, args=(ask, f"10.9.9.{number}"), daemon=True).start()
    until = time.monotonic() + _COMING_S
    while time.monotonic() < until:
        came = {address for address, _ in counted.connections[before:]}
        if came >= set(waited):
            break
        time.sleep(0.02)
    came = {address for address, _ in counted.connections[before:]}
    return {name: all(a in came for a, one in waited.items() if one == name) for name in waited.values()}


def _guarded(ask: Asking, host: str) -> None:
    ask(host, Network())


def _unjudged(ask: Asking, host: str) -> None:
    with suppress(Exception):  # what a library makes of an answer that is HTTP is not the question here
        ask(host, Network(parse_networks("0.0.0.0/0 ::/0")))


def _names(counted: Counted, names: NameServer, *, rounds: int) -> dict[str, int]:
    """Names of the attacker's. Where a public address is among the answers, only that one may be reached."""

    def turning(*answers: list[str]) -> Zone:
        return lambda before: answers[before % len(answers)]

    public, inside, inside6 = [PUBLIC], ["10.0.0.5"], ["fd00:ec2::254"]
    zones: dict[str, Zone] = {
        "first-public.example": lambda before: public if before == 0 else inside,
        "turning.example": turning(public, inside),
        "turning-back.example": turning(inside, public),
        "metadata.example": lambda _: ["169.254.169.254"],
        "mapped.example": lambda _: ["::ffff:127.0.0.1"],
        "chain.example": lambda _: ["one.example", "two.example", "192.168.0.1"],
        "chain-turning.example": turning(["one.example", PUBLIC], ["two.example", "127.0.0.1"]),
        "many.example": lambda _: [*(f"10.0.0.{n}" for n in range(1, 9)), PUBLIC, "127.0.0.1"],
        "many-first.example": lambda _: [PUBLIC, "127.0.0.1", "10.0.0.1"],
        "both.example": lambda _: [PUBLIC, "::1", *inside6],
        "both-other.example": lambda _: [PUBLIC6, "127.0.0.1"],
        "six-only.example": lambda _: inside6,
        "zero.example": lambda _: ["0.0.0.0"],
        "metadata.google.internal": lambda _: ["169.254.169.254"],
    }
    names.zones.update(zones)
    asked = len(names.asked)
    answered = 0
    for name in [*zones, "localhost", "LOCALHOST.", "localhost.localdomain", "ip6-localhost"]:
        with GuardedClient(Reach(Network()), timeout_s=2, tries=1) as http:
            for number in range(rounds):

                def ask(url: str, http: GuardedClient = http, number: int = number) -> None:
                    nonlocal answered
                    # Every other request closes its connection first, so that the name is asked for anew.
                    if number % 2:
                        http.close()
                    http.get(url)
                    answered += 1

                _tried(
                    counted,
                    f"name: {'rebinding' if 'turning' in name or 'first' in name else 'inside'}",
                    f"http://{name}/{number}",
                    ask,
                )
        to = quote(f"http://{name}/", safe="")
        _tried(counted, "name: after a redirect", f"http://{PUBLIC}/to/302/{to}")
        _tried(counted, "name: socket of a connector", name, _by_socket)
    return {
        "questions to the name server": len(names.asked) - asked,
        "answered by a public address": answered,
    }


def _by_http(url: str) -> None:
    with GuardedClient(Reach(Network()), timeout_s=2, tries=1) as http:
        http.send(Ask("GET", url))


def _by_socket(host: str) -> None:
    Network().connect(host, 80, timeout_s=2).close()


def _tried(counted: Counted, kind: str, where: str, way: Callable[[str], None] = _by_http) -> None:
    counted.tried[kind] += 1
    with suppress(MundapError):
        way(where)
    if inside := counted.inside():
        counted.reached[kind] += 1
        counted.examples.append(f"{where!r} reached {inside[0]}")


def main() -> int:
    """Print the matrix."""
    short = "--short" in sys.argv
    found = _inside(short=short) if _INSIDE in sys.argv else matrix(short=short)
    print(json.dumps(found, ensure_ascii=False, indent=1))
    whole = all(found["control"].values()) and all(
        found["askers that reach where everything is allowed"].values()
    )
    return 1 if found["reached"] or not whole else 0


if __name__ == "__main__":
    sys.exit(main())
