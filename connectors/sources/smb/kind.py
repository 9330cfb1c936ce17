"""The kind `smb`: its settings and how to make one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from assistant.common.types import JsonObject
from connectors.sdk.audience import EVERYONE_LABEL
from connectors.sdk.contract import ConfigField, Connector, ConnectorKind, FieldType
from connectors.sdk.surroundings import Surroundings
from connectors.sources.smb.connector import Choices, SmbConnector
from connectors.sources.smb.share import Place
from connectors.sources.smb.walk import folder_parts

_PORT = 445
_HIGHEST_PORT = 65_535


def build(config: JsonObject, secrets: Mapping[str, str], surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration."""
    user, domain = str(config["user"]), str(config.get("domain", ""))
    place = Place(
        server=str(config["server"]),
        share=str(config["share"]),
        user=f"{domain}\\{user}" if domain else user,
        password=secrets["password"],
        port=cast("int", config.get("port", _PORT)),
    )
    choices = Choices(
        people_file=Path(str(config["people_file"])) if "people_file" in config else None,
        everyone=config.get("everyone") == "everyone",
        share_open=config.get("share_permissions") == "everyone",
        root=folder_parts(str(config.get("folder", ""))),
    )
    return SmbConnector(place, choices, surroundings)


_WHERE = (
    ConfigField(
        "server",
        FieldType.TEXT,
        required=True,
        label={"en": "Server", "ko": "서버"},
        help={"en": "The name of the file server.", "ko": "파일 서버의 이름입니다."},
        example="fs1.example.com",
    ),
    ConfigField(
        "share",
        FieldType.TEXT,
        required=True,
        label={"en": "Share", "ko": "공유 이름"},
        help={
            "en": "The name of the share, without the server.",
            "ko": "서버 이름을 뺀 공유 폴더의 이름입니다.",
        },
        example="docs",
    ),
    ConfigField(
        "folder",
        FieldType.TEXT,
        label={"en": "Folder", "ko": "폴더"},
        help={
            "en": "Only this folder of the share is read.",
            "ko": "공유 폴더 안의 이 폴더만 읽습니다.",
        },
        example="hr/policies",
    ),
    ConfigField(
        "port",
        FieldType.NUMBER,
        least=1,
        most=_HIGHEST_PORT,
        label={"en": "Port", "ko": "포트"},
        help={"en": "445 where none is given.", "ko": "비워 두면 445를 씁니다."},
        example="445",
        advanced=True,
    ),
    ConfigField(
        "domain",
        FieldType.TEXT,
        label={"en": "Domain", "ko": "도메인"},
        help={
            "en": "The domain of the account, if it is not one of the server itself.",
            "ko": "계정이 서버 자체의 계정이 아니라 도메인 계정일 때 그 도메인입니다.",
        },
        example="EXAMPLE",
    ),
    ConfigField(
        "user",
        FieldType.TEXT,
        required=True,
        label={"en": "User", "ko": "사용자"},
        help={
            "en": "An account that may read all files and their permissions.",
            "ko": "모든 파일과 그 권한을 읽을 수 있는 계정입니다.",
        },
        example="mundap",
    ),
    ConfigField(
        "password",
        FieldType.SECRET,
        required=True,
        label={"en": "Password", "ko": "비밀번호"},
        help={"en": "The password of that account.", "ko": "위 계정의 비밀번호입니다."},
    ),
)

_WHO = (
    ConfigField(
        "people_file",
        FieldType.PATH,
        label={"en": "People file", "ko": "사용자 파일"},
        help={
            "en": "Who stands behind the SIDs that no directory knows, such as the server's own groups.",
            "ko": "서버 자체의 그룹처럼 디렉터리에 없는 SID가 누구를 가리키는지 적은 파일입니다.",
        },
    ),
    ConfigField(
        "everyone",
        FieldType.CHOICE,
        choices=("everyone",),
        choice_labels=EVERYONE_LABEL,
        label={"en": "Everyone on the server is", "ko": "서버의 Everyone이 뜻하는 사람"},
        help={
            "en": "If set, what Everyone or Authenticated Users may read there, whoever can sign in may "
            "read here. Otherwise such entries let nobody in.",
            "ko": "값을 고르면 서버에서 Everyone이나 Authenticated Users에게 허용된 파일을 "
            "로그인한 모든 사람이 볼 수 있습니다. 고르지 않으면 이런 항목으로는 아무도 볼 수 없습니다.",
        },
    ),
    ConfigField(
        "share_permissions",
        FieldType.CHOICE,
        choices=("everyone",),
        choice_labels={
            "everyone": {"en": "They let everybody read", "ko": "모두에게 읽기 허용"},
        },
        label={"en": "Permissions of the share itself", "ko": "공유 자체의 권한"},
        help={
            "en": "If you know that they let everybody read, they need not be asked for. Otherwise the "
            "server is asked, which tells administrators only.",
            "ko": "값을 고르면 공유 권한이 모두에게 읽기를 허용한다고 보고 서버에 묻지 않습니다. "
            "고르지 않으면 서버에 물어보며, 서버는 관리자 계정에만 알려 줍니다.",
        },
        advanced=True,
    ),
)

KIND = ConnectorKind(
    name="smb",
    label={"en": "Windows share (SMB)", "ko": "Windows 공유 폴더(SMB)"},
    fields=_WHERE + _WHO,
    build=build,
    asks=("server",),
)
