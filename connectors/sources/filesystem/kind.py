"""The kind `filesystem`: its settings and how to make one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from assistant.common.types import JsonObject
from connectors.sdk.contract import ConfigField, Connector, ConnectorKind, FieldType
from connectors.sdk.surroundings import Surroundings
from connectors.sources.filesystem.connector import FilesystemConnector


def build(config: JsonObject, _secrets: Mapping[str, str], _surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration."""
    return FilesystemConnector(
        root=Path(str(config["root"])),
        access_file=_path(config, "access_file"),
        groups_file=_path(config, "groups_file"),
        everyone=config.get("audience") == "everyone",
    )


def _path(config: JsonObject, name: str) -> Path | None:
    return Path(str(config[name])) if name in config else None


KIND = ConnectorKind(
    name="filesystem",
    label={"en": "Folder", "ko": "폴더"},
    fields=(
        ConfigField(
            "root",
            FieldType.PATH,
            required=True,
            label={"en": "Folder", "ko": "폴더 경로"},
            help={
                "en": "The folder whose files are read, as the worker sees it.",
                "ko": "문서를 읽어 올 폴더입니다. 작업 서버에서 보이는 절대 경로를 적어 주세요.",
            },
        ),
        ConfigField(
            "access_file",
            FieldType.PATH,
            label={"en": "Access file", "ko": "접근 권한 파일"},
            help={
                "en": "Who may see which prefix, in the shape of Amazon's S3 connectors. "
                "What it does not cover, nobody sees.",
                "ko": "경로별로 누가 볼 수 있는지 적은 파일입니다(Amazon S3 커넥터와 같은 형식). "
                "이 파일에 없는 문서는 아무도 볼 수 없습니다.",
            },
        ),
        ConfigField(
            "groups_file",
            FieldType.PATH,
            label={"en": "Groups file", "ko": "그룹 파일"},
            help={
                "en": "The members of the groups that the access file names.",
                "ko": "접근 권한 파일에 나오는 그룹의 구성원을 적은 파일입니다.",
            },
        ),
        ConfigField(
            "audience",
            FieldType.CHOICE,
            choices=("everyone",),
            label={"en": "Readable by", "ko": "공개 대상"},
            help={
                "en": "'everyone' opens what no access entry covers to whoever can sign in.",
                "ko": "'everyone'을 고르면 접근 권한이 따로 정해지지 않은 문서를 "
                "로그인한 모든 사람이 볼 수 있습니다.",
            },
        ),
    ),
    build=build,
)
