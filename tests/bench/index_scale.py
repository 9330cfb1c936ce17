"""How fast, how large and how right is the index, against size and permitted share, beside its peers?

    python -m tests.bench.index_scale [--chunks N] [--sizes N,N,...] [--home DIR] [--built]
                                      [--peers all|none|NAME,...] [--peers-from N] [--questions N]
                                      [--peer-questions N] [--peer-minutes N] [--report FILE.md]

Made-up companies (`index_world`) of each size are indexed through `LocalIndex`. People
who may read 0.1, 1, 10, 50 and 100 % of the chunks ask by vector, by words and by
both; brute force says what is right (`index_truth`). Each peer that is installed
answers the same questions under the same permissions (`index_peers`); one that is not
is named. Prints JSON; `--report` writes Markdown and charts. `--home` keeps the made-up
companies for next time. Figures count only from a machine that does nothing else.

Exit status 1 if an answer of ours is wrong, or if at a million chunks a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tests.bench import index_ours as ours
from tests.bench.index_apart import Died, apart
from tests.bench.index_peers import PEERS, Peer, PeerAbsent, measured
from tests.bench.index_report import (
    TARGET_CHUNKS,
    PeerFigures,
    PeerShare,
    Report,
    ShareFigures,
    SizeFigures,
    targets,
    write,
    wrong_answers,
)
from tests.bench.index_truth import (
    Nearest,
    PlainBm25,
    agreement,
    close_recall,
    disk_bytes,
    every_cosine,
    nearest,
    tokens,
)
from tests.bench.index_world import SHARES, Permitted, Question, World, world

THREADS = 2
COLD_STARTS = 5
LEXICAL_SAMPLE = 20
HYBRID_SAMPLE = 5
# Scores in double precision differ in their last bits by the order of sums, in single precision by more.
OUR_ROUNDING, PEER_ROUNDING = 1e-9, 1e-4


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with permissions, questions and what is right for them."""

    permitted: Permitted
    allowed: np.ndarray[tuple[int], np.dtype[np.bool_]]  # chunks
    questions: tuple[Question, ...]
    truth: tuple[Nearest, ...]

    def asks(self, count: int | None = None) -> ours.Asked:
        """What our index gets."""
        return ours.Asked(self.permitted.versions, self.questions[:count])


def people(made: World, questions: int) -> list[Person]:
    """One for each share."""
    found = []
    for share in SHARES:
        permitted = made.permitted(share)
        allowed = made.may_read(permitted)
        asked = made.questions(permitted, questions)
        truth = nearest(made, allowed, asked, count=ours.TOP)
        found.append(Person(permitted, allowed, tuple(asked), tuple(truth)))
    return found


