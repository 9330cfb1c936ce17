"""The kind of the sample: its settings, and how to make one."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.common.types import JsonObject
from connectors.sdk.contract import ConfigField, Connector, ConnectorKind, FieldType
from connectors.sdk.surroundings import Surroundings
from tests.connectors.sample_drive.api import DriveApi
from tests.connectors.sample_drive.connector import DriveConnector


def build(config: JsonObject, secrets: Mapping[str, str], surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration."""
    return DriveConnector(DriveApi(surroundings, url=str(config["url"]), token=secrets["token"]))


KIND = ConnectorKind(
    name="sample_drive",
    label={"en": "Sample drive", "ko": "예제 드라이브"},
    fields=(
        ConfigField(
            "url",
            FieldType.URL,
            required=True,
            label={"en": "Address", "ko": "주소"},
            help={"en": "Where the drive answers.", "ko": "드라이브의 주소입니다."},
        ),
        ConfigField(
            "token",
            FieldType.SECRET,
            required=True,
            label={"en": "Token", "ko": "토큰"},
            help={"en": "A token that may read everything.", "ko": "모든 문서를 읽을 수 있는 토큰입니다."},
        ),
    ),
    build=build,
    fetches_at_once=4,
)
