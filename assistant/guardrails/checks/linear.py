"""A logistic regression over the n-grams and notions of a text, with weights that fit into a byte each.

The weights are learnt by `python -m tests.bench.attack_fitting`, lie in `weights/` and are read on first
use. A file that is not the one whose SHA-256 stands in the code is refused: a check that judges by other
weights than those that were measured would be worse than an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.common.errors import ModelUnavailable
from assistant.guardrails.checks import cues
from assistant.guardrails.checks.grams import BUCKETS, Grams, folded, grams

STRENGTHS = {"low": 0.9, "medium": 0.7, "high": 0.5}
"""The score from which a finding counts, by strength: "low" stops only the plainest texts, "high" most."""

_NOTIONS = 4.0  # notions and pairs count in full up to the square of this

FOLDER = Path(__file__).parent / "weights"


@dataclass(frozen=True, slots=True)
class LinearModel:
    """`file` holds one signed byte for each bucket, then one for each notion and pair; a byte counts `step`.

    `levels` are the chances from which "high", "medium" and "low" strength stop a text.
    """

    file: str
    sha256: str
    step: float
    bias: float
    levels: tuple[float, float, float]

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """The chances stretched so that the model's levels fall on `STRENGTHS`.

        Raises:
            ModelUnavailable: the file of weights is missing or altered.
        """
        return np.interp(
            self.chances(texts), (0.0, *self.levels, 1.0), (0.0, *sorted(STRENGTHS.values()), 1.0)
        )

    def chances(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """The chance of each text to be of the model's kind, 0..1.

        Raises:
            ModelUnavailable: the file of weights is missing or altered.
        """
        if not texts:
            return np.empty(0)
        weights = _weights(self.file, self.sha256)
        found = features(texts)
        sums = np.bincount(found.piece, weights=weights[found.bucket] * found.share, minlength=len(texts))
        return np.asarray(1 / (1 + np.exp(-(sums * self.step + self.bias))))


def size() -> int:
    """How many features there are, and bytes in a file of weights."""
    return BUCKETS + cues.size()


def features(texts: Sequence[str]) -> Grams:
    """The n-grams of the texts, followed by their notions and pairs of notions."""
    pieces = [folded(text) for text in texts]
    found = grams(pieces)
    spoken = [(BUCKETS + one, piece) for piece, text in enumerate(pieces) for one in cues.features(text)]
    if not spoken:
        return found
    bucket, piece = np.array(spoken, dtype=np.int64).T
    # A long sentence speaks of much: what it speaks of counts less each.
    share = np.minimum(1, _NOTIONS / np.sqrt(np.bincount(piece)[piece]))
    return Grams(
        np.concatenate([found.bucket, bucket]),
        np.concatenate([found.piece, piece]),
        np.concatenate([found.share, share]),
    )


@cache
def _weights(file: str, sha256: str) -> NDArray[np.float64]:
    path = FOLDER / file
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    if len(content) != size() or hashlib.sha256(content).hexdigest() != sha256:
        raise ModelUnavailable(
            f"The weights in {path} are missing or altered. "
            "Install Mundap anew, or put that file of its release in their place."
        )
    return np.frombuffer(content, dtype=np.int8).astype(np.float64)
