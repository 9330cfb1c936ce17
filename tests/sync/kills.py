"""Kills the worker during a sync, again and again, and then counts: nothing lost, nothing twice.

    python tests/sync/kills.py --kills 10 --documents 250 --seed 1

Worker and scheduler are started as `manage.py up` starts them. At random moments the worker, or
sometimes only the one process of it that carries out the run, gets SIGKILL. Figures go to stdout as
JSON, what happens to stderr. Exit status 1 if anything is not as it must be.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from assistant.common.types import Json  # noqa: E402
from tests.sync.installation import Installation  # noqa: E402
from tests.sync.kills_documents import write_documents  # noqa: E402

SOURCE, READER = "killed", "reader@example.com"
LONGEST_S = 300.0  # for one worker to take the run over, or for the whole end of the run
LONGEST_WAIT_S = 15.0  # for progress before a kill
COMMITTED_AT_ONCE = 100  # documents
SEARCHES = 20


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


@dataclass(slots=True)
class Programs:
    """The worker and the scheduler of one installation, as separate processes."""

    home: Installation
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *, again: str = "") -> None:
        """Start a program; `again`: under this name, beside the one that runs already."""
        from assistant.config.programs import programs  # noqa: PLC0415 - needs the settings

        program = next(each for each in programs() if each.name == name)
        program.log.parent.mkdir(parents=True, exist_ok=True)
        with program.log.open("ab") as log:
            self.running[again or name] = subprocess.Popen(
                [sys.executable, "-m", "assistant.config.tether", str(os.getpid()), *program.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=self.home.environment,
                cwd=ROOT,
            )

    def kill(self, name: str) -> None:
        """SIGKILL to that process alone; its children must notice by themselves."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def stop(self) -> None:
        for process in self.running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@dataclass(slots=True)
class Deaths:
    """What the killing showed."""

    worker: int = 0
    pool_process: int = 0
    takeovers_s: list[float] = field(default_factory=list)
    done: list[int] = field(default_factory=list)


def killed_again_and_again(
    run_id: int, programs: Programs, *, kills: int, number: int, chance: random.Random
) -> Deaths:
    """Kill until `kills` are done, each at a random moment of somebody's work on the run."""
    from assistant.sync.models import SyncRun  # noqa: PLC0415 - needs the settings

    deaths = Deaths()
    programs.start("worker")
    started, last_owner = time.monotonic(), ""
    for round_number in range(kills):
        owner = _taken_over(run_id, unlike=last_owner)
        deaths.takeovers_s.append(round(time.monotonic() - started, 2))
        _random_moment(run_id, number=number, share=(round_number + 1) / (kills + 1), chance=chance)
        run = SyncRun.objects.get(pk=run_id)
        if run.finished_at is not None:
            break
        deaths.done.append(run.done)
        started, last_owner = time.monotonic(), owner
        if chance.random() < 0.25:  # only the process that works: the worker makes another one
            with suppress(ProcessLookupError):
                os.kill(int(owner.split(":")[1]), signal.SIGKILL)
            deaths.pool_process += 1
        else:
            programs.kill("worker")
            programs.start("worker")
            deaths.worker += 1
        say(f"kill {round_number + 1} at {run.done} of {number} documents")
    return deaths


def _random_moment(run_id: int, *, number: int, share: float, chance: random.Random) -> None:
    """Wait for some progress, never past `share` of the work, so that the run is not over too soon."""
    from assistant.sync.models import SyncRun  # noqa: PLC0415

    done = SyncRun.objects.get(pk=run_id).done
    wanted = chance.uniform(done, number * share)
    patience = time.monotonic() + chance.uniform(1.0, LONGEST_WAIT_S)
    while done < wanted and number - done > COMMITTED_AT_ONCE and time.monotonic() < patience:
        time.sleep(0.01)
        done = SyncRun.objects.get(pk=run_id).done
    time.sleep(chance.uniform(0.0, 1.5 if number - done > COMMITTED_AT_ONCE else 0.3))


def _taken_over(run_id: int, *, unlike: str) -> str:
    """Waits until a process that is not `unlike` works on the run; returns its name."""
    from assistant.sync.models import RunState, SyncRun  # noqa: PLC0415

    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        run = SyncRun.objects.get(pk=run_id)
        if run.finished_at is not None or (run.state == RunState.RUNNING and run.owner != unlike):
            return run.owner
        time.sleep(0.02)
    raise AssertionError(f"Nobody took the run over within {LONGEST_S} s.")


def ended(run_id: int) -> None:
    """Wait for the run's end."""
    from assistant.sync.models import SyncRun  # noqa: PLC0415

    deadline = time.monotonic() + LONGEST_S
    while SyncRun.objects.get(pk=run_id).finished_at is None:
        assert time.monotonic() < deadline, f"The run did not end within {LONGEST_S} s."
        time.sleep(0.05)


