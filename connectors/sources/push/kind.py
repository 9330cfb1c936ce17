"""The kind `push`: programs put documents here, so it has no settings and nothing to read."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.common.types import JsonObject
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings
from connectors.sources.push.connector import PushConnector


def build(_config: JsonObject, _secrets: Mapping[str, str], _surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration."""
    return PushConnector()


KIND = ConnectorKind(
    name="push",
    label={"en": "Documents that programs push", "ko": "프로그램이 보내는 문서"},
    fields=(),
    build=build,
    pushed=True,
)
