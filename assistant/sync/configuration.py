"""From a source's stored settings to a connector that can be read."""

from __future__ import annotations

import json

from django.conf import settings

from assistant.common.sealing import seal, unseal
from assistant.sync.models import Source
from connectors.registry import connector_kind
from connectors.sdk.config import validate
from connectors.sdk.contract import Connector


def built_connector(source: Source) -> Connector:
    """The connector of this source, with its settings checked anew.

    Raises:
        UsageError: the settings no longer fit the kind.
    """
    kind = connector_kind(source.connection.kind)
    config, secrets = validate(kind, config=source.config, secrets=opened_secrets(source))
    return kind.build(config, secrets)


def sealed_secrets(secrets: dict[str, str], *, connection_id: int) -> bytes:
    """The secrets as they are stored."""
    return seal(json.dumps(secrets), key=settings.SECRET_KEY, purpose=f"source {connection_id}")


def opened_secrets(source: Source) -> dict[str, str]:
    """The secrets in plain text; never logged, never shown."""
    if not source.sealed_secrets:
        return {}
    opened = unseal(bytes(source.sealed_secrets), key=settings.SECRET_KEY, purpose=f"source {source.pk}")
    values: dict[str, str] = json.loads(opened)
    return values