def wrongs_of_rows(run_id: int, words: dict[str, str]) -> list[str]:
    """What is wrong with the run's counts, the rows or the index."""
    from assistant.documents.models import Chunk, Document, Embedding  # noqa: PLC0415
    from assistant.ingest.indexing import current_index  # noqa: PLC0415
    from assistant.sync.models import SyncRun  # noqa: PLC0415

    run = SyncRun.objects.get(pk=run_id)
    rows = list(Document.objects.order_by("external_id"))
    chunks = list(Chunk.objects.order_by("document_id", "ordinal"))
    by_document: dict[int, list[Chunk]] = {}
    for chunk in chunks:
        by_document.setdefault(chunk.document_id, []).append(chunk)
    ids, versions = current_index().contents()
    indexed = sorted(zip(ids.tolist(), versions.tolist(), strict=True))
    counts = (run.added, run.updated, run.unchanged, run.deleted, run.failed)
    checks = {
        f"the run ended as {run.state} {run.code} {run.detail}": run.state == "succeeded",
        f"counts {counts}": counts == (len(words), 0, 0, 0, 0),
        f"total {run.total}": run.total == len(words),
        f"{SyncRun.objects.count()} runs": SyncRun.objects.count() == 1,
        "names of the documents": [row.external_id for row in rows] == sorted(words),
        "a document was stored twice": all(row.version == 1 for row in rows),
        "a document without passages, or one twice": all(
            [chunk.ordinal for chunk in by_document.get(row.pk, [])]
            == list(range(len(by_document.get(row.pk, []))))
            and row.pk in by_document
            for row in rows
        ),
        "index and rows differ": indexed == sorted((row.pk, row.version) for row in rows),
        "a text was embedded twice or never": Embedding.objects.count()
        == len({chunk.digest for chunk in chunks}),
    }
    return [what for what, right in checks.items() if not right]


def wrongs_of_search(words: dict[str, str], chance: random.Random) -> list[str]:
    """Words that find not exactly the document in which they stand."""
    from assistant.access.viewer import viewer_for  # noqa: PLC0415
    from assistant.accounts.models import User  # noqa: PLC0415
    from assistant.chat.finding import search  # noqa: PLC0415

    viewer = viewer_for(User.objects.get(email=READER))
    wrong = []
    for name in chance.sample(sorted(words), min(SEARCHES, len(words))):
        hits = search(words[name], viewer=viewer, k=10)
        carrying = [hit["external_id"] for hit in hits if words[name] in str(hit["passage"])]
        if carrying != [name] or hits[0]["external_id"] != name:
            wrong.append(f"'{words[name]}' of {name} finds {carrying}")
    return wrong


def measure(home: Path, *, kills: int, number: int, seed: int) -> dict[str, Json]:
    """The whole experiment in an empty folder; the key `wrong` lists what is not as it must be."""
    installation = Installation(home / "home")
    words = write_documents(home / "documents", number=number, seed=seed)
    installation.prepare()
    use(installation)
    run_id = asked_run("filesystem", {"root": str(home / "documents"), "audience": "everyone"})
    chance = random.Random(seed)
    programs = Programs(installation)
    began = time.monotonic()
    try:
        programs.start("maintenance")
        programs.start("scheduler")
        deaths = killed_again_and_again(run_id, programs, kills=kills, number=number, chance=chance)
        ended(run_id)
    finally:
        programs.stop()
    seconds = time.monotonic() - began
    from assistant.ingest.indexing import verify  # noqa: PLC0415 - needs the settings

    wrong = wrongs_of_rows(run_id, words) + wrongs_of_search(words, chance)
    wrong += [f"verify: {problem}" for problem in verify()]
    if deaths.worker + deaths.pool_process != kills:
        wrong.append(f"only {deaths.worker + deaths.pool_process} kills before the run ended")
    return {
        "documents": number,
        "kills_of_worker": deaths.worker,
        "kills_of_pool_process": deaths.pool_process,
        "done_at_kill": list(deaths.done),
        "takeover_s": list(deaths.takeovers_s),
        "seconds": round(seconds, 1),
        "searches": min(SEARCHES, number),
        "wrong": list(wrong),
    }


def use(installation: Installation) -> None:
    """Let this process read the installation's database and index."""
    os.environ.update(installation.environment, DJANGO_SETTINGS_MODULE="assistant.config.settings")
    import django  # noqa: PLC0415

    django.setup()


def asked_run(kind: str, config: dict[str, Json], secrets: Mapping[str, str] | None = None) -> int:
    """Add the reader and the source, and ask for its first run; returns the run's id."""
    from assistant.accounts.models import User  # noqa: PLC0415 - needs the settings
    from assistant.sync.services import add_source, request_run  # noqa: PLC0415

    User.objects.create_user(READER)
    source_id = add_source(kind=kind, name=SOURCE, config=config, secrets=secrets or {}, actor="test")
    return request_run(source_id=source_id, kind="incremental", actor="test")


def main() -> int:
    """Run the experiment in a temporary folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--documents", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mundap-kills-") as folder:
        figures = measure(Path(folder), kills=options.kills, number=options.documents, seed=options.seed)
    print(json.dumps(figures))
    return 1 if figures["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
