"""What our index needs on a world: seconds to build, milliseconds to answer, memory, disk, a cold start.

Each function is meant for a process of its own, so that nothing else counts as its memory or warms it.
The index is used as any reader and writer uses it: through `LocalIndex` and nothing else.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from assistant.index.contract import Candidate, IndexQuery, PermittedVersions
from assistant.index.local import LocalIndex
from assistant.index.warm_up import warm_up
from assistant.providers.contract import Embedder
from assistant.providers.registry import embedder
from tests.bench.index_world import DIMENSION, Question, World

TOP = 10
HYBRID_WEIGHT = 0.4
_MODEL = "made-up"
_AT_ONCE = 20_000  # chunks
_WARM_UP = 5
_NEW_MASKS = 7
_READ_AT_ONCE = 1 << 24


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of some calls."""

    runs: int
    p50: float
    p95: float
    worst: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A person's permissions and what the person asks."""

    versions: PermittedVersions
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """What one way of searching gave and took for one person."""

    timing: Timing
    found: tuple[tuple[int, ...], ...]  # chunk ids, best first, for each question
    scores: tuple[tuple[float, ...], ...] = ()  # BM25, where the lexical leg answered


@dataclass(frozen=True, slots=True)
class Searched:
    """All ways of searching for one person."""

    dense: Answers
    lexical: Answers
    hybrid: Answers
    text_in: Timing  # hybrid with the time to embed the question's text
    new_mask: Timing  # hybrid, the first question with a mask that the index has not seen


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes (10**6 bytes) that are resident."""

    before: float  # all of the process before it loads what only a search loads
    libraries: float  # all of it after it asked an index of two chunks
    total: float
    anonymous: float
    mapped: float


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Seconds to open the index and answer one question in a new process."""

    seconds: float
    lazy_imports: float  # of these, loading libraries that only a search loads


def timing(milliseconds: Sequence[float]) -> Timing:
    """Median, 95th percentile and maximum."""
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return Timing(len(milliseconds), round(float(p50), 3), round(float(p95), 3), round(max(milliseconds), 3))


def build(world: World, folder: Path) -> float:
    """Publish everything in batches, then merge; returns the seconds. An older index there is replaced."""
    shutil.rmtree(folder, ignore_errors=True)
    spent = 0.0
    index = _opened(folder)
    for batch in world.batches(_AT_ONCE):
        began = time.perf_counter()
        index.publish(batch)
        spent += time.perf_counter() - began
    live = np.ones(len(world.lists), dtype=np.int32)
    began = time.perf_counter()
    index.compact(live=live, force=True)
    return spent + time.perf_counter() - began


def search(folder: Path, asked: Sequence[Asked]) -> list[Searched]:
    """Answer every person's questions in every way."""
    index = _opened(folder)
    asked = _lock(asked)
    legs = [
        (
            _answers(index, person, 1.0),
            _answers(index, person, 0.0),
            _answers(index, person, HYBRID_WEIGHT),
            timing(_with_new_masks(index, person)),
        )
        for person in asked
    ]
    # The model comes last: until here nothing of it is in this process.
    model = embedder("sentence-transformers")
    model.embed([person.questions[0].text for person in asked])
    return [
        Searched(dense, lexical, hybrid, timing(_text_in(index, person, model)), new_mask)
        for person, (dense, lexical, hybrid, new_mask) in zip(asked, legs, strict=True)
    ]


def memory(folder: Path, asked: Sequence[Asked], weights: Sequence[float]) -> Memory:
    """What a reader holds after every question was asked with each dense weight."""
    asked = _lock(asked)
    before = resident("VmRSS")
    warm_up()
    libraries = resident("VmRSS")
    index = _opened(folder)
    for person in asked:
        for weight in weights:
            for question in person.questions:
                index.search(_query(question, weight), permitted=person.versions)
    return Memory(before, libraries, resident("VmRSS"), resident("RssAnon"), resident("RssFile"))


def cold_start(folder: Path, asked: Asked) -> ColdStart:
    """Open the index and ask the first question."""
    (asked,) = _lock([asked])
    began = time.perf_counter()
    import numba  # noqa: F401, PLC0415 - loaded here to be timed apart

    imported = time.perf_counter()
    _ask(_opened(folder), asked.questions[0], asked.versions)
    return ColdStart(time.perf_counter() - began, imported - began)


def load(folder: Path) -> None:
    """Have the files in the page cache, as those of an engine are that has just been built."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(_READ_AT_ONCE):
                    pass


def evict(folder: Path) -> None:
    """Ask the system to forget the pages of these files, so that the next reader meets the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _opened(folder: Path) -> LocalIndex:
    return LocalIndex(folder, model=_MODEL, dimension=DIMENSION)


def _query(question: Question, weight: float) -> IndexQuery:
    return IndexQuery(question.text, question.vector if weight > 0 else None, weight, TOP)


def _ask(index: LocalIndex, question: Question, versions: PermittedVersions) -> list[Candidate]:
    return index.search(_query(question, HYBRID_WEIGHT), permitted=versions)


def _lock(asked: Sequence[Asked]) -> list[Asked]:
    """The same with masks that own their memory and are read-only, as a person's are.

    On the way to this process they lost both, and the index keeps nothing for a mask that might change.
    """
    found = [replace(person, versions=person.versions.copy()) for person in asked]
    for person in found:
        person.versions.flags.writeable = False
    return found


def _text_in(index: LocalIndex, person: Asked, model: Embedder) -> list[float]:
    spent = []
    for question in person.questions:
        began = time.perf_counter()
        model.embed_questions([question.text])
        # The world's own vector searches: the model knows nothing of made-up words.
        _ask(index, question, person.versions)
        spent.append(1000 * (time.perf_counter() - began))
    return spent


def _answers(index: LocalIndex, person: Asked, weight: float) -> Answers:
    for question in person.questions[:_WARM_UP]:
        index.search(_query(question, weight), permitted=person.versions)
    spent, found = [], []
    for question in person.questions:
        began = time.perf_counter()
        candidates = index.search(_query(question, weight), permitted=person.versions)
        spent.append(1000 * (time.perf_counter() - began))
        found.append(candidates)
    return Answers(
        timing(spent),
        tuple(tuple(candidate.chunk_id for candidate in one) for one in found),
        tuple(tuple(candidate.lexical for candidate in one) for one in found),
    )


def _with_new_masks(index: LocalIndex, person: Asked) -> list[float]:
    spent = []
    for question in person.questions[:_NEW_MASKS]:
        versions = person.versions.copy()
        versions.flags.writeable = False
        began = time.perf_counter()
        _ask(index, question, versions)
        spent.append(1000 * (time.perf_counter() - began))
    return spent


def resident(field: str) -> float:
    """Megabytes of this process by a field of the kernel's status file."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith(f"{field}:"))
    return round(int(kilobytes) * 1024 / 1e6, 1)
