"""How often does an answer lead with the few characters that answer by themselves, and are they right?

The extractive answerer's best sentence of each question of `squad2-dev`, `tydiqa-en-train` and
`tydiqa-ko-train`, as `answer_cases` retrieves them. A short answer is right if it is the gold one, lies in it
or holds it, letters and digits compared, no number cut in two. Prints, for both halves of documents: of the
answerable questions that are not refused, how many lead with one; of those, how many are right, with the
mean F1 over characters; and how many questions without an answer that were not refused show one all the same.

    python -m tests.bench.short_answers [--data DIR] [--sample N] [--cache DIR] [--learn]

`--learn` fits the weights anew on the half that is learnt from, prints them, and measures with them. The
sentences are ranked by the weights of the product, which have seen every document of both halves; the weights
of this bench have seen one half.
"""

from __future__ import annotations

import argparse
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from assistant.providers import short_answers
from assistant.providers.embedders import SentenceTransformerEmbedder
from assistant.providers.extractive import ExtractiveModel
from assistant.providers.question_type import question_of
from assistant.providers.short_answers import FEATURES, THRESHOLD, Floats, features
from assistant.providers.short_spans import sort_of, spans_of
from tests.bench.answer_cases import SHARED, RememberingEmbedder, cases

SAMPLES = {"tydiqa-ko-train": 2_000, "squad2-dev": 900, "tydiqa-en-train": 900}  # answerable questions
_SIGN = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Shown:
    """A question that is not refused, with what could answer in its best sentence."""

    set_name: str
    held_out: bool
    answerable: bool
    golds: tuple[str, ...]
    texts: tuple[str, ...]  # of the stretches
    table: Floats  # their features

    def rights(self) -> list[bool]:
        return [self.answerable and is_right(text, self.golds) for text in self.texts]


def plain(text: str) -> str:
    """Letters and digits, folded."""
    return _SIGN.sub("", unicodedata.normalize("NFKC", text).casefold())


def is_right(text: str, golds: Sequence[str]) -> bool:
    """Whether the text is a gold answer, lies in one, or holds one."""
    return any(_lies_in(plain(text), plain(gold)) or _lies_in(plain(gold), plain(text)) for gold in golds)


def _lies_in(part: str, whole: str) -> bool:
    at = whole.find(part) if part else -1
    while at >= 0:
        end = at + len(part)
        cut_before = part[0].isdigit() and at > 0 and whole[at - 1].isdigit()
        cut_after = part[-1].isdigit() and end < len(whole) and whole[end].isdigit()
        if not cut_before and not cut_after:
            return True
        at = whole.find(part, at + 1)
    return False


def f1(text: str, golds: Sequence[str]) -> float:
    """The best F1 over characters beside a gold answer."""
    best = 0.0
    for gold in golds:
        one, other = Counter(plain(text)), Counter(plain(gold))
        common = sum((one & other).values())
        if common:
            best = max(best, 2 * common / (sum(one.values()) + sum(other.values())))
    return best


def shown(data: Path, sample: int | None, cache: Path | None) -> Iterator[Shown]:
    """Every question that is not refused."""
    embedder = RememberingEmbedder(SentenceTransformerEmbedder(), cache)
    model = ExtractiveModel(embedder)
    for name, usual in SAMPLES.items():
        for case in cases(data, embedder, names=(name,), sample=sample or usual):
            found = model.assess(case.request)
            if found is None or found.answerable < found.threshold:
                continue
            question = question_of(case.request.question, case.request.language)
            best, sort = found.ranked[0], sort_of(question)
            text = best.sentence.text
            spans = spans_of(question, sort, text) if sort is not None else []
            table = (
                features(question, sort, text, spans, best.share)
                if sort is not None and spans
                else np.zeros((0, len(FEATURES)))
            )
            yield Shown(
                name,
                case.asked.held_out,
                case.kind == "answerable",
                case.asked.answers,
                tuple(text[span.start : span.end] for span in spans),
                table,
            )
        embedder.save()


def learnt(examples: Sequence[Shown]) -> Floats:
    """Weights, the constant last, from the half that is learnt from."""
    own = [one for one in examples if not one.held_out and one.answerable and one.texts]
    table = np.vstack([one.table for one in own])
    right = np.concatenate([one.rights() for one in own]).astype(int)
    mean, spread = table.mean(0), table.std(0) + 1e-9
    model = LogisticRegression(C=0.3, max_iter=2_000).fit((table - mean) / spread, right)
    weights = model.coef_[0] / spread
    return np.array([*weights, float(model.intercept_[0] - (weights * mean).sum())])


def report(examples: Sequence[Shown], weights: Floats) -> Iterator[str]:
    """The table, a line a set and half."""
    yield "| set | half | answerable | lead | right | F1 | without an answer | lead |"
    yield "|---|---|---|---|---|---|---|---|"
    groups: dict[tuple[str, bool], list[Shown]] = defaultdict(list)
    for one in examples:
        groups[one.set_name, one.held_out].append(one)
    for (name, held_out), group in sorted(groups.items()):
        leads: list[tuple[str, Sequence[str]]] = []
        wrongly = 0
        for one in group:
            if not one.texts:
                continue
            scores = short_answers.belief(one.table, weights)
            at = int(scores.argmax())
            if scores[at] < THRESHOLD:
                continue
            if one.answerable:
                leads.append((one.texts[at], one.golds))
            else:
                wrongly += 1
        answerable = sum(one.answerable for one in group)
        without = len(group) - answerable
        right = sum(is_right(*lead) for lead in leads)
        mean = sum(f1(*lead) for lead in leads)
        yield (
            f"| {name} | {'measured' if held_out else 'learnt from'} | {answerable} "
            f"| {len(leads)} ({len(leads) / max(1, answerable):.3f}) "
            f"| {right / max(1, len(leads)):.3f} | {mean / max(1, len(leads)):.3f} "
            f"| {without} | {wrongly} ({wrongly / max(1, without):.3f}) |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--sample", type=int)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--learn", action="store_true")
    options = parser.parse_args()
    examples = list(shown(options.data, options.sample, options.cache))
    weights = learnt(examples) if options.learn else short_answers.WEIGHTS
    if options.learn:
        for name, weight in zip((*FEATURES, "constant"), weights, strict=True):
            print(f'    "{name}": {weight:.4f},')
    print("\n".join(report(examples, weights)))


if __name__ == "__main__":
    main()
