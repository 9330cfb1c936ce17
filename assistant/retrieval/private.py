"""An exact search among a few private documents, and how its hits join those of the company's.

There is no index of them: each question looks at all passages of the documents that it names, by the same
analysis, the same BM25 with the statistics of these passages alone, and the same fusion. So nothing of them
can be found by anybody else, and nothing of the company's word statistics changes by their being there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from django.db.models import F
from numpy.typing import NDArray

from assistant.access.door import passages, readable
from assistant.access.viewer import Viewer
from assistant.documents.embedding import IndexPlace, answering_place
from assistant.documents.models import Chunk, PrivateVectors
from assistant.index.fusion import DENSE_WEIGHT, beside_the_best, fused
from assistant.retrieval.context import contexts
from assistant.retrieval.private_words import PassageWords, bm25, postings_of
from assistant.retrieval.reranking import configured_reranker, reranked
from assistant.retrieval.retrieve import Hit

LEAST_OF_EACH = 3  # of the places in a joined list, where both sides have something to fill them with

Floats = NDArray[np.float64]


def retrieve_private(
    query: str, *, viewer: Viewer, documents: Sequence[int], k: int, context: bool = False
) -> list[Hit]:
    """The best `k` passages for `query` in those of the documents that the viewer may read, best first.

    Raises:
        ModelUnavailable: the embedder cannot be used.
    """
    cards = readable(viewer, documents)
    rows = list(
        Chunk.objects.filter(document__in=list(cards), version=F("document__version"))
        .order_by("document_id", "ordinal")
        .values_list("pk", "document_id", "ordinal", "digest")
    )
    if not rows or not query.strip():
        return []
    digests: dict[int, list[str]] = {}
    for _, document, _, digest in rows:
        digests.setdefault(document, []).append(digest)
    postings = [
        postings_of(tuple(own), partial(_words, document, cards[document].title))
        for document, own in digests.items()
    ]
    lexical, most = bm25(query, postings)
    dense = _cosines(query, [(row[1], row[2]) for row in rows], answering_place())
    scores = fused(dense, lexical, dense_weight=DENSE_WEIGHT, most=most)
    order = np.lexsort((np.array([row[0] for row in rows]), -scores))[:k]
    found = {one.chunk_id: one for one in passages(viewer, [rows[at][0] for at in order])}
    kept = [int(at) for at in order if rows[at][0] in found]
    fits = beside_the_best(dense[kept], lexical[kept], dense_weight=DENSE_WEIGHT)
    hits = [
        Hit(found[rows[at][0]], float(scores[at]), float(dense[at]), float(lexical[at]), float(fit))
        for at, fit in zip(kept, fits, strict=True)
    ]
    if not context:
        return hits
    around = contexts(viewer, [hit.passage for hit in hits])
    return [
        replace(hit, context=around[hit.passage.chunk_id]) for hit in hits if hit.passage.chunk_id in around
    ]


def from_the_beginning(*, viewer: Viewer, documents: Sequence[int], most: int) -> list[Hit]:
    """The first passages of these documents, as far as the viewer may read them, in their order.

    `most` passages in all, shared out among the documents.
    """
    cards = readable(viewer, documents)
    each = max(1, most // max(1, len(cards)))
    rows = Chunk.objects.filter(document__in=list(cards), version=F("document__version"), ordinal__lt=each)
    ordered = rows.order_by("document_id", "ordinal").values_list("pk", flat=True)
    return [Hit(one, score=1.0, dense=1.0, lexical=1.0, fit=1.0) for one in passages(viewer, list(ordered))]


def joined(query: str, company: Sequence[Hit], private: Sequence[Hit], *, k: int) -> list[Hit]:
    """The best `k` of both, best first, at least three of each where there are so many.

    `score` is what share of the question a passage carries, on either side by that side's own statistics, so
    that scores can be compared; `fit` is measured beside the best of one side, so the side with the lesser
    best is lowered by how much less it is.

    Raises:
        ModelUnavailable: the configured reranker cannot be used.
    """
    if not company or not private:
        return [*company, *private][:k]
    best = max(hit.score for hit in (*company, *private))
    sides = [
        [
            replace(hit, fit=hit.fit * (max(one.score for one in side) / best if best > 0 else 1.0))
            for hit in side
        ]
        for side in (company, private)
    ]
    first, second = (_chosen(k, len(side), len(other)) for side, other in (sides, sides[::-1]))
    both = [*sides[0], *sides[1]]
    ordered = sorted(both, key=lambda hit: (-hit.score, hit.passage.chunk_id))
    if (model := configured_reranker()) is not None:
        ordered = [both[at] for at in reranked(query, [hit.passage for hit in both], by=model)]
    return _with_least(
        ordered, {id(hit) for hit in sides[0][:first]}, {id(hit) for hit in sides[1][:second]}, k
    )


def _chosen(k: int, here: int, there: int) -> int:
    """How many places are kept for one side."""
    return min(here, LEAST_OF_EACH, max(0, k - min(there, LEAST_OF_EACH)))


def _with_least(ordered: Sequence[Hit], first: set[int], second: set[int], k: int) -> list[Hit]:
    """The first `k`, where what has a place of its own comes before what has none."""
    reserved = first | second
    free = k - len(reserved)
    kept: list[Hit] = []
    for hit in ordered:
        if id(hit) in reserved:
            kept.append(hit)
        elif free > 0:
            free -= 1
            kept.append(hit)
    return kept


def _words(document: int, title: str) -> list[PassageWords]:
    """What is counted of each passage of a document that may be read."""
    rows = Chunk.objects.filter(document=document, version=F("document__version")).order_by("ordinal")
    return [
        PassageWords(title, headings, f"{before}\n{text}" if before else text)
        for text, headings, before in rows.values_list("text", "headings", "context")
    ]


def _cosines(query: str, places: Sequence[tuple[int, int]], place: IndexPlace) -> Floats:
    """The cosine of each chunk (document, ordinal); 0 where there is no vector of this model yet."""
    stored = {
        row.document_id: np.frombuffer(bytes(row.vectors), dtype="<f4").reshape(-1, place.dimension)
        for row in PrivateVectors.objects.filter(
            document__in={document for document, _ in places},
            model=place.name,
            version=F("document__version"),
        )
    }
    (asked,) = place.embedder().embed_questions([query])
    by_document = {document: rows @ asked for document, rows in stored.items()}
    found = np.zeros(len(places))
    for at, (document, ordinal) in enumerate(places):
        cosines = by_document.get(document)
        if cosines is not None and ordinal < len(cosines):
            found[at] = cosines[ordinal]
    return found
