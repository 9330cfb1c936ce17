"""bm25s: scores of all texts from a sparse matrix, with the forbidden ones weighted zero.

Its statistics are those of all texts, so its answers are compared with BM25 over all.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import numpy as np

from assistant.index.lexical import K1, B
from tests.bench.index_peers import TOP, asked_terms
from tests.bench.index_truth import Tokens
from tests.bench.index_world import Permitted, Question, World


class Bm25s:
    """With NumPy, its default."""

    backend = "numpy"

    def __init__(self, world: World, analysed: Tokens, folder: Path) -> None:
        self._world = world
        self._analysed = analysed
        self._folder = folder
        self._mask = np.ones(0, dtype=np.float32)
        self._vocabulary = {term: number for number, term in enumerate(analysed.vocabulary)}

    def build(self) -> None:
        """See `Engine.build`."""
        module = import_module("bm25s")
        self._index = module.BM25(k1=K1, b=B, method="lucene", backend=self.backend)
        rows = [
            self._analysed.numbers[low:high].tolist()
            for low, high in pairwise(self._analysed.starts.tolist())
        ]
        self._index.index((rows, self._vocabulary), show_progress=False)
        self._index.save(str(self._folder), show_progress=False)

    def permit(self, permitted: Permitted) -> None:
        """See `Engine.permit`."""
        allowed = self._world.may_read(permitted).astype(np.float32)
        self._mask = allowed
        self._everything = permitted.everything

    def search(self, question: Question) -> Sequence[int]:
        """See `Engine.search`."""
        known = [term for term in asked_terms(question) if term in self._vocabulary]
        if not known:
            return []
        found = self._index.retrieve(
            [known],
            k=TOP,
            show_progress=False,
            weight_mask=None if self._everything else self._mask,
        )
        pairs = zip(found.documents[0].tolist(), found.scores[0].tolist(), strict=True)
        return [int(chunk) for chunk, score in pairs if score > 0]


class Bm25sNumba(Bm25s):
    """With compiled kernels."""

    backend = "numba"
