"""Keeping the index equal to the database.

What the index lacks is the difference of two sets, taken anew each time: a run
killed at any moment leaves nothing to remember and nothing to undo. While the index of
another model is built beside it (`building`), new texts go into both.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from django.db.models import F, Q, QuerySet
from numpy.typing import NDArray

from assistant.common.errors import MundapError
from assistant.documents.embedding import IndexPlace, answering_place, live_places
from assistant.documents.models import Chunk, Document, Hidden
from assistant.index.contract import Index, IndexChunk, IndexDocument, Problem
from assistant.index.registry import ENGINES, opened_index
from assistant.ingest.storing import embedded_text, keep_vectors, vectors_of

log = logging.getLogger(__name__)

_PUBLISH_CHUNKS = 20_000
_READ_DOCUMENTS = 400
_EMBEDDED_AT_ONCE = 64


def known_engines() -> list[str]:
    """The engines that an index can be kept in."""
    return sorted(ENGINES)


def index_at(place: IndexPlace) -> Index:
    """The index of a place.

    Raises:
        UsageError: its engine does not exist any more.
    """
    return opened_index(place.folder, model=place.name, dimension=place.dimension, engine=place.engine)


def current_index() -> Index:
    """The index that answers."""
    return index_at(answering_place())


def searchable_documents() -> dict[int, int]:
    """Document id -> version of everything that somebody could be allowed to find."""
    rows = Document.objects.filter(version__gt=0).exclude(hidden=Hidden.REMOVED)
    return dict(rows.values_list("pk", "version"))


def publish(document_ids: Sequence[int]) -> None:
    """Index the current versions of these documents, everywhere where they will be searched."""
    answering, *beside = live_places()
    for _ in publish_at(answering, document_ids):
        pass
    for place in beside:
        try:
            for _ in publish_at(place, document_ids, compute=False):
                pass
        except MundapError as error:  # its build finds what it lacks
            log.warning("the index of %s gets new documents later: %s", place.name, error)


def publish_at(
    place: IndexPlace, document_ids: Sequence[int], *, compute: bool = True
) -> Iterator[list[IndexDocument]]:
    """Index these documents at one place, portion after portion; yields what was published.

    Without `compute`, documents that lack a vector are left out.
    """
    index = index_at(place)
    for documents in _in_portions(place, document_ids, compute=compute):
        index.publish(documents)
        yield documents


def publish_missing() -> int:
    """Index every document version that the answering index lacks. Returns how many it published."""
    place = answering_place()
    missing = missing_at(place)
    for _ in publish_at(place, missing):
        pass
    return len(missing)


def compact(*, force: bool = False) -> bool:
    """Merge segments and drop what is dead, if it is worth it."""
    live = _as_array(searchable_documents())
    rewritten = [index_at(place).compact(live=live, force=force) for place in live_places()]
    if any(rewritten):
        publish_missing()  # what another process published after we had asked the database what is live
    return any(rewritten)


def missing_at(place: IndexPlace) -> list[int]:
    """Documents whose current version the index of this place lacks."""
    ids, versions = index_at(place).contents()
    indexed = set(zip(ids.tolist(), versions.tolist(), strict=True))
    return [pk for pk, version in searchable_documents().items() if (pk, version) not in indexed]


def _as_array(documents: dict[int, int]) -> NDArray[np.int32]:
    live = np.zeros(max(documents, default=0) + 1, np.int32)
    live[list(documents.keys())] = list(documents.values())
    return live


def _in_portions(
    place: IndexPlace, document_ids: Sequence[int], *, compute: bool
) -> Iterator[list[IndexDocument]]:
    portion: list[IndexDocument] = []
    size = 0
    for start in range(0, len(document_ids), _READ_DOCUMENTS):
        for document in _load(place, document_ids[start : start + _READ_DOCUMENTS], compute=compute):
            portion.append(document)
            size += len(document.chunks)
            if size >= _PUBLISH_CHUNKS:
                yield portion
                portion, size = [], 0
    if portion:
        yield portion


def _load(place: IndexPlace, document_ids: Sequence[int], *, compute: bool) -> list[IndexDocument]:
    documents = {row.pk: row for row in Document.objects.filter(pk__in=document_ids)}
    rows = list(Chunk.objects.filter(document__in=document_ids).order_by("document_id", "ordinal"))
    rows = [row for row in rows if row.version == documents[row.document_id].version]
    vectors = vectors_of(place.name, [row.digest for row in rows])
    if compute:
        _embed_forgotten(place, rows, documents, vectors)
    chunks: dict[int, list[IndexChunk]] = {pk: [] for pk in documents}
    incomplete: set[int] = set()
    for row in rows:
        vector = vectors.get(row.digest)
        if vector is None:
            incomplete.add(row.document_id)
            continue
        chunks[row.document_id].append(
            IndexChunk(
                chunk_id=row.pk,
                text=f"{row.context}\n{row.text}" if row.context else row.text,
                headings=row.headings,
                vector=vector,
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
        if chunks[pk] and pk not in incomplete
    ]


def _embed_forgotten(
    place: IndexPlace,
    rows: list[Chunk],
    documents: dict[int, Document],
    vectors: dict[str, NDArray[np.float32]],
) -> None:
    """Compute vectors that the database lacks: when rows were lost, or stored while a build went past."""
    missing = {row.digest: row for row in rows if row.digest not in vectors}
    digests = list(missing)
    for start in range(0, len(digests), _EMBEDDED_AT_ONCE):
        part = digests[start : start + _EMBEDDED_AT_ONCE]
        texts = [
            embedded_text(documents[row.document_id].title, row.headings, row.context, row.text)
            for row in (missing[digest] for digest in part)
        ]
        found = place.embedder().embed(texts)
        keep_vectors(place.name, part, found)
        vectors.update(zip(part, found, strict=True))


def verify(*, repair: bool = False) -> list[Problem]:
    """Compare database, index and files; with `repair` mend what can be mended and report the rest.

    Of an index that is built beside the one that answers, what it lacks is no problem.
    """
    problems = _problems()
    if repair and problems:
        for place in live_places():
            index_at(place).discard_damaged()
        publish_missing()
        compact(force=True)
        problems = _problems()
        if any(problem.code == "chunks_differ" for problem in problems):
            rebuild()
            problems = _problems()
        _torn().update(source_version="", content_digest="")  # the next sync reads these anew
    return problems


def rebuild() -> int:
    """Drop the index and make it anew from the database. Embeds nothing that has a vector.

    An index that is being built is begun anew from the vectors that are there. Returns how many
    documents the index that answers got.
    """
    places = live_places()
    for place in places:
        index_at(place).drop()
    published = publish_missing()
    for place in places[1:]:
        for _ in publish_at(place, list(searchable_documents()), compute=False):
            pass
    return published


def _problems() -> list[Problem]:
    answering, *beside = live_places()
    problems = _problems_at(answering)
    for place in beside:
        problems += [
            replace(problem, where=f"{place.name}: {problem.where}") for problem in _problems_at(place)
        ]
    return problems if any(p.code.startswith("index_") for p in problems) else problems + _body_problems()


def _problems_at(place: IndexPlace) -> list[Problem]:
    index = index_at(place)
    problems = list(index.verify())
    if problems:
        return problems
    unindexed = [
        Problem("not_indexed", f"document {pk}", "Its text is stored but cannot be found.")
        for pk in (missing_at(place) if place.answers else [])
    ]
    return unindexed + _chunk_problems(index)


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
