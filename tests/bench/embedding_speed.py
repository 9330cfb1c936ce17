"""How fast are passages embedded, beside the plain sentence-transformers loop? Prints JSON.

    python -m tests.bench.embedding_speed [--texts N] [--threads N] [--sets squad2-dev ...] [--data DIR]

Both embed the same passages (title and text, evenly spread over each set) in the same order with the same
number of threads, in one process, by turns: a part of the texts the one, the same part the other, so that
what else the machine does falls on both. The plain loop: `SentenceTransformer.encode(part, batch_size=32)`.
`cosine_min` and `cosine_mean` compare the two vectors of a passage. A question is embedded alone.

`chunks_per_cpu_second` is what to read on a machine that is not idle. Exit status 1 if a target is missed:
at least 2.5 times the chunks per second, no cosine below 0.99, no question slower than with the plain loop.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from assistant.providers.contract import Vectors  # noqa: E402 - after the path
from assistant.providers.embedders import PASSAGE, bundled_encoder  # noqa: E402
from tests.bench.retrieval_quality import DATA, read_set  # noqa: E402
from tests.providers.unpacked_model import unpacked_folder  # noqa: E402

DEFAULT_SETS = ("squad2-dev", "tydiqa-ko-train")
BATCH_SIZE = 32
PART = 128  # texts a turn, as many as `ingest.storing` embeds at once
TIMED_QUESTIONS = 100
LEAST_RATIO = 2.5
LEAST_COSINE = 0.99

Embed = Callable[[Sequence[str]], Vectors]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Rates:
    """Chunks per second of time and of processor time."""

    chunks_per_second: float
    chunks_per_cpu_second: float


@dataclass(frozen=True, slots=True)
class Compared:
    """One set. The ratios say how many times as fast ours is."""

    texts: int
    characters_mean: int
    ours: Rates
    plain: Rates
    ratio: float
    ratio_of_cpu_time: float
    cosine_min: float
    cosine_mean: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of a single question."""

    p50: float
    p95: float


@dataclass(slots=True)
class Meter:
    """What one way of embedding took and gave. Times in seconds."""

    embed: Embed
    wall: float = 0.0
    cpu: float = 0.0
    parts: list[Vectors] = field(default_factory=list)

    def take(self, texts: Sequence[str]) -> None:
        """Embed a part."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.parts.append(self.embed(texts))
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu

    def rates(self, count: int) -> Rates:
        """Of the `count` texts embedded so far."""
        return Rates(round(count / self.wall, 2), round(count / self.cpu, 2))


def plain_loop(*, threads: int) -> Embed:
    """What a user of sentence-transformers writes, with the bundled weights and its default precision."""
    import torch  # noqa: PLC0415 - heavy
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - heavy

    model = SentenceTransformer(str(unpacked_folder()), device="cpu", local_files_only=True)

    def embed(texts: Sequence[str]) -> Vectors:
        torch.set_num_threads(threads)
        prompted = [PASSAGE + text for text in texts]
        rows: Vectors = model.encode(prompted, batch_size=BATCH_SIZE, show_progress_bar=False)
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    return embed


def spread(folder: Path, count: int) -> tuple[list[str], list[str]]:
    """`count` passages with their titles, and questions, evenly spread over a set."""
    passages, questions = read_set(folder)
    texts = [f"{passage.title}\n{passage.text}" for passage in _every(passages, count)]
    return texts, [question.text for question in _every(questions, TIMED_QUESTIONS)]


def _every(items: Sequence[Item], count: int) -> list[Item]:
    return list(items[:: max(1, len(items) // count)][:count])


def compared(texts: Sequence[str], ours: Meter, plain: Meter) -> Compared:
    """Embed one set both ways, by turns."""
    for start in range(0, len(texts), PART):
        ours.take(texts[start : start + PART])
        plain.take(texts[start : start + PART])
    cosines = (np.vstack(ours.parts) * np.vstack(plain.parts)).sum(axis=1)
    return Compared(
        texts=len(texts),
        characters_mean=round(float(np.mean([len(text) for text in texts]))),
        ours=ours.rates(len(texts)),
        plain=plain.rates(len(texts)),
        ratio=round(plain.wall / ours.wall, 2),
        ratio_of_cpu_time=round(plain.cpu / ours.cpu, 2),
        cosine_min=round(float(cosines.min()), 5),
        cosine_mean=round(float(cosines.mean()), 5),
    )


def question_times(questions: Sequence[str], embeds: Sequence[Embed]) -> list[Latency]:
    """How long one question takes each way, by turns."""
    spent = np.zeros((len(embeds), len(questions)))
    for column, question in enumerate(questions):
        for row, embed in enumerate(embeds):
            begun = time.perf_counter()
            embed([question])
            spent[row, column] = 1000 * (time.perf_counter() - begun)
    p50, p95 = np.percentile(spent, (50, 95), axis=1).round(2)
    return [Latency(float(half), float(most)) for half, most in zip(p50, p95, strict=True)]


def missed(sets: dict[str, Compared], ours: Latency, plain: Latency) -> list[str]:
    """The targets that were not met, each as a sentence."""
    found = [f"{name}: {got.ratio} times as fast" for name, got in sets.items() if got.ratio < LEAST_RATIO]
    found += [
        f"{name}: a cosine of {got.cosine_min}" for name, got in sets.items() if got.cosine_min < LEAST_COSINE
    ]
    if ours.p50 > plain.p50:
        found.append("a question takes longer than with the plain loop")
    return found


def measured(folders: Sequence[Path], *, count: int, threads: int) -> int:
    """Measure, print, and say by the exit status whether the targets are met."""
    begun = time.perf_counter()
    encoder = bundled_encoder()

    def ours(texts: Sequence[str]) -> Vectors:
        return encoder.encode([PASSAGE + text for text in texts], threads=threads)

    ours(["warm up"])
    loaded = time.perf_counter() - begun
    plain = plain_loop(threads=threads)
    plain(["warm up"])
    sets, questions = {}, list[str]()
    for folder in folders:
        texts, asked = spread(folder, count)
        questions += asked
        sets[folder.name] = compared(texts, Meter(ours), Meter(plain))
    latency = question_times(questions, (ours, plain))
    targets = missed(sets, *latency)
    report = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load": round(os.getloadavg()[0], 1),
        "threads": threads,
        "precision": encoder.precision,
        "load_s": round(loaded, 2),
        "sets": {name: asdict(got) for name, got in sets.items()},
        "question_ms": {"ours": asdict(latency[0]), "plain": asdict(latency[1])},
        "missed": targets,
    }
    print(json.dumps(report, indent=1))
    return 1 if targets else 0


def main() -> int:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=300, help="passages of each set")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sets", nargs="+", default=list(DEFAULT_SETS))
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of the sets")
    options = parser.parse_args()
    folders = [options.data / name for name in options.sets]
    missing = [folder.name for folder in folders if not (folder / "questions.jsonl").is_file()]
    if missing:
        print(f"No such set below {options.data}: {', '.join(missing)}", file=sys.stderr)
        return 2
    return measured(folders, count=options.texts, threads=options.threads)


if __name__ == "__main__":
    raise SystemExit(main())
