"""The kind `filesystem`: its settings and how to make one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from assistant.common.types import JsonObject
from connectors.sdk.audience import EVERYONE_LABEL, OTHERS_FIELD, principals
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
            choice_labels={
                "access_file": {
                    "en": "Access file and metadata files",
                    "ko": "접근 권한 파일과 메타데이터 파일",
                },
                "posix": {"en": "Rights on the disk (POSIX)", "ko": "디스크의 권한(POSIX)"},
            },
            label={"en": "Permissions", "ko": "권한 방식"},
            help={
                "en": "By the files: from these alone. By the disk: owner, group, mode and POSIX access "
                "lists decide; an access file, if given, narrows them.",
                "ko": "접근 권한 파일과 메타데이터 파일만 따르거나, 디스크의 소유자, 그룹, 모드, "
                "POSIX ACL을 따를 수 있습니다. 디스크의 권한을 따를 때 "
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
                "en": "The members of the groups that the access file names. With the rights on the disk "
                "also who is uid:NUMBER and gid:NUMBER; without this file the source's directory says so.",
                "ko": "접근 권한 파일에 나오는 그룹의 구성원을 적은 파일입니다. "
                "디스크의 권한을 따를 때는 uid:번호와 gid:번호가 누구인지도 여기에 적습니다. "
                "이 파일이 없으면 소스에 연결한 디렉터리를 따릅니다.",
            },
        ),
        OTHERS_FIELD,
        ConfigField(
            "audience",
            FieldType.CHOICE,
            choices=("everyone",),
            choice_labels=EVERYONE_LABEL,
            label={"en": "Readable by", "ko": "공개 대상"},
            help={
                "en": "Opens what no access entry covers to whoever can sign in. "
                "Where the rights on the disk decide it means nothing.",
                "ko": "접근 권한이 따로 정해지지 않은 문서를 누가 볼지 정합니다. "
                "비워 두면 아무도 볼 수 없습니다. 디스크의 권한을 따를 때는 쓰지 않습니다.",
            },
        ),
    ),
    build=build,
)
