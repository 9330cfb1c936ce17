"""A folder of 100,000 documents is moved: how long until everybody's questions obey? Prints JSON.

    python -m tests.bench.acl_change [--documents N] [--lists N] [--home DIR]

A `jsonl` source with N short documents under L access lists, read by its engine into a home of its own.
Then every list changes (Ann's group out, Bob's in), and a run of kind `permissions` takes it over, while
another process, which has searched for both before, goes on. Measured are the seconds of that run,
from the command to its end; how far behind it the other process is (the first search after the run,
in milliseconds); and the same for a change of who is in a group, which touches no document. `--home`
keeps what the first run read.

`chunks_rewritten` counts the chunks in files of the index that are not those of before.
Exit status 1 if it is not 0, or if a search shows anything but what the lists say.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.index_scale import processor
from tests.sync.installation import ROOT, Installation

ANN, BOB = "ann@example.com", "bob@example.com"
SOURCE, WORD = "archive", "cormorant"
K = 10


@dataclass(frozen=True, slots=True)
class Moved:
    """What a change took, and what was seen after it."""

    run_s: float
    documents_per_s: float
    first_search_ms: float
    next_search_ms: float
    chunks_rewritten: int
    wrong: list[str]


def write_source(
    path: Path, *, documents: int, lists: int, owners: str, members: dict[str, list[str]]
) -> None:
    """One text in every document, so that hardly anything is embedded; `owners` is the group let in."""
    with path.open("w", encoding="utf-8") as out:
        for group, people in members.items():
            out.write(json.dumps({"group": group, "members": [f"user:{who}" for who in people]}) + "\n")
        for number in range(documents):
            allow = [f"group:{owners}", f"user:colleague{number % lists}@example.com"]
            line = {
                "id": f"d{number}",
                "title": "Notice",
                "text": f"The {WORD} nests here.",
                "acl": {"allow": allow},
            }
            out.write(json.dumps(line) + "\n")


def command(installation: Installation, *arguments: str) -> float:
    """Seconds that a `manage.py` command takes."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=installation.environment,
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def index_files(home: Path) -> dict[str, tuple[int, int]]:
    """Each segment's identity (inode and time of its chunk ids) by its name."""
    found = {}
    for path in home.glob("index/**/chunk_ids.npy"):
        stat = path.stat()
        found[path.parent.name] = (stat.st_ino, stat.st_mtime_ns)
    return found


def chunks_in(home: Path, names: set[str]) -> int:
    """How many chunks the named segments hold."""
    import numpy as np  # noqa: PLC0415 - only here

    paths = (path for path in home.glob("index/**/chunk_ids.npy") if path.parent.name in names)
    return sum(len(np.load(path, mmap_mode="r")) for path in paths)


class Reader:
    """A process that has answered before, as a web process has: this one."""

    def __init__(self, home: Path) -> None:
        os.environ.update({"MUNDAP_HOME": str(home), "DJANGO_SETTINGS_MODULE": "assistant.config.settings"})
        import django  # noqa: PLC0415 - after the environment

        django.setup()

    def hits(self, email: str) -> tuple[int, float]:
        """How many hits a person gets, and after how many milliseconds."""
        from assistant.access.viewer import viewer_for  # noqa: PLC0415 - after the set-up
        from assistant.accounts.models import User  # noqa: PLC0415
        from assistant.retrieval.retrieve import Plan, retrieve  # noqa: PLC0415

        viewer = viewer_for(User.objects.get(email=email))
        began = time.perf_counter()
        found = retrieve(WORD, viewer=viewer, plan=Plan(k=K))
        return len(found.hits), 1000 * (time.perf_counter() - began)


def change(installation: Installation, reader: Reader, *, documents: int, sees: str, sees_not: str) -> Moved:
    """Let the permissions run take over what the source now says, and look."""
    before = index_files(installation.home)
    seconds = command(installation, "sync", SOURCE, "--permissions", "--wait")
    (denied, first_ms), (shown, next_ms) = reader.hits(sees_not), reader.hits(sees)
    after = index_files(installation.home)
    wrong = []
    if denied:
        wrong.append(f"{sees_not} still finds {denied} documents")
    if shown != K:
        wrong.append(f"{sees} finds {shown} of {K} documents")
    return Moved(
        run_s=round(seconds, 1),
        documents_per_s=round(documents / seconds),
        first_search_ms=round(first_ms, 1),
        next_search_ms=round(next_ms, 1),
        chunks_rewritten=chunks_in(
            installation.home, {name for name in after if after[name] != before.get(name)}
        ),
        wrong=wrong,
    )


def measure(home: Path, *, documents: int, lists: int) -> dict[str, object]:
    """Read the source once, then move it from Ann to Bob, and back by membership."""
    installation = Installation(home / "installation")
    path = home / "archive.jsonl"
    members = {"a": [ANN], "b": [BOB]}
    write_source(path, documents=documents, lists=lists, owners="a", members=members)
    if kept := installation.home.exists():
        command(installation, "sync", SOURCE, "--permissions", "--wait")
    else:
        installation.done("prepare")
        for person in (ANN, BOB):
            installation.done("user", "add", person)
        config = json.dumps({"path": str(path)})
        installation.done("source", "add", "--kind", "jsonl", "--name", SOURCE, "--config", config)
    first_s = None if kept else command(installation, "sync", SOURCE, "--wait")
    reader = Reader(installation.home)
    started = {"ann": reader.hits(ANN)[0], "bob": reader.hits(BOB)[0]}
    write_source(path, documents=documents, lists=lists, owners="b", members=members)
    moved = change(installation, reader, documents=documents, sees=BOB, sees_not=ANN)
    write_source(path, documents=documents, lists=lists, owners="b", members={"a": [BOB], "b": [ANN]})
    regrouped = change(installation, reader, documents=documents, sees=ANN, sees_not=BOB)
    wrong = [] if started == {"ann": K, "bob": 0} else [f"before any change: {started}"]
    return {
        "machine": processor(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "documents": documents,
        "lists": lists,
        "first_sync_s": first_s and round(first_s, 1),
        "lists_changed": asdict(moved),
        "members_changed": asdict(regrouped),
        "wrong": [*wrong, *moved.wrong, *regrouped.wrong],
    }


def main() -> int:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--lists", type=int, default=1_000)
    parser.add_argument("--home", type=Path, help="keep what was read for next time here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mundap-acl-change-") as made:
        found = measure(options.home or Path(made), documents=options.documents, lists=options.lists)
    print(json.dumps(found, indent=1))
    rewritten = [
        part["chunks_rewritten"]
        for part in (found["lists_changed"], found["members_changed"])
        if isinstance(part, dict)
    ]
    return 1 if found["wrong"] or any(rewritten) else 0


if __name__ == "__main__":
    raise SystemExit(main())
