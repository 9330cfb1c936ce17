"""Learns how much each feature of the extractive answerer counts: `assistant/providers/answer_weights.npz`.

    python -m tests.bench.answer_learning [--data DIR] [--sample N] [--cache DIR] [--out FILE]
                                          [--half even] [--without SET] [--only LANGUAGE]

A ranking is learnt listwise, by the share of belief that the right sentences have among those of their
question; of a statement that is true or false only the right passage is known. Few Korean questions tell the
very sentence, so the Korean ranking learns from the English ones too. The doubt is a logistic loss over
questions with an answer and without one. A ranking that is used to learn the doubt has not seen the
question's document, and neither has the doubt that gives the threshold: each half of the documents is judged
by what was learnt on the other.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assistant.providers.answer_doubt import DOUBT_FEATURES, doubt_features
from assistant.providers.answer_weights import FILE, KINDS, Network, Weights, write
from assistant.providers.contract import Embedder
from assistant.providers.embedders import SentenceTransformerEmbedder
from assistant.providers.extractive import with_cosines, worth_a_vector
from assistant.providers.question_type import question_of
from assistant.providers.sentence_features import FEATURES, features
from assistant.providers.sentence_ranking import Evidence, gather, layout_prior
from tests.bench.answer_cases import LANGUAGES, SHARED, Case, RememberingEmbedder, cases

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FALSE_REFUSALS = 0.02  # at one in twenty more answers of the demo company were kept back
KIND_WEIGHT = {"answerable": 1.0, "adversarial": 0.5, "removed": 1.5, "hidden": 2.0, "elsewhere": 2.0}
_TAUGHT_BY_OTHERS = frozenset(
    {"ko"}
)  # few Korean questions tell the very sentence; what makes one answer is alike
_STATEMENT_WEIGHT = 0.3  # a statement teaches the passage only
_UNITS = {"ranking": 32, "doubt": 24}
_NETWORKS = 3  # that are learnt from different beginnings and averaged
_PASSES = {"ranking": 12, "doubt": 25}
_BATCH = {"ranking": 64, "doubt": 128}
_RATE = {"ranking": 3e-3, "doubt": 2e-3}
_DECAY = {"ranking": 0.05, "doubt": 0.1}
_DROPPED = {"ranking": 0.2, "doubt": 0.3}
_LEAST_DEVIATION = 0.01  # a feature that varies less has not been seen: it shall count nothing
_FURTHEST = 5.0
_NEVER = -30.0  # log-odds of sentences that may be right although nobody said so: they teach nothing


@dataclass(frozen=True, slots=True)
class Example:
    """What the answerer counts for one question. `right`: sentences that answer; `unsure`: they may."""

    case: Case
    evidence: Evidence
    table: Floats
    prior: Floats
    right: Flags
    unsure: Flags

    @property
    def answerable(self) -> bool:
        return self.case.kind == "answerable"


def example(case: Case) -> Example | None:
    """The case as the answerer sees it without an embedder; None where it has nothing to rank."""
    evidence = gather(question_of(case.request.question, case.request.language), case.request.sources)
    if not evidence.sentences or not evidence.question.words:
        return None
    gold = np.array([case.ids[sentence.source] in case.asked.gold for sentence in evidence.sentences])
    holds = np.array([case.holds(sentence.text) for sentence in evidence.sentences])
    right = gold if case.asked.is_statement else gold & holds
    return Example(case, evidence, features(evidence), layout_prior(evidence), right, holds & ~right)


def learn(
    examples: Sequence[Example], embedder: Embedder, languages: Sequence[str] = ("en", "ko")
) -> dict[str, Weights]:
    """The weights of every kind of `languages` from `examples` of both."""
    found: dict[str, Weights] = {}
    compared_ones: dict[str, list[Example]] = {}
    for language in ("en", "ko"):
        mine = [one for one in examples if one.case.request.language == language]
        if not mine:
            continue
        is_taught = language in _TAUGHT_BY_OTHERS
        others = [one for one in examples if one.answerable and one.case.request.language != language]
        words, scorers = _weights(mine, others if is_taught else ())
        dense = compared_ones[language] = [_compared(one, embedder, scorers(one)) for one in mine]
        taught = [
            one
            for other, ones in compared_ones.items()
            if other != language
            for one in ones
            if one.answerable
        ]
        if language in languages:
            found[language] = words
            found[f"{language}+dense"], _ = _weights(dense, taught if is_taught else ())
    return found


def carried(path: Path, kinds: Sequence[str]) -> dict[str, Weights]:
    """The weights of `kinds` of a file that may know fewer features: new ones count nothing."""
    with np.load(path, allow_pickle=False) as held:

        def network(name: str, then: str, now: Sequence[str]) -> Network:
            places = [now.index(feature) for feature in held[then].tolist()]
            parts: dict[str, Floats] = {}
            for part in ("mean", "scale", "hidden"):
                old = held[f"{name}/{part}"].astype(np.float64)
                parts[part] = np.zeros((len(now), *old.shape[1:]))
                parts[part][places] = old
            bias, out = (held[f"{name}/{part}"].astype(np.float64) for part in ("bias", "out"))
            return Network(**parts, bias=bias, out=out, out_bias=float(held[f"{name}/out_bias"]))

        return {
            kind: Weights(
                network(f"{kind}/ranking", "features", FEATURES),
                network(f"{kind}/doubt", "doubt_features", DOUBT_FEATURES),
                float(held[f"{kind}/threshold"]),
            )
            for kind in kinds
        }


def _compared(one: Example, embedder: Embedder, scores: Floats) -> Example:
    near = worth_a_vector(scores)
    return replace(one, table=with_cosines(one.table, one.evidence, embedder, near))


def _weights(
    examples: Sequence[Example], others: Sequence[Example]
) -> tuple[Weights, Callable[[Example], Floats]]:
    """The weights, and scores of sentences by a ranking that has not learnt from their document.

    `others`: examples of another language, from which the ranking learns too.
    """
    halves = [[one for one in examples if one.case.asked.fold == fold] for fold in (0, 1)]
    rankings = [_ranking([*half, *others]) for half in halves]

    def scores(one: Example) -> Floats:
        return rankings[1 - one.case.asked.fold](one.table) + one.prior

    rows = [
        np.array([doubt_features(one.evidence, one.table, scores(one)) for one in half]) for half in halves
    ]
    doubts = [_doubt(half, own) for half, own in zip(halves, rows, strict=True)]
    chances = [
        _chance(doubts[1 - at](rows[at][[one.answerable for one in half]])) for at, half in enumerate(halves)
    ]
    threshold = float(np.quantile(np.concatenate(chances), FALSE_REFUSALS))
    both = _doubt([*halves[0], *halves[1]], np.vstack(rows))
    return Weights(_ranking([*examples, *others]), both, threshold), scores


def _chance(odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-odds)))


def _ranking(examples: Iterable[Example]) -> Network:
    used = [one for one in examples if one.answerable and one.right.any()]
    weight = torch.tensor([_STATEMENT_WEIGHT if one.case.asked.is_statement else 1.0 for one in used])
    sizes = torch.tensor([len(one.right) for one in used])
    begins = torch.cumsum(sizes, 0) - sizes
    right = torch.tensor(np.concatenate([one.right for one in used]))
    unsure = torch.tensor(np.concatenate([one.unsure for one in used]))
    prior = torch.tensor(np.concatenate([one.prior for one in used]), dtype=torch.float32)

    def rows_of(batch: Tensor) -> Tensor:
        ends = begins + sizes
        return torch.cat([torch.arange(int(begins[at]), int(ends[at])) for at in batch.tolist()])

    def loss(net: torch.nn.Module, inputs: Tensor, batch: Tensor) -> Tensor:
        rows = rows_of(batch)
        owner = torch.repeat_interleave(torch.arange(len(batch)), sizes[batch])
        scores = (net(inputs[rows])[:, 0] + prior[rows]).masked_fill(unsure[rows], _NEVER)
        highest = torch.full((len(batch),), _NEVER).scatter_reduce(0, owner, scores.detach(), "amax")
        odds = torch.exp(scores - highest[owner])
        total = torch.zeros(len(batch)).scatter_add(0, owner, odds)
        good = torch.zeros(len(batch)).scatter_add(0, owner, odds * right[rows])
        missed = torch.log(total) - torch.log(good + 1e-9)
        return (weight[batch] * missed).sum() / weight[batch].sum()

    return _learnt("ranking", np.vstack([one.table for one in used]), len(used), loss)


def _doubt(examples: Sequence[Example], rows: Floats) -> Network:
    truth = torch.tensor([float(one.answerable) for one in examples])
    weight = torch.tensor([KIND_WEIGHT[one.case.kind] for one in examples])

    def loss(net: torch.nn.Module, inputs: Tensor, batch: Tensor) -> Tensor:
        missed = torch.nn.functional.binary_cross_entropy_with_logits(
            net(inputs[batch])[:, 0], truth[batch], reduction="none"
        )
        return (weight[batch] * missed).sum() / weight[batch].sum()

    return _learnt("doubt", rows, len(examples), loss)


Loss = Callable[[torch.nn.Module, Tensor, Tensor], Tensor]


def _learnt(name: str, rows: Floats, number: int, loss: Loss) -> Network:
    """Several networks from different beginnings, as one whose output is their mean."""
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(deviation < _LEAST_DEVIATION, 0.0, 1.0 / np.maximum(deviation, 0.05))
    inputs = torch.tensor(np.clip((rows - mean) * scale, -_FURTHEST, _FURTHEST), dtype=torch.float32)
    steps = _PASSES[name] * -(-number // _BATCH[name])
    nets: list[torch.nn.Sequential] = []
    for seed in range(_NETWORKS):
        torch.manual_seed(seed)
        net = torch.nn.Sequential(
            torch.nn.Linear(inputs.shape[1], _UNITS[name]),
            torch.nn.SiLU(),
            torch.nn.Dropout(_DROPPED[name]),
            torch.nn.Linear(_UNITS[name], 1),
        )
        optimiser = torch.optim.AdamW(net.parameters(), lr=_RATE[name], weight_decay=_DECAY[name])
        pace = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE[name], total_steps=steps)
        for _ in range(_PASSES[name]):
            for batch in torch.split(torch.randperm(number), _BATCH[name]):
                value = loss(net, inputs, batch)
                optimiser.zero_grad()
                torch.autograd.backward([value])
                optimiser.step()
                pace.step()
        nets.append(net)
    return _joined(nets, mean, scale)


def _joined(nets: Sequence[torch.nn.Sequential], mean: Floats, scale: Floats) -> Network:
    held = [[value.detach().double().numpy() for value in net.parameters()] for net in nets]
    return Network(
        mean,
        scale,
        np.hstack([hidden.T for hidden, _, _, _ in held]),
        np.concatenate([bias for _, bias, _, _ in held]),
        np.concatenate([out[0] for _, _, out, _ in held]) / len(nets),
        float(np.mean([bias[0] for _, _, _, bias in held])),
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of the question sets")
    parser.add_argument("--sample", type=int, help="answerable questions of each set (default: all)")
    parser.add_argument("--cache", type=Path, help="folder that keeps vectors between runs")
    parser.add_argument("--out", type=Path, default=FILE, help="file to write")
    parser.add_argument("--half", choices=("even",), help="learn from this half of the documents only")
    parser.add_argument("--without", choices=sorted(LANGUAGES), help="learn from the other sets only")
    parser.add_argument(
        "--only", choices=("en", "ko"), help="learn this language's weights; the product's others stay"
    )
    options = parser.parse_args()
    if not (options.data / "squad2-dev").is_dir():
        print(f"No question sets in {options.data}: name their folder with --data.", file=sys.stderr)
        return 1
    torch.set_num_threads(1)
    begun = time.perf_counter()
    embedder = RememberingEmbedder(SentenceTransformerEmbedder(), options.cache)
    found = cases(options.data, embedder, sample=options.sample)
    every = [
        one
        for case in found
        if case.set_name != options.without
        and not (options.half and case.asked.held_out)
        and (options.only in {None, case.request.language} or case.kind == "answerable")
        if (one := example(case)) is not None
    ]
    languages = (options.only,) if options.only else ("en", "ko")
    found_weights = learn(every, embedder, languages)
    kept = carried(FILE, [kind for kind in KINDS if kind not in found_weights])
    write(options.out, {**kept, **found_weights})
    embedder.save()
    seconds = time.perf_counter() - begun
    print(f"Wrote {options.out} from {len(every)} questions in {seconds:.0f} s.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
