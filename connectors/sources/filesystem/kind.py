"""The kind `filesystem`: its settings and how to make one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from assistant.common.types import JsonObject
from connectors.sdk.audience import OTHERS_FIELD, principals
from connectors.sdk.contract import ConfigField, Connector, ConnectorKind, FieldType
from connectors.sdk.posix_acl import names_of_directory, names_of_source
from connectors.sdk.surroundings import Surroundings
from connectors.sources.filesystem.connector import FilesystemConnector
from connectors.sources.filesystem.disk_rights import DiskRights


def build(config: JsonObject, _secrets: Mapping[str, str], _surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration."""
    return FilesystemConnector(
        root=Path(str(config["root"])),
        access_file=_path(config, "access_file"),
        groups_file=_path(config, "groups_file"),
        everyone=config.get("audience") == "everyone",
        rights=_rights(config),
    )


def _rights(config: JsonObject) -> DiskRights | None:
    if config.get("permissions") != "posix":
        return None
    naming = names_of_source if "groups_file" in config else names_of_directory
    return DiskRights(naming, principals(config.get("others")))


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
            "permissions",
            FieldType.CHOICE,
            choices=("access_file", "posix"),
            label={"en": "Permissions", "ko": "권한 방식"},
            help={
                "en": "'access_file': from the access file and companions alone. 'posix': owner, group, "
                "mode and POSIX access lists on the disk decide; an access file, if given, narrows them.",
                "ko": "'access_file'을 고르면 접근 권한 파일과 메타데이터 파일만 따릅니다. "
                "'posix'를 고르면 디스크의 소유자, 그룹, 모드, POSIX ACL을 따르며, "
                "접근 권한 파일이 있으면 그 범위 안으로 더 좁힙니다.",
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
                "en": "The members of the groups that the access file names. With 'posix' also who is "
                "uid:NUMBER and gid:NUMBER; without this file the source's directory says so.",
                "ko": "접근 권한 파일에 나오는 그룹의 구성원을 적은 파일입니다. "
                "'posix'를 고른 경우 uid:번호와 gid:번호가 누구인지도 여기에 적습니다. "
                "이 파일이 없으면 원본에 연결한 디렉터리를 따릅니다.",
            },
        ),
        OTHERS_FIELD,
        ConfigField(
            "audience",
            FieldType.CHOICE,
            choices=("everyone",),
            label={"en": "Readable by", "ko": "공개 대상"},
            help={
                "en": "'everyone' opens what no access entry covers to whoever can sign in. "
                "With 'posix' it means nothing.",
                "ko": "'everyone'을 고르면 접근 권한이 따로 정해지지 않은 문서를 "
                "로그인한 모든 사람이 볼 수 있습니다. 'posix' 방식에서는 쓰지 않습니다.",
            },
        ),
    ),
    build=build,
)
