"""How surely is a Korean text about a topic, by what its words mean?

The likenesses of `topic_words` and, beside them, those of the vectors of Korean words that come with the
product (`assistant/providers/korean_meaning.py`): a question that repeats no word of the examples may still
speak of the same things. Where a text or a topic has no such word, `topic_words` judges alone. The weights
are learnt by `python -m tests.bench.topic_fitting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from assistant.guardrails.checks import topic_words
from assistant.guardrails.checks.likeness import everyday
from assistant.guardrails.checks.topic_weights import BY_MEANING
from assistant.guardrails.checks.topic_words import EVERYDAY_NEAREST, WordJudge
from assistant.providers.korean_meaning import Piece, meaning, pieces_of, table

Floats = NDArray[np.float32]

FEATURES = (
    *topic_words.FEATURES,
    "meaning_nearest",  # likeness to the nearest shot, and to the one after it
    "meaning_second",
    "meaning_mean",  # to all shots
    "meaning_middle",  # to the middle of all shots
    "meaning_everyday",  # to the nearest everyday question
    "meaning_everyday_few",  # to the nearest few on average
    "meaning_spread",  # how alike the shots are, each to its nearest
    "words_like",  # how like the topic's words the text's words are, weighted by their rarity
    "word_like",  # the one that is most like them, and the two that are
    "two_like",
)


@dataclass(frozen=True, slots=True)
class _View:
    """A text's vector and the rows of its words."""

    vector: Floats
    rows: tuple[int, ...]


class MeaningJudge:
    """A topic by words and meaning; `speaks` where any shot has a word of the table."""

    def __init__(self, shots: Sequence[str], words: WordJudge) -> None:
        self._words = words
        views = [_view(shot) for shot in shots]
        self._shots = np.array([view.vector for view in views if view.rows])
        self._rows = sorted({row for view in views for row in view.rows})
        self.speaks = bool(self._rows)
        if not self.speaks:
            return
        middle = self._shots.mean(axis=0)
        self._middle = middle / max(float(np.linalg.norm(middle)), 1e-9)
        between = self._shots @ self._shots.T
        np.fill_diagonal(between, -1.0)
        several = len(self._shots) > 1
        self._spread = float(between.max(axis=1).mean()) if several else BY_MEANING.usual_spread

    def knows(self, text: str) -> bool:
        """Whether both the topic and the text have words whose meaning can be compared."""
        return self.speaks and bool(_view(text).rows)

    def features(self, text: str) -> list[float]:
        """One number for each of `FEATURES`; the text has a word of the table, and so has the topic."""
        view = _view(text)
        shots = np.sort(self._shots @ view.vector)[::-1]
        common = np.sort(_everyday() @ view.vector)[-EVERYDAY_NEAREST:]
        known = table()
        rows = list(view.rows)
        best = (known.vectors[rows] @ known.vectors[self._rows].T).max(axis=1)
        rarity = known.rarity[rows]
        found = (
            shots[0],
            shots[min(1, len(shots) - 1)],
            shots.mean(),
            self._middle @ view.vector,
            common[-1],
            common.mean(),
            self._spread,
            best @ rarity / max(float(rarity.sum()), 1e-9),
            best.max(),
            np.sort(best)[-2:].mean(),
        )
        return [*self._words.features(text), *map(float, found)]

    def odds(self, text: str) -> float:
        """The log odds that the text is about the topic."""
        return BY_MEANING.bias + sum(
            weight * value for weight, value in zip(BY_MEANING.weights, self.features(text), strict=True)
        )


@lru_cache(maxsize=512)
def _view(text: str) -> _View:
    pieces: tuple[Piece, ...] = pieces_of(text)
    return _View(meaning(pieces), tuple(piece.row for piece in pieces if piece.row >= 0))


@cache
def _everyday() -> Floats:
    """The vectors of the everyday questions, one a row."""
    return np.array([_view(question).vector for question in everyday("ko")])
