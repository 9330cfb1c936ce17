"""Does the index survive a writer that is killed at any moment? Prints JSON.

    python tests/index/kills.py [--kills N] [--seed N]

A process publishes and merges without a pause. After each publish that returned it
acknowledges the batch in a file. It is killed (SIGKILL) at a random moment; another one
goes on from what is there. After each kill must hold:

- `verify` is clean;
- every acknowledged document version that was not replaced is indexed, and none twice;
- the batch that was not acknowledged is there as a whole or not at all;
- answers over a random part of the documents equal those of an index made from scratch.

All the while a thread of this process searches the same index. It must see every
acknowledged document, the same answers over documents that never change, and no error.

Where the kills fell is read from a byte that the writer sets before and after each call,
and from what it left behind. A kill is not a power cut: what was handed to the system
stays, so this says nothing about syncing.

Exit status 1 if anything was lost, doubled or wrong.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assistant.index.contract import IndexDocument
from assistant.index.local import LocalIndex
from tests.index.faults import QUESTIONS, made_up_document
from tests.index.world import contents, open_index, permit, question

UNCHANGED = 30  # documents of batch 0, which are never replaced: ids 0 to 29
CHANGING = 240  # documents with the ids after them, replaced in turn for ever
BATCH = 6
RECENT = 10  # batches that the reader asks for
FORCED_EVERY = 2  # batches
PART = 40  # documents compared with an index made from scratch
WHOLE_EVERY = 25  # kills, after which all documents are compared
LONGEST_LIFE = 0.35  # seconds
WRITER_GIVES_UP = 30.0  # seconds, in case that nobody is left to kill it

IDLE, WRITING, MERGING = b"i", b"w", b"m"
PHASES = {IDLE: "idle", WRITING: "write", MERGING: "merge"}
EVERY_CHUNK = question("연차 휴가 규정", weight=1.0, k=1_000_000)  # the dense leg leaves nothing out

Versions = dict[int, int]


def _slots(number: int) -> Iterator[tuple[int, int]]:
    """(document id, version) of a batch; each batch has the next documents, round after round."""
    if number == 0:
        yield from ((document_id, 1) for document_id in range(UNCHANGED))
        return
    for place in range((number - 1) * BATCH, number * BATCH):
        yield UNCHANGED + place % CHANGING, 1 + place // CHANGING


def batch(number: int) -> list[IndexDocument]:
    """What is published under this number."""
    return [
        made_up_document(document_id, version, acl=document_id % 7, chunks=1 + document_id % 2)
        for document_id, version in _slots(number)
    ]


def versions_after(number: int) -> Versions:
    """The current version of every document once this batch is published."""
    first = max(1, number - CHANGING // BATCH + 1)
    return dict(_slots(0)) | {
        document_id: version
        for earlier in range(first, number + 1)
        for document_id, version in _slots(earlier)
    }


@dataclass(frozen=True, slots=True)
class Place:
    """Where the index lies, and beside it what the writer tells."""

    folder: Path

    @property
    def index(self) -> Path:
        """The folder of the index."""
        return self.folder / "index"

    @property
    def phase(self) -> Path:
        """One byte: what the writer is doing."""
        return self.folder / "phase"

    @property
    def _acknowledged(self) -> Path:
        return self.folder / "acknowledged"

    def acknowledge(self, number: int) -> None:
        """Say durably that a batch is published."""
        with self._acknowledged.open("ab") as stream:
            stream.write(b"%d\n" % number)
            stream.flush()
            os.fsync(stream.fileno())

    def acknowledged(self) -> int:
        """The last batch that was said to be published."""
        return int(self._acknowledged.read_bytes().rpartition(b"\n")[0].rpartition(b"\n")[2])


def write_for_ever(place: Place) -> None:
    """Merge and publish in turn, from where the last writer was killed.

    It cannot know that the last batch is there, so it begins by publishing that again.
    """
    end = time.monotonic() + WRITER_GIVES_UP
    index = open_index(place.index)
    number = place.acknowledged()
    with place.phase.open("r+b") as stream, mmap.mmap(stream.fileno(), 1) as phase:
        phase[:] = WRITING
        index.publish(batch(number))
        while time.monotonic() < end:
            live = permit(versions_after(number))
            phase[:] = MERGING
            index.compact(live=live, force=number % FORCED_EVERY == 0)
            phase[:] = IDLE
            number += 1
            documents = batch(number)
            phase[:] = WRITING
            index.publish(documents)
            phase[:] = IDLE
            place.acknowledge(number)


def nurse(place: Place) -> None:
    """For each line on standard input fork a writer; print its process id, and its status once it is dead.

    A fork of a process that has everything loaded writes at once. This process has one
    thread, so that nothing is locked in the fork.
    """
    with tempfile.TemporaryDirectory() as warm:
        index = open_index(Path(warm))
        for number in range(3):
            index.publish(batch(number))
        index.compact(live=permit(versions_after(2)), force=True)
    for _ in sys.stdin:
        writer = os.fork()
        if writer == 0:
            _write_and_exit(place)
        print(writer, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(writer, 0)[1]), flush=True)


def _write_and_exit(place: Place) -> NoReturn:
    try:
        write_for_ever(place)
    except BaseException:  # noqa: BLE001 - the edge of a process: whatever it was is told and counted
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


class Nursery:
    """The process that forks writers, as its parent sees it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdin, process.stdout

    def write_until_killed(self, seconds: float) -> int:
        """Let a writer live for so long. Returns its exit status, -SIGKILL if it lived till then."""
        print("write", file=self._in, flush=True)
        writer = int(self._out.readline())
        time.sleep(seconds)
        os.kill(writer, signal.SIGKILL)  # the nursery waits for it, so the number is still its own, or free
        return int(self._out.readline())


