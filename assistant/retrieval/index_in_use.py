"""Which embedder and which index answer this question? Both of one model, whatever is built beside them."""

from __future__ import annotations

from assistant.documents.embedding import answering_place
from assistant.index.contract import Index
from assistant.index.registry import keep_open_only, opened_index
from assistant.providers.contract import Embedder


def answering_index() -> tuple[Embedder, Index]:
    """The index that answers at this moment and the embedder of its vectors, by one look at the database.

    Raises:
        ModelUnavailable: the embedder cannot be loaded; no other takes its place.
        UsageError: the engine or the kind of embedder does not exist any more.
    """
    place = answering_place()
    keep_open_only({place.folder})
    index = opened_index(place.folder, model=place.name, dimension=place.dimension, engine=place.engine)
    return place.embedder(), index
