"""Does the default answerer answer better when passages come with their neighbours?

Takes the questions and the retrieval of `answer_cases`, answers each from the passages alone and again
from what `assistant/retrieval/context.py` would make of them (neighbours, or the whole of a short
document), and prints the tables of both (Markdown). Where a set has no longer documents, the two are the
same.

    python -m tests.bench.answer_context [--data DIR] [--sample N] [--cache DIR]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import django

from assistant.providers.contract import Source
from assistant.providers.embedders import SentenceTransformerEmbedder
from assistant.providers.extractive import ExtractiveModel
from tests.bench.answer_cases import LANGUAGES, SHARED, Case, Passage, RememberingEmbedder, cases, load
from tests.bench.answers_end_to_end import answers_table, outcome, refusals_table

_GAP = "\n\n"


class Documents:
    """Which passages stand in one document, in their order, for every set."""

    def __init__(self, folder: Path, *, neighbours: int, whole_up_to: Mapping[str, int]) -> None:
        self._neighbours, self._whole_up_to = neighbours, whole_up_to
        self._texts: dict[str, str] = {}
        self._ordered: dict[str, list[int]] = {}
        for name in LANGUAGES:
            self._add(load(folder, name)[0])

    def _add(self, passages: Sequence[Passage]) -> None:
        found: dict[str, list[int]] = defaultdict(list)
        for passage in passages:
            self._texts[passage.id] = passage.text
            if passage.title:
                document, _, number = passage.id.rpartition("#")
                found[document].append(int(number))
        self._ordered |= {document: sorted(numbers) for document, numbers in found.items()}

    def span(self, passage_id: str, language: str) -> list[str]:
        """The ids of the passages that the passage is read with, itself included, in order."""
        document, _, number = passage_id.rpartition("#")
        numbers = self._ordered.get(document)
        if numbers is None:
            return [passage_id]
        every = [f"{document}#{one}" for one in numbers]
        if sum(len(self._texts[one]) + len(_GAP) for one in every) <= self._whole_up_to[language]:
            return every
        at = numbers.index(int(number))
        return every[max(0, at - self._neighbours) : at + self._neighbours + 1]

    def text(self, ids: Sequence[str]) -> str:
        return _GAP.join(self._texts[one] for one in ids)


def widened(case: Case, documents: Documents) -> Case:
    """The case with each source widened; spans of one document that overlap are one source."""
    language = case.request.language
    merged: dict[frozenset[str], Source] = {}
    for passage_id, source in zip(case.ids, case.request.sources, strict=True):
        span = frozenset(documents.span(passage_id, language))
        first = source
        for other in [other for other in merged if other & span]:
            known = merged.pop(other)
            span, first = span | other, known if known.n < first.n else first
        merged[span] = first
    sources = [replace(first, text=documents.text(_in_order(span))) for span, first in merged.items()]
    sources.sort(key=lambda source: source.n)
    numbered = tuple(replace(source, n=n) for n, source in enumerate(sources, start=1))
    return replace(case, request=replace(case.request, sources=numbered))


def _in_order(ids: frozenset[str]) -> list[str]:
    return sorted(ids, key=lambda one: int(one.rpartition("#")[2]))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of the question sets")
    parser.add_argument("--sample", type=int, default=400, help="questions of each set and kind, both halves")
    parser.add_argument("--cache", type=Path, help="folder that keeps vectors between runs")
    options = parser.parse_args()
    if not (options.data / "squad2-dev").is_dir():
        print(f"No question sets in {options.data}: name their folder with --data.", file=sys.stderr)
        return 1
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.config.settings")
    django.setup()
    from assistant.retrieval.context import NEIGHBOURS, WHOLE_UP_TO  # noqa: PLC0415 - needs the settings

    embedder = RememberingEmbedder(SentenceTransformerEmbedder(), options.cache)
    held_out = [case for case in cases(options.data, embedder, sample=options.sample) if case.asked.held_out]
    documents = Documents(options.data, neighbours=NEIGHBOURS, whole_up_to=WHOLE_UP_TO)
    model = ExtractiveModel(embedder)
    for title, chosen in (
        ("Passages alone", held_out),
        ("With their context", [widened(case, documents) for case in held_out]),
    ):
        outcomes = [outcome(case, model, embedder) for case in chosen]
        print(f"\n{title}\n", answers_table(outcomes), "", refusals_table(outcomes), sep="\n", flush=True)
    embedder.save()
    return 0


if __name__ == "__main__":
    sys.exit(main())
