"""The interface that every index engine fulfils."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

PermittedVersions = NDArray[np.int32]
"""`permitted[document_id]` is the version of the document that the viewer may
read, 0 for none. Documents past the end are not permitted. A chunk is
searchable exactly if its version equals the permitted one, so deleted,
replaced and forbidden chunks need no further mark."""


@dataclass(frozen=True, slots=True)
class IndexChunk:
    """One chunk to be indexed. `text` is the body; title, headings and file name count as fields."""

    chunk_id: int
    text: str
    headings: str
    vector: NDArray[np.float32]  # unit length, shape (dimension,)


@dataclass(frozen=True, slots=True)
class IndexDocument:
    """One version of a document with all its chunks. `acl_id` only steers the layout."""

    document_id: int
    version: int  # 1, 2, ...
    acl_id: int
    title: str
    name: str  # file name or external id, for lookups by name
    chunks: tuple[IndexChunk, ...]


@dataclass(frozen=True, slots=True)
class IndexQuery:
    """A question in text and vector form.

    `dense_weight` in 0..1 is the share of the dense leg in the fused score;
    `vector` may be None only when it is 0.
    """

    text: str
    vector: NDArray[np.float32] | None
    dense_weight: float
    k: int = 10
    one_per_document: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposal of the index. It shows nothing until the door in `access` has made it a Passage."""

    chunk_id: int
    document_id: int
    version: int
    score: float  # fused, 0..1
    dense: float  # cosine; 0 without a vector
    lexical: float  # BM25 over the permitted set; 0 where only vectors count


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that `verify` found: a code, the file or document, and what to do."""

    code: str
    where: str
    detail: str


class Index(Protocol):
    """An index engine. Readers in many processes, one writer at a time.

    Every result depends only on permitted chunks: scores, order and statistics
    are the same as if nothing else were indexed. Threads may share an instance, and
    a process that forks may go on using it. It is made with (folder, model=, dimension=)
    without reading anything; `tests/index/conformance.py` holds every engine to this.
    """

    def search(self, query: IndexQuery, *, permitted: PermittedVersions) -> list[Candidate]:
        """The best `k` permitted chunks, best first; ties by chunk id.

        Sees everything published before the call, by any process.

        Raises:
            IndexDamaged: a file fails its checksum or is missing.
            UsageError: the index holds vectors of another model, or the question's vector is none of it.
        """
        ...

    def publish(self, documents: Sequence[IndexDocument]) -> None:
        """Make these document versions searchable, all or none. Publishing a version twice changes nothing.

        Waits for the writer's lease.

        Raises:
            IndexDamaged: the index is damaged: call `discard_damaged` first.
            UsageError: a document cannot be indexed, or the index holds vectors of another model.
        """
        ...

    def contents(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """(document ids, versions) that are indexed, each pair once."""
        ...

    def compact(self, *, live: PermittedVersions, force: bool = False) -> bool:
        """Merge segments and drop what is not live (`live[document_id]` = current version).

        Without `force`, does nothing while it is not worth it. True if it rewrote anything.
        """
        ...

    def verify(self) -> list[Problem]:
        """Re-read every file against its checksum. An empty list means sound; codes begin with `index_`."""
        ...

    def discard_damaged(self) -> list[Problem]:
        """Drop segments that fail `verify`, so that their documents can be published again."""
        ...

    def drop(self) -> None:
        """Forget everything (before a rebuild from the database), whatever state or model it is of."""
        ...

    def chunk_ids(self, document_ids: Iterable[int]) -> dict[tuple[int, int], tuple[int, ...]]:
        """(document id, version) -> its chunk ids, for `verify`."""
        ...
