"""What does it cost to ask of a question over records that a sentence states what it asks for?

Questions of the sets of `answer_cases`, answered by the extractive answerer with and without that rule. For
each set and reason: how many are answered without it, how many of these ask for a largest, a sum or an
average, how many the rule refuses, and of how many refused ones the answer held the gold one.

    python -m tests.bench.stated_figures [--data DIR] [--sample N] [--cache DIR]
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from unittest import mock

from assistant.providers import extractive
from assistant.providers.embedders import SentenceTransformerEmbedder
from assistant.providers.stated_figures import wanted_over_records
from tests.bench.answer_cases import KINDS, LANGUAGES, SHARED, RememberingEmbedder, cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--sample", type=int, default=1_500)
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    embedder = RememberingEmbedder(SentenceTransformerEmbedder(), options.cache)
    model = extractive.ExtractiveModel(embedder)
    print(
        "| set | | answered without the rule | over records | refused by it | the answer held the gold one |"
    )
    print("|---|---|---|---|---|---|")
    for name in LANGUAGES:
        counts: Counter[tuple[str, str]] = Counter()
        for case in cases(options.data, embedder, names=(name,), sample=options.sample):
            with mock.patch.object(extractive, "wanted_over_records", return_value=None):
                without = [sentence.text for sentence in model.answer(case.request)]
            if not without:
                continue
            counts[case.kind, "answered"] += 1
            if wanted_over_records(case.request.question) is None:
                continue
            counts[case.kind, "over"] += 1
            if not list(model.answer(case.request)):
                counts[case.kind, "refused"] += 1
                counts[case.kind, "right"] += any(map(case.holds, without))
        for kind in (kind for kind in KINDS if counts[kind, "answered"]):
            figures = (counts[kind, column] for column in ("answered", "over", "refused", "right"))
            print(f"| {name} | {kind} | {' | '.join(map(str, figures))} |", flush=True)
        embedder.save()


if __name__ == "__main__":
    main()
