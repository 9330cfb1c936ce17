"""Does any damage to the index's files go unnoticed, or do harm? Prints JSON.

    python tests/index/faults.py [--faults N] [--seed N]

A small index lives through one fault after another. A fault is one random file of the
index, whichever files there are, with a bit or a byte changed, cut short, lengthened,
blanked, deleted, or exchanged with another segment's file of the same name; now and then
with its time set back, so that only reading it can tell. Then must hold:

- somebody notices: a search refuses, or `verify` reports;
- no search answers anything but what it answered before the damage, neither in a new
  process (a fresh instance) nor in one that has had the index open all along, and no
  merge makes damaged files part of a new segment;
- after `discard_damaged`, and after publishing what `contents` then lacks, `verify` is
  clean and every answer is the former one, to the last bit.

An instance that is open cannot see a change that leaves a file's size, time and identity
alone, so such a fault is asked of fresh instances only. A manifest of former times, put
back whole, is no damage but a former state, and is not tried.

Exit status 1 if a fault went unnoticed, an answer was wrong, or a repair failed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assistant.common.errors import IndexDamaged
from assistant.index.contract import Candidate, IndexDocument, PermittedVersions
from assistant.index.local import LocalIndex
from tests.index.world import contents, document, open_index, permit, question

# Holds nothing and is made again when it is gone.
NOT_OF_THE_INDEX = frozenset({"writer.lock"})
DOCUMENTS = 24
CHECKED_WHILE_DAMAGED = 2  # answers asked of each instance: one that has refused must go on refusing
CHECKED_OF_OPEN = 2  # answers asked of the open instance after a repair; a fresh one is asked all
FORCED_MERGES = 0.25  # of the repairs
TIMES_SET_BACK = 0.25  # of the faults that leave a file in its place

_WORDS_LISTED = (
    "연차 휴가는 규정에 출장비를 정산 보안 비밀번호 재택근무 신청 승인 결재 회의실 장비 교육 travel expenses"
    " policy leave approval laptop security password the meeting HR-2024-017 vpn report_v2.pdf remote work"
)
WORDS = _WORDS_LISTED.split()
QUESTIONS = (
    question("연차 휴가 규정", k=5),
    question("travel expenses 출장비", weight=0.0, k=20),
    question("laptop security", weight=1.0, k=5),
    question("HR-2024-017 vpn 신청", k=10, one_per_document=True),
)
ACLS: tuple[Callable[[int], int], ...] = (
    lambda number: 7,  # one list for all
    lambda number: number % 5,  # some, shared
    lambda number: 1000 - number,  # one a document, the last one first
)


def made_up_document(document_id: int, version: int, *, acl: int, chunks: int) -> IndexDocument:
    """A document whose words follow from its number and version."""
    chance = random.Random(f"{document_id} {version}")
    texts = [" ".join(chance.choices(WORDS, k=chance.randint(4, 12))) for _ in range(chunks)]
    title = " ".join(chance.sample(WORDS, 2))
    return document(document_id, *texts, version=version, acl=acl, title=title, name=f"{title[:4]}.txt")


@dataclass(frozen=True, slots=True)
class World:
    """What is indexed, and who may read which part of it."""

    documents: dict[tuple[int, int], IndexDocument]  # of the current versions
    former: tuple[IndexDocument, ...]  # of replaced versions; nobody may read them
    live: PermittedVersions
    masks: tuple[PermittedVersions, ...]


def made_up_world(acl_of: Callable[[int], int], chance: random.Random) -> World:
    """Documents with 0 to 3 chunks at versions 1 to 3, and masks from everything to one document."""
    versions = {number: chance.randint(1, 3) for number in range(1, DOCUMENTS + 1)}
    parts = {number: chance.choice([0, 1, 1, 2, 2, 3]) for number in versions}
    current = {
        (number, version): made_up_document(number, version, acl=acl_of(number), chunks=parts[number])
        for number, version in versions.items()
    }
    former = tuple(
        made_up_document(number, old, acl=acl_of(number), chunks=parts[number])
        for number, version in versions.items()
        for old in range(1, version)
    )
    some = set(chance.sample(sorted(versions), DOCUMENTS // 3))
    parted = acl_of(chance.choice(sorted(versions)))
    masks = (
        permit(versions),
        permit({number: version for number, version in versions.items() if number in some}),
        permit({number: version for number, version in versions.items() if acl_of(number) == parted}),
    )
    return World(current, former, permit(versions), masks)


@dataclass(slots=True)
class Tally:
    """What became of the faults so far."""

    faults: Counter[str] = field(default_factory=Counter)  # by kind
    detected: Counter[str] = field(default_factory=Counter)  # by kind
    files: Counter[str] = field(default_factory=Counter)  # faults by name of the file
    unseen_by_stat: int = 0  # faults that left size, time and identity alone
    wrong_results: int = 0
    unrepaired: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """What was done to which file, and whether a look at it tells without reading it."""

    kind: str
    path: Path
    seen_by_stat: bool


Stamp = tuple[int, int, int]


def _stamp(path: Path) -> Stamp | None:
    """What a look at a file tells without reading it: identity, size, time."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _changed_bit(content: bytes, chance: random.Random) -> bytes:
    return _xored(content, chance, 1 << chance.randrange(8))


