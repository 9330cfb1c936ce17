"""How good are the answers that no language model has written?

Retrieves, answers with the extractive answerer and prints a table (Markdown): the gold answer inside the
first 1, 2, 3 quoted sentences, what is refused, and how long it took without the embedder. With `--fit all`
it learns the weights that `assistant/providers/answer_weights.py` holds, on the even half of the questions
(first byte of the SHA-256 of their id); every table is of the odd half.

    python -m tests.bench.answer_quality [--data DIR] [--sample N] [--cache DIR] [--fit all|doubt]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.common.types import JsonObject
from assistant.index.contract import IndexChunk, IndexDocument, IndexQuery
from assistant.index.fusion import beside_the_best, dense_weight
from assistant.index.local import LocalIndex
from assistant.providers.answer_weights import weights_for
from assistant.providers.contract import Embedder, ModelRequest, Source, Vectors
from assistant.providers.embedders import SentenceTransformerEmbedder
from assistant.providers.extractive import ExtractiveModel, measure
from assistant.providers.question_type import question_of
from assistant.providers.sentence_ranking import gather, layout_prior
from tests.bench.answer_fitting import Example, Learnt, learn, module_text

Floats = NDArray[np.float64]

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "retrieval"
LANGUAGES = {
    "squad2-dev": "en",
    "tydiqa-en-train": "en",
    "covidqa": "en",
    "tydiqa-ko-train": "ko",
    "kobest-boolq": "ko",
}
PASSAGES = {
    "tydiqa-en-train": 700,
    "covidqa": 500,
    "kobest-boolq": 1500,
}  # whole documents, up to so many passages
TOP = 10
NEGATIVE_WEIGHT = {"adversarial": 1.0, "elsewhere": 2.0, "removed": 2.0}  # rarer kinds count more
WEIGHTS_MODULE = Path(__file__).resolve().parents[2] / "assistant" / "providers" / "answer_weights.py"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a set; `gold` are the ids of its passages, empty where it cannot be answered."""

    id: str
    text: str
    gold: frozenset[str]
    answers: tuple[str, ...]
    is_statement: bool

    @property
    def held_out(self) -> bool:
        return hashlib.sha256(self.id.encode()).digest()[0] % 2 == 1


@dataclass(frozen=True, slots=True)
class Passage:
    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """A question with what retrieval found for it. `kind`: answerable, adversarial, elsewhere or removed."""

    set_name: str
    kind: str
    asked: Asked
    request: ModelRequest
    ids: tuple[str, ...]


class RememberingEmbedder:
    """Embeds every text once, also between runs where a cache folder is given."""

    def __init__(self, inner: Embedder, folder: Path | None) -> None:
        self._inner = inner
        self._folder = folder
        self._known: dict[str, NDArray[np.float16]] = {}
        self.seconds = 0.0
        if folder is not None and (folder / "texts.json").exists():
            texts: list[str] = json.loads((folder / "texts.json").read_text())
            self._known = dict(zip(texts, np.load(folder / "vectors.npy"), strict=True))

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def dimension(self) -> int:
        return self._inner.dimension

    @property
    def languages(self) -> frozenset[str]:
        return self._inner.languages

    def embed(self, texts: Sequence[str]) -> Vectors:
        begun = time.perf_counter()
        new = sorted({text for text in texts if text not in self._known}, key=len)
        if new:
            self._known.update(zip(new, self._inner.embed(new).astype(np.float16), strict=True))
        self.seconds += time.perf_counter() - begun
        return np.array([self._known[text] for text in texts], dtype=np.float32)

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        begun = time.perf_counter()
        vectors = self._inner.embed_questions(texts)
        self.seconds += time.perf_counter() - begun
        return vectors

    def save(self) -> None:
        if self._folder is not None and self._known:
            self._folder.mkdir(parents=True, exist_ok=True)
            np.save(self._folder / "vectors.npy", np.array(list(self._known.values())))
            (self._folder / "texts.json").write_text(json.dumps(list(self._known)))


class Retriever:
    """The product's own index over the passages, each a document of its own that everyone may read."""

    def __init__(self, passages: Sequence[Passage], embedder: Embedder, language: str) -> None:
        self.passages = passages
        self._embedder = embedder
        known = not embedder.languages or language in embedder.languages
        self._weight = dense_weight(language, embedder.languages) if known else 0.0
        vectors = self._vectors([f"{p.title}\n{p.text}" for p in passages])
        self._index = LocalIndex(Path(tempfile.mkdtemp()), model=embedder.name, dimension=embedder.dimension)
        self._index.publish([_document(at, p, vectors[at]) for at, p in enumerate(passages)])

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        if self._weight:
            return self._embedder.embed(texts)
        vectors = np.zeros((len(texts), self._embedder.dimension), dtype=np.float32)
        vectors[:, 0] = 1.0
        return vectors

    def best(self, question: str, *, without: frozenset[str] = frozenset()) -> list[tuple[Passage, float]]:
        permitted = np.array([0, *(p.id not in without for p in self.passages)], dtype=np.int32)
        vector = self._embedder.embed_questions([question])[0] if self._weight else None
        found = self._index.search(IndexQuery(question, vector, self._weight, k=TOP), permitted=permitted)
        dense, lexical = np.array([(one.dense, one.lexical) for one in found]).reshape(-1, 2).T
        fits = beside_the_best(dense, lexical, dense_weight=self._weight)
        return [
            (self.passages[one.document_id - 1], fit) for one, fit in zip(found, fits.tolist(), strict=True)
        ]


