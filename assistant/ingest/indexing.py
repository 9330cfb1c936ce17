"""Keeping the index equal to the database.

What the index lacks is the difference of two sets, taken anew each time: a run
killed at any moment leaves nothing to remember and nothing to undo.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from django.conf import settings
from django.db.models import F, Q, QuerySet
from numpy.typing import NDArray

from assistant.documents.embedding import configured_embedder
from assistant.documents.models import Chunk, Document, Hidden
from assistant.index.contract import Index, IndexChunk, IndexDocument, Problem
from assistant.index.registry import opened_index
from assistant.ingest.storing import embedded_text, keep_vectors, vectors_of

_PUBLISH_CHUNKS = 20_000
_READ_DOCUMENTS = 400


def current_index() -> Index:
    """The index for vectors of the configured embedder."""
    model = configured_embedder()
    return opened_index(settings.MUNDAP_INDEX_DIR, model=model.name, dimension=model.dimension)


def searchable_documents() -> dict[int, int]:
    """Document id -> version of everything that somebody could be allowed to find."""
    rows = Document.objects.filter(version__gt=0).exclude(hidden=Hidden.REMOVED)
    return dict(rows.values_list("pk", "version"))


def publish(document_ids: Sequence[int]) -> None:
    """Index the current versions of these documents."""
    index = current_index()
    for documents in _in_portions(list(document_ids)):
        index.publish(documents)


def publish_missing() -> int:
    """Index every document version that the index lacks. Returns how many it published."""
    missing = _missing(current_index())
    publish(missing)
    return len(missing)


def compact(*, force: bool = False) -> bool:
    """Merge segments and drop what is dead, if it is worth it."""
    rewritten = current_index().compact(live=_as_array(searchable_documents()), force=force)
    if rewritten:
        publish_missing()  # what another process published after we had asked the database what is live
    return rewritten


def _missing(index: Index) -> list[int]:
    ids, versions = index.contents()
    indexed = set(zip(ids.tolist(), versions.tolist(), strict=True))
    return [pk for pk, version in searchable_documents().items() if (pk, version) not in indexed]


def _as_array(documents: dict[int, int]) -> NDArray[np.int32]:
    live = np.zeros(max(documents, default=0) + 1, np.int32)
    live[list(documents.keys())] = list(documents.values())
    return live


def _in_portions(document_ids: list[int]) -> Iterator[list[IndexDocument]]:
    portion: list[IndexDocument] = []
    size = 0
    for start in range(0, len(document_ids), _READ_DOCUMENTS):
        for document in _load(document_ids[start : start + _READ_DOCUMENTS]):
            portion.append(document)
            size += len(document.chunks)
            if size >= _PUBLISH_CHUNKS:
                yield portion
                portion, size = [], 0
    if portion:
        yield portion


def _load(document_ids: list[int]) -> list[IndexDocument]:
    model = configured_embedder()
    documents = {row.pk: row for row in Document.objects.filter(pk__in=document_ids)}
    rows = list(Chunk.objects.filter(document__in=document_ids).order_by("document_id", "ordinal"))
    vectors = vectors_of(model, [row.digest for row in rows])
    _embed_forgotten(rows, documents, vectors)
    chunks: dict[int, list[IndexChunk]] = {pk: [] for pk in documents}
    for row in rows:
        if row.version == documents[row.document_id].version:
            chunks[row.document_id].append(
                IndexChunk(
                    chunk_id=row.pk,
                    text=f"{row.context}\n{row.text}" if row.context else row.text,
                    headings=row.headings,
                    vector=vectors[row.digest],
                )
            )
    return [
        IndexDocument(
            document_id=pk,
            version=document.version,
            acl_id=document.acl_id or 0,
            title=document.title,
            name=document.name,
            chunks=tuple(chunks[pk]),
        )
        for pk, document in documents.items()
        if chunks[pk]
    ]


def _embed_forgotten(
    rows: list[Chunk], documents: dict[int, Document], vectors: dict[str, NDArray[np.float32]]
) -> None:
    """Compute vectors that the database lacks: after a change of the model, or when rows were lost."""
    missing = {row.digest: row for row in rows if row.digest not in vectors}
    if not missing:
        return
    texts = [
        embedded_text(documents[row.document_id].title, row.headings, row.context, row.text)
        for row in missing.values()
    ]
    model = configured_embedder()
    found = model.embed(texts)
    keep_vectors(model, list(missing), found)
    vectors.update(zip(missing, found, strict=True))


def verify(*, repair: bool = False) -> list[Problem]:
    """Compare database, index and files; with `repair` mend what can be mended and report the rest."""
    problems = _problems()
    if repair and problems:
        current_index().discard_damaged()
        publish_missing()
        compact(force=True)
        problems = _problems()
        if any(problem.code == "chunks_differ" for problem in problems):
            rebuild()
            problems = _problems()
        _torn().update(source_version="", content_digest="")  # the next sync reads these anew
    return problems


def rebuild() -> int:
    """Drop the index and make it anew from the database. Embeds nothing that has a vector."""
    current_index().drop()
    return publish_missing()


def _problems() -> list[Problem]:
    index = current_index()
    problems = list(index.verify())
    if problems:
        return problems
    unindexed = [
        Problem("not_indexed", f"document {pk}", "Its text is stored but cannot be found.")
        for pk in _missing(index)
    ]
    return unindexed + _chunk_problems(index) + _body_problems()


def _chunk_problems(index: Index) -> list[Problem]:
    problems = []
    expected = searchable_documents()
    indexed = index.chunk_ids(expected)
    stored: dict[int, list[int]] = {}
    for document_id, chunk_id in (
        Chunk.objects.filter(document__in=Document.objects.filter(version__gt=0))
        .order_by("document_id", "pk")
        .values_list("document_id", "pk")
    ):
        stored.setdefault(document_id, []).append(chunk_id)
    for pk, version in expected.items():
        here = indexed.get((pk, version))
        if here is not None and sorted(here) != stored.get(pk, []):
            problems.append(
                Problem("chunks_differ", f"document {pk}", "Index and database hold different passages.")
            )
    return problems


def _body_problems() -> list[Problem]:
    return [
        Problem(
            "text_missing", f"document {pk}", "The database lacks its text; the next sync reads it again."
        )
        for pk in _torn().values_list("pk", flat=True)
    ]


def _torn() -> QuerySet[Document]:
    """Documents whose text or passages are not those of their version."""
    rows = Document.objects.filter(version__gt=0).exclude(hidden=Hidden.REMOVED)
    torn = rows.filter(Q(body=None) | ~Q(body__version=F("version")) | Q(chunks=None))
    return Document.objects.filter(pk__in=torn.values("pk"))
