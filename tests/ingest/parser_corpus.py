"""Reads every sample file in the real sandbox and counts what came of it.

    python tests/ingest/parser_corpus.py [FOLDER]

FOLDER holds `index.jsonl` and the files it names; without it, the data beside the
checkout is read. Prints one JSON object; exit status 1 where an expectation fails.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / ".." / "shared" / "data" / "files" / "parser-samples"
SLOW = 5.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One input file of the corpus, with what its collectors noted."""

    path: Path
    extension: str
    tags: frozenset[str]
    needs_password: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """`result` is "read" or the failure's code."""

    sample: Sample
    result: str
    seconds: float
    characters: int = 0


def load_samples(folder: Path = SAMPLES) -> list[Sample]:
    """All input files the index names."""
    samples = []
    for line in (folder / "index.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        if record["kind"] != "input":
            continue
        tags = frozenset(record["tags"])
        needs = "password" in record or "password-unknown" in tags
        samples.append(Sample(folder / record["path"], record["ext"] or "", tags, needs))
    return samples


def run(samples: list[Sample]) -> list[Outcome]:
    """Read the samples one after the other in one parser process."""
    from assistant.common.errors import DocumentFailure  # noqa: PLC0415 - after the path is set
    from assistant.ingest.sandbox import ParserProcess  # noqa: PLC0415

    outcomes = []
    with ParserProcess() as process:
        for sample in samples:
            begun = time.monotonic()
            try:
                parsed = process.parse(sample.path, name=sample.path.name)
                result, characters = "read", len(parsed.text)
            except DocumentFailure as failure:
                result, characters = failure.code.value, 0
            outcomes.append(Outcome(sample, result, time.monotonic() - begun, characters))
    return outcomes


def broken_expectation(outcome: Outcome) -> str:
    """What is wrong with an outcome, in words, or nothing."""
    sample, result = outcome.sample, outcome.result
    if result in {"crashed", "timeout", "unreadable"}:
        return f"ended as {result}"
    if sample.path.stat().st_size == 0 and result != "empty":
        return f"is empty but ended as {result}"
    if sample.needs_password and result != "encrypted":
        return f"needs a password but ended as {result}"
    if result == "encrypted" and "encrypted" not in sample.tags:
        return "is called encrypted but is not"
    return ""


def main(arguments: list[str]) -> int:
    """Run the whole corpus and print the counts."""
    folder = Path(arguments[0]) if arguments else SAMPLES
    if not (folder / "index.jsonl").is_file():
        print(f"There is no index.jsonl in {folder}.", file=sys.stderr)
        return 2
    outcomes = run(load_samples(folder))
    wrong = {str(o.sample.path): problem for o in outcomes if (problem := broken_expectation(o))}
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        counts.setdefault(outcome.sample.extension or "(none)", Counter())[outcome.result] += 1
    report = {
        "files": len(outcomes),
        "seconds": round(sum(outcome.seconds for outcome in outcomes), 1),
        "results": dict(Counter(outcome.result for outcome in outcomes)),
        "by_extension": {extension: dict(counts[extension]) for extension in sorted(counts)},
        "slow": {str(o.sample.path): round(o.seconds, 1) for o in outcomes if o.seconds > SLOW},
        "wrong": wrong,
    }
    print(json.dumps(report, ensure_ascii=False, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main(sys.argv[1:]))