def _changed_byte(content: bytes, chance: random.Random) -> bytes:
    return _xored(content, chance, chance.randrange(1, 256))


def _xored(content: bytes, chance: random.Random, pattern: int) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ pattern]) + content[at + 1 :]


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def _lengthened(content: bytes, chance: random.Random) -> bytes:
    return content + chance.choice([b"\0", b" ", b"\n", chance.randbytes(chance.randint(1, 64))])


def _blanked(content: bytes, chance: random.Random) -> bytes:
    return bytes(len(content))


ALTERATIONS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "bit": _changed_bit,
    "byte": _changed_byte,
    "cut": _cut,
    "lengthened": _lengthened,
    "blanked": _blanked,
}
WEIGHTS = {"bit": 25, "byte": 20, "cut": 20, "deleted": 15, "lengthened": 5, "blanked": 5, "exchanged": 10}


def _files(folder: Path) -> list[Path]:
    """Every file of the index, whatever files an index is made of."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if path.name not in NOT_OF_THE_INDEX)


def _namesake(path: Path, folder: Path, chance: random.Random) -> Path | None:
    """Another segment's file of the same name and other content."""
    content = path.read_bytes()
    others = [p for p in _files(folder) if p.name == path.name and p != path and p.read_bytes() != content]
    return chance.choice(others) if others else None


def strike(folder: Path, chance: random.Random) -> Fault:
    """Damage one random file."""
    path = chance.choice(_files(folder))
    kind = chance.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))[0]
    other = _namesake(path, folder, chance) if kind == "exchanged" else None
    if kind == "exchanged" and other is None:
        kind = "deleted"
    before = {each: each.read_bytes() for each in (path, other) if each is not None}
    stamps = {each: _stamp(each) for each in before}
    if kind == "deleted":
        path.unlink()
    elif other is not None:
        _put(path, before[other], chance)
        _put(other, before[path], chance)
    else:
        _put(path, ALTERATIONS[kind](before[path], chance), chance)
    seen = all(_stamp(each) != stamp for each, stamp in stamps.items())
    return Fault(kind, path, seen)


def _put(path: Path, content: bytes, chance: random.Random) -> None:
    """Write over a file in its place, sometimes with its time set back, or put another in its place."""
    if chance.random() < 0.3:
        fresh = path.with_name(path.name + ".other")
        fresh.write_bytes(content)
        fresh.replace(path)
        return
    times = path.stat()
    path.write_bytes(content)
    if chance.random() < TIMES_SET_BACK:
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


