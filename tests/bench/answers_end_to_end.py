"""Does an answer without a language model hold the gold answer, and is it refused where there is none?

Each question is retrieved for, answered by the extractive answerer, and judged by the offsets that it
cites. Prints Markdown: the gold answer inside the first 1, 2, 3 cited sentences (refusals left aside),
in the answer that is shown, the precision of the offsets, milliseconds beside the embedder, and what is
refused.

    python -m tests.bench.answers_end_to_end [--data DIR] [--sample N | --full] [--cache DIR] [--weights FILE]

By default the weights are learnt anew, without the documents that are measured with (`answer_learning
--half even`); `--weights` takes those of a file, `--weights shipped` those of the product, which have
seen every document. `--without SET` learns from the other sets and measures this one. A sentence counts
by the text at its offsets; sentences that follow each other count together.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from assistant.providers.answer_weights import Weights, read, shipped
from assistant.providers.contract import AnswerSentence, Source
from assistant.providers.embedders import SentenceTransformerEmbedder
from assistant.providers.extractive import ExtractiveModel, Ranked
from tests.bench.answer_cases import KINDS, LANGUAGES, SHARED, Case, RememberingEmbedder, cases
from tests.bench.answer_learning import example, learn

MOST = 3
GOALS = {"en": (0.90, 0.95, 0.80), "ko": (0.87, 0.92, 0.65)}  # at two sentences, AUROC, refused


@dataclass(frozen=True, slots=True)
class Outcome:
    """`hits`: the gold answer within the first 1, 2, 3 sentences; `exact` of `quotes` say what is shown."""

    case: Case
    answerable: float
    refused: bool
    hits: tuple[bool, ...]
    reachable: bool  # some sentence of what was found holds the gold answer
    shown: int
    shown_hit: bool
    quotes: int
    exact: int
    ms: float


def outcome(case: Case, model: ExtractiveModel, embedder: RememberingEmbedder) -> Outcome:
    """Answer one case; `ms` leaves the embedder's time out."""
    before, begun = embedder.seconds, perf_counter()
    shown = list(model.answer(case.request))
    ms = 1000 * (perf_counter() - begun - (embedder.seconds - before))
    assessment = model.assess(case.request)
    if assessment is None:
        return Outcome(case, 0.0, True, (False,) * MOST, False, 0, False, 0, 0, ms)
    ranked = _without_twins(assessment.ranked)
    spans = [(one.sentence.source, one.sentence.start, one.sentence.end) for one in ranked]
    hits = tuple(case.holds(_cited_text(case, spans[:count])) for count in range(1, MOST + 1))
    cited = [(quote.n - 1, quote.start, quote.end) for one in shown for quote in one.quotes]
    return Outcome(
        case,
        assessment.answerable,
        assessment.answerable < assessment.threshold,
        hits,
        any(case.holds(one.sentence.text) for one in ranked),
        len(shown),
        case.holds(_cited_text(case, cited)),
        len(cited),
        sum(_is_exact(one, case.request.sources) for one in shown),
        ms,
    )


def _without_twins(ranked: Iterable[Ranked]) -> list[Ranked]:
    first: dict[str, Ranked] = {}
    for one in ranked:
        first.setdefault(one.sentence.folded, one)
    return list(first.values())


def _cited_text(case: Case, spans: Sequence[tuple[int, int, int]]) -> str:
    """The text at the offsets, in its order; what is not neighbours stays apart."""
    parts: list[str] = []
    last = (-1, -1)
    for at, start, end in sorted(spans):
        text = case.request.sources[at].text
        follows = last[0] == at and not text[last[1] : start].strip()
        parts.append(("" if follows or not parts else _APART) + text[start:end])
        last = (at, end)
    return " ".join(parts)


_APART = "aparta"  # letters that no answer has between its own: an answer does not reach over a gap


