"""An engine that is easy to believe: one file with a checksum, and plain loops over it.

It shows that nothing above `assistant.index` knows which engine answers, and what the
conformance suite asks for. Processes share the file.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.common.errors import IndexDamaged, UsageError
from assistant.index.build import checked
from assistant.index.codes import MAX_NORM
from assistant.index.contract import Candidate, IndexDocument, IndexQuery, PermittedVersions, Problem
from assistant.index.durable import lease, replace_file
from tests.index.world import plainly_found

Pair = tuple[int, int]


@dataclass(slots=True)
class Stored:
    """All that the file holds: whose vectors, and the documents by (id, version)."""

    model: str
    dimension: int
    documents: dict[Pair, IndexDocument] = field(default_factory=dict)


class ReferenceIndex:
    """See `assistant.index.contract.Index`."""

    def __init__(self, folder: Path, *, model: str, dimension: int) -> None:
        self._folder = folder
        self._file = folder / "documents"
        self._model = model
        self._dimension = dimension

    def search(self, query: IndexQuery, *, permitted: PermittedVersions) -> list[Candidate]:
        """See `Index.search`."""
        if query.vector is not None:
            if query.vector.shape != (self._dimension,):
                raise UsageError(f"The question's vector has {query.vector.size} components.")
            if not np.linalg.norm(query.vector) <= MAX_NORM:
                raise UsageError("The question's vector is not of unit length.")
        if query.vector is None and query.dense_weight > 0:
            raise UsageError("A question without a vector needs a dense weight of 0.")
        return self._found(list(self._read().documents.values()), query, permitted)

    def publish(self, documents: Sequence[IndexDocument]) -> None:
        """See `Index.publish`."""
        wanted = checked(documents, dimension=self._dimension)
        with lease(self._folder / "lock"):
            stored = self._read()
            for document in wanted:
                stored.documents.setdefault((document.document_id, document.version), document)
            self._write(stored)

    def contents(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """See `Index.contents`."""
        pairs = sorted(self._read().documents)
        ids = np.array([document_id for document_id, _ in pairs], np.int64)
        return ids, np.array([version for _, version in pairs], np.int32)

    def compact(self, *, live: PermittedVersions, force: bool = False) -> bool:
        """See `Index.compact`."""
        with lease(self._folder / "lock"):
            stored = self._read()
            dead = [pair for pair in stored.documents if not _is_live(pair, live)]
            for pair in dead:
                del stored.documents[pair]
            if dead:
                self._write(stored)
            return bool(dead)

    def verify(self) -> list[Problem]:
        """See `Index.verify`."""
        try:
            self._read()
        except IndexDamaged as error:
            return [Problem("index_file", "documents", str(error))]
        except UsageError as error:
            return [Problem("index_model", "documents", str(error))]
        return []

    def discard_damaged(self) -> list[Problem]:
        """See `Index.discard_damaged`."""
        problems = self.verify()
        if any(problem.code == "index_model" for problem in problems):
            raise UsageError(problems[0].detail)
        if problems:
            self.drop()
        return problems

    def drop(self) -> None:
        """See `Index.drop`."""
        with lease(self._folder / "lock"):
            self._write(Stored(self._model, self._dimension))

    def chunk_ids(self, document_ids: Iterable[int]) -> dict[Pair, tuple[int, ...]]:
        """See `Index.chunk_ids`."""
        wanted = set(document_ids)
        return {
            pair: tuple(chunk.chunk_id for chunk in document.chunks)
            for pair, document in self._read().documents.items()
            if pair[0] in wanted
        }

    def _found(
        self, documents: list[IndexDocument], query: IndexQuery, permitted: PermittedVersions
    ) -> list[Candidate]:
        return plainly_found(documents, query, permitted)

    def _read(self) -> Stored:
        try:
            content = self._file.read_bytes()
        except FileNotFoundError:
            return Stored(self._model, self._dimension)
        checksum, _, body = content.partition(b"\n")
        if hashlib.sha256(body).hexdigest().encode() != checksum:
            raise IndexDamaged(f"{self._file} fails its checksum. Rebuild the index from the database.")
        stored: Stored = pickle.loads(body)
        if (stored.model, stored.dimension) != (self._model, self._dimension):
            raise UsageError(f"The index holds vectors of {stored.model}. Rebuild the index.")
        return stored

    def _write(self, stored: Stored) -> None:
        body = pickle.dumps(stored)
        replace_file(self._file, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def _is_live(pair: Pair, live: PermittedVersions) -> bool:
    return pair[0] < len(live) and int(live[pair[0]]) == pair[1]
