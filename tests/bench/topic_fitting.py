"""Learns how likenesses decide whether a text is about a topic; writes `checks/topic_weights.py`.

Run from the repository: `python -m tests.bench.topic_fitting [--data DIR] [--left-out]`. English: the intents
of clinc and banking77 whose SHA-256 begins with an even byte, each a topic by its name and five of its
questions; near are the intents whose questions look most alike; and, counting less, the hand-made topics of
`tests/guardrails/learnt_english_topics.py`. Korean: the categories of naver-kosbi (the half of the rows whose
id hashes to an even byte) and the hand-made topics of `korean_topics.py` and `learnt_topics.py`. Both learn
from the categories of naver-kosbi with examples in the other language, too, by its translations.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from assistant.guardrails.checks.topic_judge import FEATURES, TopicJudge
from assistant.guardrails.checks.topics import THRESHOLDS
from assistant.guardrails.verdict import Stage
from tests.bench.attack_data import DATA, REPOSITORY, is_learnt, rows
from tests.bench.topic_blocks import (
    EXAMPLES,
    HEAD,
    KOSBI,
    SEED,
    Tally,
    by_label,
    rule_text,
    started_encoder,
)
from tests.guardrails.korean_topics import CASES, HELD_OUT, TopicCase
from tests.guardrails.learnt_english_topics import LEARNT_ENGLISH
from tests.guardrails.learnt_topics import LEARNT

if TYPE_CHECKING:
    from assistant.guardrails.encoding import RememberingEncoder

Floats = NDArray[np.float64]
Part = tuple[Floats, bool, float]  # rows of features, whether they are about the topic, their weight together

NEAR_INTENTS, EACH_NEAR, EACH_FAR = 5, 20, 2
_NEAR_SHARE = 0.18  # of the texts that are not about an intent: what `topic_blocks` has of them
_NEAR_SHARE_BY_HAND = 0.5  # what only sounds like a topic counts as much as all that does not
_BY_HAND_ENGLISH = 0.3  # what the hand-made topics count together beside the intents
_BY_HAND_KOREAN = 2.0  # beside the categories
_ALONE = 0.2  # of these, topics that no example shows
_ACROSS_SHARE = 0.05  # what topics with examples in the other language count beside the others
_PENALTY = 0.3


def english(data: Path, encoder: RememberingEncoder, cases: Sequence[TopicCase]) -> list[Part]:
    """Features of questions of half of the intents, of others held against them, and of hand-made topics."""
    parts: list[Part] = []
    for name in ("clinc-train-val", "banking77-train"):
        labelled = by_label(data / "safety" / f"{name}.jsonl")
        outside = labelled.pop("oos", [])[:100]
        draw = random.Random(SEED)
        for some in labelled.values():
            draw.shuffle(some)
        vectors = {label: encoder.vectors(some[:40]) for label, some in labelled.items()}
        middles = {label: some.mean(axis=0) for label, some in vectors.items()}
        for label in filter(is_learnt, labelled):
            judge = TopicJudge([*labelled[label][:EXAMPLES], label.replace("_", " ")], encoder)
            others = sorted(
                (o for o in labelled if o != label), key=lambda o: -float(middles[o] @ middles[label])
            )
            near = [t for o in others[:NEAR_INTENTS] for t in labelled[o][20 : 20 + EACH_NEAR]]
            far = [t for o in others[NEAR_INTENTS:] for t in labelled[o][:40][-EACH_FAR:]] + outside
            parts.append((judge.features(labelled[label][EXAMPLES:40]), True, 1.0))
            parts.append((judge.features(near), False, _NEAR_SHARE))
            parts.append((judge.features(far), False, 1 - _NEAR_SHARE))
    intents = sum(share for _, about, share in parts if about)
    return [*parts, *by_hand(cases, encoder, _BY_HAND_ENGLISH * intents)]


def by_hand(cases: Sequence[TopicCase], encoder: RememberingEncoder, share: float) -> list[Part]:
    """Features of hand-made questions; those about their topic count `share` in all, the others as much."""
    parts: list[Part] = []
    for alone, its_share in ((False, 1 - _ALONE), (True, _ALONE)):
        each = share * its_share / len(cases)
        for case in cases:
            about, near, far = of_case(case, encoder, cases, description_alone=alone)
            parts.append((about, True, each))
            parts.append((near, False, each * _NEAR_SHARE_BY_HAND))
            parts.append((far, False, each * (1 - _NEAR_SHARE_BY_HAND)))
    return parts


def across(data: Path, encoder: RememberingEncoder, language: str) -> list[Part]:
    """Features of statements in `language` held against topics whose examples are in the other one."""
    labelled: dict[str, list[tuple[str, str]]] = {}
    for row in rows(data, "safety/naver-kosbi-valid.jsonl"):
        if is_learnt(row["id"]):
            own, other = row["text"], row["meta"]["text_en"]  # type: ignore[index]
            pair = (own, other) if language == "ko" else (other, own)
            labelled.setdefault(row["meta"]["category"], []).append(pair)  # type: ignore[index]
    draw = random.Random(SEED)
    for label in sorted(labelled):
        draw.shuffle(labelled[label])
    parts: list[Part] = []
    for label in KOSBI:
        judge = TopicJudge([other for _, other in labelled[label][:EXAMPLES]], encoder)
        about = [own for own, _ in labelled[label][EXAMPLES:55]]
        far = [own for other in KOSBI if other != label for own, _ in labelled[other][-8:]]
        parts.append((judge.features(about), True, 1.0))
        parts.append((judge.features(far), False, 1.0))
    return parts


def korean(data: Path, encoder: RememberingEncoder, cases: Sequence[TopicCase]) -> list[Part]:
    """Features of statements of half of the rows by category, and of hand-made questions by topic."""
    labelled: dict[str, list[str]] = {}
    for row in rows(data, "safety/naver-kosbi-valid.jsonl"):
        if is_learnt(row["id"]):
            labelled.setdefault(row["meta"]["category"], []).append(row["text"])  # type: ignore[index]
    draw = random.Random(SEED)
    for label in sorted(labelled):
        draw.shuffle(labelled[label])
    parts: list[Part] = []
    for label, description in KOSBI.items():
        judge = TopicJudge([*labelled[label][:EXAMPLES], rule_text(label, description)], encoder)
        others = [text for other in KOSBI if other != label for text in labelled[other][-8:]]
        parts.append((judge.features(labelled[label][EXAMPLES:55]), True, 1 / len(KOSBI)))
        parts.append((judge.features(others), False, 1 / len(KOSBI)))
    return [*parts, *by_hand(cases, encoder, _BY_HAND_KOREAN)]


def of_case(
    case: TopicCase,
    encoder: RememberingEncoder,
    cases: Sequence[TopicCase],
    *,
    description_alone: bool = False,
) -> tuple[Floats, Floats, Floats]:
    """Features of what one topic must stop, of its near misses, and of the questions of all others."""
    examples = () if description_alone else case.examples
    judge = TopicJudge([*examples, rule_text(case.name, case.description)], encoder)
    far = [text for other in cases if other.name != case.name for text in other.block + other.near]
    return judge.features(case.block), judge.features(case.near), judge.features(far)


def left_out(data: Path, encoder: RememberingEncoder) -> str:
    """What weights that were learnt without a hand-made topic make of it, for all of them together."""
    lines = []
    for language, name, learnt_from, cases in (
        ("en", "English", english, LEARNT_ENGLISH),
        ("ko", "Korean", korean, (*CASES, *HELD_OUT, *LEARNT)),
    ):
        side = across(data, encoder, language)
        total = {"words known": Tally(), "others": Tally()}
        for case in cases:
            rest = [other for other in cases if other.name != case.name]
            weights, bias = learn(together(learnt_from(data, encoder, rest), side))
            tally = total["words known" if case in (*CASES, *HELD_OUT) else "others"]
            for kind, table in zip(("topic", "near", "far"), of_case(case, encoder, cases), strict=True):
                for odds in table @ weights + bias:
                    tally.add(kind, stopped=bool(odds >= THRESHOLDS[language][Stage.QUESTION]))
        lines += [tally.row(f"{name}, left out, {kind}") for kind, tally in total.items() if tally.seen]
    return "\n".join(lines)


def together(parts: Sequence[Part], side: Sequence[Part]) -> list[Part]:
    """`parts` and, with a smaller weight in all, those of the `side`."""
    factor = _ACROSS_SHARE * sum(share for _, _, share in parts) / sum(share for _, _, share in side)
    return [*parts, *((table, about, factor * share) for table, about, share in side)]


def learn(parts: Sequence[Part]) -> tuple[Floats, float]:
    """Weights and bias of a logistic regression; each part counts by its weight, however many rows it has."""
    table = np.vstack([part for part, _, _ in parts])
    truth = np.concatenate([np.full(len(part), float(about)) for part, about, _ in parts])
    weight = np.concatenate([np.full(len(part), share / len(part)) for part, _, share in parts])
    weight *= 2000 / weight.sum()
    mean, scale = table.mean(axis=0), table.std(axis=0) + 1e-9
    table = (table - mean) / scale

    def loss(values: Floats) -> tuple[float, Floats]:
        odds = table @ values[:-1] + values[-1]
        slope = weight * (1 / (1 + np.exp(-odds)) - truth)
        cost = weight @ (np.logaddexp(0, odds) - truth * odds) + _PENALTY / 2 * values[:-1] @ values[:-1]
        return float(cost), np.append(table.T @ slope + _PENALTY * values[:-1], slope.sum())

    found = minimize(
        loss, np.zeros(table.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 1000}
    )
    weights = found.x[:-1] / scale
    return weights, float(found.x[-1] - weights @ mean)


_HEAD = '''"""How much each likeness counts. Learnt, not chosen: do not edit by hand.

