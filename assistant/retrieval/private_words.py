"""BM25 over the passages of a few private documents, with the statistics of these passages alone.

Which passage holds which term is kept for the documents asked last, by their passages' digests. Terms are
kept as hashes that differ from process to process: nothing of a removed document's words is left here.
"""

from __future__ import annotations

import math
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import query_terms
from assistant.index.contract import IndexChunk, IndexDocument
from assistant.index.lexical import K1, B, weighted_counts

_MOST_PASSAGES = 20_000  # kept: some ten full files
_NO_VECTOR = np.zeros(0, np.float32)

Floats = NDArray[np.float64]
Key = tuple[str, ...]  # digests of a document's passages


@dataclass(frozen=True, slots=True)
class PassageWords:
    """What is counted of a passage. `text` comes with its context."""

    title: str
    headings: str
    text: str


@dataclass(frozen=True, slots=True)
class Postings:
    """By hashed term the places of the passages that hold it, with counts; the length of each passage."""

    holding: dict[int, list[tuple[int, int]]]
    lengths: Floats


_lock = threading.Lock()
_kept: OrderedDict[int, Postings] = OrderedDict()


def postings_of(key: Key, passages: Callable[[], Sequence[PassageWords]]) -> Postings:
    """The postings of the document with these passages; `passages` is asked where they are not kept."""
    number = hash(key)
    with _lock:
        if number in _kept:
            _kept.move_to_end(number)
            return _kept[number]
    found = _counted(passages())
    with _lock:
        _kept[number] = found
        while sum(len(one.lengths) for one in _kept.values()) > _MOST_PASSAGES and len(_kept) > 1:
            _kept.popitem(last=False)
    return found


def bm25(query: str, documents: Sequence[Postings]) -> tuple[Floats, float]:
    """BM25 of each passage, document after document, and what none can exceed."""
    lengths = np.concatenate([one.lengths for one in documents])
    norms = K1 * (1 - B) + K1 * B / max(float(lengths.mean()), 1.0) * lengths
    scores, most = np.zeros(len(lengths)), 0.0
    for term, repeats in sorted(Counter(query_terms(query)).items()):
        held, first = np.zeros(len(lengths)), 0
        for one in documents:
            for place, count in one.holding.get(hash(term), ()):
                held[first + place] = count
            first += len(one.lengths)
        matches = int(np.count_nonzero(held))
        rarity = repeats * math.log(1 + (len(lengths) - matches + 0.5) / (matches + 0.5))
        scores += rarity * (K1 + 1) * held / (held + norms)
        most += rarity * (K1 + 1)
    return scores, most


def _counted(passages: Sequence[PassageWords]) -> Postings:
    """Each passage's weighted terms, as the index counts them."""
    holding: dict[int, list[tuple[int, int]]] = {}
    lengths = np.zeros(len(passages))
    for place, one in enumerate(passages):
        document = IndexDocument(
            document_id=0, version=1, acl_id=0, title=one.title, name=one.title, chunks=()
        )
        chunk = IndexChunk(chunk_id=0, text=one.text, headings=one.headings, vector=_NO_VECTOR)
        counts = weighted_counts(document, chunk)
        lengths[place] = counts.total()
        for term, count in counts.items():
            holding.setdefault(hash(term), []).append((place, count))
    return Postings(holding, lengths)
