"""What is configured and lies outside, where local-only mode is on: said at the start, with what to do."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name

from assistant.catalogue.entries import asked_host, of_environment, of_row
from assistant.catalogue.models import LanguageModel
from assistant.common import local_only
from assistant.common.told import Told
from assistant.documents.models import SearchModel
from assistant.identity.kinds import KINDS
from assistant.identity.models import IdentityProvider
from assistant.providers.registry import ON_SERVERS
from assistant.sync.asked_hosts import refusal_of
from assistant.sync.models import Source


def outside_in_environment() -> list[CheckMessage]:
    """Models of the environment outside, and settings of the mode that do nothing. Needs no database."""
    if not settings.MUNDAP_LOCAL_ONLY:
        return _idle()
    found: list[CheckMessage] = []
    chat = of_environment()
    for name, address in (
        ("MUNDAP_CHAT_URL", asked_host(chat) if chat is not None else ""),
        ("MUNDAP_EMBEDDER_URL", settings.MUNDAP_EMBEDDER_URL if _served("MUNDAP_EMBEDDER") else ""),
        ("MUNDAP_RERANKER_URL", settings.MUNDAP_RERANKER_URL if _served("MUNDAP_RERANKER") else ""),
    ):
        if (refusal := local_only.refusal_of_any([address])) is not None:
            found.append(Error(f"{name}: {refusal}", hint="", id="mundap.E020"))
    return found + _without_effect()


def outside_in_console() -> Iterator[CheckMessage]:
    """Sources, sign-ins and models that administrators entered and that are kept from their servers."""
    if not settings.MUNDAP_LOCAL_ONLY:
        return
    for source in Source.objects.select_related("connection").order_by("pk"):
        yield from _warned(f"The source '{source.connection.name}'", refusal_of(source))
    for provider in IdentityProvider.objects.order_by("pk"):
        yield from _warned(f"The sign-in '{provider.name}'", KINDS[provider.kind].refusal_of(provider))
    for model in LanguageModel.objects.order_by("pk"):
        refusal = local_only.refusal_of_any([asked_host(of_row(model))])
        yield from _warned(f"The language model '{model.name}'", refusal)
    for served in SearchModel.objects.exclude(address="").order_by("pk"):
        yield from _warned(f"The model '{served.name}'", local_only.refusal_of_any([served.address]))


def _warned(what: str, refusal: Told | None) -> Iterator[CheckMessage]:
    if refusal is not None:
        yield Warning(f"{what} is kept from its server: {refusal}", hint="", id="mundap.W020")


def _served(name: str) -> bool:
    kind = getattr(settings, name)
    return (kind if isinstance(kind, str) else kind[0]) in ON_SERVERS


def _idle() -> list[CheckMessage]:
    if settings.MUNDAP_LOCAL_NETWORKS or settings.MUNDAP_LOCAL_NAMES:
        text = "MUNDAP_LOCAL_NETWORKS and MUNDAP_LOCAL_NAMES keep nothing inside by themselves."
        return [Warning(text, hint="Set MUNDAP_LOCAL_ONLY=1, or remove them.", id="mundap.W021")]
    return []


def _without_effect() -> list[CheckMessage]:
    """Networks that sources are allowed and the mode forbids."""
    bounds = local_only.in_force()
    lost = [
        str(block)
        for block in settings.MUNDAP_ALLOWED_NETWORKS
        if bounds is not None and not (bounds.holds(block[0]) and bounds.holds(block[-1]))
    ]
    if not lost:
        return []
    text = f"MUNDAP_ALLOWED_NETWORKS: local-only mode forbids {', '.join(lost)}, or a part of it."
    return [Warning(text, hint="Name it in MUNDAP_LOCAL_NETWORKS too if it is yours.", id="mundap.W021")]
