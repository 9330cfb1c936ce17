"""Does any process show what has been revoked?

    python -m tests.security.races --races 10000 --processes 3 --seed 1 [--database URL]

Starts several web processes over one database, and revokes and grants by real runs
while requests and event streams are in flight against all of them. A race is a request
that overlaps a revocation of the document it asks about, or begins within 100 ms of its
commit. Stale is a response whose request began after the commit and that still holds the
document's mark, or a stream that shows it, or is still open, more than 2 s after.

The database must be empty; without one, a SQLite file in a folder of its own is used.
Prints one JSON object; exit status 1 if anything was stale.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from random import Random
from threading import Thread
from typing import TYPE_CHECKING

from tests.unlimited import UNLIMITED

REPOSITORY = Path(__file__).resolve().parents[2]

if TYPE_CHECKING:
    from tests.security.race_requests import Clients, Outcome
    from tests.security.race_world import RaceWorld

READERS, STREAMS = 1, 3  # that go on all the time
BURST = 24  # requests sent around each revocation
_START_S = 120.0


def main() -> int:
    """Read the arguments, race in a folder of its own, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--races", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default="")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mundap-races-") as home:
        _set_environment(home, chosen.database or f"sqlite:///{home}/races.sqlite3")
        import django  # noqa: PLC0415 - needs the environment above
        from django.core.management import call_command  # noqa: PLC0415

        django.setup()
        call_command("migrate", verbosity=0)
        report = raced(Path(home), races=chosen.races, processes=chosen.processes, seed=chosen.seed)
    print(json.dumps(report))
    return 1 if report["stale_reads"] or report["errors"] else 0


def _set_environment(home: str, database: str) -> None:
    os.environ.update(
        {
            "MUNDAP_HOME": home,
            "DATABASE_URL": database,
            "DJANGO_SETTINGS_MODULE": "assistant.config.settings",
            "MUNDAP_DEMO": "0",
            "MUNDAP_LOG_LEVEL": "ERROR",
            "MUNDAP_REQUIRE_SECOND_FACTOR": "nobody",  # its people are signed in without a page
            **UNLIMITED,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(REPOSITORY),
        }
    )


def raced(home: Path, *, races: int, processes: int, seed: int) -> dict[str, object]:
    """Lay the world down, start the processes, race, stop them; returns what to print."""
    from tests.security.race_world import RaceWorld  # noqa: PLC0415 - needs loaded apps

    world = RaceWorld(home, seed=seed)
    world.lay_down()
    ports = _free_ports(processes)
    servers = [_server(port, home / f"web-{port}.log") for port in ports]
    try:
        _wait_for(ports, servers)
        began = time.monotonic()
        outcome, changes = _race(world, ports, races=races, seed=seed)
        seconds = time.monotonic() - began
    finally:
        for server in servers:
            server.send_signal(signal.SIGTERM)
        for server in servers:
            server.wait(timeout=30)
    cuts = sorted(outcome.cuts)
    return {
        "races": outcome.races.total(),
        "processes": processes,
        "stale_reads": len(outcome.stale),
        "slowest_cut_s": round(cuts[-1], 3) if cuts else None,
        "median_cut_s": round(cuts[len(cuts) // 2], 3) if cuts else None,
        "seconds": round(seconds, 1),
        "by_kind": dict(outcome.races),
        "revocations": changes,
        "requests": outcome.requests,
        "responses_with_a_mark": outcome.shown,
        "stale": outcome.stale[:20],
        "errors": outcome.refused[:20],
    }


def _race(world: RaceWorld, ports: list[int], *, races: int, seed: int) -> tuple[Outcome, int]:
    from tests.security.race_requests import Clients  # noqa: PLC0415 - needs loaded apps

    clients = Clients(world, ports, seed=seed)
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="clients", daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(clients.warm_up(), loop).result()
    background = [
        asyncio.run_coroutine_threadsafe(work(), loop)
        for work, count in ((clients.read_on, READERS), (clients.follow, STREAMS))
        for _ in range(count)
    ]
    changes = _change(world, clients, loop, races=races, random=Random(seed))
    clients.stopping = True
    for work_done in background:
        work_done.result(timeout=90)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=10)
    return clients.outcome, changes


def _change(
    world: RaceWorld, clients: Clients, loop: asyncio.AbstractEventLoop, *, races: int, random: Random
) -> int:
    """Revoke and grant at random moments until there have been enough races; returns how often."""
    changes, within_s = 0, 0.1
    while clients.outcome.races.total() < races:
        revocation = world.chosen()
        sent = asyncio.run_coroutine_threadsafe(
            clients.burst(revocation.numbers, size=BURST, within_s=within_s), loop
        )
        time.sleep(random.uniform(0.0, 0.03))
        began = time.monotonic()
        world.revoke(revocation)
        within_s = time.monotonic() - began + 0.06
        sent.result()
        changes += 1
        if changes % 40 == 5:
            time.sleep(2.8)
        world.grant()
        time.sleep(random.uniform(0.0, 0.05))
    return changes


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports


def _server(port: int, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as lines:
        return subprocess.Popen(
            [sys.executable, "-m", "assistant.config.serve"],
            cwd=REPOSITORY,
            env={**os.environ, "MUNDAP_PORT": str(port), "MUNDAP_HOST": "127.0.0.1"},
            stderr=lines,
        )


def _wait_for(ports: list[int], servers: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + _START_S
    waiting = list(ports)
    while waiting:
        assert all(server.poll() is None for server in servers), "a web process ended"
        assert time.monotonic() < deadline, f"nothing answers on {waiting}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{waiting[0]}/healthz", timeout=5):
                waiting.pop(0)
        except OSError:
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
