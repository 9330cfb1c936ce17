"""From parsed text to rows: chunks, vectors, bodies.

The text that is embedded is hashed; a hash that has a vector under the current
model is never embedded again, whichever document it stands in.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction

from assistant.accounts.revisions import Counter, bump
from assistant.common.analysis import language_of
from assistant.common.errors import DocumentFailure, FailureCode, ModelUnavailable
from assistant.documents.embedding import IndexPlace, live_places
from assistant.documents.models import Body, Chunk, Document, Embedding, Hidden
from assistant.ingest.chunking import Chunk as ChunkValue
from assistant.ingest.chunking import chunk
from assistant.ingest.parsers.contract import BLOCK_SEPARATOR, Parsed
from assistant.providers.contract import Vectors

log = logging.getLogger(__name__)

_BATCH = 500
_KEPT_AT_ONCE = 128  # vectors; a worker that is killed loses no more of its slowest work


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document's text, cut into chunks and ready to be stored. `texts` are what is embedded."""

    parsed: Parsed
    title: str
    chunks: tuple[ChunkValue, ...]
    texts: tuple[str, ...]
    digests: tuple[str, ...]
    language: str


def prepare(parsed: Parsed, *, title: str) -> Prepared:
    """Cut a parsed document. `title` is what the source calls it; empty: the document's own title.

    Raises:
        DocumentFailure: it holds no text.
    """
    chunks = chunk(parsed)
    if not chunks:
        raise DocumentFailure(FailureCode.NO_TEXT)
    title = title or parsed.title
    texts = tuple(embedded_text(title[:500], piece.headings, piece.context, piece.text) for piece in chunks)
    return Prepared(
        parsed=parsed,
        title=title,
        chunks=chunks,
        texts=texts,
        digests=tuple(hashlib.sha256(text.encode()).hexdigest() for text in texts),
        language=language_of(parsed.text[:20_000]),
    )


def embedded_text(title: str, headings: str, context: str, text: str) -> str:
    """What the embedder reads of a chunk: where it stands, then what it says."""
    return "\n".join(part for part in (title, headings, context, text) if part)


def embed_missing(prepared: Sequence[Prepared]) -> int:
    """Give every chunk text a vector of the model that answers. Returns how many had to be computed.

    A model whose index is built beside it gets its vectors too. If it cannot be loaded, the build
    computes them later.

    Raises:
        ModelUnavailable: the model that answers cannot be loaded.
    """
    texts = {
        digest: text
        for document in prepared
        for digest, text in zip(document.digests, document.texts, strict=True)
    }
    answering, *beside = live_places()
    computed = _embed(answering, texts)
    for place in beside:
        try:
            _embed(place, texts)
        except ModelUnavailable as error:
            log.warning("new texts wait for their vectors of %s: %s", place.name, error)
    return computed


def _embed(place: IndexPlace, texts: dict[str, str]) -> int:
    missing = without_vector(place.name, texts)
    for start in range(0, len(missing), _KEPT_AT_ONCE):
        part = missing[start : start + _KEPT_AT_ONCE]
        keep_vectors(place.name, part, place.embedder().embed([texts[digest] for digest in part]))
    return len(missing)


def without_vector(model: str, texts: Mapping[str, str]) -> list[str]:
    """Digests of texts that have no vector under the model, short texts first: like lengths pad little."""
    missing = set(texts) - _embedded(model, sorted(texts))
    return sorted(missing, key=lambda digest: (len(texts[digest]), digest))


def keep_vectors(model: str, digests: Sequence[str], vectors: Vectors) -> None:
    """Store one vector a digest under the model's name; those already stored stay."""
    Embedding.objects.bulk_create(
        [
            Embedding(model=model, digest=digest, vector=row.astype("<f4").tobytes())
            for digest, row in zip(digests, vectors, strict=True)
        ],
        batch_size=_BATCH,
        ignore_conflicts=True,
    )


def _embedded(model: str, digests: list[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(digests), _BATCH):
        part = digests[start : start + _BATCH]
        found.update(Embedding.objects.filter(model=model, digest__in=part).values_list("digest", flat=True))
    return found


def vectors_of(model: str, digests: Sequence[str]) -> dict[str, Vectors]:
    """Stored vectors by digest; those never computed under the model of this name are left out."""
    found: dict[str, Vectors] = {}
    wanted = sorted(set(digests))
    for start in range(0, len(wanted), _BATCH):
        rows = Embedding.objects.filter(model=model, digest__in=wanted[start : start + _BATCH])
        for digest, blob in rows.values_list("digest", "vector"):
            found[digest] = np.frombuffer(bytes(blob), dtype="<f4").astype(np.float32)
    return found


def store(document: Document, prepared: Prepared) -> None:
    """Make this text the document's next version. Must run inside the caller's transaction."""
    assert transaction.get_connection().in_atomic_block
    document.version += 1
    document.title = prepared.title[:500]
    document.language = prepared.language
    Chunk.objects.filter(document=document).delete()
    Body.objects.update_or_create(
        document=document,
        defaults={
            "version": document.version,
            "text": prepared.parsed.text,
            "blocks": _blocks(prepared.parsed),
            "place_kind": prepared.parsed.place_kind.value,
        },
    )
    Chunk.objects.bulk_create(
        [
            Chunk(
                document=document,
                version=document.version,
                ordinal=piece.ordinal,
                start=piece.start,
                end=piece.end,
                text=piece.text,
                headings=piece.headings,
                place=piece.place[:200],
                context=piece.context,
                digest=digest,
            )
            for piece, digest in zip(prepared.chunks, prepared.digests, strict=True)
        ],
        batch_size=_BATCH,
    )


def remove(document_ids: Sequence[int]) -> None:
    """Forget the content of documents that their source no longer has; the rows stay as tombstones."""
    for start in range(0, len(document_ids), _BATCH):
        part = document_ids[start : start + _BATCH]
        with transaction.atomic():
            Chunk.objects.filter(document__in=part).delete()
            Body.objects.filter(document__in=part).delete()
            Document.objects.filter(pk__in=part).update(
                title="",
                name="",
                url="",
                attributes={},
                source_version="",
                content_digest="",
                failure_code="",
                acl=None,
                hidden=Hidden.REMOVED,
                revision=bump(Counter.DOCUMENTS),
            )


def _blocks(parsed: Parsed) -> list[list[str | int]]:
    blocks: list[list[str | int]] = []
    start = 0
    for block in parsed.blocks:
        end = start + len(block.text)
        blocks.append([block.kind.value, start, end, block.level, block.place])
        start = end + len(BLOCK_SEPARATOR)
    return blocks
