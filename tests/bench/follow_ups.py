"""How well are follow-up questions searched for? Recall@5 and MRR@10 over conversations.

    python -m tests.bench.follow_ups [--cache DIR] [--half tune|report|both]

Each question of doc2dial-dev that has something before it, searched for in five ways: as it was typed, with
all earlier questions of the person before it, with everything that was said, and made whole by the rules of
`assistant.chat.condensing`. Conversations are split by a hash: the rules were tuned on one half, and the
other is what is reported. Two further rows tell what the rules cost where there is nothing to carry: each
first question of a conversation, after the questions of another one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.chat.condensing import Exchange, condensed
from assistant.index.contract import IndexQuery
from assistant.index.fusion import DENSE_WEIGHT
from assistant.index.local import LocalIndex
from assistant.providers.contract import Embedder
from assistant.providers.registry import embedder
from tests.bench.retrieval_quality import DATA, Passage, build, embedded

SET = "doc2dial-dev"
_DEPTH, _FIRST = 10, 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what was said before it, and the numbers of its gold passages."""

    text: str
    history: tuple[tuple[str, str], ...]  # (role, text), oldest first
    gold: frozenset[int]
    conversation: str

    @property
    def earlier(self) -> list[str]:
        """The person's earlier questions."""
        return [text for role, text in self.history if role == "user"]


def as_typed(asked: Asked) -> str:
    """The last turn alone."""
    return asked.text


def with_questions(asked: Asked) -> str:
    """All of the person's questions."""
    return " ".join([*asked.earlier, asked.text])


def with_everything(asked: Asked) -> str:
    """All that was said."""
    return " ".join([*(text for _, text in asked.history), asked.text])


def by_rules(asked: Asked) -> str:
    """What the turn searches for."""
    return condensed(asked.text, [Exchange(text) for text in asked.earlier])


WAYS: dict[str, Callable[[Asked], str]] = {
    "last turn alone": as_typed,
    "with all earlier questions": with_questions,
    "with everything said": with_everything,
    "by our rules": by_rules,
}


def read() -> tuple[list[Passage], list[Asked]]:
    """Passages and answerable questions of the set."""
    folder = DATA / SET
    rows = [json.loads(line) for line in (folder / "passages.jsonl").read_text("utf-8").splitlines()]
    numbers = {row["id"]: i for i, row in enumerate(rows)}
    asked = [json.loads(line) for line in (folder / "questions.jsonl").read_text("utf-8").splitlines()]
    return [Passage(row["title"], row["text"]) for row in rows], [
        Asked(
            row["question"],
            tuple((turn["role"], turn["text"]) for turn in row["meta"]["history"]),
            frozenset(numbers[gold] for gold in row["gold"]),
            row["id"].rsplit("_", 1)[0],
        )
        for row in asked
        if row["answerable"]
    ]


def is_for_tuning(asked: Asked) -> bool:
    """Half of the conversations, by a hash."""
    return hashlib.sha256(asked.conversation.encode()).digest()[0] % 2 == 0


def figures(  # noqa: PLR0917 - a bench
    index: LocalIndex,
    questions: Sequence[Asked],
    texts: Sequence[str],
    model: Embedder,
    size: int,
    cache: Path | None,
) -> tuple[float, float]:
    """Recall@5 and MRR@10."""
    vectors = embedded(texts, model=model, cache=cache, questions=True)
    permitted = np.ones(size, dtype=np.int32)
    permitted.setflags(write=False)
    recall = gained = 0.0
    for question, text, vector in zip(questions, texts, vectors, strict=True):
        query = IndexQuery(text=text, vector=vector, dense_weight=DENSE_WEIGHT, k=_DEPTH)
        found = [candidate.document_id for candidate in index.search(query, permitted=permitted)]
        ranks = [rank for rank, number in enumerate(found, 1) if number in question.gold]
        gained += 1 / ranks[0] if ranks else 0.0
        recall += sum(rank <= _FIRST for rank in ranks) / len(question.gold)
    return recall / len(questions), gained / len(questions)


def foreign(questions: Sequence[Asked]) -> list[Asked]:
    """First questions, each after the person's questions of another conversation."""
    first = [asked for asked in questions if not asked.history]
    last = {asked.conversation: asked for asked in questions if asked.history}
    others = [last[key] for key in sorted(last)]
    step = len(others) // 2
    return [
        Asked(asked.text, others[(at + step) % len(others)].history, asked.gold, asked.conversation)
        for at, asked in enumerate(first)
    ]


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, help="a folder to keep vectors in")
    parser.add_argument("--half", choices=("tune", "report", "both"), default="report")
    options = parser.parse_args()
    if not (DATA / SET).is_dir():
        print(f"No {SET} below {DATA}", file=sys.stderr)
        return 2
    passages, every = read()
    model = embedder("sentence-transformers", model="")
    vectors = embedded([f"{p.title}\n{p.text}" for p in passages], model=model, cache=options.cache)
    with tempfile.TemporaryDirectory() as folder:
        index = build(Path(folder), passages, vectors, model=model.name)
        for half in ("tune", "report") if options.half == "both" else (options.half,):
            chosen = [asked for asked in every if is_for_tuning(asked) == (half == "tune")]
            later, strange = [asked for asked in chosen if asked.history], foreign(chosen)
            print(f"\n### {half} half: {len(later)} follow-ups, {len(strange)} first questions\n")
            print("| searched for | recall@5 | MRR@10 | changed |\n|---|---|---|---|")
            rows = [(name, later, way) for name, way in WAYS.items()]
            rows += [(f"after another conversation: {name}", strange, WAYS[name]) for name in
                     ("last turn alone", "with all earlier questions", "by our rules")]  # fmt: skip
            for name, asked, way in rows:
                texts = [way(one) for one in asked]
                recall, mrr = figures(index, asked, texts, model, len(passages), options.cache)
                changed = sum(text != one.text for text, one in zip(texts, asked, strict=True)) / len(asked)
                print(f"| {name} | {recall:.3f} | {mrr:.3f} | {changed:.0%} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
