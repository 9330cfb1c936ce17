"""How much personal data is found, how much is taken for it wrongly, and how fast? Prints Markdown tables.

    python -m tests.bench.personal_data [--data DIR] [--peer-threshold 0.0] [--show KIND]

DIR is the folder of the shared data. Three measurements, beside Presidio's pattern recognisers in the same
run where presidio-analyzer is installed (requirements.txt beside this file; `make bench` has it):

- presidio-large: English texts with places and types of what they hold. A span counts as found if a
  finding of its type overlaps it, as exact if the places are equal. A finding is right if it overlaps a
  span of its type.
- Korean sentences of our own (`korean_personal_data`), with right and wrong check digits.
- texts of other sets that hold hardly any personal data: findings in a thousand texts, and the time taken.
  Handbooks name mail addresses and telephone numbers of offices, so not every finding there is wrong:
  `--show KIND` prints what was found, to judge it.

Time is processor time, of the machine that is named.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from assistant.guardrails.checks.finding import Finding
from assistant.guardrails.checks.personal_data import KINDS, findings
from tests.bench.index_scale import processor
from tests.bench.korean_personal_data import samples

REPOSITORY = Path(__file__).resolve().parents[2]
TYPES = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_SSN": "us_social_security_number",
    "US_DRIVER_LICENSE": "driving_licence",
    "IP_ADDRESS": "ip_address",
    "ADDRESS": "address",
}
ALL = frozenset(kind for kind, _ in KINDS)
MOST_TEXTS = 2_000  # of one set of harmless texts
SHORTEST, LONGEST = 20, 4_000  # characters of a paragraph

Finder = Callable[[str, str], list[Finding]]


@dataclass(slots=True)
class Tally:
    """Spans by kind: how many there are, found, and found exactly; findings, and right ones."""

    spans: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    exact: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, start: int, end: int, got: list[Finding]) -> None:
        self.spans[name] += 1
        self.found[name] += any(f.start < end and start < f.end for f in got)
        self.exact[name] += any((f.start, f.end) == (start, end) for f in got)

    def row(self, name: str) -> str:
        spans, seen = self.spans[name], self.findings[name]
        precision = f"{self.right[name] / seen:.3f}" if seen else "-"
        return f"{self.found[name] / spans:.3f} | {self.exact[name] / spans:.3f} | {precision} ({seen})"


def ours(text: str, _language: str) -> list[Finding]:
    """All kinds, also the one that is off by default."""
    return findings(text, ALL)


def peer(threshold: float) -> Finder | None:
    """Presidio, where it is installed."""
    try:
        from tests.bench.peers.presidio import Presidio  # noqa: PLC0415 - only `make bench` installs it
    except ImportError as error:
        print(f"Presidio is not measured: {error}.\n", file=sys.stderr)
        return None
    return Presidio(threshold).findings


def rows_of(path: Path) -> Iterator[dict[str, object]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def english(path: Path, find: Finder, show: str) -> Tally:
    """presidio-large, by kind."""
    tally = Tally()
    for row in rows_of(path):
        text, spans = str(row["text"]), row["spans"]
        assert isinstance(spans, list)
        got = [f for f in find(text, "en") if f.kind in TYPES.values()]
        for span in spans:
            kind = TYPES.get(span["type"])
            if kind:
                own = [f for f in got if f.kind == kind]
                tally.add(kind, span["start"], span["end"], own)
                if show == kind and not any(f.start < span["end"] and span["start"] < f.end for f in own):
                    print(f"missed {kind}: {span['value']!r} in {text!r}")
        for finding in got:
            tally.findings[finding.kind] += 1
            right = any(
                TYPES.get(span["type"]) == finding.kind
                and finding.start < span["end"]
                and span["start"] < finding.end
                for span in spans
            )
            tally.right[finding.kind] += right
            if show == finding.kind and not right:
                print(f"wrong {finding.kind}: {text[finding.start : finding.end]!r} in {text!r}")
    return tally


def korean(find: Finder, show: str) -> tuple[Tally, Counter[str], Counter[str]]:
    """Made sentences by sort, and how many harmless ones of each sort there are and gave a finding."""
    tally, harmless, wrong = Tally(), Counter[str](), Counter[str]()
    for sample in samples():
        got = find(sample.text, "ko")
        if sample.kind is None:
            harmless[sample.decoy] += 1
            wrong[sample.decoy] += bool(got)
            if show == "korean" and got:
                print(f"wrong: {sample.text!r} {[(f.kind, sample.text[f.start : f.end]) for f in got]}")
            continue
        own = [f for f in got if f.kind == sample.kind]
        tally.add(sample.decoy, sample.start, sample.end, own)
        for finding in got:
            tally.findings[sample.decoy] += 1
            tally.right[sample.decoy] += finding in own
        if show == "korean" and not any((f.start, f.end) == (sample.start, sample.end) for f in own):
            print(f"missed {sample.decoy}: {sample.text!r} {got}")
    return tally, harmless, wrong


def harmless_sets(data: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Name, language and texts of sets that were not made to hold personal data."""
    for name, language, path in (
        ("northwind", "en", "retrieval/northwind-dev/passages.jsonl"),
        ("clinc", "en", "safety/clinc-train-val.jsonl"),
        ("tydiqa-ko", "ko", "retrieval/tydiqa-ko-train/passages.jsonl"),
    ):
        yield name, language, [str(row["text"]) for row in rows_of(data / path)][:MOST_TEXTS]
    for name, language, folder in (
        ("handbook-18f", "en", "files/handbook-18f"),
        ("law-ko", "ko", "files/law-ko"),
    ):
        texts: list[str] = []
        for page in sorted((data / folder).rglob("*.md")):
            paragraphs = page.read_text(encoding="utf-8").split("\n\n")
            texts += [p for p in paragraphs if SHORTEST <= len(p) <= LONGEST]
        yield name, language, texts[:: max(1, len(texts) // MOST_TEXTS)][:MOST_TEXTS]


def harmless_row(texts: list[str], language: str, find: Finder, show: str) -> str:
    """Findings in a thousand texts by kind, and milliseconds for a thousand characters."""
    find(texts[0], language)
    seen: Counter[str] = Counter()
    start = time.process_time()
    got = [find(text, language) for text in texts]
    took = time.process_time() - start
    for text, some in zip(texts, got, strict=True):
        seen.update(f.kind for f in some)
        for finding in some:
            if show == finding.kind:
                around = text[max(0, finding.start - 30) : finding.end + 20]
                print(f"{finding.kind} {text[finding.start : finding.end]!r} in {around!r}")
    kinds = ", ".join(f"{kind} {1_000 * n / len(texts):.1f}" for kind, n in seen.most_common())
    total = 1_000 * sum(seen.values()) / len(texts)
    speed = 1_000_000 * took / sum(map(len, texts))
    return f"{total:.1f} | {kinds or 'none'} | {speed:.3f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=REPOSITORY / ".." / "shared" / "data")
    parser.add_argument(
        "--peer-threshold", type=float, default=0.0, help="least score of Presidio's findings"
    )
    parser.add_argument("--show", default="", help="a kind, or korean: print what is missed and wrong")
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"The data folder {options.data} does not exist. Name it with --data.", file=sys.stderr)
        return 2
    other = peer(options.peer_threshold)
    finders = {"ours": ours} | ({f"presidio >= {options.peer_threshold}": other} if other else {})
    print(f"{processor()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n")

    print(
        "| presidio-large | spans | "
        + " | ".join(f"{n}: found | exact | precision (findings)" for n in finders)
        + " |"
    )
    print("|---" * (2 + 3 * len(finders)) + "|")
    tallies = [
        english(options.data / "safety" / "presidio-large.jsonl", find, options.show if find is ours else "")
        for find in finders.values()
    ]
    for kind in TYPES.values():
        cells = " | ".join(tally.row(kind) for tally in tallies)
        print(f"| {kind} | {tallies[0].spans[kind]} | {cells} |")

    print(
        "\n| Korean, made | spans | "
        + " | ".join(f"{n}: found | exact | precision (findings)" for n in finders)
        + " |"
    )
    print("|---" * (2 + 3 * len(finders)) + "|")
    made = [korean(find, options.show if find is ours else "") for find in finders.values()]
    for name in made[0][0].spans:
        cells = " | ".join(tally.row(name) for tally, _, _ in made)
        print(f"| {name} | {made[0][0].spans[name]} | {cells} |")
    print("\n| Korean, harmless | texts | " + " | ".join(f"{n}: with a finding" for n in finders) + " |")
    print("|---" * (2 + len(finders)) + "|")
    for name, count in sorted(made[0][1].items()):
        print(f"| {name} | {count} | " + " | ".join(str(wrong[name]) for _, _, wrong in made) + " |")
    print(f"| all | {made[0][1].total()} | " + " | ".join(str(wrong.total()) for _, _, wrong in made) + " |")

    print(
        "\n| other texts | texts | "
        + " | ".join(f"{n}: findings in 1,000 | of these | ms for 1,000 characters" for n in finders)
        + " |"
    )
    print("|---" * (2 + 3 * len(finders)) + "|")
    for name, language, texts in harmless_sets(options.data):
        cells = " | ".join(
            harmless_row(texts, language, find, options.show if find is ours else "")
            for find in finders.values()
        )
        print(f"| {name} | {len(texts)} | {cells} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
