"""From documents, or from older segments, to the columns of a new segment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from assistant.common.errors import UsageError
from assistant.index.codes import MAX_NORM
from assistant.index.contract import IndexDocument
from assistant.index.lexical import weighted_counts
from assistant.index.segment import Columns, Postings, Segment

_BLOCK = 16_384  # rows copied at a time while merging


def checked(documents: Iterable[IndexDocument], *, dimension: int) -> list[IndexDocument]:
    """The documents, if they can be indexed.

    Raises:
        UsageError: a bad number, or a vector of the wrong length or not of unit length.
    """
    found = list(documents)
    for document in found:
        where = f"Document {document.document_id}, version {document.version}"
        if document.document_id < 0 or document.version < 1:
            raise UsageError(f"{where}: the id must not be negative and versions begin at 1.")
        for chunk in document.chunks:
            if chunk.vector.shape != (dimension,):
                raise UsageError(
                    f"{where}, chunk {chunk.chunk_id}: its vector has {chunk.vector.size} components, "
                    f"the index needs {dimension}. Embed it with the configured model."
                )
            norm = float(np.linalg.norm(chunk.vector))
            if not norm <= MAX_NORM:  # also catches NaN
                raise UsageError(f"{where}, chunk {chunk.chunk_id}: its vector is not of unit length.")
    return found


def columns_of(documents: Sequence[IndexDocument]) -> tuple[Columns, NDArray[np.float32]]:
    """(columns, vectors of shape (n, dimension)) of documents, laid out by ACL."""
    laid_out = sorted(documents, key=lambda d: (d.acl_id, d.document_id, d.version))
    chunks = [(document, chunk) for document in laid_out for chunk in document.chunks]
    vocabulary: dict[str, int] = {}
    numbers: list[int] = []
    amounts: list[int] = []
    widths: list[int] = []
    lengths: list[int] = []
    for document, chunk in chunks:
        counts = weighted_counts(document, chunk)
        numbers.extend(vocabulary.setdefault(term, len(vocabulary)) for term in counts)
        amounts.extend(counts.values())
        widths.append(len(counts))
        lengths.append(counts.total())
    words = [term.encode() for term in vocabulary]
    positions = np.repeat(np.arange(len(chunks), dtype=np.int32), widths)
    columns = Columns(
        document_ids=np.array([d.document_id for d in laid_out], dtype=np.int64),
        versions=np.array([d.version for d in laid_out], dtype=np.int32),
        acl_ids=np.array([d.acl_id for d in laid_out], dtype=np.int64),
        chunk_starts=_starts([len(d.chunks) for d in laid_out]),
        chunk_ids=np.array([chunk.chunk_id for _, chunk in chunks], dtype=np.int64),
        lengths=np.array(lengths, dtype=np.int32),
        postings=_postings(words, np.array(numbers, np.int64), positions, np.array(amounts, np.uint8)),
    )
    vectors = np.array([chunk.vector for _, chunk in chunks], dtype=np.float32)
    return columns, vectors


def merged(
    segments: Sequence[Segment], kept: Sequence[NDArray[np.bool_]]
) -> tuple[Columns, NDArray[np.int64]]:
    """(columns, source rows) of the kept documents of several segments, laid out by ACL.

    `kept[i]` masks the documents of segment i. A source row counts through the
    segments one after another: `vector_blocks` reads the vectors by it.
    """
    parts = [segment.columns for segment in segments]
    keep = np.concatenate(kept)
    ids, versions, acls = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("document_ids", "versions", "acl_ids")
    )
    widths = np.concatenate([np.diff(part.chunk_starts) for part in parts])
    begins = _starts(widths)[:-1]
    order = np.lexsort((versions, ids, acls))
    order = order[keep[order]]
    rows = _ranges(begins[order], widths[order])
    place = np.full(int(widths.sum()), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    words, numbers, positions, amounts = _joined_postings(parts, place)
    columns = Columns(
        document_ids=ids[order],
        versions=versions[order],
        acl_ids=acls[order],
        chunk_starts=_starts(widths[order]),
        chunk_ids=np.concatenate([part.chunk_ids for part in parts])[rows],
        lengths=np.concatenate([part.lengths for part in parts])[rows],
        postings=_postings(words, numbers, positions, amounts),
    )
    return columns, rows


def vector_blocks(segments: Sequence[Segment], rows: NDArray[np.int64]) -> Iterator[NDArray[np.float32]]:
    """The vectors of `rows` (counted through the segments), a block at a time."""
    tables = [segment.vectors() for segment in segments]
    bounds = _starts([len(table) for table in tables])
    for start in range(0, len(rows), _BLOCK):
        wanted = rows[start : start + _BLOCK]
        block = np.empty((len(wanted), tables[0].shape[1]), dtype=np.float32)
        for table, (low, high) in zip(tables, pairwise(bounds), strict=True):
            here = (wanted >= low) & (wanted < high)
            block[here] = table[wanted[here] - low]
        yield block


def _joined_postings(
    parts: Sequence[Columns], place: NDArray[np.int64]
) -> tuple[list[bytes], NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]:
    """(terms, term number, new chunk position, count) of the postings whose chunk has a place."""
    vocabulary: dict[bytes, int] = {}
    numbers: list[NDArray[np.int64]] = []
    positions: list[NDArray[np.int32]] = []
    amounts: list[NDArray[np.uint8]] = []
    offset = 0
    for part in parts:
        own = (part.postings.term(i) for i in range(part.postings.term_count()))
        renumbered = np.fromiter((vocabulary.setdefault(t, len(vocabulary)) for t in own), dtype=np.int64)
        moved = place[offset + part.postings.posting_chunks]
        stays = moved >= 0
        numbers.append(np.repeat(renumbered, np.diff(part.postings.posting_starts))[stays])
        positions.append(moved[stays].astype(np.int32))
        amounts.append(part.postings.posting_counts[stays])
        offset += len(part.chunk_ids)
    return list(vocabulary), np.concatenate(numbers), np.concatenate(positions), np.concatenate(amounts)


def _postings(
    words: list[bytes], numbers: NDArray[np.int64], positions: NDArray[np.int32], amounts: NDArray[np.uint8]
) -> Postings:
    """The postings of a segment: used terms sorted, postings by term and position."""
    used = np.bincount(numbers, minlength=len(words)) > 0
    alphabet = sorted((i for i in range(len(words)) if used[i]), key=words.__getitem__)
    rank = np.zeros(len(words), dtype=np.int64)
    rank[alphabet] = np.arange(len(alphabet))
    by_term = rank[numbers]
    order = np.lexsort((positions, by_term))
    kept = [words[i] for i in alphabet]
    return Postings(
        term_bytes=np.frombuffer(b"".join(kept), dtype=np.uint8),
        term_starts=_starts([len(word) for word in kept]),
        posting_starts=_starts(np.bincount(by_term, minlength=len(kept))),
        posting_chunks=positions[order],
        posting_counts=amounts[order],
    )


def _starts(widths: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Running sums, beginning at 0: one more than there are widths."""
    return np.concatenate(([0], np.cumsum(np.asarray(widths, dtype=np.int64)))).astype(np.int64)


def _ranges(begins: NDArray[np.int64], widths: NDArray[np.int64]) -> NDArray[np.int64]:
    """All numbers of the ranges [begin, begin + width), range after range."""
    shift = np.repeat(begins - _starts(widths)[:-1], widths)
    return np.arange(int(widths.sum()), dtype=np.int64) + shift
