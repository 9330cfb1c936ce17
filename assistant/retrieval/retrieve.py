"""From a question to passages: the index proposes under the viewer's mask, the door decides."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from celery import current_app
from django.utils import timezone
from kombu.exceptions import OperationalError

from assistant.access.door import Passage, passages
from assistant.access.mask import permitted_versions
from assistant.access.viewer import Viewer
from assistant.common.analysis import query_terms
from assistant.common.errors import IndexDamaged
from assistant.index.contract import Candidate, IndexQuery, PermittedVersions
from assistant.index.fusion import DENSE_WEIGHT, beside_the_best
from assistant.providers.source_dates import Standing
from assistant.retrieval.boosts import Boosts, factor, pool_size
from assistant.retrieval.context import Context, contexts
from assistant.retrieval.filters import NO_FILTERS, Filters
from assistant.retrieval.folding import SPARE, Folded, fold
from assistant.retrieval.index_in_use import answering_index
from assistant.retrieval.narrowing import narrowed
from assistant.retrieval.ranking import boosts_in_force
from assistant.retrieval.reranking import MOST_RERANKED, configured_reranker, reranked
from assistant.retrieval.standing import standings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to look for, and among which. `one_per_document`: the best passage of each document only.

    `boosts`: what is preferred; None: what administrators prefer now. `fold`: copies and older versions
    are named under the passage that stands for them, and take no place of the `k`. `context`: each
    passage comes with what stands around it.
    """

    k: int = 8
    one_per_document: bool = False
    filters: Filters = NO_FILTERS
    boosts: Boosts | None = None
    fold: bool = False
    context: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that passed the door, with the index's scores (fused 0..1, cosine, BM25).

    `fit` says how well it fits beside the best one (`index.fusion.beside_the_best`).

    The order is that of `score`, or that of a configured reranker. Where something is preferred, `score`
    is the fused one times 0.5 to 1.5.

    With something `folded` under it, which has passed the door as well, a hit has the place and the scores
    of the best among them.
    """

    passage: Passage
    score: float
    dense: float
    lexical: float
    fit: float
    folded: tuple[Folded, ...] = ()
    context: Context | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Passages for a question, best first. Empty if nothing that may be read fits.

    `standings`: where passages were folded, how their documents stand, by document id.
    """

    hits: tuple[Hit, ...]
    standings: Mapping[int, Standing] = field(default_factory=dict)


def retrieve(query: str, *, viewer: Viewer, plan: Plan = Plan()) -> Evidence:
    """The best passages for `query` among what the viewer may read at this moment.

    Raises:
        IndexDamaged: an index file is damaged; its repair has been asked for.
        ModelUnavailable: the embedder or the configured reranker cannot be loaded.
    """
    permitted = permitted_versions(viewer)
    permitted = narrowed(permitted, plan.filters)
    if not query.strip() or not permitted.any():
        return Evidence(())
    boosts = boosts_in_force() if plan.boosts is None else plan.boosts
    model = configured_reranker()
    pool = _pool(plan, boosts, ordered=model is not None)
    candidates = _candidates(query, permitted, replace(plan, k=pool))
    hits = _through_the_door(viewer, candidates)
    if not boosts.none:
        hits = _boosted(query, hits, boosts)
    if model is not None:
        hits = [hits[at] for at in reranked(query, [hit.passage for hit in hits], by=model)]
    known = standings(viewer, {hit.passage.document_id for hit in hits}) if plan.fold else {}
    if plan.fold:
        hits = folded(query, hits, known)
    hits = hits[: plan.k]
    return Evidence(tuple(in_context(viewer, hits) if plan.context else hits), known)


def _through_the_door(viewer: Viewer, candidates: Sequence[Candidate]) -> list[Hit]:
    found = {passage.chunk_id: passage for passage in passages(viewer, [c.chunk_id for c in candidates])}
    kept = [candidate for candidate in candidates if candidate.chunk_id in found]
    dense, lexical = np.array([(c.dense, c.lexical) for c in kept]).reshape(-1, 2).T
    fits = beside_the_best(dense, lexical, dense_weight=DENSE_WEIGHT)
    return [
        Hit(found[c.chunk_id], score=c.score, dense=c.dense, lexical=c.lexical, fit=fit)
        for c, fit in zip(kept, fits.tolist(), strict=True)
    ]


def _boosted(query: str, hits: Sequence[Hit], boosts: Boosts) -> list[Hit]:
    """The hits by their scores with what is preferred; ties by chunk id."""
    asked, now = frozenset(query_terms(query)), timezone.now()
    weighed = [
        replace(hit, score=hit.score * factor(boosts, hit.passage, asked=asked, now=now)) for hit in hits
    ]
    return sorted(weighed, key=lambda hit: (-hit.score, hit.passage.chunk_id))


def folded(query: str, hits: Sequence[Hit], known: Mapping[int, Standing]) -> list[Hit]:
    """The hits with copies and older versions under those that stand for them."""
    found: list[Hit] = []
    for one in fold(query, [hit.passage for hit in hits], known):
        below = {each.passage.chunk_id for each in one.folded}
        inherited = [each for hit in hits if hit.passage.chunk_id in below for each in hit.folded]
        kept = (*hits[one.at].folded, *one.folded, *inherited)
        stands = hits[one.at]
        found.append(replace(hits[one.place], passage=stands.passage, context=stands.context, folded=kept))
    return found


def in_context(viewer: Viewer, hits: Sequence[Hit]) -> list[Hit]:
    """The hits with what stands around them, but for those that were revoked in between."""
    found = contexts(viewer, [hit.passage for hit in hits])
    return [
        replace(hit, context=found[hit.passage.chunk_id]) for hit in hits if hit.passage.chunk_id in found
    ]


def _candidates(query: str, permitted: PermittedVersions, plan: Plan) -> list[Candidate]:
    """The index's proposals, best first."""
    embedder, index = answering_index()
    question = IndexQuery(
        text=query,
        vector=embedder.embed_questions([query])[0],
        dense_weight=DENSE_WEIGHT,
        k=plan.k,
        one_per_document=plan.one_per_document,
    )
    try:
        return index.search(question, permitted=permitted)
    except IndexDamaged:
        _ask_for_repair()
        raise


def _pool(plan: Plan, boosts: Boosts, *, ordered: bool) -> int:
    """How many candidates are asked for, so that `plan.k` good ones remain, also once they are `ordered`."""
    preferred = 0 if boosts.none else pool_size(plan.k)
    return max(plan.k + (SPARE if plan.fold else 0), preferred, MOST_RERANKED if ordered else 0)


def _ask_for_repair() -> None:
    try:
        current_app.send_task("assistant.ingest.tasks.repair_index")
    except (OperationalError, OSError) as error:
        log.warning("no broker to ask for the index's repair: %s", error)
