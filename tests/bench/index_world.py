"""A made-up company for measuring the index: texts, vectors, documents, access lists, people and questions.

Everything follows from the number of chunks and a seed. A document has 1 to 20 chunks
about one topic and lies in one of up to 5,000 access lists whose sizes follow Zipf's law.
A text has 40 to 80 words from a vocabulary of 100,000, four in five English-looking and
the others Korean with particles; three in ten belong to the topic, so that questions
have meaningful answers. A vector is its topic's centre, moved a little by the document
and the chunk. Written in blocks of documents to a folder, so that a second run starts at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.index.contract import IndexChunk, IndexDocument, PermittedVersions

DIMENSION = 384
SHARES = (0.001, 0.01, 0.1, 0.5, 1.0)

_VOCABULARY = 100_000
_KOREAN = 0.2
_TOPICS = 2_000
_TOPIC_WORDS = 200
_TOPICAL = 0.3
_DOCUMENTS_AT_ONCE = 2_000
_SINGLES = 0.01  # of a person's permitted chunks, in documents outside the lists

_FREQUENT = (
    "the of and to in a is for that on with as by are be this at from or it an was which not have has"
    " can will all their more we other if its no may you your one there our when than new about any after"
)
_OPENINGS = "b br c ch cl d dr f fl g gr h j k l m n p pl pr qu r s sh sl st t tr v w"
_VOWELS = "a e i o u ai ea ee io ou"
_ENDINGS = "n r s t l m nd st ng ck"
_SUFFIXES = "ing ed ion er ment ity al ly s"
_PARTICLES = "은 는 이 가 을 를 의 에 에서 으로 와 과 도 까지"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a world follows from."""

    chunks: int
    seed: int = 1
    edition: int = 1  # of this file's way of making worlds

    @property
    def lists(self) -> int:
        """How many access lists there are."""
        return max(50, min(5_000, self.chunks // 200))


@dataclass(frozen=True, slots=True)
class Permitted:
    """What a person may read: whole lists, and single documents outside of them."""

    share: float
    versions: PermittedVersions  # read-only, by document id
    lists: NDArray[np.int32]
    singles: NDArray[np.int32]  # document ids

    @property
    def everything(self) -> bool:
        """Nothing is forbidden, so that no engine needs a filter."""
        return bool(self.share == 1.0)


@dataclass(frozen=True, slots=True)
class Question:
    """A few words of a chunk's text, and a noisy copy of its vector."""

    text: str
    vector: NDArray[np.float32]  # unit length, shape (DIMENSION,)


@dataclass(frozen=True)
class World:
    """A world in its folder. A chunk's id is its position; document ids begin at 1."""

    folder: Path
    recipe: Recipe

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """Unit vectors on the disk, shape (n, DIMENSION)."""
        stored: NDArray[np.float32] = np.load(self.folder / "vectors.npy", mmap_mode="r")
        return stored

    @cached_property
    def owners(self) -> NDArray[np.int32]:
        """The document id of each chunk, rising, shape (n,)."""
        stored: NDArray[np.int32] = np.load(self.folder / "owners.npy")
        return stored

    @cached_property
    def lists(self) -> NDArray[np.int32]:
        """The access list of each document id, shape (d + 1,); place 0 is unused."""
        stored: NDArray[np.int32] = np.load(self.folder / "lists.npy")
        return stored

    @cached_property
    def _text_starts(self) -> NDArray[np.int64]:
        stored: NDArray[np.int64] = np.load(self.folder / "text-starts.npy")
        return stored

    def texts(self, begin: int, end: int) -> list[str]:
        """The texts of chunks begin to end."""
        low, high = int(self._text_starts[begin]), int(self._text_starts[end])
        with (self.folder / "texts.txt").open("rb") as file:
            file.seek(low)
            return file.read(high - low).decode().split("\n")[:-1]

    def batches(self, chunks: int) -> Iterator[list[IndexDocument]]:
        """All documents as the index takes them, about so many chunks at a time."""
        starts = np.searchsorted(self.owners, np.arange(1, len(self.lists) + 1))
        first = 0
        while first < len(self.lists) - 1:
            last = max(first + 1, int(np.searchsorted(starts, starts[first] + chunks, side="right")) - 1)
            begin, end = int(starts[first]), int(starts[last])
            texts, vectors = self.texts(begin, end), np.array(self.vectors[begin:end])
            yield [
                IndexDocument(
                    document_id=number + 1,
                    version=1,
                    acl_id=int(self.lists[number + 1]),
                    title="",
                    name="",
                    chunks=tuple(
                        IndexChunk(i, texts[i - begin], "", vectors[i - begin])
                        for i in range(starts[number], starts[number + 1])
                    ),
                )
                for number in range(first, last)
            ]
            first = last

    def permitted(self, share: float) -> Permitted:
        """A person who may read this share of the chunks: lists at random, then documents at random."""
        random = np.random.default_rng([self.recipe.seed, 2, round(share * 1e6)])
        target = share * self.recipe.chunks
        sizes = np.bincount(self.owners, minlength=len(self.lists))
        of_lists = np.bincount(self.lists[self.owners], minlength=self.recipe.lists)
        order, whole = random.permutation(self.recipe.lists), target * (1 - _SINGLES)
        chosen = order if share == 1.0 else _filling(order, of_lists, whole)
        inside = np.isin(self.lists, chosen)
        inside[0] = False
        left = 0.0 if share == 1.0 else target - float(sizes[inside].sum())
        outside = random.permutation(np.flatnonzero(~inside)[1:])
        singles = np.sort(outside[: int(np.searchsorted(np.cumsum(sizes[outside]), left))])
        versions = inside.astype(np.int32)
        versions[singles] = 1
        versions.flags.writeable = False
        return Permitted(share, versions, np.sort(chosen).astype(np.int32), singles.astype(np.int32))

    def may_read(self, permitted: Permitted) -> NDArray[np.bool_]:
        """The permitted chunks, shape (n,)."""
        allowed: NDArray[np.bool_] = permitted.versions[self.owners] == 1
        return allowed

    def questions(self, permitted: Permitted, count: int) -> list[Question]:
        """Questions of a person, every second about something that the person may read."""
        random = np.random.default_rng([self.recipe.seed, 3, round(permitted.share * 1e6)])
        own = random.choice(np.flatnonzero(self.may_read(permitted)), size=count)
        anything = random.integers(self.recipe.chunks, size=count)
        about = np.where(np.arange(count) % 2 == 0, own, anything)
        return [self._question(int(chunk), random) for chunk in about]

    def _question(self, chunk: int, random: np.random.Generator) -> Question:
        words = self.texts(chunk, chunk + 1)[0].split()
        rare = sorted(set(words), key=self._ranks.__getitem__)[-12:]
        count = int(random.integers(3, 9))
        asked = [*random.choice(rare, size=count // 2), *random.choice(words, size=count - count // 2)]
        noise = random.standard_normal(DIMENSION) * (0.4 / DIMENSION**0.5)
        return Question(" ".join(asked), _unit(self.vectors[chunk] + noise.astype(np.float32)))

    @cached_property
    def _ranks(self) -> dict[str, int]:
        return {word: rank for rank, word in enumerate(_vocabulary(self.recipe.seed))}


def world(home: Path, *, chunks: int) -> World:
    """The world of this size; it is made if the home has none."""
    recipe = Recipe(chunks)
    folder = home / f"world-{chunks}"
    note = folder / "recipe.json"
    wanted = json.dumps(asdict(recipe))
    if not note.exists() or note.read_text(encoding="utf-8") != wanted:
        folder.mkdir(parents=True, exist_ok=True)
        note.unlink(missing_ok=True)
        _make(folder, recipe)
        note.write_text(wanted, encoding="utf-8")
    return World(folder, recipe)


def _make(folder: Path, recipe: Recipe) -> None:
    random = np.random.default_rng([recipe.seed, 1])
    sizes = random.integers(1, 21, size=recipe.chunks // 10 + 100)
    cut = int(np.searchsorted(np.cumsum(sizes), recipe.chunks))
    sizes = sizes[: cut + 1]
    sizes[-1] -= sizes.sum() - recipe.chunks
    weights = 1.0 / np.arange(5, recipe.lists + 5)
    lists = random.choice(recipe.lists, size=len(sizes) + 1, p=weights / weights.sum()).astype(np.int32)
    np.save(folder / "lists.npy", lists)
    np.save(folder / "owners.npy", np.repeat(np.arange(1, len(sizes) + 1, dtype=np.int32), sizes))
    centres = _unit(random.standard_normal((_TOPICS, DIMENSION), dtype=np.float32))
    writer = _TextWriter(recipe.seed)
    vectors = np.lib.format.open_memmap(
        folder / "vectors.npy", mode="w+", dtype=np.float32, shape=(recipe.chunks, DIMENSION)
    )
    starts = [np.zeros(1, np.int64)]
    done = 0
    with (folder / "texts.txt").open("wb") as file:
        for first in range(0, len(sizes), _DOCUMENTS_AT_ONCE):
            some = sizes[first : first + _DOCUMENTS_AT_ONCE]
            topics = random.integers(_TOPICS, size=len(some))
            rows = np.repeat(centres[topics] + _noise(random, len(some), 0.4), some, axis=0)
            rows += _noise(random, len(rows), 0.7)
            vectors[done : done + len(rows)] = _unit(rows)
            lines = [line.encode() + b"\n" for line in writer.texts(np.repeat(topics, some), random)]
            file.writelines(lines)
            starts.append(starts[-1][-1] + np.cumsum([len(line) for line in lines]))
            done += len(rows)
    vectors.flush()
    np.save(folder / "text-starts.npy", np.concatenate(starts))


class _TextWriter:
    """Texts about topics."""

    def __init__(self, seed: int) -> None:
        self._words = np.array(_vocabulary(seed), dtype=object)
        self._cumulated = np.cumsum(1.0 / (np.arange(_VOCABULARY) + 2.7))
        self._places = np.random.default_rng([seed, 5]).permutation(_VOCABULARY)

    def texts(self, topics: NDArray[np.int64], random: np.random.Generator) -> list[str]:
        """One text for each topic."""
        lengths = random.integers(40, 81, size=len(topics))
        total = int(lengths.sum())
        drawn = random.random(total) * self._cumulated[-1]
        numbers = np.searchsorted(self._cumulated, drawn)
        # A topic's own words overlap with those of its neighbours, as those of real topics do.
        own = np.repeat(topics * 97, lengths) + (_TOPIC_WORDS * random.random(total) ** 3).astype(np.int64)
        numbers = np.where(random.random(total) < _TOPICAL, self._places[own % _VOCABULARY], numbers)
        words: list[str] = self._words[np.minimum(numbers, _VOCABULARY - 1)].tolist()
        bounds = np.concatenate(([0], np.cumsum(lengths))).tolist()
        return [" ".join(words[low:high]) for low, high in pairwise(bounds)]


@lru_cache(maxsize=1)
def _vocabulary(seed: int) -> tuple[str, ...]:
    """Different words, the frequent ones first and mostly shorter."""
    random = np.random.default_rng([seed, 4])
    openings, vowels = _OPENINGS.split(), _VOWELS.split()
    endings, suffixes = ["", "", "", *_ENDINGS.split()], ["", "", "", "", *_SUFFIXES.split()]
    syllables = [chr(code) for code in random.choice(range(0xAC00, 0xD7A4), size=600, replace=False)]
    weights = 1.0 / np.arange(10, 610)
    particles = ["", "", *_PARTICLES.split()]
    found = dict.fromkeys(_FREQUENT.split())
    while len(found) < _VOCABULARY:
        longer = len(found) > random.integers(4_000)
        if random.random() < _KOREAN:
            stem = random.choice(
                syllables, size=2 + int(random.integers(1 + longer)), p=weights / weights.sum()
            )
            word = "".join(stem) + _one_of(particles, random)
        else:
            parts = [_one_of(openings, random) + _one_of(vowels, random) for _ in range(1 + int(longer))]
            word = "".join(parts) + _one_of(endings, random) + (_one_of(suffixes, random) if longer else "")
            word += (
                _one_of(vowels, random) + _one_of(endings, random)
                if len(word) < 3 or random.random() < 0.4
                else ""
            )
        found[word] = None
    return tuple(found)


def _one_of(words: Sequence[str], random: np.random.Generator) -> str:
    return words[int(random.integers(len(words)))]


def _filling(order: NDArray[np.int64], sizes: NDArray[np.int64], room: float) -> NDArray[np.int64]:
    """From the front, everything that still fits."""
    chosen = []
    for number in order.tolist():
        if 0 < sizes[number] <= room:
            chosen.append(number)
            room -= sizes[number]
    return np.array(chosen, dtype=np.int64)


def _noise(random: np.random.Generator, rows: int, length: float) -> NDArray[np.float32]:
    drawn = random.standard_normal((rows, DIMENSION), dtype=np.float32)
    return drawn * np.float32(length / DIMENSION**0.5)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return scaled.astype(np.float32)
