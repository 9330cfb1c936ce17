"""Small documents with made-up vectors, and an oracle that scores them the slow way."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import query_terms
from assistant.index.contract import (
    Candidate,
    Index,
    IndexChunk,
    IndexDocument,
    IndexQuery,
    PermittedVersions,
)
from assistant.index.lexical import K1, B, weighted_counts
from assistant.index.local import LocalIndex

DIMENSION = 8
MODEL = "made-up"


def unit(seed: str) -> NDArray[np.float32]:
    """A unit vector that depends on nothing but the seed."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    row = np.random.default_rng(number).standard_normal(DIMENSION)
    return (row / np.linalg.norm(row)).astype(np.float32)


def document(
    document_id: int, *texts: str, version: int = 1, acl: int = 0, title: str = "", name: str = ""
) -> IndexDocument:
    """A document with one chunk a text. Chunk ids follow from document, version and place."""
    first = document_id * 10_000 + version * 100
    chunks = tuple(IndexChunk(first + i, text, "", unit(text)) for i, text in enumerate(texts))
    return IndexDocument(document_id, version, acl, title, name, chunks)


def question(text: str, *, weight: float = 0.4, k: int = 10, one_per_document: bool = False) -> IndexQuery:
    """A question whose vector follows from its text."""
    return IndexQuery(text, unit(text), weight, k, one_per_document)


def permit(pairs: Mapping[int, int]) -> PermittedVersions:
    """`permitted` for {document id: version}."""
    permitted = np.zeros(max(pairs, default=-1) + 1, dtype=np.int32)
    for document_id, version in pairs.items():
        permitted[document_id] = version
    return permitted


def open_index(folder: Path) -> LocalIndex:
    """The index in a folder, as a new process would open it."""
    return LocalIndex(folder, model=MODEL, dimension=DIMENSION)


def contents(index: Index) -> list[tuple[int, int]]:
    """What is indexed, as sorted pairs."""
    ids, versions = index.contents()
    return sorted(zip(ids.tolist(), versions.tolist(), strict=True))


def expected(
    documents: Sequence[IndexDocument], query: IndexQuery, permitted: PermittedVersions
) -> list[tuple[int, float]]:
    """(chunk id, score) in order, by plain loops over the permitted chunks."""
    return [(found.chunk_id, found.score) for found in plainly_found(documents, query, permitted)]


def plainly_found(
    documents: Sequence[IndexDocument], query: IndexQuery, permitted: PermittedVersions
) -> list[Candidate]:
    """What a search must return, by plain loops over the permitted chunks."""
    rows = [
        (doc, chunk, weighted_counts(doc, chunk))
        for doc in documents
        if doc.document_id < len(permitted) and permitted[doc.document_id] == doc.version
        for chunk in doc.chunks
    ]
    if not rows:
        return []
    average = max(sum(counts.total() for _, _, counts in rows) / len(rows), 1.0)
    asked = Counter(query_terms(query.text) if query.dense_weight < 1 else ())
    matching = {term: sum(term in counts for _, _, counts in rows) for term in asked}
    rarities = {term: math.log(1 + (len(rows) - n + 0.5) / (n + 0.5)) for term, n in matching.items()}
    lexical = []
    for _, _, counts in rows:
        norm = K1 * (1 - B + B * counts.total() / average)
        score = 0.0
        for term, repeats in asked.items():
            score += repeats * rarities[term] * counts[term] * (K1 + 1) / (counts[term] + norm)
        lexical.append(score)
    vector = None if query.vector is None else query.vector.astype(float)
    dense = [0.0 if vector is None else float(np.dot(c.vector.astype(float), vector)) for _, c, _ in rows]
    most = sum(repeats * rarities[term] for term, repeats in asked.items()) * (K1 + 1) or 1.0
    found = [
        Candidate(
            chunk_id=chunk.chunk_id,
            document_id=doc.document_id,
            version=doc.version,
            score=query.dense_weight * min(max(d, 0.0), 1.0) ** 2 + (1 - query.dense_weight) * x / most,
            dense=d,
            lexical=x,
        )
        for (doc, chunk, _), d, x in zip(rows, dense, lexical, strict=True)
        if query.dense_weight > 0 or x > 0
    ]
    found.sort(key=lambda candidate: (-candidate.score, candidate.chunk_id))
    if query.one_per_document:
        seen: dict[int, int] = {}
        found = [c for c in found if seen.setdefault(c.document_id, c.chunk_id) == c.chunk_id]
    return found[: query.k]
