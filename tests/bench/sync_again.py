"""How long does a source take that has not changed, and one whose permissions have? Prints a Markdown table.

    python -m tests.bench.sync_again [--documents N] [--kinds NAME ...] [--moved N]

For each kind of source with a server of its own: N documents on the real server, a first sync into an
empty installation, then two more with nothing changed (the faster one counts; what is given is the
run's own time, from its claim to its end). A ratio below 20 misses the target.

Then a folder with an access file: M of its documents lie below one prefix, whose list changes from Ann to
Bob's group, and then the group loses Bob. Seconds are those of the permission run from the command to its
end; after each, a search by either person must show what the lists say, and no content may have been
read: the files cannot be opened by then. Exit status 1 if a target is missed or a search is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.filled_sources import FILLERS, FilledSource, Filling
from tests.bench.index_scale import processor
from tests.connectors.worlds import amazon_entries
from tests.sync.installation import Ended, Installation
from tests.sync.kills_documents import paragraphs, write_documents

LOCAL = {"MUNDAP_ALLOWED_NETWORKS": "127.0.0.0/8"}
SMALLEST_RATIO = 20
# One page of a wiki takes as long to make as ten files.
FEWER = {"mediawiki": 2, "dokuwiki": 2}
CHANGES = ("added", "updated", "deleted", "failed")
ANN, BOB = "ann@example.com", "bob@example.com"
WORD = "cormorant"


@dataclass(frozen=True, slots=True)
class Again:
    """A kind's first sync and its fastest repetition, in seconds."""

    name: str
    documents: int
    first_s: float
    again_s: float
    trouble: str = ""

    @property
    def ratio(self) -> float:
        """How many times faster the second one is."""
        return self.first_s / max(self.again_s, 1e-3)


def synced(installation: Installation, *arguments: str) -> Ended:
    """One run, with what it printed."""
    return installation.run("sync", "filled", "--wait", *arguments)


def added(installation: Installation, source: FilledSource, scratch: Path) -> None:
    """The installation with this source, called `filled`."""
    secrets = scratch / "secrets.json"
    secrets.write_text(json.dumps(dict(source.secrets)), encoding="utf-8")
    installation.done("prepare")
    installation.done(
        *("source", "add", "--kind", source.kind, "--name", "filled"),
        *("--config", json.dumps(dict(source.config)), "--secrets-file", str(secrets)),
    )


def measured(name: str, number: int) -> Again:
    """A source of this kind, read three times."""
    with tempfile.TemporaryDirectory(prefix="mundap-again-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        texts = {f"report-{index:05}": text for index, text in enumerate(paragraphs(number, seed=1))}
        write_documents(home / "documents", number=number, seed=1)
        with FILLERS[name](Filling(home / "documents", texts, home)) as source:
            installation = Installation(home / "home", LOCAL)
            added(installation, source, home)
            runs = [synced(installation) for _ in range(3)]
    results = [run.result for run in runs]
    wrong = [run.stderr[-300:] for run in runs if run.status]
    changed = [sum(int(str(each.get(key, 0))) for key in CHANGES) for each in results]
    if not wrong and changed != [number + source.besides, 0, 0]:
        wrong = [json.dumps(results)]
    if wrong:
        return Again(name, number, 0, 1, wrong[0])
    seconds = [float(str(each["seconds"])) for each in results]
    return Again(name, number, seconds[0], min(seconds[1:]))


@dataclass(frozen=True, slots=True)
class Obeyed:
    """What a change of permissions took, and what was wrong after it."""

    change: str
    documents: int
    seconds: float
    wrong: Sequence[str]


class Handbook:
    """A folder whose documents one prefix covers, read by Ann at first."""

    def __init__(self, home: Path, number: int) -> None:
        self.root, self.access, self.groups = home / "root", home / "access.json", home / "groups.json"
        self.number = number
        (self.root / "moved").mkdir(parents=True)
        for index in range(number):
            (self.root / "moved" / f"{index:05}.txt").write_text(f"Notice {index}: the {WORD} nests here.")
        self.installation = Installation(home / "home", LOCAL)
        self.readable_by([f"user:{ANN}"])
        self.members([f"user:{BOB}"])
        config = {"root": self.root, "access_file": self.access, "groups_file": self.groups}
        source = FilledSource("filesystem", {name: str(path) for name, path in config.items()})
        added(self.installation, source, home)
        for person in (ANN, BOB):
            self.installation.done("user", "add", person)
        synced(self.installation)

    def readable_by(self, allow: Sequence[str]) -> None:
        """Change the list of the prefix."""
        item = {"keyPrefix": "moved/", "aclEntries": amazon_entries(allow, [])}
        self.access.write_text(json.dumps([item]), encoding="utf-8")

    def members(self, members: Sequence[str]) -> None:
        """Change who is in the group."""
        self.groups.write_text(json.dumps([{"group": "team", "members": list(members)}]), encoding="utf-8")

    def obeyed(self, change: str, sees: str) -> Obeyed:
        """Take the change over without reading a document, and ask as both."""
        away = self.root.with_name("away")
        (self.root / "moved").rename(away)
        (self.root / "moved").mkdir()
        for path in away.iterdir():
            # Of the same name, size and time, so that a listing sees no change; the text is gone.
            twin = self.root / "moved" / path.name
            twin.write_bytes(b" " * path.stat().st_size)
            os.utime(twin, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        began = time.perf_counter()
        run = synced(self.installation, "--permissions")
        seconds = time.perf_counter() - began
        wrong = [run.stderr[-300:]] if run.status else []
        for person in (ANN, BOB):
            hits = self.installation.done("search", WORD, "--as", person)["hits"]
            if bool(hits) != (person == sees):
                wrong.append(f"{person} {'finds it' if hits else 'finds nothing'}")
        for path in away.iterdir():
            path.replace(self.root / "moved" / path.name)
        away.rmdir()
        return Obeyed(change, self.number, seconds, wrong)


def moved(number: int) -> list[Obeyed]:
    """The folder's changes, one after another."""
    with tempfile.TemporaryDirectory(prefix="mundap-moved-") as folder:
        handbook = Handbook(Path(folder), number)
        handbook.readable_by(["group:team"])
        done = [handbook.obeyed("the list of all, from Ann to Bob's group", BOB)]
        handbook.members([f"user:{ANN}"])
        return [*done, handbook.obeyed("the group's members, from Bob to Ann", ANN)]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--moved", type=int, default=5000)
    parser.add_argument("--kinds", nargs="*", choices=[*FILLERS], default=[*FILLERS])
    options = parser.parse_args()
    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    again = []
    for name in options.kinds:
        again.append(measured(name, max(options.documents // FEWER.get(name, 1), 1)))
        print(f"{again[-1]}", file=sys.stderr, flush=True)
    rows = [
        [one.name, f"{one.documents:,}", f"{one.first_s:.1f}", f"{one.again_s:.2f}", f"{one.ratio:.0f}"]
        for one in again
    ]
    print(table(["source", "documents", "first sync, s", "unchanged, s", "times faster"], rows), "\n")
    obeyed = moved(options.moved) if options.moved else []
    print(table(
        ["what changed", "documents", "seconds until obeyed"],
        [[one.change, f"{one.documents:,}", f"{one.seconds:.1f}"] for one in obeyed],
    ))  # fmt: skip
    wrong = [f"{one.name}: {one.trouble}" for one in again if one.trouble]
    wrong += [f"{one.name}: only {one.ratio:.0f} times faster" for one in again if one.ratio < SMALLEST_RATIO]
    wrong += [f"{one.change}: {each}" for one in obeyed for each in one.wrong]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
