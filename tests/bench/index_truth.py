"""What the right answers are: brute force over the permitted chunks, with nothing of the engine's insides.

Dense: cosines in double precision, below 0 counting as 0, ties by chunk id. Lexical: BM25 straight from its
definition, over the terms that the product's own analysis gives.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import query_terms, terms
from assistant.index.lexical import K1, B
from tests.bench.index_world import Question, World

_ROWS = 16_384
_SPARE = 20  # neighbours kept beyond the wanted ones, so that sums in another order cannot lose one
_TIE = 1e-15  # for each chunk id: keeps the lower ids where many cosines count as 0
_TEXTS = 5_000
# Engines that add in single precision may swap neighbours that lie this close.
_CLOSE = 2e-6


@dataclass(frozen=True, slots=True)
class Nearest:
    """The true nearest chunks of a question, best first."""

    chunks: tuple[int, ...]
    least: float  # the cosine of the last

    def recall(self, found: Sequence[int]) -> float:
        """The share of these chunks that was found."""
        return len(set(self.chunks) & set(found)) / len(self.chunks) if self.chunks else 1.0


@dataclass(frozen=True, slots=True)
class Tokens:
    """The analysed texts of a world: chunk i has numbers[starts[i]:starts[i + 1]]."""

    vocabulary: list[str]
    numbers: NDArray[np.int32]
    starts: NDArray[np.int64]

    def lengths(self) -> NDArray[np.int64]:
        """How many terms each chunk has."""
        return np.diff(self.starts)


def nearest(
    world: World, allowed: NDArray[np.bool_], questions: Sequence[Question], *, count: int
) -> list[Nearest]:
    """The true nearest permitted chunks of each question; `allowed` has shape (n,)."""
    asked = np.stack([question.vector for question in questions]).astype(np.float64)
    scores = np.empty((len(asked), 0))
    chunks = np.empty((len(asked), 0), dtype=np.int64)
    for begin in range(0, len(allowed), _ROWS):
        here = np.flatnonzero(allowed[begin : begin + _ROWS])
        rows = world.vectors[begin : begin + _ROWS][here].astype(np.float64)
        cosines = np.maximum(asked @ rows.T, 0.0) - _TIE * (here + begin)
        scores = np.concatenate((scores, cosines), axis=1)
        chunks = np.concatenate((chunks, np.broadcast_to(here + begin, (len(asked), len(here)))), axis=1)
        if scores.shape[1] > count + _SPARE:
            best = np.argpartition(-scores, count + _SPARE, axis=1)[:, : count + _SPARE]
            scores, chunks = np.take_along_axis(scores, best, 1), np.take_along_axis(chunks, best, 1)
    return [_exactly(world, question, own, count) for question, own in zip(asked, chunks, strict=True)]


def _exactly(world: World, question: NDArray[np.float64], chunks: NDArray[np.int64], count: int) -> Nearest:
    cosines = _cosines(world, chunks, question)
    order = np.lexsort((chunks, -cosines))[:count]
    return Nearest(tuple(chunks[order].tolist()), float(cosines[order[-1]]) if len(order) else 0.0)


def _cosines(world: World, chunks: NDArray[np.int64], question: NDArray[np.float64]) -> NDArray[np.float64]:
    products: NDArray[np.float64] = (world.vectors[chunks].astype(np.float64) * question).sum(axis=1)
    return np.maximum(products, 0.0)


def close_recall(world: World, question: Question, truth: Nearest, found: Sequence[int]) -> float:
    """As `Nearest.recall`, but a chunk that is as near as the last one but for rounding counts as well."""
    if not truth.chunks:
        return 1.0
    chunks = np.array(sorted(set(found)), dtype=np.int64)
    cosines = _cosines(world, chunks, question.vector.astype(np.float64))
    return min(1.0, int(np.count_nonzero(cosines >= truth.least - _CLOSE)) / len(truth.chunks))


def tokens(world: World) -> Tokens:
    """The analysed texts; analysed once and kept beside them."""
    folder = world.folder
    if not (folder / "vocabulary.txt").exists():
        _analyse(world)
    return Tokens(
        (folder / "vocabulary.txt").read_text(encoding="utf-8").split("\n"),
        np.load(folder / "tokens.npy", mmap_mode="r"),
        np.load(folder / "token-starts.npy"),
    )


def _analyse(world: World) -> None:
    vocabulary: dict[str, int] = {}
    numbers: list[NDArray[np.int32]] = []
    lengths: list[NDArray[np.int64]] = []
    blocks = range(0, world.recipe.chunks, _TEXTS)
    with ProcessPoolExecutor() as pool:
        for words, places, counts in pool.map(partial(_analysed, World(world.folder, world.recipe)), blocks):
            known = [vocabulary.setdefault(word, len(vocabulary)) for word in words]
            numbers.append(np.array(known, dtype=np.int32)[places])
            lengths.append(counts)
    np.save(world.folder / "tokens.npy", np.concatenate(numbers))
    np.save(world.folder / "token-starts.npy", np.concatenate(([0], np.cumsum(np.concatenate(lengths)))))
    (world.folder / "vocabulary.txt").write_text("\n".join(vocabulary), encoding="utf-8")


def _analysed(world: World, begin: int) -> tuple[list[str], NDArray[np.int32], NDArray[np.int64]]:
    found = [terms(text) for text in world.texts(begin, min(begin + _TEXTS, world.recipe.chunks))]
    vocabulary: dict[str, int] = {}
    places = [vocabulary.setdefault(term, len(vocabulary)) for term in chain.from_iterable(found)]
    return list(vocabulary), np.array(places, np.int32), np.array([len(own) for own in found], np.int64)


class PlainBm25:
    """BM25 by definition: every statistic is counted over the chunks it is told to count."""

    def __init__(self, analysed: Tokens) -> None:
        self._analysed = analysed
        self._numbers = {term: number for number, term in enumerate(analysed.vocabulary)}
        self._lengths = analysed.lengths()
        self._seen: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}

    def scores(self, text: str, *, counted: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The score of every chunk by statistics over `counted`, shape (n,)."""
        total = int(np.count_nonzero(counted))
        average = max(float(self._lengths[counted].sum()) / total, 1.0) if total else 1.0
        scores = np.zeros(len(counted))
        for term, repeats in Counter(query_terms(text)).items():
            chunks, occurrences = self._postings(term)
            matches = int(np.count_nonzero(counted[chunks]))
            rarity = _rarity(total, matches)
            norm = K1 * (1 - B + B * self._lengths[chunks] / average)
            scores[chunks] += repeats * rarity * occurrences * (K1 + 1) / (occurrences + norm)
        return scores

    def limit(self, text: str, *, counted: NDArray[np.bool_]) -> float:
        """What no text's score could exceed by these statistics; 1 where no word counts."""
        total = int(np.count_nonzero(counted))
        rarities = [
            repeats * _rarity(total, int(np.count_nonzero(counted[self._postings(term)[0]])))
            for term, repeats in Counter(query_terms(text)).items()
        ]
        return sum(rarities) * (K1 + 1) or 1.0

    def best(self, text: str, *, allowed: NDArray[np.bool_], count: int) -> list[tuple[int, float]]:
        """The best permitted chunks, best first, by statistics of the permitted ones; ties by chunk id."""
        return top(np.where(allowed, self.scores(text, counted=allowed), 0.0), count)

    def _postings(self, term: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(chunks, occurrences) of a term, by reading every text."""
        if term not in self._seen:
            number = self._numbers.get(term, -1)
            places = np.flatnonzero(self._analysed.numbers == number)
            owners = np.searchsorted(self._analysed.starts, places, side="right") - 1
            self._seen[term] = np.unique(owners, return_counts=True)
        return self._seen[term]


def _rarity(total: int, matches: int) -> float:
    return math.log(1 + (total - matches + 0.5) / (matches + 0.5))


def every_cosine(world: World, question: Question) -> NDArray[np.float64]:
    """Of all chunks, below 0 counting as 0, shape (n,)."""
    wide = question.vector.astype(np.float64)
    blocks = range(0, world.recipe.chunks, _ROWS)
    products = [world.vectors[begin : begin + _ROWS].astype(np.float64) @ wide for begin in blocks]
    return np.maximum(np.concatenate(products), 0.0)


def top(scores: NDArray[np.float64], count: int) -> list[tuple[int, float]]:
    """The chunks with the highest scores above 0, best first, ties by chunk id."""
    within = np.flatnonzero(scores > 0)
    order = within[np.lexsort((within, -scores[within]))[:count]]
    return [(int(chunk), float(scores[chunk])) for chunk in order]


def agreement(found: Sequence[int], scores: NDArray[np.float64], count: int, *, relative: float) -> float:
    """How much of a lexical top list is right: each chunk must score as the last of the true list, nearly.

    `scores` are the true ones, 0 for what is not permitted.
    """
    truth = top(scores, count)
    if not truth:
        return 1.0
    least = truth[-1][1] * (1 - relative)
    return min(1.0, sum(bool(scores[chunk] >= least) for chunk in set(found)) / len(truth))


def disk_bytes(folder: Path) -> int:
    """What the files of a folder take."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
