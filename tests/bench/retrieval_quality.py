"""How good is retrieval? MRR@10, recall@10 and p95 on the development sets, for each dense weight.

    python tests/bench/retrieval_quality.py [--sets squad2-dev ...] [--weights 0 .2 ...] [--cache DIR]

Prints Markdown tables. A passage is one chunk with its title; only answerable
questions count. The row marked * has the weight of the product. Below stand
the peers of `quality_peers` on the same passages and vectors, and at the end ours beside the best
of plain BM25, vectors alone and equal rank fusion on each set.
Passages and questions are embedded anew unless `--cache` names a folder.

Exit status 1 if ours is behind that best on a set, in MRR@10 or in recall@10, or not 0.005 ahead in the mean.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from assistant.common.analysis import language_of  # noqa: E402 - after the path
from assistant.index.contract import IndexChunk, IndexDocument, IndexQuery  # noqa: E402
from assistant.index.fusion import DENSE_WEIGHT  # noqa: E402
from assistant.index.local import LocalIndex  # noqa: E402
from assistant.providers.contract import Embedder, Vectors  # noqa: E402
from assistant.providers.registry import embedder  # noqa: E402
from tests.bench import quality_peers  # noqa: E402

DATA = REPOSITORY / ".." / "shared" / "data" / "retrieval"
DEFAULT_SETS = (
    "squad2-dev",
    "tydiqa-en-train",
    "doc2dial-dev",
    "covidqa",
    "northwind-dev",
    "tydiqa-ko-train",
    "kobest-boolq",
    "ko-strategyqa",
)
DEFAULT_WEIGHTS = (0.0, 0.3, 0.5, 0.8)
LEAST_LEAD = 0.005  # of MRR@10, in the mean over the sets
DEPTH = 10
TIMED_QUESTIONS = 200


@dataclass(frozen=True, slots=True)
class Passage:
    """One chunk of the set."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the numbers of its gold passages."""

    text: str
    gold: frozenset[int]


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run measured."""

    mrr: float
    recall: float


def read_set(folder: Path) -> tuple[list[Passage], list[Question]]:
    """Passages and answerable questions of one development set."""
    rows = [json.loads(line) for line in (folder / "passages.jsonl").read_text("utf-8").splitlines()]
    numbers = {row["id"]: i for i, row in enumerate(rows)}
    asked = [json.loads(line) for line in (folder / "questions.jsonl").read_text("utf-8").splitlines()]
    questions = [
        Question(row["question"], frozenset(numbers[gold] for gold in row["gold"]))
        for row in asked
        if row["answerable"]
    ]
    return [Passage(row["title"], row["text"]) for row in rows], questions


def embedded(
    texts: Sequence[str], *, model: Embedder, cache: Path | None, questions: bool = False
) -> Vectors:
    """The vectors of the texts, from the cache folder if one is named and knows them."""
    embed = model.embed_questions if questions else model.embed
    if cache is None:
        return embed(texts)
    key = hashlib.sha256("\0".join((model.name, str(questions), *texts)).encode()).hexdigest()[:24]
    path = cache / f"{key}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(path, embed(texts))
    stored: Vectors = np.load(path)
    return stored


def build(folder: Path, passages: Sequence[Passage], vectors: Vectors, *, model: str) -> LocalIndex:
    """An index with one chunk a document; the document's id is the passage's number."""
    index = LocalIndex(folder, model=model, dimension=vectors.shape[1])
    index.publish(
        [
            IndexDocument(i, 1, 0, passage.title, passage.title, (IndexChunk(i, passage.text, "", vector),))
            for i, (passage, vector) in enumerate(zip(passages, vectors, strict=True))
        ]
    )
    return index


def measure(
    index: LocalIndex, questions: Sequence[Question], vectors: Vectors, *, weight: float, size: int
) -> Figures:
    """MRR@10 and recall@10 with this dense weight, everything permitted."""
    permitted = np.ones(size, dtype=np.int32)
    permitted.setflags(write=False)
    found = np.full((len(questions), DEPTH), -1, np.int64)
    for row, question, vector in zip(found, questions, vectors, strict=True):
        query = IndexQuery(text=question.text, vector=vector, dense_weight=weight, k=DEPTH)
        documents = [candidate.document_id for candidate in index.search(query, permitted=permitted)]
        row[: len(documents)] = documents
    return figures(found, questions)


def figures(found: NDArray[np.int64], questions: Sequence[Question]) -> Figures:
    """MRR@10 and recall@10 of rankings, one row a question."""
    gained, recalled = 0.0, 0.0
    for row, question in zip(found.tolist(), questions, strict=True):
        hits = [rank for rank, number in enumerate(row[:DEPTH], 1) if number in question.gold]
        gained += 1 / hits[0] if hits else 0.0
        recalled += len(hits) / len(question.gold)
    return Figures(gained / len(questions), recalled / len(questions))


def timings(index: LocalIndex, questions: Sequence[Question], *, model: Embedder, size: int) -> list[float]:
    """Milliseconds from a question's text to its candidates, the embedding included."""
    permitted = np.ones(size, dtype=np.int32)
    model.embed(["warm up"])
    spent = []
    for question in questions[:TIMED_QUESTIONS]:
        begun = time.perf_counter()
        vector = model.embed_questions([question.text])[0]
        index.search(IndexQuery(question.text, vector, DENSE_WEIGHT), permitted=permitted)
        spent.append(1000 * (time.perf_counter() - begun))
    return spent


