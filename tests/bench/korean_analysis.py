"""Which words of a Korean text should be searched? Prints a Markdown table for each development set.

    python -m tests.bench.korean_analysis [--sets tydiqa-ko-train ...] [--questions N]

The same BM25 (bm25s, K1 and B as in the product, a title three times) over the words of each
way to cut a text:

- spaces: what stands between spaces and signs, as it is written
- bigrams: every two neighbouring syllables
- stems: words without their particles and endings (`common.analysis`, without its bigrams)
- product: bigrams of those stems with a mark for the first syllable, and no words that only ask
- morphemes: what Kiwi's analyser calls nouns, roots, verbs, numbers and foreign words
- morphemes and bigrams: both of the last two, each counting in full
- morphemes and product: morphemes beside what the product uses now

Needs bm25s and kiwipiepy (see requirements.txt beside this file).
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from assistant.common.analysis import _stem, normalise, query_terms, terms
from assistant.index.lexical import K1, TITLE_WEIGHT, B
from tests.bench.quality_peers import Ranking
from tests.bench.retrieval_quality import DATA, Passage, Question, figures, read_set

SETS = ("tydiqa-ko-train", "kobest-boolq", "ko-strategyqa")
DEPTH = 10
_WORD = re.compile(r"[^\W_]+")
# Sejong tags of what carries meaning: nouns, numerals, verbs, adjectives, adverbs, roots, foreign words.
_KEPT = frozenset({"NNG", "NNP", "NR", "VV", "VA", "MAG", "XR", "SL", "SN", "SH"})

Cut = Callable[[str], list[str]]


def spaces(text: str) -> list[str]:
    """Runs of letters and digits."""
    return _WORD.findall(normalise(text))


def bigrams(text: str) -> list[str]:
    """Two neighbouring characters of each run; a single one stands for itself."""
    return [pair for word in spaces(text) for pair in _pairs(word)]


def stems(text: str) -> list[str]:
    """Runs without particles and endings."""
    return [_stem(word) for word in spaces(text)]


def _pairs(word: str) -> list[str]:
    return [word] if len(word) == 1 else [word[i : i + 2] for i in range(len(word) - 1)]


class Morphemes:
    """Kiwi's analysis, which takes a second to load."""

    def __init__(self) -> None:
        from kiwipiepy import Kiwi  # noqa: PLC0415 - only installed for measuring

        self._kiwi = Kiwi()

    def __call__(self, text: str) -> list[str]:
        """The morphemes that carry meaning, in lower case."""
        found = self._kiwi.tokenize(normalise(text))
        return [token.form for token in found if token.tag.partition("-")[0] in _KEPT]


def ways() -> dict[str, tuple[Cut, Cut]]:
    """How each way cuts (a passage, a question)."""
    morphemes = Morphemes()

    def both(one: Cut, other: Cut) -> Cut:
        return lambda text: [*one(text), *(f"+{word}" for word in other(text))]

    return {
        "spaces": (spaces, spaces),
        "bigrams": (bigrams, bigrams),
        "stems": (stems, stems),
        "product": (terms, query_terms),
        "morphemes": (morphemes, morphemes),
        "morphemes and bigrams": (both(morphemes, bigrams), both(morphemes, bigrams)),
        "morphemes and product": (both(terms, morphemes), both(query_terms, morphemes)),
    }


def ranking(passages: Sequence[Passage], questions: Sequence[Question], cuts: tuple[Cut, Cut]) -> Ranking:
    """Numbers of passages, best first, shape (questions, DEPTH)."""
    import bm25s  # noqa: PLC0415 - only installed for measuring

    cut, cut_question = cuts
    index = bm25s.BM25(k1=K1, b=B)
    index.index(
        [cut(passage.title) * TITLE_WEIGHT + cut(passage.text) for passage in passages], show_progress=False
    )
    known = index.vocab_dict
    asked = [[word for word in cut_question(question.text) if word in known] for question in questions]
    found = np.full((len(questions), DEPTH), -1, np.int64)
    for row, words in zip(found, asked, strict=True):
        if words:
            numbers, _ = index.retrieve([words], k=min(DEPTH, len(passages)), show_progress=False)
            row[: numbers.shape[1]] = numbers[0]
    return found


def report(name: str, *, most: int) -> None:
    """Measure one set and print its table."""
    passages, questions = read_set(DATA / name)
    questions = questions[:: max(1, len(questions) // most)][:most]
    print(f"\n### {name}: {len(passages)} passages, {len(questions)} questions\n")
    print("| words | MRR@10 | recall@10 | ms to cut a passage |\n|---|---|---|---|")
    for way, cuts in ways().items():
        got = figures(ranking(passages, questions, cuts), questions)
        began = time.perf_counter()
        for passage in passages[:200]:
            cuts[0](passage.text)
        spent = 1000 * (time.perf_counter() - began) / min(200, len(passages))
        print(f"| {way} | {got.mrr:.4f} | {got.recall:.4f} | {spent:.2f} |", flush=True)


def main() -> int:
    """Parse the command line and report on each set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", default=list(SETS), help="folders of the data")
    parser.add_argument("--questions", type=int, default=1500, help="at most, of each set")
    options = parser.parse_args()
    missing = [name for name in options.sets if not (DATA / name / "questions.jsonl").is_file()]
    if missing:
        print(f"No such set below {DATA}: {', '.join(missing)}", file=sys.stderr)
        return 2
    for name in options.sets:
        report(name, most=options.questions)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