class Living:
    """An index that is damaged and repaired over and over, and an instance that has it open all along."""

    def __init__(self, folder: Path, world: World, chance: random.Random, tally: Tally) -> None:
        self._folder, self._world, self._chance, self._tally = folder, world, chance, tally
        self._open = open_index(folder)
        self._publish_missing(self._open)
        self._open.compact(live=world.live, force=True)
        self._open.publish(world.former)
        self._asked = [(query, mask) for query in QUESTIONS for mask in world.masks]
        self._right = [self._open.search(query, permitted=mask) for query, mask in self._asked]

    def suffer(self) -> None:
        """One fault: damage, see what is noticed, repair, compare."""
        fault = strike(self._folder, self._chance)
        self._tally.faults[fault.kind] += 1
        self._tally.files[fault.path.name] += 1
        self._tally.unseen_by_stat += not fault.seen_by_stat
        if self._noticed(fault):
            self._tally.detected[fault.kind] += 1
        else:
            self._complain(f"unnoticed: {fault.kind} {fault.path.relative_to(self._folder)}")
            self._start_again()
        if not self._repaired():
            self._complain(f"unrepaired: {fault.kind} {fault.path.relative_to(self._folder)}")
            self._tally.unrepaired += 1
            self._start_again()

    def _start_again(self) -> None:
        self._open.drop()
        self._publish_missing(self._open)

    def _noticed(self, fault: Fault) -> bool:
        self._merge_before_anybody_looked()
        noticed = False
        for index in (self._open, open_index(self._folder))[0 if fault.seen_by_stat else 1 :]:
            for number in self._chance.sample(range(len(self._asked)), CHECKED_WHILE_DAMAGED):
                noticed |= self._refuses(index, number)
        return bool(open_index(self._folder).verify()) or noticed

    def _merge_before_anybody_looked(self) -> None:
        """The open instance may refuse to merge, or merge what is sound; the damage must stay noticeable.

        If only reading tells that a file has changed, a column in memory may have changed with it, so
        that anything may be raised, say for an id that points past the end of an array.
        """
        with suppress(Exception):
            self._open.compact(live=self._world.live, force=True)

    def _refuses(self, index: LocalIndex, number: int) -> bool:
        """Whether a search says that the index is damaged; counts another error, or a wrong answer."""
        query, mask = self._asked[number]
        try:
            found = index.search(query, permitted=mask)
        except IndexDamaged:
            return True
        except Exception as error:  # noqa: BLE001 - an index may raise anything when it is read blindly
            wrong = f"{type(error).__name__}: {error}"
        else:
            wrong = "wrong answer" if found != self._right[number] else ""
        if wrong:
            self._tally.wrong_results += 1
            self._complain(f"{wrong} to {query.text!r}")
        return False

    def _repaired(self) -> bool:
        """Whether everything is as before, once the damage is discarded and what is missing published."""
        try:
            return self._repair_and_compare()
        except Exception as error:  # noqa: BLE001 - whatever hinders a repair is told and counted
            self._complain(f"{type(error).__name__}: {error}")
            return False

    def _repair_and_compare(self) -> bool:
        writer = self._chance.choice([self._open, open_index(self._folder)])
        writer.discard_damaged()
        self._publish_missing(writer)
        writer.compact(live=self._world.live, force=self._chance.random() < FORCED_MERGES)
        fresh = open_index(self._folder)
        there = contents(fresh)
        whole = len(there) == len(set(there)) and set(there) >= set(self._world.documents)
        some = self._chance.sample(range(len(self._asked)), CHECKED_OF_OPEN)
        return (
            whole
            and fresh.verify() == []
            and all(self._answers_as_before(fresh, number) for number in range(len(self._asked)))
            and all(self._answers_as_before(self._open, number) for number in some)
        )

    def _answers_as_before(self, index: LocalIndex, number: int) -> bool:
        query, mask = self._asked[number]
        found: list[Candidate] = index.search(query, permitted=mask)
        return found == self._right[number]

    def _publish_missing(self, writer: LocalIndex) -> None:
        """What `contents` lacks, in a few portions, with some replaced versions among it."""
        there = set(contents(writer))
        missing = [each for pair, each in self._world.documents.items() if pair not in there]
        some = self._chance.sample(self._world.former, min(2, len(self._world.former)))
        for portion in _portions([*missing, *some], self._chance):
            writer.publish(portion)

    def _complain(self, what: str) -> None:
        print(what, file=sys.stderr)


def _portions(documents: Sequence[IndexDocument], chance: random.Random) -> Iterator[list[IndexDocument]]:
    count = chance.choice([1, 1, 2])
    for first in range(count):
        yield list(documents[first::count])


def run(folder: Path, *, faults: int, seed: int) -> Tally:
    """Damage an index for each way to lay documents out, `faults` times in all."""
    tally = Tally()
    chance = random.Random(seed)
    for number, acl_of in enumerate(ACLS):
        world = made_up_world(acl_of, chance)
        living = Living(folder / str(number), world, chance, tally)
        for _ in range(number, faults, len(ACLS)):
            living.suffer()
    return tally


def main() -> int:
    """Read the arguments, damage, and print what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    began = time.perf_counter()
    # A power cut is not among the faults, so nothing needs to wait for the disk.
    with mock.patch("os.fsync"), tempfile.TemporaryDirectory(prefix="mundap-faults-") as made:
        tally = run(Path(made), faults=chosen.faults, seed=chosen.seed)
    detected = tally.detected.total()
    print(
        json.dumps(
            {
                "faults": tally.faults.total(),
                "detected": detected,
                "by_kind": {
                    kind: {"faults": count, "detected": tally.detected[kind]}
                    for kind, count in sorted(tally.faults.items())
                },
                "by_file": dict(sorted(tally.files.items())),
                "unseen_by_stat": tally.unseen_by_stat,
                "wrong_results": tally.wrong_results,
                "unrepaired": tally.unrepaired,
                "seconds": round(time.perf_counter() - began, 1),
            },
            indent=1,
        )
    )
    return 1 if detected < chosen.faults or tally.wrong_results or tally.unrepaired else 0


if __name__ == "__main__":
    raise SystemExit(main())