def measure(home: Path, chunks: int, *, options: argparse.Namespace) -> SizeFigures:
    """All figures of one size."""
    began = time.perf_counter()
    made = world(home, chunks=chunks)
    analysed = tokens(made)
    world_s = time.perf_counter() - began
    say(f"{chunks:,} chunks: world ready after {world_s:.0f} s")
    persons = people(made, options.questions)
    bm25 = PlainBm25(analysed)
    say("truth known")
    folder = home / f"ours-{chunks}"
    build_s = built(made, folder, again=not options.built)
    cold, warm_start = starts(folder, persons)
    few = [person.asks(options.questions // len(persons)) for person in persons]
    memory = apart(partial(ours.memory, folder, few, (ours.HYBRID_WEIGHT,)))
    dense_memory = apart(partial(ours.memory, folder, few, (1.0,)))
    ours.load(folder)
    searched = apart(partial(ours.search, folder, [person.asks() for person in persons]))
    say("ours measured")
    return SizeFigures(
        chunks=chunks,
        documents=len(made.lists) - 1,
        lists=made.recipe.lists,
        words=round(float(np.mean([len(text.split()) for text in made.texts(0, min(chunks, 1_000))])), 1),
        terms=round(float(analysed.lengths().mean()), 1),
        vectors_mb=round(made.vectors.nbytes / 1e6, 1),
        texts_mb=round((made.folder / "texts.txt").stat().st_size / 1e6, 1),
        world_s=round(world_s, 1),
        build_s=round(build_s, 1),
        disk_mb=round(disk_bytes(folder) / 1e6, 1),
        memory=memory,
        dense_memory=dense_memory,
        cold=cold,
        warm_start=warm_start,
        load=round(os.getloadavg()[0], 1),
        shares=tuple(
            of_share(made, person, found, bm25) for person, found in zip(persons, searched, strict=True)
        ),
        peers=tuple(
            beside(peer, made, persons, bm25, options)
            for peer in options.peers
            if chunks >= options.peers_from
        ),
    )


def built(made: World, folder: Path, *, again: bool) -> float:
    """Seconds that building took, in this run or, unless `again`, in the one that left an index there."""
    note = folder.with_suffix(".seconds")
    if again or not note.exists():
        note.unlink(missing_ok=True)
        seconds = apart(partial(ours.build, World(made.folder, made.recipe), folder))
        note.write_text(str(seconds), encoding="ascii")
        say(f"ours built in {seconds:.0f} s")
    return float(note.read_text(encoding="ascii"))


def starts(folder: Path, persons: Sequence[Person]) -> tuple[ours.ColdStart, ours.ColdStart]:
    """Median starts of new processes: with the files out of the page cache, and in it."""
    asked = persons[2].asks(1)
    cold, warm = [], []
    for _ in range(COLD_STARTS):
        ours.evict(folder)
        cold.append(apart(partial(ours.cold_start, folder, asked)))
        warm.append(apart(partial(ours.cold_start, folder, asked)))
    return _median(cold), _median(warm)


def _median(found: Sequence[ours.ColdStart]) -> ours.ColdStart:
    return sorted(found, key=lambda start: start.seconds)[len(found) // 2]


def of_share(made: World, person: Person, found: ours.Searched, bm25: PlainBm25) -> ShareFigures:
    """Our figures for a person."""
    recalls = [
        float(truth.chunks == chunks) if len(chunks) < ours.TOP else truth.recall(chunks)
        for truth, chunks in zip(person.truth, found.dense.found, strict=True)
    ]
    agreements = []
    for question, chunks in list(zip(person.questions, found.lexical.found, strict=True))[:LEXICAL_SAMPLE]:
        scores = np.where(person.allowed, bm25.scores(question.text, counted=person.allowed), 0.0)
        agreements.append(agreement(chunks, scores, ours.TOP, relative=OUR_ROUNDING))
    both = [
        agreement(chunks, fused_scores(made, person, question, bm25), ours.TOP, relative=OUR_ROUNDING)
        for question, chunks in list(zip(person.questions, found.hybrid.found, strict=True))[:HYBRID_SAMPLE]
    ]
    return ShareFigures(
        share=person.permitted.share,
        chunks=int(np.count_nonzero(person.allowed)),
        lists=len(person.permitted.lists),
        singles=len(person.permitted.singles),
        dense=found.dense.timing,
        lexical=found.lexical.timing,
        hybrid=found.hybrid.timing,
        text_in=found.text_in,
        new_mask=found.new_mask,
        recall=float(np.mean(recalls)),
        agreement=float(np.mean(agreements)),
        hybrid_agreement=float(np.mean(both)),
    )


def fused_scores(
    made: World, person: Person, question: Question, bm25: PlainBm25
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The score of every permitted chunk by both legs, 0 for the others: each leg by what it could reach."""
    words = bm25.scores(question.text, counted=person.allowed)
    words /= bm25.limit(question.text, counted=person.allowed)
    near = np.square(np.minimum(every_cosine(made, question), 1.0))
    return np.where(person.allowed, ours.HYBRID_WEIGHT * near + (1 - ours.HYBRID_WEIGHT) * words, 0.0)


def beside(
    peer: Peer, made: World, persons: Sequence[Person], bm25: PlainBm25, options: argparse.Namespace
) -> PeerFigures:
    """A peer's figures; where it could not take part, why."""
    folder = made.folder.parent / "peer"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    asked = [(person.permitted, person.questions[: options.peer_questions]) for person in persons]
    try:
        work = partial(measured, peer, World(made.folder, made.recipe), folder, asked)
        run = apart(work, minutes=options.peer_minutes)
        if isinstance(run, PeerAbsent):
            raise Died(str(run))
        disk = disk_bytes(folder) / 1e6
    except Died as reason:
        say(f"{peer.name}: {reason}")
        return PeerFigures(peer.name, peer.leg, peer.exact, peer.served, absent=str(reason))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    shares = tuple(
        PeerShare(person.permitted.share, answers.timing, right(peer, made, person, answers, bm25))
        for person, answers in zip(persons, run.answers, strict=True)
    )
    say(
        f"{peer.name}: "
        + ", ".join(f"{one.share:.1%} p95 {one.timing.p95:.1f} ({one.right:.3f})" for one in shares)
    )
    return PeerFigures(
        peer.name,
        peer.leg,
        peer.exact,
        peer.served,
        build_s=round(run.build_s, 1),
        disk_mb=round(disk, 1),
        resident_mb=run.resident_mb,
        shares=shares,
    )


def right(peer: Peer, made: World, person: Person, answers: ours.Answers, bm25: PlainBm25) -> float:
    """How right a peer's answers are, 1 for all."""
    return float(np.mean(list(_right(peer, made, person, answers, bm25))))


def _right(
    peer: Peer, made: World, person: Person, answers: ours.Answers, bm25: PlainBm25
) -> Iterator[float]:
    asked = zip(person.questions, person.truth, answers.found, strict=False)
    for number, (question, truth, found) in enumerate(asked):
        if not all(person.allowed[chunk] for chunk in found):
            yield 0.0
        elif peer.leg == "dense":
            yield close_recall(made, question, truth, found)
        elif number < LEXICAL_SAMPLE:
            scores = bm25.scores(question.text, counted=np.ones_like(person.allowed))
            permitted = np.where(person.allowed, scores, 0.0)
            yield agreement(found, permitted, ours.TOP, relative=PEER_ROUNDING)


def say(line: str) -> None:
    """Progress, beside the JSON."""
    print(line, file=sys.stderr, flush=True)


def processor() -> str:
    """The machine's name for its processor."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{platform.machine()}, {names[0]}" if names else platform.machine()


def chosen_peers(named: str) -> list[Peer]:
    """The peers that the command line asks for.

    Raises:
        argparse.ArgumentTypeError: there is no peer of that name.
    """
    if named in {"all", "none"}:
        return list(PEERS.values()) if named == "all" else []
    if unknown := [name for name in named.split(",") if name not in PEERS]:
        raise argparse.ArgumentTypeError(f"no such peer: {', '.join(unknown)}. Known: {', '.join(PEERS)}")
    return [PEERS[name] for name in named.split(",")]


def main() -> int:
    """Read the arguments, measure every size, report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chunks", type=int, default=TARGET_CHUNKS, help="the largest world")
    parser.add_argument("--sizes", default="10000,100000,1000000", help="those up to --chunks are measured")
    parser.add_argument("--home", type=Path, help="keep the worlds here")
    parser.add_argument(
        "--peers", type=chosen_peers, default="all", help=f"all, none, or some of: {', '.join(PEERS)}"
    )
    parser.add_argument("--peers-from", type=int, default=0, help="smaller sizes are measured without peers")
    parser.add_argument("--built", action="store_true", help="use the index that an earlier run left there")
    parser.add_argument("--questions", type=int, default=200, help="of each share")
    parser.add_argument("--peer-questions", type=int, default=100, help="of each share, at most --questions")
    parser.add_argument(
        "--peer-minutes", type=float, default=90, help="the longest a peer may take for a size"
    )
    parser.add_argument("--report", type=Path, help="write Markdown here and charts beside it")
    options = parser.parse_args()
    for name in ("OMP", "OPENBLAS", "RAYON", "NUMBA"):
        os.environ.setdefault(f"{name}_NUM_THREADS", str(THREADS))
    os.environ.setdefault("LANCE_CPU_THREADS", str(THREADS))
    load = round(os.getloadavg()[0], 1)
    sizes = sorted(
        {int(size) for size in options.sizes.split(",") if int(size) < options.chunks} | {options.chunks}
    )
    with tempfile.TemporaryDirectory(prefix="mundap-index-scale-") as made:
        home = options.home or Path(made)
        figures = tuple(measure(home, size, options=options) for size in sizes)
    report = Report(
        processor(), os.cpu_count() or 1, load, options.questions, options.peer_questions, figures
    )
    print(json.dumps(asdict(report), indent=1))
    if options.report:
        write(report, options.report)
    wrong = wrong_answers(report)
    promised = options.chunks >= TARGET_CHUNKS
    missed = [target for target in targets(figures[-1]) if promised and not target.met]
    for line in [*wrong, *(f"missed: {t.what}: {t.got}, wanted {t.wanted}" for t in missed)]:
        say(line)
    return 1 if wrong or missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
