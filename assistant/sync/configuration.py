"""From a source's stored settings to a connector that can be read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from django.conf import settings

from assistant.accounts.digests import keyed_digest
from assistant.common.errors import MundapError
from assistant.common.network import Network
from assistant.common.pace import Pace
from assistant.common.sealing import seal, unseal
from assistant.common.types import JsonObject
from assistant.sync.models import Source
from connectors.registry import connector_kind
from connectors.sdk.config import validate
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings


def built_connector(source: Source, *, stopped: Callable[[], bool] = lambda: False) -> Connector:
    """The connector of this source, with its settings checked anew. The caller closes it.

    Raises:
        UsageError: the settings no longer fit the kind.
    """
    kind = kind_of(source)
    config, secrets = validate(kind, config=source.config, secrets=opened_secrets(source))
    around = surroundings(
        stopped=stopped,
        pace=Pace(source.rate_per_second),
        scratch=settings.MUNDAP_SYNC_DIR / "sources" / str(source.pk),
    )
    return kind.build(config, secrets, around)


def checked_settings(
    kind: ConnectorKind, *, config: JsonObject, secrets: Mapping[str, str]
) -> tuple[JsonObject, dict[str, str]]:
    """Configuration and secrets that a connector can be made of; nothing is connected to.

    Raises:
        UsageError: a value is unknown, missing or malformed; names it and says what to do.
    """
    checked, checked_secrets = validate(kind, config=config, secrets=secrets)
    kind.build(checked, checked_secrets, Surroundings()).close()
    return checked, checked_secrets


def listing_mark(source: Source) -> str:
    """Stands for the settings that decide which documents are listed, and where."""
    told = json.dumps([source.config, source.rules, source.field_map, source.enrichment], sort_keys=True)
    try:  # of what is sealed: the same secrets under a new key list the same
        return keyed_digest("listing", f"{told}\0{json.dumps(opened_secrets(source), sort_keys=True)}")
    except MundapError:  # nothing can be listed with them either
        return hashlib.sha256(told.encode() + b"\0" + bytes(source.sealed_secrets)).hexdigest()


def settings_changed(source: Source) -> bool:
    """Whether somebody has changed what is listed, or who may see it, since `source` was read."""
    now = Source.objects.select_related("connection").get(pk=source.pk)
    return (listing_mark(now), now.audience, now.connection.directory_id) != (
        listing_mark(source),
        source.audience,
        source.connection.directory_id,
    )


def kind_of(source: Source) -> ConnectorKind:
    """The kind of this source."""
    return connector_kind(source.connection.kind)


def surroundings(
    *, stopped: Callable[[], bool], pace: Pace | None = None, scratch: Path | None = None
) -> Surroundings:
    """What a connector may use; without `scratch` nothing that it keeps outlasts it."""
    return Surroundings(
        network=Network(settings.MUNDAP_ALLOWED_NETWORKS),
        pace=pace or Pace(),
        stopped=stopped,
        max_content_bytes=settings.MUNDAP_MAX_FILE_BYTES,
        scratch=scratch,
    )


def sealed_secrets(secrets: dict[str, str], *, connection_id: int) -> bytes:
    """The secrets as they are stored."""
    return seal(json.dumps(secrets), key=settings.SECRET_KEY, purpose=f"source {connection_id}")


def opened_secrets(source: Source) -> dict[str, str]:
    """The secrets in plain text; never logged, never shown."""
    if not source.sealed_secrets:
        return {}
    opened = unseal(
        bytes(source.sealed_secrets),
        key=settings.SECRET_KEY,
        older=settings.SECRET_KEY_FALLBACKS,
        purpose=f"source {source.pk}",
    )
    values: dict[str, str] = json.loads(opened)
    return values
