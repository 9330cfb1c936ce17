"""What Korean words mean: a table of vectors that comes with the product, and how a text is cut into words.

Words that are used alike have vectors of a high cosine: 퇴사 (leaving a firm) and 이직 (changing it) share no
syllable. The table was derived by `python -m tests.bench.korean_vectors` from the contextual n-gram model
of Kiwi (kiwipiepy_model 0.24.0, Apache-2.0, Copyright 2017-2026 Minchul Lee and the Kiwi contributors;
trained on corpora of the National Institute of Korean Language). Of 45,636 words it holds 64 directions in
bytes, 3.4 MB in all. It is read when the first question needs it, in 0.2 s, and takes 35 MB of memory. What
is computed from it depends on nothing but the texts at hand.

A text is cut without an analyser: into the words of the table, their inflected forms, particles and endings,
so that the sum of their costs (how rare each is) is least.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import normalise

FILE = Path(__file__).with_suffix(".npz")
SAME = 1.0  # likeness of a word to itself, whether the table has it or not

_RUN = re.compile(r"[가-힣]+|[a-z]+|\d+")
_LONGEST_WORD = 10  # syllables
_LONGEST_RUN = 40  # syllables that are cut together: nothing that a person writes without a space is longer
_UNKNOWN = 13.0  # cost of a syllable that no word of the table accounts for
_ENDING = 3.5  # cost of a particle or an ending that closes a word, and what it costs more before another one
_FURTHER = 1.5
_NO_ROW, _IN_NO_WORD = -1, -2

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Piece:
    """A word of a text in its dictionary form, and its row in the table; `row` is -1 where it has none."""

    text: str
    row: int


@dataclass(frozen=True, slots=True)
class Table:
    """`words`: surface form to (row or -1, cost). Rows: dictionary forms, unit vectors, rarity in nats."""

    words: dict[str, tuple[int, float]]
    endings: frozenset[str]
    forms: tuple[str, ...]
    vectors: Floats
    rarity: Floats


@lru_cache(maxsize=1)
def table() -> Table:
    """The table that comes with the product."""
    with np.load(FILE, allow_pickle=False) as held:
        surfaces, endings, forms = (
            held[name].tobytes().decode("utf-8").split("\n") for name in ("surfaces", "endings", "forms")
        )
        rows, costs = held["rows"].tolist(), held["costs"].astype(np.float32).tolist()
        vectors = held["vectors"].astype(np.float32)
        rarity = held["rarity"].astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    words = dict(zip(surfaces, zip(rows, costs, strict=True), strict=True))
    return Table(words, frozenset(endings), tuple(forms), vectors, rarity)


@lru_cache(maxsize=4096)
def pieces_of(text: str) -> tuple[Piece, ...]:
    """The words of a text that carry meaning, in its order: Korean ones by the table, others as they are."""
    found: list[Piece] = []
    for run in _RUN.findall(normalise(text)):
        if run[0] < "가":
            found.append(Piece(run, _NO_ROW))
        else:
            for at in range(0, len(run), _LONGEST_RUN):
                found.extend(_cut(run[at : at + _LONGEST_RUN]))
    return tuple(found)


@lru_cache(maxsize=1 << 15)
def _cut(run: str) -> tuple[Piece, ...]:
    """The cheapest way through a run of Hangul; syllables that are in no word stay together."""
    known = table()
    costs = [0.0] + [float("inf")] * len(run)
    ways: list[tuple[int, int]] = [(0, _NO_ROW)] * (len(run) + 1)  # where the last piece begins, its row
    for end in range(1, len(run) + 1):
        for begin in range(max(0, end - _LONGEST_WORD), end):
            for row, cost in _readings(known, run, begin, end):
                if costs[begin] + cost < costs[end]:
                    costs[end], ways[end] = costs[begin] + cost, (begin, row)
    found: list[Piece] = []
    unknown, end = "", len(run)
    while end:
        begin, row = ways[end]
        if row == _IN_NO_WORD:
            unknown = run[begin:end] + unknown
        if unknown and (row != _IN_NO_WORD or begin == 0):
            found.append(Piece(unknown, _NO_ROW))
            unknown = ""
        if row >= 0:
            found.append(Piece(known.forms[row], row))
        end = begin
    return tuple(reversed(found))


def _readings(known: Table, run: str, begin: int, end: int) -> list[tuple[int, float]]:
    """What `run[begin:end]` may be, with its cost: a word, an ending, a syllable of no word."""
    piece = run[begin:end]
    found = [known.words[piece]] if piece in known.words else []
    if begin and piece in known.endings:
        found.append((_NO_ROW, _ENDING if end == len(run) else _ENDING + _FURTHER))
    if len(piece) == 1:
        found.append((_IN_NO_WORD, _UNKNOWN))
    return found


def meaning(pieces: Sequence[Piece], weights: Sequence[float] | None = None) -> Floats:
    """The unit vector of a text, its words weighted by `weights` or by their rarity; zeros without words."""
    known = table()
    rows = [at for at, piece in enumerate(pieces) if piece.row >= 0]
    own = [pieces[at].row for at in rows]
    counts = known.rarity[own]
    if weights is not None:
        counts = np.array([weights[at] for at in rows], dtype=np.float32)
    total = counts @ known.vectors[own] if own else np.zeros(known.vectors.shape[1], dtype=np.float32)
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-9), dtype=np.float32)


def likeness(asked: Sequence[Piece], held: Sequence[Piece]) -> Floats:
    """For each of `asked`, how like it is the word of `held` that is most like it: 0 to 1."""
    if not asked or not held:
        return np.zeros(len(asked), dtype=np.float32)
    known = table()
    left, right = np.array([one.row for one in asked]), np.array([one.row for one in held])
    cosines = known.vectors[left] @ known.vectors[right].T
    cosines[left < 0] = 0.0
    cosines[:, right < 0] = 0.0
    best = np.clip(cosines.max(axis=1), 0.0, SAME)
    words = {one.text for one in held}
    best[[one.text in words for one in asked]] = SAME
    return np.asarray(best, dtype=np.float32)