@contextmanager
def nursery(place: Place) -> Iterator[Nursery]:
    """A warm process to fork writers from."""
    command = [sys.executable, str(Path(__file__).resolve()), "--nurse", str(place.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Nursery(process)


@dataclass(slots=True)
class Tally:
    """What became of the kills so far."""

    fell: Counter[str] = field(default_factory=Counter)  # by phase
    left: Counter[str] = field(default_factory=Counter)  # kills by what they left behind
    unacknowledged: int = 0  # kills after which a whole batch was there that nobody had acknowledged
    lost: int = 0
    doubled: int = 0
    problems: list[str] = field(default_factory=list)


class Reader(threading.Thread):
    """Searches all the time and remembers what was wrong."""

    def __init__(self, place: Place) -> None:
        super().__init__(daemon=True)
        self._place = place
        self._stop_asked = threading.Event()
        self._open = open_index(place.index)
        self._unchanged = permit(versions_after(0))
        self._right = [self._open.search(query, permitted=self._unchanged) for query in QUESTIONS]
        self.searches = 0
        self.errors: list[str] = []

    def run(self) -> None:
        """Search until stopped."""
        chance = random.Random(0)
        while not self._stop_asked.is_set():
            index = open_index(self._place.index) if chance.random() < 0.05 else self._open
            try:
                self._ask(index, chance.randrange(len(QUESTIONS)))
            except Exception as error:  # noqa: BLE001 - the edge of a thread: any error is what is looked for
                self.errors.append(f"{type(error).__name__}: {error}")

    def stop(self) -> None:
        """End after the search that is under way."""
        self._stop_asked.set()
        self.join()

    def _ask(self, index: LocalIndex, number: int) -> None:
        self.searches += 2
        if index.search(QUESTIONS[number], permitted=self._unchanged) != self._right[number]:
            self.errors.append(f"other answers to {QUESTIONS[number].text!r} over unchanged documents")
        last = self._place.acknowledged()
        recent = {pair for number in range(max(1, last - RECENT), last + 1) for pair in _slots(number)}
        found = index.search(EVERY_CHUNK, permitted=permit(dict(recent)))
        # Once the writer has come round, the versions asked for are replaced and may be gone.
        if self._place.acknowledged() - last > CHANGING // BATCH - RECENT - 2:
            return
        seen = Counter((candidate.document_id, candidate.version) for candidate in found)
        if seen != {(document_id, version): 1 + document_id % 2 for document_id, version in recent}:
            self.errors.append(f"not each chunk once of the batches up to {last}: {sorted(seen.items())}")


@contextmanager
def errors_told(tally: Tally) -> Iterator[None]:
    """Count any error as a problem of the index."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever a reader or a writer would get is looked for
        tally.problems.append(f"{type(error).__name__}: {error}")


def inspect(place: Place, tally: Tally, chance: random.Random, *, whole: bool) -> None:
    """Compare what a new process finds with what was acknowledged."""
    index = open_index(place.index)
    tally.problems.extend(problem.detail for problem in index.verify())
    pairs = contents(index)
    there = set(pairs)
    last = place.acknowledged()
    current, torn = versions_after(last), set(_slots(last + 1))
    tally.doubled += len(pairs) - len(there)
    tally.lost += len(set(current.items()) - there)
    tally.unacknowledged += torn <= there
    if torn & there and torn - there:
        tally.problems.append(f"A part of batch {last + 1} is there.")
    known = versions_after(last + 1)
    tally.problems.extend(f"{pair} was never published." for pair in there if pair[1] > known.get(pair[0], 0))
    chosen = current if whole else dict(chance.sample(sorted(current.items()), min(PART, len(current))))
    tally.problems.extend(differing(index, chosen))


def differing(index: LocalIndex, chosen: Versions) -> list[str]:
    """What an index of nothing but these documents answers otherwise."""
    permitted = permit(chosen)
    with tempfile.TemporaryDirectory(prefix="mundap-scratch-") as made:
        scratch = open_index(Path(made))
        scratch.publish(
            [
                made_up_document(document_id, version, acl=0, chunks=1 + document_id % 2)
                for document_id, version in chosen.items()
            ]
        )
        return [
            f"Other answers to {query.text!r} than from scratch."
            for query in (*QUESTIONS, EVERY_CHUNK)
            if index.search(query, permitted=permitted) != scratch.search(query, permitted=permitted)
        ]


def left_behind(place: Place) -> Sequence[str]:
    """What a killed writer did not finish or remove."""
    manifest = (place.index / "manifest.json").read_text()
    found = {
        "unfinished segment" if path.suffix == ".unfinished" else "unnamed segment"
        for path in (place.index / "segments").iterdir()
        if path.name not in manifest
    }
    if any(path.suffix == ".new" for path in place.index.iterdir()):
        found.add("unfinished manifest")
    return sorted(found) or ["nothing"]


def run(folder: Path, *, kills: int, seed: int) -> tuple[Tally, Reader]:
    """Kill so many writers, looking at the index after each."""
    place, tally, chance = Place(folder), Tally(), random.Random(seed)
    open_index(place.index).publish(batch(0))
    place.acknowledge(0)
    reader = Reader(place)
    reader.start()
    with nursery(place) as nurses:
        for number in range(1, kills + 1):
            place.phase.write_bytes(IDLE)
            status = nurses.write_until_killed(chance.uniform(0, LONGEST_LIFE))
            if status != -signal.SIGKILL:
                tally.problems.append(f"A writer ended by itself with status {status}.")
            tally.fell[PHASES[place.phase.read_bytes()]] += 1
            with errors_told(tally):
                tally.left.update(left_behind(place))
                inspect(place, tally, chance, whole=number % WHOLE_EVERY == 0)
    reader.stop()
    with errors_told(tally):
        tidy(place, tally)
    return tally, reader


def tidy(place: Place, tally: Tally) -> None:
    """One more batch and merge must remove whatever the killed ones left."""
    index = open_index(place.index)
    last = place.acknowledged() + 2
    index.publish([*batch(last - 1), *batch(last)])
    index.compact(live=permit(versions_after(last)), force=True)
    place.acknowledge(last)
    tally.problems.extend(f"Left for good: {what}." for what in left_behind(place) if what != "nothing")
    if contents(index) != sorted(versions_after(last).items()):
        tally.problems.append("The last merge did not keep exactly the current versions.")


def main() -> int:
    """Read the arguments, kill, and print what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nurse", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.nurse is not None:
        nurse(Place(chosen.nurse))
        return 0
    began = time.perf_counter()
    # Only this process does not wait for the disk; the writers do, in a process of their own.
    with mock.patch("os.fsync"), tempfile.TemporaryDirectory(prefix="mundap-kills-") as made:
        tally, reader = run(Path(made), kills=chosen.kills, seed=chosen.seed)
        batches = Place(Path(made)).acknowledged()
    for complaint in (*tally.problems, *reader.errors):
        print(complaint, file=sys.stderr)
    print(
        json.dumps(
            {
                "kills": tally.fell.total(),
                "during_write": tally.fell["write"],
                "during_merge": tally.fell["merge"],
                "idle": tally.fell["idle"],
                "left_behind": dict(sorted(tally.left.items())),
                "unacknowledged": tally.unacknowledged,
                "batches": batches,
                "lost": tally.lost,
                "doubled": tally.doubled,
                "problems": len(tally.problems),
                "reader_searches": reader.searches,
                "reader_errors": len(reader.errors),
                "seconds": round(time.perf_counter() - began, 1),
            },
            indent=1,
        )
    )
    return 1 if tally.lost or tally.doubled or tally.problems or reader.errors else 0


if __name__ == "__main__":
    raise SystemExit(main())
