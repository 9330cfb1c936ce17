"""Which sentences of good answers does the evidence carry, and which false ones? Prints a Markdown table.

    python -m tests.bench.evidence_check [--data DIR] [--others N]

The answers of `northwind-dev` were written by people and models from one or two pages each, in other
words than the pages. Each of their sentences is looked up in the gold pages among N others of the same firm
(carried; and in a gold page), in the others alone, and with its meaning turned: a denial put in, or a
figure changed. Without the gold pages some sentences are still true: the firm's booklets repeat
themselves, so that column is the upper bound of what is wrongly carried.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assistant.common.sentences import split_sentences
from assistant.providers.contract import Source
from assistant.providers.support import ENOUGH, EvidenceCheck

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "retrieval" / "northwind-dev"
THRESHOLDS = (0.4, 0.5, 0.55, ENOUGH, 0.7)
_VERB = re.compile(r"\b(is|are|may|can|will|must|should)\b")
_FIGURE = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence of an answer; the first `gold` sources are those it was written from."""

    sentence: str
    sources: tuple[Source, ...]
    gold: int

    @property
    def others(self) -> tuple[Source, ...]:
        return self.sources[self.gold :]


@dataclass(slots=True)
class Counts:
    """How many of how many were carried, by column."""

    carried: dict[str, int] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)

    def add(self, column: str, *, carried: bool) -> None:
        self.asked[column] = self.asked.get(column, 0) + 1
        self.carried[column] = self.carried.get(column, 0) + carried

    def shown(self, column: str) -> str:
        return f"{self.carried.get(column, 0)} of {self.asked.get(column, 0)}"


def cases(data: Path, others: int) -> Iterator[Case]:
    """Every sentence of every answer; the same in each run."""
    rows = map(json.loads, (data / "passages.jsonl").read_text(encoding="utf-8").splitlines())
    passages = {row["id"]: (row["title"], row["text"]) for row in rows}
    for line in (data / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        beside = [name for name in passages if name not in row["gold"]]
        chosen = [*row["gold"], *random.Random(row["id"]).sample(beside, others)]
        sources = tuple(Source(n, *_page(passages[name])) for n, name in enumerate(chosen, start=1))
        for answer in row["answers"]:
            for start, end in split_sentences(answer):
                yield Case(answer[start:end], sources, len(row["gold"]))


def _page(passage: tuple[str, str]) -> tuple[str, str, str]:
    title, text = passage
    return title, "", text


def counted(all_cases: Sequence[Case], enough: float) -> Counts:
    """What is carried at this threshold."""
    counts = Counts()
    for case in all_cases:
        check = EvidenceCheck(case.sources, enough=enough)
        quotes = check.support(case.sentence).quotes
        counts.add("carried", carried=bool(quotes))
        if quotes:
            counts.add("by a gold page", carried=quotes[0].n <= case.gold)
        alone = EvidenceCheck(case.others, enough=enough).support(case.sentence)
        counts.add("without the gold pages", carried=bool(alone.quotes))
        for column, turned in (
            ("denied", _VERB.sub(r"\1 not", case.sentence, count=1)),
            ("another figure", _FIGURE.sub(lambda match: str(int(match.group()) + 7), case.sentence)),
        ):
            if turned != case.sentence:
                counts.add(column, carried=bool(check.support(turned).quotes))
    return counts


COLUMNS = ("carried", "by a gold page", "without the gold pages", "denied", "another figure")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--others", type=int, default=6)
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"{options.data} is not there: name the folder with --data.", file=sys.stderr)
        return 2
    all_cases = list(cases(options.data, options.others))
    print("| threshold | " + " | ".join(COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for enough in sorted(THRESHOLDS):
        counts = counted(all_cases, enough)
        print(f"| {enough} | " + " | ".join(map(counts.shown, COLUMNS)) + " |")
    began = time.perf_counter()
    for case in all_cases:
        EvidenceCheck(case.sources).support(case.sentence)
    took = (time.perf_counter() - began) / len(all_cases) * 1000
    print(
        f"\n{took:.1f} ms a sentence and its {options.others} to {options.others + 2} sources, read before."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