def _is_exact(shown: AnswerSentence, sources: Sequence[Source]) -> int:
    """How many of its quotes hold, letter for letter, the sentence that is shown, or the cells of its row."""
    exact = 0
    for quote in shown.quotes:
        text = sources[quote.n - 1].text[quote.start : quote.end]
        row = "\t" in text or "\n" in text
        exact += " ".join(text.split()).casefold() == shown.text.casefold() or (
            row and all(cell in shown.text for cell in text.split())
        )
    return exact


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The chance that a positive scores above a negative."""
    if not positive or not negative:
        return math.nan
    below = np.sort(np.array(negative))
    left, right = (np.searchsorted(below, positive, side=side) for side in ("left", "right"))
    return float(np.mean((left + right) / 2) / len(below))


def answers_table(outcomes: Sequence[Outcome]) -> str:
    """One row a set, and one for the mean of each language's sets."""
    lines = [
        "| set | n | 1 | 2 | 3 | at 2, where it was found | in the answer shown | sentences shown "
        "| exact quotes | p50 ms | p95 ms |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    means: dict[str, list[list[float]]] = defaultdict(list)
    for name, language in LANGUAGES.items():
        mine = [one for one in outcomes if one.case.set_name == name]
        good = [one for one in mine if one.case.kind == "answerable"]
        if not good:
            continue
        quotes, exact = sum(one.quotes for one in mine), sum(one.exact for one in mine)
        ms = np.percentile([one.ms for one in mine], [50, 95])
        tail = f"{exact / max(quotes, 1):.3f} of {quotes} | {ms[0]:.1f} | {ms[1]:.1f} |"
        shown = np.mean([one.shown for one in good if one.shown])
        if good[0].case.asked.is_statement:
            lines.append(f"| {name} | {len(good)} | - | - | - | - | - | {shown:.2f} | {tail}")
            continue
        cells = [float(np.mean([one.hits[k] for one in good])) for k in range(MOST)]
        cells.append(float(np.mean([one.hits[1] for one in good if one.reachable])))
        cells.append(float(np.mean([one.shown_hit for one in good])))
        means[language].append(cells)
        lines.append(f"| {name} | {len(good)} | {_figures(cells)} | {shown:.2f} | {tail}")
    for language, rows in means.items():
        goal = f"(goal at 2: {GOALS[language][0]:.2f})"
        lines.append(f"| mean {language} {goal} | | {_figures(np.mean(rows, axis=0).tolist())} | | | | |")
    return "\n".join(lines)


def _figures(cells: Iterable[float]) -> str:
    return " | ".join(f"{cell:.3f}" for cell in cells)


def refusals_table(outcomes: Sequence[Outcome]) -> str:
    """One row a set and reason, then all reasons of a language but the adversarial one, then that too.

    "Refused" is what the product does; the last column moves the threshold to 5 % false refusals there.
    """
    lines = [
        "| set | without an answer because | n | AUROC | refused | refused at 5 % false refusals |",
        "|---|---|---|---|---|---|",
    ]
    for name in LANGUAGES:
        lines += _refusal_rows(name, [one for one in outcomes if one.case.set_name == name], KINDS[1:])
    for language, (_, area, share) in GOALS.items():
        mine = [one for one in outcomes if LANGUAGES[one.case.set_name] == language]
        lines += _refusal_rows(
            f"all {language} (goal {area:.2f}, {share:.2f})", mine, ("all but adversarial", "all")
        )
    return "\n".join(lines)


def _refusal_rows(name: str, outcomes: Sequence[Outcome], kinds: Sequence[str]) -> list[str]:
    good = [one for one in outcomes if one.case.kind == "answerable"]
    if not good:
        return []
    point = float(np.quantile([one.answerable for one in good], 0.05))
    rows = [f"| {name} | (it has one) | {len(good)} | | {np.mean([one.refused for one in good]):.3f} | |"]
    for kind in kinds:
        left_out = {"all but adversarial": {"answerable", "adversarial"}, "all": {"answerable"}}.get(kind)
        bad = [
            one
            for one in outcomes
            if (one.case.kind == kind if left_out is None else one.case.kind not in left_out)
        ]
        if bad:
            area = auroc([one.answerable for one in good], [one.answerable for one in bad])
            at = np.mean([one.answerable < point for one in bad])
            refused = np.mean([one.refused for one in bad])
            rows.append(f"| {name} | {kind} | {len(bad)} | {area:.3f} | {refused:.3f} | {at:.3f} |")
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of the question sets")
    parser.add_argument("--sample", type=int, default=400, help="answerable questions of each set")
    parser.add_argument("--full", action="store_true", help="all questions")
    parser.add_argument("--cache", type=Path, help="folder that keeps vectors between runs")
    parser.add_argument("--weights", help="a file of `answer_learning`, or 'shipped'")
    parser.add_argument(
        "--without", choices=sorted(LANGUAGES), help="learn from the other sets, measure this"
    )
    options = parser.parse_args()
    if not (options.data / "squad2-dev").is_dir():
        print(f"No question sets in {options.data}: name their folder with --data.", file=sys.stderr)
        return 1
    embedder = RememberingEmbedder(SentenceTransformerEmbedder(), options.cache)
    every = list(cases(options.data, embedder, sample=None if options.full else options.sample))
    if options.without:
        measured = [case for case in every if case.set_name == options.without]
        taught = [case for case in every if case.set_name != options.without]
    else:
        measured = [case for case in every if case.asked.held_out]
        taught = [case for case in every if not case.asked.held_out]
    model = ExtractiveModel(embedder, _weights(options.weights, taught, embedder))
    outcomes = [outcome(case, model, embedder) for case in measured]
    print(answers_table(outcomes), refusals_table(outcomes), sep="\n\n")
    embedder.save()
    return 0


def _weights(
    named: str | None, taught: Sequence[Case], embedder: RememberingEmbedder
) -> Mapping[str, Weights]:
    if named == "shipped":
        return shipped()
    if named is not None:
        return read(Path(named))
    return learn([one for case in taught if (one := example(case)) is not None], embedder)


if __name__ == "__main__":
    sys.exit(main())
