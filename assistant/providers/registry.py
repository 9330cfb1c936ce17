"""Which models there are: dotted paths by kind, loaded on use. A provider is one file and one line here."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from assistant.common.errors import UsageError
from assistant.providers.contract import ChatModel, Embedder

EMBEDDERS = {
    "sentence-transformers": "assistant.providers.embedders:SentenceTransformerEmbedder",
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
