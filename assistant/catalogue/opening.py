"""From an entry to a chat model that can be asked. The only place where the stored key of one is opened."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from assistant.catalogue.entries import Entry, ModelNotOffered, Origin
from assistant.catalogue.fitting import ModelSettings
from assistant.catalogue.models import LanguageModel
from assistant.common.network import Network
from assistant.documents.embedding import answering_embedder
from assistant.documents.model_keys import opened_for, sealed_for
from assistant.documents.search_models import configured_entailment
from assistant.providers.contract import ChatModel, ChatParts, ChatServer, Embedder, Entailment, Usage
from assistant.providers.registry import chat_model

_NO_ROW = 0


def opened(entry: Entry, *, spent: Callable[[Usage], None]) -> ChatModel:
    """The entry's model. Whoever opens it has asked `model_for_turn` for whom.

    Raises:
        ModelNotOffered: its row is gone.
        ModelUnavailable: its key, or the embedder of the index, cannot be opened.
        UsageError: there is no such kind.
    """
    return made(
        entry.kind,
        _server(entry),
        embedder=answering_embedder(),
        entailment=configured_entailment(),
        spent=spent,
    )


def made(
    kind: str,
    server: ChatServer,
    *,
    spent: Callable[[Usage], None],
    embedder: Embedder | None = None,
    entailment: Entailment | None = None,
) -> ChatModel:
    """A chat model of this kind on this server, behind the guarded network.

    Raises:
        UsageError: there is no such kind.
    """
    network = Network(settings.MUNDAP_ALLOWED_NETWORKS)
    return chat_model(kind, ChatParts(embedder, server, network, spent, entailment))


def server_of_environment() -> ChatServer:
    """The server that the environment names."""
    return ChatServer(
        url=settings.MUNDAP_CHAT_URL,
        model=settings.MUNDAP_CHAT_MODEL_NAME,
        api_key=settings.MUNDAP_CHAT_API_KEY,
        most_tokens=settings.MUNDAP_CHAT_TOKENS,
        silence_s=settings.MUNDAP_CHAT_SILENCE_S,
        ca_file=settings.MUNDAP_CHAT_CA_BUNDLE,
        region=settings.MUNDAP_CHAT_REGION,
    )


def server_of(wanted: ModelSettings, key: str) -> ChatServer:
    """The server that these settings name."""
    return ChatServer(
        url=wanted.address,
        model=wanted.server_model,
        api_key=key,
        most_tokens=wanted.most_tokens,
        silence_s=wanted.silence_s,
        most_at_once=wanted.most_at_once,
        ca_file=wanted.ca_file,
        region=wanted.region,
    )


def sealed_key(row_id: int, key: str) -> bytes:
    """The key as it is stored with this row and no other."""
    return sealed_for(_purpose(row_id), key)


def stored_key(row: LanguageModel) -> str:
    """The key of a row; empty where it has none.

    Raises:
        ModelUnavailable: it was sealed with another secret key.
    """
    return opened_for(_purpose(row.pk), bytes(row.sealed_key), name=row.name)


def _server(entry: Entry) -> ChatServer:
    if entry.origin is not Origin.ROW:
        return server_of_environment()
    row = LanguageModel.objects.filter(pk=entry.row_id or _NO_ROW).first()
    if row is None:
        raise ModelNotOffered(entry.name, ())
    return ChatServer(
        url=row.address,
        model=row.server_model,
        api_key=stored_key(row),
        most_tokens=row.most_tokens,
        silence_s=row.silence_s,
        most_at_once=row.most_at_once,
        ca_file=row.ca_file,
        region=row.region,
    )


def _purpose(row_id: int) -> str:
    return f"language model {row_id}"
