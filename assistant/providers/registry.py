"""Which models there are: dotted paths by kind, loaded on use. A provider is one file and one line here."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from assistant.common.errors import UsageError
from assistant.providers.contract import ChatModel, Embedder, Reranker

EMBEDDERS = {
    "sentence-transformers": "assistant.providers.embedders:SentenceTransformerEmbedder",
}

RERANKERS = {
    "cross-encoder": "assistant.providers.rerankers:CrossEncoderReranker",
}

CHAT_MODELS = {
    "extractive": "assistant.providers.extractive:ExtractiveModel",
}


@lru_cache(maxsize=8)
def embedder(kind: str, *, model: str = "") -> Embedder:
    """The embedder of this kind, one a process. `model` is what the kind understands (empty: its default).

    Raises:
        UsageError: no such kind.
    """
    made: Embedder = _class(EMBEDDERS, kind, "embedder")(model=model)
    return made


@lru_cache(maxsize=2)
def reranker(kind: str, *, model: str) -> Reranker:
    """The reranker of this kind, one a process. `model` is what the kind understands.

    Raises:
        UsageError: no such kind.
    """
    made: Reranker = _class(RERANKERS, kind, "reranker")(model=model)
    return made


def chat_model(kind: str, *, embedder: Embedder | None) -> ChatModel:
    """A chat model of this kind; `embedder` helps those that compare sentences.

    Raises:
        UsageError: no such kind.
    """
    made: ChatModel = _class(CHAT_MODELS, kind, "chat model")(embedder=embedder)
    return made


def _class(known: dict[str, str], kind: str, what: str) -> type:
    path = known.get(kind)
    if path is None:
        raise UsageError(f"There is no {what} of kind '{kind}'. Known: {', '.join(sorted(known))}.")
    module, _, name = path.partition(":")
    found: type = getattr(import_module(module), name)
    return found
