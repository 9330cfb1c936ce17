"""How surely is a text about a topic?

The log odds of a logistic regression over the likenesses of `topic_vectors` and `topic_words`: vectors know
other words for the same, and words know which one was meant. Weights are learnt for each language of the
text by `python -m tests.bench.topic_fitting`, with the bundled model, also from topics whose examples are
in the other language.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import language_of
from assistant.guardrails.checks import topic_vectors, topic_words
from assistant.guardrails.checks.contract import Encoder
from assistant.guardrails.checks.likeness import Sparse
from assistant.guardrails.checks.topic_vectors import VectorLikeness
from assistant.guardrails.checks.topic_weights import ENGLISH, KOREAN
from assistant.guardrails.checks.topic_words import WordLikeness

FEATURES = (*topic_vectors.FEATURES, *(f"words_{name}" for name in topic_words.FEATURES))


class TopicJudge:
    """One topic by the texts that show it: its examples, its name and its description."""

    def __init__(self, shots: Sequence[str], encoder: Encoder) -> None:
        self._vectors = VectorLikeness(shots, encoder)
        self._words = WordLikeness(shots)

    @property
    def middle(self) -> Sparse:
        """The middle of its texts in words."""
        return self._words.middle

    def features(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """A row for each text, a column for each of `FEATURES`.

        Raises:
            ModelUnavailable: the model cannot be loaded or reached.
        """
        return np.hstack([self._vectors.features(texts), [self._words.features(text) for text in texts]])

    def odds(self, texts: Sequence[str]) -> list[float]:
        """The log odds that each text is about the topic.

        Raises:
            ModelUnavailable: as `features`.
        """
        known = [KOREAN if language_of(text) == "ko" else ENGLISH for text in texts]
        rows = self.features(texts)
        return [float(row @ np.array(one.weights) + one.bias) for row, one in zip(rows, known, strict=True)]
