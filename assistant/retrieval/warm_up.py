"""Makes everything ready that a first question would otherwise wait for."""

from __future__ import annotations

from assistant.documents.embedding import answering_embedder
from assistant.index import warm_up as index


def warm_up() -> None:
    """Load the embedding model and the compiled search.

    Raises:
        ModelUnavailable: the embedder cannot be loaded.
    """
    answering_embedder().embed(["warm up"])
    index.warm_up()
