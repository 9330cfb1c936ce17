"""The questions that answers without a language model are measured and learnt with.

Every set is taken whole: each of its passages is a document that everyone may read, in the product's
own index, and each question is retrieved for as the product does it. A question has no answer for one
of these reasons:

- `adversarial`: it was written to look answerable (squad2-dev);
- `removed`: its gold passages are not in the index, the rest of their document is;
- `hidden`: nothing of the document of its gold passages is in the index;
- `elsewhere`: it was asked of another set.

Where one of the passages found holds the gold answer all the same, the case is left out. Halves are of
documents, by the SHA-256 of their name, so that no passage is both learnt from and measured with.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import time
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.common.types import JsonObject
from assistant.index.contract import IndexChunk, IndexDocument, IndexQuery
from assistant.index.fusion import DENSE_WEIGHT, beside_the_best
from assistant.index.local import LocalIndex
from assistant.providers.contract import Embedder, ModelRequest, Source, Vectors

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "retrieval"
LANGUAGES = {
    "squad2-dev": "en",
    "tydiqa-en-train": "en",
    "covidqa": "en",
    "tydiqa-ko-train": "ko",
    "kobest-boolq": "ko",
}
KINDS = ("answerable", "adversarial", "removed", "hidden", "elsewhere")
_SIGN = re.compile(r"[\W_]+")
TOP = 8  # passages that the product gives to a chat model
_SHARE = {"removed": 3, "hidden": 6, "elsewhere": 6}  # one such case for so many answerable questions


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a set; one without a title is a document of its own."""

    id: str
    title: str
    text: str

    @property
    def document(self) -> str:
        return document_of(self.id) if self.title else self.id


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a set; `gold` are the ids of its passages, empty where it cannot be answered.

    `document` is the one that it was written on; `is_statement`: its answer is true or false.
    """

    id: str
    text: str
    gold: frozenset[str]
    answers: tuple[str, ...]
    is_statement: bool
    document: str

    @property
    def held_out(self) -> bool:
        """Whether its document is of the half that is measured with."""
        return hashlib.sha256(self.document.encode()).digest()[0] % 2 == 1

    @property
    def fold(self) -> int:
        """Its document's half, 0 or 1, of either half above: for what must be learnt in two steps."""
        return hashlib.sha256(self.document.encode()).digest()[1] % 2


@dataclass(frozen=True)
class Case:
    """A question with what retrieval found for it; `ids` are those of its passages. `kind`: one of KINDS."""

    set_name: str
    kind: str
    asked: Asked
    request: ModelRequest
    ids: tuple[str, ...]

    @cached_property
    def _answers(self) -> tuple[str, ...]:
        return tuple(answer for answer in map(plain, self.asked.answers) if answer)

    def holds(self, text: str) -> bool:
        """Does `text` hold a gold answer?"""
        squeezed = plain(text)
        return any(answer in squeezed for answer in self._answers)


def document_of(passage_id: str) -> str:
    return passage_id.rsplit("#", 1)[0]


def plain(text: str) -> str:
    """The form in which an answer is looked for in a sentence: letters and digits."""
    return _SIGN.sub("", unicodedata.normalize("NFKC", text).casefold())


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

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self._vectors("passage", texts, self._inner.embed)

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        return self._vectors("question", texts, self._inner.embed_questions)

    def _vectors(self, kind: str, texts: Sequence[str], embed: Callable[[Sequence[str]], Vectors]) -> Vectors:
        begun = time.perf_counter()
        new = sorted({text for text in texts if f"{kind} {text}" not in self._known}, key=len)
        if new:
            rows = embed(new).astype(np.float16)
            self._known.update(zip((f"{kind} {text}" for text in new), rows, strict=True))
        self.seconds += time.perf_counter() - begun
        return np.array([self._known[f"{kind} {text}"] for text in texts], dtype=np.float32)

    def save(self) -> None:
        if self._folder is not None and self._known:
            self._folder.mkdir(parents=True, exist_ok=True)
            np.save(self._folder / "vectors.npy", np.array(list(self._known.values())))
            (self._folder / "texts.json").write_text(json.dumps(list(self._known)))


