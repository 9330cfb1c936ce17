"""Does a server still give the vectors that its index was made of?

A server may get another model under the same name, and a question's vector would then be compared with those
of a stranger. So the vector of one fixed text is stored with those of the documents, and asked for again at
the first use in each process and once an hour: where it is another one, nothing is answered with it.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence

import numpy as np

from assistant.common.errors import ModelUnavailable
from assistant.common.told import told
from assistant.documents.models import Embedding
from assistant.providers.contract import Embedder, Vectors

_TEXT = "The text by which a model is known again. 모델을 다시 알아보기 위한 글입니다."
_DIGEST = hashlib.sha256(f"same vectors\n{_TEXT}".encode()).hexdigest()
_SAME = 0.99  # cosine: what is reckoned in few bits differs a little from call to call
_EVERY_S = 3_600.0


class SameVectors:
    """An embedder on a server that answers only as long as it is the one it was. Threads may share it."""

    def __init__(self, model: Embedder) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._known_until = 0.0

    @property
    def name(self) -> str:
        """The embedder's name."""
        return self._model.name

    @property
    def dimension(self) -> int:
        """The number of components."""
        return self._model.dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder`.

        Raises:
            ModelUnavailable: as the embedder has it, or its vectors are others now.
        """
        self._require_same()
        return self._model.embed(texts)

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder`.

        Raises:
            ModelUnavailable: as above.
        """
        self._require_same()
        return self._model.embed_questions(texts)

    def _require_same(self) -> None:
        with self._lock:
            if time.monotonic() < self._known_until:
                return
            (now,) = self._model.embed([_TEXT])
            row, _ = Embedding.objects.get_or_create(
                model=self.name, digest=_DIGEST, defaults={"vector": now.astype("<f4").tobytes()}
            )
            then = np.frombuffer(bytes(row.vector), dtype="<f4")
            if then.shape != now.shape or float(then @ now) < _SAME:
                raise ModelUnavailable(
                    told(
                        "The server of '{model}' gives other vectors than those in the index: another model "
                        "runs there now. Put the former one back, or enter it anew with another version, so "
                        "that its index is built.",
                        model=self.name.rpartition("@")[0],
                    )
                )
            self._known_until = time.monotonic() + _EVERY_S
