"""From a question to passages: the index proposes under the viewer's mask, the door decides."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from celery import current_app
from kombu.exceptions import OperationalError

from assistant.access.door import Passage, passages
from assistant.access.mask import permitted_versions
from assistant.access.viewer import Viewer
from assistant.common.analysis import language_of
from assistant.common.errors import IndexDamaged
from assistant.index.contract import Candidate, IndexQuery, PermittedVersions
from assistant.index.fusion import dense_weight
from assistant.retrieval.index_in_use import answering_index

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to look for. `one_per_document`: the best passage of each document only."""

    k: int = 8
    one_per_document: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that passed the door, with the index's scores (fused 0..1, cosine, BM25)."""

    passage: Passage
    score: float
    dense: float
    lexical: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Passages for a question, best first. Empty if nothing that may be read fits."""

    hits: tuple[Hit, ...]


def retrieve(query: str, *, viewer: Viewer, plan: Plan = Plan()) -> Evidence:
    """The best passages for `query` among what the viewer may read at this moment.

    Raises:
        IndexDamaged: an index file is damaged; its repair has been asked for.
        ModelUnavailable: the embedder cannot be loaded.
    """
    permitted = permitted_versions(viewer)
    if not query.strip() or not permitted.any():
        return Evidence(())
    candidates = _candidates(query, permitted, plan)
    found = {passage.chunk_id: passage for passage in passages(viewer, [c.chunk_id for c in candidates])}
    return Evidence(
        tuple(
            Hit(found[c.chunk_id], score=c.score, dense=c.dense, lexical=c.lexical)
            for c in candidates
            if c.chunk_id in found
        )
    )


def _candidates(query: str, permitted: PermittedVersions, plan: Plan) -> list[Candidate]:
    embedder, index = answering_index()
    weight = dense_weight(language_of(query), embedder.languages)
    question = IndexQuery(
        text=query,
        vector=embedder.embed([query])[0] if weight > 0 else None,
        dense_weight=weight,
        k=plan.k,
        one_per_document=plan.one_per_document,
    )
    try:
        return index.search(question, permitted=permitted)
    except IndexDamaged:
        _ask_for_repair()
        raise


def _ask_for_repair() -> None:
    try:
        current_app.send_task("assistant.ingest.tasks.repair_index")
    except (OperationalError, OSError) as error:
        log.warning("no broker to ask for the index's repair: %s", error)