def _document(at: int, passage: Passage, vector: NDArray[np.float32]) -> IndexDocument:
    chunk = IndexChunk(at + 1, passage.text, "", vector)
    return IndexDocument(at + 1, 1, 1, passage.title, "", (chunk,))


def _lines(path: Path) -> Iterator[dict[str, object]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _load(folder: Path, name: str) -> tuple[list[Passage], list[Asked]]:
    """Passages and questions of a set, or of so many whole documents of it as PASSAGES says."""
    every = [
        Passage(str(p["id"]), str(p["title"]), str(p["text"]))
        for p in _lines(folder / name / "passages.jsonl")
    ]
    documents = sorted({p.id.split("#")[0] if p.title else p.id for p in every}, key=_digest)
    limit, kept = PASSAGES.get(name, len(every)), set[str]()
    sizes = Counter(p.id.split("#")[0] if p.title else p.id for p in every)
    for document in documents:
        if sum(sizes[one] for one in kept) + sizes[document] <= limit:
            kept.add(document)
    passages = [p for p in every if (p.id.split("#")[0] if p.title else p.id) in kept]
    there = {passage.id for passage in passages}
    asked = [_asked(row) for row in _lines(folder / name / "questions.jsonl")]
    return passages, [one for one in asked if one.gold <= there]


def _asked(row: JsonObject | dict[str, object]) -> Asked:
    gold, answers, meta = row["gold"], row["answers"], row["meta"]
    assert isinstance(gold, list)
    assert isinstance(answers, list)
    assert isinstance(meta, dict)
    return Asked(
        str(row["id"]),
        str(row["question"]),
        frozenset(map(str, gold)),
        tuple(map(str, answers)),
        meta.get("kind") == "yes/no",
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _sample(asked: Sequence[Asked], number: int) -> list[Asked]:
    return sorted(asked, key=lambda one: _digest(f"sample:{one.id}"))[:number]


def cases(folder: Path, sample: int, embedder: Embedder) -> list[Case]:
    """Up to `sample` questions of each set and kind, retrieved for."""
    sets = {name: _load(folder, name) for name in LANGUAGES}
    found: list[Case] = []
    for name, (passages, asked) in sets.items():
        language = LANGUAGES[name]
        retriever = Retriever(passages, embedder, language)
        answerable = _sample([one for one in asked if one.gold], sample)
        trick = _sample([one for one in asked if not one.gold], sample)
        others = [
            one for other in sets if other != name and LANGUAGES[other] == language for one in sets[other][1]
        ]
        strangers = _sample([one for one in others if one.gold], sample // 3)
        found += [_case(name, "answerable", one, retriever) for one in answerable]
        found += [_case(name, "adversarial", one, retriever) for one in trick]
        found += [_case(name, "elsewhere", one, retriever) for one in strangers]
        found += [_case(name, "removed", one, retriever) for one in answerable[: sample // 3]]
    return found


def _case(name: str, kind: str, asked: Asked, retriever: Retriever) -> Case:
    hidden: frozenset[str] = frozenset()
    if kind == "removed":
        documents = {gold.split("#")[0] for gold in asked.gold}
        hidden = frozenset(
            p.id
            for p in retriever.passages
            if p.id in asked.gold or (p.title and p.id.split("#")[0] in documents)
        )
    best = retriever.best(asked.text, without=hidden)
    sources = tuple(Source(n, p.title, "", p.text, score) for n, (p, score) in enumerate(best, start=1))
    return Case(
        name, kind, asked, ModelRequest(asked.text, LANGUAGES[name], sources), tuple(p.id for p, _ in best)
    )


def plain(text: str) -> str:
    """The form in which an answer is looked for in a sentence: letters and digits."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def holds(case: Case, text: str) -> bool:
    """Does `text` hold a gold answer?"""
    squeezed = plain(text)
    return any(answer in squeezed for answer in map(plain, case.asked.answers) if answer)


def _example(case: Case, embedder: Embedder | None) -> Example | None:
    """The case as the answerer sees it; None where it teaches nothing."""
    evidence = gather(question_of(case.request.question, case.request.language), case.request.sources)
    if not evidence.sentences or not evidence.question.words:
        return None
    if case.kind == "removed" and any(holds(case, source.text) for source in case.request.sources):
        return None  # another passage may answer
    table, _ = measure(evidence, embedder)
    answerable = case.kind == "answerable"
    right = np.array(
        [
            answerable
            and not case.asked.is_statement
            and case.ids[sentence.source] in case.asked.gold
            and holds(case, sentence.text)
            for sentence in evidence.sentences
        ]
    )
    return Example(
        evidence,
        table,
        layout_prior(evidence),
        right,
        answerable,
        1.0 if answerable else NEGATIVE_WEIGHT[case.kind],
    )


def fit(every: Sequence[Case], embedder: Embedder, *, keep_ranking: bool) -> None:
    """Learn from the even half and overwrite the module of weights, or only its doubt."""
    learnt: dict[str, Learnt] = {}
    for name, language, used in (("en", "en", None), ("en+dense", "en", embedder), ("ko", "ko", None)):
        mine = [case for case in every if case.request.language == language and not case.asked.held_out]
        kept = weights_for(language, dense=used is not None).ranking if keep_ranking else None
        examples = [one for case in mine if (one := _example(case, used)) is not None]
        learnt[name] = learn(examples, kept=kept)
    WEIGHTS_MODULE.write_text(module_text(learnt), encoding="utf-8")
    print(f"Wrote {WEIGHTS_MODULE.name}; run again without --fit to measure.", file=sys.stderr)


@dataclass(frozen=True, slots=True)
class Outcome:
    case: Case
    answerable: float
    threshold: float
    hits: tuple[bool, ...]  # gold answer in the best 1, 2, 3 sentences, refusals left aside
    shown: int
    shown_hit: bool
    ms: float


def outcome(case: Case, model: ExtractiveModel, embedder: RememberingEmbedder) -> Outcome:
    """Answer one case; `ms` leaves the embedder's time out."""
    before, begun = embedder.seconds, time.perf_counter()
    shown = list(model.answer(case.request))
    ms = 1000 * (time.perf_counter() - begun - (embedder.seconds - before))
    assessment = model.assess(case.request)
    if assessment is None:
        return Outcome(case, 0.0, 1.0, (False,) * 3, 0, shown_hit=False, ms=ms)
    best = [one.sentence.text for one in assessment.ranked]
    hits = tuple(any(holds(case, text) for text in best[:count]) for count in (1, 2, 3))
    hit = any(holds(case, sentence.text) for sentence in shown)
    return Outcome(case, assessment.answerable, assessment.threshold, hits, len(shown), shown_hit=hit, ms=ms)


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The chance that a positive scores above a negative."""
    if not positive or not negative:
        return math.nan
    right = np.array(positive)[:, None] - np.array(negative)[None, :]
    return float(((right > 0) + 0.5 * (right == 0)).mean())


def report(outcomes: Sequence[Outcome]) -> str:
    """Two tables: answers, and refusals."""
    lines = [
        "| set | n | best 1 | best 2 | best 3 | in the answer shown | sentences shown | p50 ms | p95 ms |"
    ]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    refusals = ["| set | without an answer because | n | AUROC | refused | refused at 5 % false refusals |"]
    refusals.append("|---|---|---|---|---|---|")
    for name in LANGUAGES:
        mine = [one for one in outcomes if one.case.set_name == name]
        good = [one for one in mine if one.case.kind == "answerable"]
        if not good:
            continue
        ms = np.percentile([one.ms for one in mine], [50, 95])
        shown = [one.shown for one in good if one.shown]
        cells = [float(np.mean([one.hits[k] for one in good])) for k in range(3)]
        cells += [float(np.mean([one.shown_hit for one in good])), float(np.mean(shown))]
        numbers = " | ".join("-" if good[0].case.asked.is_statement else f"{cell:.3f}" for cell in cells)
        lines.append(f"| {name} | {len(good)} | {numbers} | {ms[0]:.0f} | {ms[1]:.0f} |")
        point = float(np.quantile([one.answerable for one in good], 0.05))
        false = float(np.mean([one.answerable < one.threshold for one in good]))
        refusals.append(f"| {name} | (it has one) | {len(good)} | | {false:.3f} | |")
        for kind in NEGATIVE_WEIGHT:
            bad = [one for one in mine if one.case.kind == kind]
            if not bad:
                continue
            area = auroc([one.answerable for one in good], [one.answerable for one in bad])
            refused = float(np.mean([one.answerable < one.threshold for one in bad]))
            at = float(np.mean([one.answerable < point for one in bad]))
            refusals.append(f"| {name} | {kind} | {len(bad)} | {area:.3f} | {refused:.3f} | {at:.3f} |")
    return "\n".join([*lines, "", *refusals])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of the question sets")
    parser.add_argument("--sample", type=int, default=400, help="questions of each set and kind, both halves")
    parser.add_argument("--cache", type=Path, help="folder that keeps vectors between runs")
    parser.add_argument(
        "--fit", choices=("all", "doubt"), help="learn all weights, or only the doubt, instead of measuring"
    )
    options = parser.parse_args()
    if not (options.data / "squad2-dev").is_dir():
        print(f"No question sets in {options.data}: name their folder with --data.", file=sys.stderr)
        return 1
    embedder = RememberingEmbedder(SentenceTransformerEmbedder(), options.cache)
    every = cases(options.data, options.sample, embedder)
    if options.fit:
        fit(every, embedder, keep_ranking=options.fit == "doubt")
    else:
        model = ExtractiveModel(embedder)
        print(report([outcome(case, model, embedder) for case in every if case.asked.held_out]))
    embedder.save()
    return 0


if __name__ == "__main__":
    sys.exit(main())
