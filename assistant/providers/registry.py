"""Which models there are: dotted paths by kind, loaded on use. A provider is one file and one line here."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from types import ModuleType

from assistant.common.errors import UsageError
from assistant.providers.contract import ChatModel, ChatParts, Completions, Embedder, Reranker

EMBEDDERS = {
    "sentence-transformers": "assistant.providers.embedders:SentenceTransformerEmbedder",
}

RERANKERS = {
    "cross-encoder": "assistant.providers.rerankers:CrossEncoderReranker",
}

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
def embedder(kind: str, *, model: str = "") -> Embedder:
    """The embedder of this kind, one a process. `model` is what the kind understands (empty: its default).

    Raises:
        UsageError: no such kind.
    """
    made: Embedder = getattr(*_place(EMBEDDERS, kind, "embedder"))(model=model)
    return made


@lru_cache(maxsize=2)
def reranker(kind: str, *, model: str) -> Reranker:
    """The reranker of this kind, one a process. `model` is what the kind understands.

    Raises:
        UsageError: no such kind.
    """
    made: Reranker = getattr(*_place(RERANKERS, kind, "reranker"))(model=model)
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


def _place(known: dict[str, str], kind: str, what: str) -> tuple[ModuleType, str]:
    path = known.get(kind)
    if path is None:
        raise UsageError(f"There is no {what} of kind '{kind}'. Known: {', '.join(sorted(known))}.")
    module, _, name = path.partition(":")
    return import_module(module), name