@dataclass(frozen=True, slots=True)
class Standing:
    """Ours on a set, and the best of what a user would pick instead."""

    name: str
    ours: Figures
    best_mrr: float
    best_recall: float


def report(name: str, *, weights: Sequence[float], model: Embedder, cache: Path | None) -> Standing:
    """Measure one set and print its table."""
    passages, questions = read_set(DATA / name)
    vectors = embedded([f"{p.title}\n{p.text}" for p in passages], model=model, cache=cache)
    asked = embedded([q.text for q in questions], model=model, cache=cache, questions=True)
    language = language_of(" ".join(q.text for q in questions[:100]))
    print(f"\n### {name}: {len(passages)} passages, {len(questions)} questions, {language}\n")
    print("| dense weight | MRR@10 | recall@10 |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        index = build(Path(folder), passages, vectors, model=model.name)
        found = {}
        for weight in sorted({*weights, DENSE_WEIGHT}):
            got = found[weight] = measure(index, questions, asked, weight=weight, size=len(passages))
            mark = " *" if weight == DENSE_WEIGHT else ""
            print(f"| {weight:.2f}{mark} | {got.mrr:.4f} | {got.recall:.4f} |", flush=True)
        peers = {}
        for peer, ranking in quality_peers.rankings(passages, questions, vectors, asked).items():
            got = peers[peer] = figures(ranking, questions)
            print(f"| {peer} | {got.mrr:.4f} | {got.recall:.4f} |", flush=True)
        if not quality_peers.is_installed():
            print("| BM25 (bm25s), equal rank fusion | not installed | |")
        p50, p95 = np.percentile(timings(index, questions, model=model, size=len(passages)), [50, 95])
    print(f"\nText in, candidates out: p50 {p50:.1f} ms, p95 {p95:.1f} ms.")
    plain = [got for peer, got in peers.items() if peer in quality_peers.PLAIN]
    return Standing(
        name, found[DENSE_WEIGHT], max(got.mrr for got in plain), max(got.recall for got in plain)
    )


def judged(standings: Sequence[Standing]) -> list[str]:
    """Print ours beside the best of the others; what was promised and missed."""
    print("\n### Ours, and the best of plain BM25, vectors alone and equal rank fusion\n")
    print("| set | MRR@10 | best other | recall@10 | best other |\n|---|---|---|---|---|")
    for one in standings:
        print(
            f"| {one.name} | {one.ours.mrr:.4f} | {one.best_mrr:.4f} "
            f"| {one.ours.recall:.4f} | {one.best_recall:.4f} |"
        )
    lead = float(np.mean([one.ours.mrr - one.best_mrr for one in standings]))
    print(f"\nAhead in MRR@10 by {lead:.4f} in the mean.")
    behind = [
        f"{one.name}: behind the best other"
        for one in standings
        if one.ours.mrr < one.best_mrr or one.ours.recall < one.best_recall
    ]
    return behind + ([f"ahead by {lead:.4f}, not {LEAST_LEAD}"] if lead < LEAST_LEAD else [])


def main() -> int:
    """Parse the command line and report on each set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", default=list(DEFAULT_SETS), help="folders of the data")
    parser.add_argument("--weights", nargs="+", type=float, default=list(DEFAULT_WEIGHTS))
    parser.add_argument("--model", default="", help="a model folder (default: the bundled model)")
    parser.add_argument("--cache", type=Path, help="a folder to keep vectors in")
    options = parser.parse_args()
    missing = [name for name in options.sets if not (DATA / name / "questions.jsonl").is_file()]
    if missing:
        print(f"No such set below {DATA}: {', '.join(missing)}", file=sys.stderr)
        return 2
    model = embedder("sentence-transformers", model=options.model)
    print(f"Model {model.name}")
    missed = judged(
        [report(name, weights=options.weights, model=model, cache=options.cache) for name in options.sets]
    )
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
