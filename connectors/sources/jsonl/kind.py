"""The kind `jsonl`: its settings and how to make one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from assistant.common.types import JsonObject
from connectors.sdk.audience import EVERYONE_LABEL
from connectors.sdk.contract import ConfigField, Connector, ConnectorKind, FieldType
from connectors.sdk.surroundings import Surroundings
from connectors.sources.jsonl.connector import JsonlConnector


def build(config: JsonObject, _secrets: Mapping[str, str], _surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration."""
    return JsonlConnector(path=Path(str(config["path"])), everyone=config.get("audience") == "everyone")


KIND = ConnectorKind(
    name="jsonl",
    label={"en": "JSON lines file", "ko": "JSONL 파일"},
    fields=(
        ConfigField(
            "path",
            FieldType.PATH,
            required=True,
            label={"en": "File", "ko": "파일 경로"},
            help={
                "en": "A UTF-8 file with one JSON object a line, as the worker sees it.",
                "ko": "한 줄에 JSON 객체가 하나씩 있는 UTF-8 파일입니다. "
                "작업 서버에서 보이는 절대 경로를 적어 주세요.",
            },
        ),
        ConfigField(
            "audience",
            FieldType.CHOICE,
            choices=("everyone",),
            choice_labels=EVERYONE_LABEL,
            label={"en": "Readable by", "ko": "공개 대상"},
            help={
                "en": 'Opens documents without an "acl" to whoever can sign in.',
                "ko": '"acl"이 없는 문서를 누가 볼지 정합니다. 비워 두면 아무도 볼 수 없습니다.',
            },
        ),
    ),
    build=build,
)
