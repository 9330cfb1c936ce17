"""What the vectors of a language have in common, taken off, so that what is said counts and not in which
language.

A multilingual model puts texts near each other because they are of one language (Yang et al., 2021, who
take such a part off), and questions near questions. Without the mean vector of its kind and language, a
text lies near what says the same in the other language. A text in both is between the two, by how much of
it is Hangul.

`python -m tests.bench.language_centres` measures the means, and what they are worth.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import hangul_share
from assistant.providers.contract import Vectors

_FILE = Path(__file__).with_name("language_centres.npz")
_LEAST = 1e-6  # the length below which a vector has no direction


class LanguageCentres:
    """The mean vectors: (2, 2, width) float32, of passages and questions, in other languages and Korean."""

    def __init__(self, means: NDArray[np.float32]) -> None:
        self._means = means

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the means: with others, vectors are others."""
        return hashlib.sha256(np.ascontiguousarray(self._means, "<f4").tobytes()).hexdigest()

    def taken_off(self, rows: Vectors, texts: Sequence[str], *, questions: bool) -> Vectors:
        """The unit rows (len, width) of these texts without what is common to their language, of length 1."""
        other, korean = self._means[int(questions)]
        shares = np.array([hangul_share(text) for text in texts], np.float32)[:, None]
        rest = rows - (other + shares * (korean - other))
        lengths = np.linalg.norm(rest, axis=1, keepdims=True)
        return np.where(lengths > _LEAST, rest / np.maximum(lengths, _LEAST), rows)


@lru_cache(maxsize=1)
def language_centres() -> LanguageCentres:
    """Those of the bundled model."""
    with np.load(_FILE) as stored:
        return LanguageCentres(stored["means"])
