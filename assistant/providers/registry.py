"""Which models there are: dotted paths by kind, loaded on use. A provider is one file and one line here."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from types import ModuleType

from assistant.common.errors import UsageError
from assistant.providers.contract import (
    ChatModel,
    ChatParts,
    Completions,
    Embedder,
    Entailment,
    Reranker,
    Served,
)

EMBEDDERS = {
    "sentence-transformers": "assistant.providers.embedders:SentenceTransformerEmbedder",
    "openai-compatible": "assistant.providers.served_embedder:ServedEmbedder",
}

RERANKERS = {
    "cross-encoder": "assistant.providers.rerankers:CrossEncoderReranker",
    "rerank-server": "assistant.providers.served_reranker:ServedReranker",
}

ENTAILMENTS = {
    "sequence-classifier": "assistant.providers.entailment:FolderEntailment",
}

# The kinds among these whose texts go to a server: they are made with `served=`, the others with `model=`.
ON_SERVERS = frozenset({"openai-compatible", "rerank-server"})

CHAT_MODELS = {
    "extractive": "assistant.providers.extractive:chat_model",
    "openai-compatible": "assistant.providers.chat_completions:chat_model",
    "transformers": "assistant.providers.local_model:chat_model",
    "bedrock": "assistant.providers.bedrock:chat_model",
}

# The language models among them, without what makes answers of their messages.
COMPLETIONS = {
    "openai-compatible": "assistant.providers.chat_completions:completions",
    "transformers": "assistant.providers.local_model:completions",
    "bedrock": "assistant.providers.bedrock:completions",
}


@lru_cache(maxsize=8)
def embedder(kind: str, *, model: str = "", served: Served | None = None) -> Embedder:
    """The embedder of this kind, one a process. `model` is what the kind understands (empty: its default).

    Raises:
        UsageError: no such kind, or one on a server without the server.
    """
    made: Embedder = getattr(*_place(EMBEDDERS, kind, "embedder"))(**_given(kind, model, served))
    return made


@lru_cache(maxsize=2)
def reranker(kind: str, *, model: str = "", served: Served | None = None) -> Reranker:
    """The reranker of this kind, one a process. `model` is what the kind understands.

    Raises:
        UsageError: no such kind, or one on a server without the server.
    """
    made: Reranker = getattr(*_place(RERANKERS, kind, "reranker"))(**_given(kind, model, served))
    return made


@lru_cache(maxsize=2)
def entailment(kind: str, *, model: str) -> Entailment:
    """The entailment model of this kind, one a process. `model` is what the kind understands.

    Raises:
        UsageError: no such kind.
    """
    made: Entailment = getattr(*_place(ENTAILMENTS, kind, "entailment model"))(model=model)
    return made


def chat_model(kind: str, parts: ChatParts) -> ChatModel:
    """A chat model of this kind, made of what it needs of the `parts`.

    Raises:
        UsageError: no such kind.
    """
    made: ChatModel = getattr(*_place(CHAT_MODELS, kind, "chat model"))(parts)
    return made


def completions(kind: str, parts: ChatParts) -> Completions:
    """The language model of this kind, for other messages than answers.

    Raises:
        UsageError: no such kind, or one that is no language model.
    """
    made: Completions = getattr(*_place(COMPLETIONS, kind, "language model"))(parts)
    return made


def _given(kind: str, model: str, served: Served | None) -> dict[str, object]:
    """What a model of this kind is made with."""
    if kind not in ON_SERVERS:
        return {"model": model}
    if served is None:
        raise UsageError(f"A model of kind '{kind}' needs the address of its server.")
    return {"served": served}


def _place(known: dict[str, str], kind: str, what: str) -> tuple[ModuleType, str]:
    path = known.get(kind)
    if path is None:
        raise UsageError(f"There is no {what} of kind '{kind}'. Known: {', '.join(sorted(known))}.")
    module, _, name = path.partition(":")
    return import_module(module), name
