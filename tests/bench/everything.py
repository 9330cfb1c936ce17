"""All measurements, one after another, and one report: Markdown with charts beside it.

    python -m tests.bench.everything [--report FILE.md] [--only NAME ...] [--without NAME ...]

Each runs in a process of its own, and what it prints goes into the report as it is. Figures count only
from a machine that does nothing else; the report says how busy it was before each. Whatever needs
data or a package that is absent says so there. Takes two to three hours, most of it for the peers.

Exit status 1 if one of them failed or missed a target; they are named at the end.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.index_scale import processor

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_REPORT = ROOT / "var" / "bench" / "report.md"
INDEX_REPORT = "index.md"


@dataclass(frozen=True, slots=True)
class Bench:
    """A measurement: what it answers, and how it is called."""

    name: str
    question: str
    arguments: tuple[str, ...]


BENCHES = (
    Bench("index_scale", "How fast, how large and how right is the index, beside its peers?", ()),
    Bench(
        "retrieval_quality",
        "How good is retrieval, beside its peers?",
        ("-m", "tests.bench.retrieval_quality"),
    ),
    Bench(
        "korean_analysis",
        "Which words of a Korean text should be searched?",
        ("-m", "tests.bench.korean_analysis"),
    ),
    Bench("embedding_speed", "How fast are passages embedded?", ("-m", "tests.bench.embedding_speed")),
    Bench("acl_change", "How long until a moved folder is obeyed?", ("-m", "tests.bench.acl_change")),
    Bench(
        "faults", "Does any damage to the index go unnoticed?", ("tests/index/faults.py", "--faults", "1000")
    ),
    Bench("kills", "Does a killed writer lose anything?", ("tests/index/kills.py", "--kills", "200")),
    Bench("sync_again", "How fast is a source that has not changed?", ("-m", "tests.bench.sync_again")),
    Bench("visible_set", "How fast is the set of readable documents?", ("-m", "tests.bench.visible_set")),
    Bench("reading_together", "What do others who read along cost?", ("-m", "tests.bench.reading_together")),
    Bench("audit_log", "What does recording in the audit log cost?", ("-m", "tests.bench.audit_log")),
    Bench(
        "answers_end_to_end",
        "How good are answers without a model?",
        ("-m", "tests.bench.answers_end_to_end"),
    ),
    Bench("evidence_check", "Is what a model writes carried?", ("-m", "tests.bench.evidence_check")),
    Bench(
        "first_token", "How soon does a language model's first word come?", ("-m", "tests.bench.first_token")
    ),
    Bench("topic_blocks", "How well do topic blocks hold?", ("-m", "tests.bench.topic_blocks")),
    Bench("personal_data", "How much personal data is found?", ("-m", "tests.bench.personal_data")),
    Bench("blocked_words", "Do blocked words hold?", ("-m", "tests.bench.blocked_words")),
)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a measurement printed, how it ended and what it took."""

    bench: Bench
    status: int
    output: str
    complaint: str  # the end of stderr
    load_before: float
    minutes: float


def run(bench: Bench, *, folder: Path) -> Ran:
    """One measurement, in a process of its own."""
    arguments = bench.arguments or (
        *("-m", "tests.bench.index_scale", "--home", str(folder)),
        *("--report", str(folder / INDEX_REPORT)),
    )
    load, began = os.getloadavg()[0], time.perf_counter()
    print(f"== {bench.name}", file=sys.stderr, flush=True)
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
    )
    minutes = (time.perf_counter() - began) / 60
    (folder / f"{bench.name}.txt").write_text(ended.stdout, encoding="utf-8")
    return Ran(bench, ended.returncode, ended.stdout, ended.stderr[-2000:], round(load, 1), minutes)


def section(ran: Ran, *, folder: Path) -> list[str]:
    """A measurement's part of the report."""
    index = folder / INDEX_REPORT
    lines = [
        f"## {ran.bench.question}\n",
        f"`{ran.bench.name}`: exit status {ran.status}, {ran.minutes:.1f} minutes, "
        f"load before {ran.load_before}.\n",
    ]
    if ran.status:
        lines.append(f"```\n{ran.complaint.strip() or '(nothing on stderr)'}\n```\n")
    if not ran.bench.arguments and index.is_file():
        body = index.read_text(encoding="utf-8").partition("\n")[2]
        return [*lines, body.replace("\n## ", "\n### ").replace("\n### Dense", "\n#### Dense")]
    is_markdown = "|---" in ran.output
    return [*lines, ran.output if is_markdown else f"```json\n{ran.output.strip()}\n```", ""]


def write(report: Path, done: Sequence[Ran]) -> None:
    """The report so far, so that a run that is stopped leaves what it has measured."""
    head = [
        "# Measurements\n",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {processor()}, {os.cpu_count()} cores.\n",
    ]
    body = [line for ran in done for line in section(ran, folder=report.parent)]
    report.write_text("\n".join([*head, *body]), encoding="utf-8")


def main() -> int:
    """Run all, report all."""
    names = [bench.name for bench in BENCHES]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--report", type=Path, default=DEFAULT_REPORT)
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--without", nargs="+", choices=names, default=[])
    options = parser.parse_args()
    report = options.report.resolve()
    report.parent.mkdir(parents=True, exist_ok=True)
    done: list[Ran] = []
    for bench in BENCHES:
        if bench.name in options.only and bench.name not in options.without:
            done.append(run(bench, folder=report.parent))
            write(report, done)
    print(report)
    failed = [ran.bench.name for ran in done if ran.status]
    if failed:
        print(f"FAILED or short of a target: {' '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
