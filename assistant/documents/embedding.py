"""The embedder that the environment names, one a process."""

from __future__ import annotations

from django.conf import settings

from assistant.providers.contract import Embedder
from assistant.providers.registry import embedder


def configured_embedder() -> Embedder:
    """The embedder whose vectors the index holds.

    Raises:
        UsageError: the environment names a kind that does not exist.
    """
    kind, model = settings.MUNDAP_EMBEDDER
    return embedder(kind, model=model)