Written by `python -m tests.bench.topic_fitting` from halves of clinc, banking77 and naver-kosbi and from
hand-made topics. Odds are for as many texts about the topic as others.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """`weights` has one number for each feature of a `TopicJudge`."""

    weights: tuple[float, ...]
    bias: float


'''


def written(name: str, parts: Sequence[Part]) -> str:
    """The constant of one language."""
    weights, bias = learn(parts)
    numbers = "".join(
        f"        {weight:.3f},  # {label}\n" for label, weight in zip(FEATURES, weights, strict=True)
    )
    return f"{name} = Weights(\n    weights=(\n{numbers}    ),\n    bias={bias:.3f},\n)\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--left-out", action="store_true", help="write nothing: judge each topic by the others"
    )
    options = parser.parse_args()
    data: Path = options.data
    encoder = started_encoder()
    if options.left_out:
        print(HEAD, left_out(data, encoder), sep="\n")
        return 0
    known = (*CASES, *HELD_OUT, *LEARNT)
    learnt_from = english(data, encoder, LEARNT_ENGLISH), korean(data, encoder, known)
    in_english = written("ENGLISH", together(learnt_from[0], across(data, encoder, "en")))
    in_korean = written("KOREAN", together(learnt_from[1], across(data, encoder, "ko")))
    target = REPOSITORY / "assistant" / "guardrails" / "checks" / "topic_weights.py"
    target.write_text(f"{_HEAD}{in_english}\n{in_korean}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
