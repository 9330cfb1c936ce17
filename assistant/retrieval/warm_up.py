"""Makes everything ready that a first question would otherwise wait for."""

from __future__ import annotations

from assistant.documents.embedding import answering_embedder
from assistant.index import warm_up as index
from assistant.retrieval.reranking import configured_reranker


def warm_up() -> None:
    """Load the embedding model, the reranker if there is one, and the compiled search.

    Raises:
        ModelUnavailable: the embedder or the reranker cannot be loaded.
    """
    answering_embedder().embed(["warm up"])
    if (reranker := configured_reranker()) is not None:
        reranker.scores("warm up", ["warm up"])
    index.warm_up()
