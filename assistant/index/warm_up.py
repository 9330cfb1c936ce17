"""Makes the compiled loops ready before somebody waits: the first start of a release compiles them."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from assistant.index.contract import IndexChunk, IndexDocument, IndexQuery
from assistant.index.local import LocalIndex

_WORD = "warm"


@cache
def warm_up() -> None:
    """Ask a tiny index of its own, in which not everything is permitted; once in a process."""
    vector = np.ones(1, np.float32)
    documents = [
        IndexDocument(number, 1, 0, "", "", (IndexChunk(number, _WORD, "", vector),)) for number in (0, 1)
    ]
    with tempfile.TemporaryDirectory(prefix="mundap-warm-up-") as folder:
        index = LocalIndex(Path(folder), model=_WORD, dimension=1)
        index.publish(documents)
        index.search(IndexQuery(_WORD, vector, 0.5), permitted=np.array([1, 0], np.int32))