class Retriever:
    """The product's own index over the passages, each a document of its own that everyone may read."""

    def __init__(self, passages: Sequence[Passage], embedder: Embedder) -> None:
        self._passages = passages
        self._embedder = embedder
        self._of_document: dict[str, list[int]] = defaultdict(list)
        for at, passage in enumerate(passages, start=1):
            self._of_document[passage.document].append(at)
        vectors = embedder.embed([f"{p.title}\n{p.text}" for p in passages])
        self._index = LocalIndex(Path(tempfile.mkdtemp()), model=embedder.name, dimension=embedder.dimension)
        self._index.publish([_document(at, p, vectors[at]) for at, p in enumerate(passages)])
        self._everything = np.ones(len(passages) + 1, dtype=np.int32)
        self._everything[0] = 0
        self._everything.setflags(write=False)

    def best(
        self, question: str, *, without: Callable[[Passage], bool] | None, documents: frozenset[str]
    ) -> list[tuple[Passage, float]]:
        """The TOP passages with their fit; of `documents`, the passages that `without` names are hidden."""
        permitted = self._everything
        if without is not None:
            permitted = permitted.copy()
            for document in documents:
                for at in self._of_document[document]:
                    permitted[at] = not without(self._passages[at - 1])
        (vector,) = self._embedder.embed_questions([question])
        found = self._index.search(IndexQuery(question, vector, DENSE_WEIGHT, k=TOP), permitted=permitted)
        dense, lexical = np.array([(one.dense, one.lexical) for one in found]).reshape(-1, 2).T
        fits = beside_the_best(dense, lexical, dense_weight=DENSE_WEIGHT)
        return [
            (self._passages[one.document_id - 1], fit) for one, fit in zip(found, fits.tolist(), strict=True)
        ]


def _document(at: int, passage: Passage, vector: NDArray[np.float32]) -> IndexDocument:
    chunk = IndexChunk(at + 1, passage.text, "", vector)
    return IndexDocument(at + 1, 1, 1, passage.title, "", (chunk,))


def _lines(path: Path) -> Iterator[JsonObject]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def load(folder: Path, name: str) -> tuple[list[Passage], list[Asked]]:
    """Passages and questions of a set, in the order of their hashes."""
    rows = _lines(folder / name / "passages.jsonl")
    passages = [Passage(str(p["id"]), str(p["title"]), str(p["text"])) for p in rows]
    titled = {passage.id: passage.document for passage in passages}
    asked = [_asked(row, titled) for row in _lines(folder / name / "questions.jsonl")]
    return passages, sorted(asked, key=lambda one: _digest(f"sample:{one.id}"))


def _asked(row: JsonObject, documents: dict[str, str]) -> Asked:
    gold, answers, meta = row["gold"], row["answers"], row["meta"]
    assert isinstance(gold, list)
    assert isinstance(answers, list)
    assert isinstance(meta, dict)
    about = str(gold[0] if gold else meta["about"])
    return Asked(
        str(row["id"]),
        str(row["question"]),
        frozenset(map(str, gold)),
        tuple(map(str, answers)),
        meta.get("kind") == "yes/no",
        documents[about],
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def cases(
    folder: Path, embedder: Embedder, *, names: Sequence[str] = tuple(LANGUAGES), sample: int | None = None
) -> Iterator[Case]:
    """Up to `sample` answerable questions of each set (all without it), and those without an answer."""
    sets = {name: load(folder, name) for name in names}
    for name, (passages, asked) in sets.items():
        retriever = Retriever(passages, embedder)
        answerable = [one for one in asked if one.gold][:sample]
        for one in answerable:
            yield _case(name, "answerable", one, retriever, LANGUAGES[name])
        for one in [one for one in asked if not one.gold][:sample]:
            yield _case(name, "adversarial", one, retriever, LANGUAGES[name])
        others = [
            one
            for other in sets
            if other != name and LANGUAGES[other] == LANGUAGES[name]
            for one in sets[other][1]
        ]
        others.sort(key=lambda one: _digest(f"elsewhere:{one.id}"))
        pools = {
            "removed": answerable,
            "hidden": answerable[::-1],
            "elsewhere": [one for one in others if one.gold],
        }
        for kind, pool in pools.items():
            for one in pool[: len(answerable) // _SHARE[kind]]:
                case = _case(name, kind, one, retriever, LANGUAGES[name])
                if case.asked.is_statement or not any(
                    case.holds(source.text) for source in case.request.sources
                ):
                    yield case


def _case(name: str, kind: str, asked: Asked, retriever: Retriever, language: str) -> Case:
    without: dict[str, Callable[[Passage], bool]] = {
        "removed": lambda passage: passage.id in asked.gold,
        "hidden": lambda passage: True,
    }
    best = retriever.best(
        asked.text,
        without=without.get(kind),
        documents=frozenset({asked.document, *map(document_of, asked.gold), *asked.gold}),
    )
    sources = tuple(Source(n, p.title, "", p.text, score) for n, (p, score) in enumerate(best, start=1))
    return Case(name, kind, asked, ModelRequest(asked.text, language, sources), tuple(p.id for p, _ in best))
