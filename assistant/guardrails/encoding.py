"""The embedder of the index that answers, remembering the vectors of texts seen lately.

A question is embedded once though several topics judge it, and editing one topic
embeds only its changed lines.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from assistant.documents.embedding import answering_embedder
from assistant.providers.contract import Embedder, Vectors

MAX_REMEMBERED = 4096  # vectors; about 6 MB at 384 components


class RememberingEncoder:
    """An `Encoder` over an embedder. Threads may share it."""

    def __init__(self, model: Embedder) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, Vectors] = OrderedDict()

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text, embedding only those not seen lately.

        Raises:
            ModelUnavailable: the model cannot be loaded or reached.
        """
        with self._lock:
            found = {text: self._seen[text] for text in texts if text in self._seen}
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            # Short texts of equal standing: models with two prompts are told to use that of questions for
            # both.
            found.update(zip(missing, self._model.embed_questions(missing), strict=True))
            self._remember(missing, found)
        if not texts:
            return np.empty((0, self._model.dimension), dtype=np.float32)
        return np.stack([found[text] for text in texts])

    def _remember(self, texts: Sequence[str], found: dict[str, Vectors]) -> None:
        with self._lock:
            for text in texts:
                self._seen[text] = found[text]
            while len(self._seen) > MAX_REMEMBERED:
                self._seen.popitem(last=False)


def answering_encoder() -> RememberingEncoder:
    """The encoder over the embedder that questions are answered with now, one a process.

    Raises:
        ModelUnavailable: the embedder cannot be loaded.
    """
    return _encoder(answering_embedder())


@lru_cache(maxsize=2)
def _encoder(model: Embedder) -> RememberingEncoder:
    return RememberingEncoder(model)
