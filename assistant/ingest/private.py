"""Private documents: files that a person added to a conversation, read like any other and put into no index.

Their vectors lie with them (`PrivateVectors`) and not among those that are kept by text, so that nothing
of a private document outlives it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import numpy as np
from django.db import transaction

from assistant.accounts.models import PRIVATE_KIND, Connection
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from assistant.documents.embedding import answering_place
from assistant.documents.models import Chunk, Document, PrivateVectors
from assistant.ingest.sandbox import ParserProcess
from assistant.ingest.storing import Prepared, embedded_text, prepare, store
from assistant.providers.contract import Embedder, Vectors

# Passages of one file: some 1,000 pages. All of them are looked at by each question.
MOST_CHUNKS = 2_000
_EMBEDDED_AT_ONCE = 32
_NAME = " private documents"  # sources' names are trimmed, so that none is ever equal


class Gone(Exception):
    """The document was removed while it was being read."""


def new_private_document(*, owner_id: int, name: str, media_type: str) -> Document:
    """A private document without text yet. Nobody but its owner can ever read it."""
    connection, _ = Connection.every.get_or_create(name=_NAME, defaults={"kind": PRIVATE_KIND})
    return Document.every.create(
        connection=connection,
        owner_id=owner_id,
        external_id=uuid4().hex,
        title=name,
        name=name,
        media_type=media_type,
    )


def understood(parser: ParserProcess, path: Path, *, name: str, media_type: str) -> Prepared:
    """The file's text, cut.

    Raises:
        DocumentFailure: what is wrong with the file.
    """
    prepared = prepare(parser.parse(path, name=name, media_type=media_type), title=name)
    if len(prepared.chunks) > MOST_CHUNKS:
        raise DocumentFailure(
            FailureCode.TOO_LARGE, told("more than {most} passages", most=f"{MOST_CHUNKS:,}")
        )
    return prepared


def store_private(
    document_id: int, prepared: Prepared, *, alive: Callable[[], bool], settle: Callable[[], bool]
) -> None:
    """Store text, passages and vectors, and whatever `settle` stores with them: all or nothing.

    `alive` is asked between batches of vectors.

    Raises:
        Gone: the document is no longer there, or `alive` or `settle` says no.
        ModelUnavailable: the embedder that answers cannot be used.
    """
    place = answering_place()
    vectors = _embedded(place.embedder(), prepared.texts, alive)
    with transaction.atomic():
        document = Document.every.select_for_update().filter(pk=document_id).first()
        if document is None or not settle():
            raise Gone
        store(document, prepared)
        document.save(update_fields=["version", "title", "language"])
        _keep(document, place.name, vectors)


def add_missing_vectors(document_ids: Sequence[int]) -> None:
    """Give these private documents vectors of the model that answers now, where they have others only.

    Raises:
        ModelUnavailable: the embedder cannot be used.
    """
    place = answering_place()
    rows = Document.every.filter(pk__in=document_ids, version__gt=0)
    for document in rows.exclude(private_vectors__model=place.name):
        chunks = Chunk.objects.filter(document=document, version=document.version).order_by("ordinal")
        texts = [embedded_text(document.title, row.headings, row.context, row.text) for row in chunks]
        vectors = _embedded(place.embedder(), texts, lambda: True)
        with transaction.atomic():
            if Document.every.select_for_update().filter(pk=document.pk, version=document.version).exists():
                _keep(document, place.name, vectors)


def _keep(document: Document, model: str, vectors: Vectors) -> None:
    PrivateVectors.objects.update_or_create(
        document=document,
        model=model,
        defaults={"version": document.version, "vectors": vectors.astype("<f4").tobytes()},
    )


def _embedded(model: Embedder, texts: Sequence[str], alive: Callable[[], bool]) -> Vectors:
    """One row a text. Alike lengths go together, as they pad each other least."""
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    vectors = np.zeros((len(texts), model.dimension), np.float32)
    for start in range(0, len(order), _EMBEDDED_AT_ONCE):
        if not alive():
            raise Gone
        part = order[start : start + _EMBEDDED_AT_ONCE]
        vectors[part] = model.embed([texts[at] for at in part])
    return vectors
