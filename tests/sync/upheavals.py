"""Takes away, in the middle of a sync, what the engine stands on: broker, database, the only scheduler.

    python tests/sync/upheavals.py --documents 400 --seed 1

A PostgreSQL of its own, a broker of files, two schedulers, a worker and a maintenance worker. While a run
goes on the broker is emptied again and again and the database is stopped hard and started again; the
due source is started by two schedulers. In the end every document must be indexed once, in one run, and
nothing may be lost or doubled. Figures go to stdout as JSON; exit status 1 if anything is not as it must be.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from assistant.common.types import Json  # noqa: E402
from tests.sync import kills as killing  # noqa: E402
from tests.sync.installation import Installation  # noqa: E402
from tests.sync.kills_documents import write_documents  # noqa: E402

LONGEST_S = 400.0
OUTAGE_S = 3.0
EMPTIED_S = 12.0  # two sweeps of each scheduler


@dataclass(slots=True)
class Cluster:
    """A PostgreSQL in a folder of its own, on a free port of this machine."""

    folder: Path
    port: int
    programs: Path

    @classmethod
    def made(cls, folder: Path) -> Cluster:
        """Make one; started it is not yet."""
        from tests.connectors.servers.programs import free_port  # noqa: PLC0415

        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        if not found:
            raise SystemExit("needs PostgreSQL: install the Debian package postgresql")
        folder.mkdir()
        shutil.chown(folder, "postgres")
        cluster = cls(folder, free_port(), found[-1])
        cluster._as_owner("initdb", "-D", str(folder), "-U", "mundap", "-A", "trust", "-E", "UTF8")
        return cluster

    @property
    def url(self) -> str:
        """How Mundap reaches it."""
        return f"postgresql://mundap@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        log = str(self.folder / "log")
        self._as_owner("pg_ctl", "-D", str(self.folder), "-l", log, "-w", "-o", options, "start")

    def stop(self) -> None:
        """As after a failure of power: without a word to whoever is connected."""
        self._as_owner("pg_ctl", "-D", str(self.folder), "-m", "immediate", "-w", "stop")

    def _as_owner(self, name: str, *arguments: str) -> None:
        command = [str(self.programs / name), *arguments]
        subprocess.run(
            ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
        )


def emptied(home: Installation, *, seconds: float) -> int:
    """Throw every message away that waits or comes within so many seconds; returns how many."""
    thrown = 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for file in (home.home / "broker").rglob("*"):
            with suppress(OSError):
                if file.is_file():
                    file.unlink()
                    thrown += 1
    return thrown


def until(what: Callable[[], bool], *, problem: str) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + LONGEST_S
    while not what():
        if time.monotonic() > deadline:
            raise AssertionError(problem)
        time.sleep(0.1)


def progress() -> tuple[int, int, bool]:
    """Runs so far, documents done by the first, whether it has ended; zeros while the database is away."""
    from django.db import DatabaseError, close_old_connections, connection  # noqa: PLC0415

    from assistant.sync.models import SyncRun  # noqa: PLC0415

    close_old_connections()
    try:
        first = SyncRun.objects.order_by("pk").first()
        return SyncRun.objects.count(), first.done if first else 0, bool(first and first.finished_at)
    except DatabaseError:
        connection.close()
        return 0, 0, False


def reached(documents: float) -> bool:
    """Whether the first run has dealt with so many documents, or has ended."""
    _, done, ended = progress()
    return ended or done >= documents


def measure(home: Path, *, number: int, seed: int) -> dict[str, Json]:
    """The whole experiment in an empty folder; the key `wrong` lists what is not as it must be."""
    home.chmod(0o755)
    cluster = Cluster.made(home / "postgresql")
    cluster.start()
    installation = Installation(home / "home", {"DATABASE_URL": cluster.url})
    words = write_documents(home / "documents", number=number, seed=seed)
    installation.prepare()
    installation.done("user", "add", killing.READER)
    killing.use(installation)
    programs = killing.Programs(installation)
    chance = random.Random(seed)
    messages = outages = 0
    began = time.monotonic()
    try:
        for name in ("worker", "maintenance", "scheduler"):
            programs.start(name)
        programs.start("scheduler", again="second scheduler")
        config = json.dumps({"root": str(home / "documents"), "audience": "everyone"})
        installation.done(
            "source", "add", "--kind", "filesystem", "--name", killing.SOURCE, "--config", config
        )
        messages += emptied(installation, seconds=EMPTIED_S)  # the first wake-ups among them
        until(lambda: progress()[1] > 0, problem="no scheduler has started the due source")
        for share in (0.2, 0.5, 0.75):
            until(partial(reached, number * share), problem="no progress")
            messages += emptied(installation, seconds=OUTAGE_S)
            if progress()[2]:
                break
            cluster.stop()
            messages += emptied(installation, seconds=OUTAGE_S)
            cluster.start()
            outages += 1
        until(lambda: progress()[2], problem="the run did not end")
        time.sleep(12)  # two more sweeps of each scheduler
        runs, _, _ = progress()
        from assistant.sync.models import SyncRun  # noqa: PLC0415

        run_id = SyncRun.objects.order_by("pk").values_list("pk", flat=True)[0]
        wrong = killing.wrongs_of_rows(run_id, words) + killing.wrongs_of_search(words, chance)
        verified = installation.run("verify")
        if verified.status != 0 or verified.result != {"ok": True, "problems": []}:
            wrong.append(f"verify: {verified.stdout} {verified.stderr}")
        if outages == 0:
            wrong.append("the run was over before the database was stopped")
    finally:
        programs.stop()
        cluster.stop()
    return {
        "documents": number,
        "runs": runs,
        "schedulers": 2,
        "messages_thrown_away": messages,
        "database_stopped": outages,
        "seconds": round(time.monotonic() - began, 1),
        "wrong": list(wrong),
    }


def main() -> int:
    """Run the experiment in a temporary folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mundap-upheavals-") as folder:
        figures = measure(Path(folder), number=options.documents, seed=options.seed)
    print(json.dumps(figures))
    return 1 if figures["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
