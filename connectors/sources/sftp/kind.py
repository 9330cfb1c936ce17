"""The kind `sftp`: its settings and how to make one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from assistant.common.types import Json, JsonObject
from connectors.sdk.audience import AUDIENCE_FIELD, OTHERS_FIELD, principals
from connectors.sdk.contract import ConfigField, Connector, ConnectorKind, FieldType
from connectors.sdk.exact_json import as_list
from connectors.sdk.posix_acl import names_of_directory, names_of_source
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.tree_source import ACCESS_FILE_FIELD, GROUPS_FILE_FIELD, TreeSource, tree_settings
from connectors.sources.sftp.connector import ModeRights, SftpTree
from connectors.sources.sftp.session import SignIn

_SSH_PORT = 22


def build(config: JsonObject, secrets: Mapping[str, str], surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration."""
    port = config.get("port", _SSH_PORT)
    assert isinstance(port, int)
    sign_in = SignIn(
        host=str(config["host"]),
        port=port,
        user=str(config["user"]),
        fingerprints=_lines(config.get("host_keys")),
        password=secrets.get("password", ""),
        private_key=secrets.get("private_key", ""),
        passphrase=secrets.get("passphrase", ""),
    )
    rights = _rights(config)
    open_tree = partial(SftpTree, sign_in, str(config["folder"]), rights, surroundings)
    return TreeSource(open_tree, tree_settings(config, by_rights=rights is not None), surroundings)


def _lines(value: Json) -> tuple[str, ...]:
    return () if value is None else tuple(map(str, as_list(value, "host_keys")))


def _rights(config: JsonObject) -> ModeRights | None:
    if config.get("permissions") != "mode":
        return None
    naming = names_of_source if "groups_file" in config else names_of_directory
    return ModeRights(naming, principals(config.get("others")), plain=config.get("plain_modes") is True)


KIND = ConnectorKind(
    name="sftp",
    label={"en": "SFTP server", "ko": "SFTP 서버"},
    fields=(
        ConfigField(
            "host",
            FieldType.TEXT,
            required=True,
            label={"en": "Server", "ko": "서버"},
            help={"en": "Its name or address.", "ko": "서버의 이름이나 주소입니다."},
            example="files.example.com",
        ),
        ConfigField(
            "port",
            FieldType.NUMBER,
            least=1,
            most=65535,
            label={"en": "Port", "ko": "포트"},
            help={"en": "22 if left out.", "ko": "비워 두면 22입니다."},
            example="22",
            advanced=True,
        ),
        ConfigField(
            "host_keys",
            FieldType.LINES,
            label={"en": "Fingerprint of the host key", "ko": "호스트 키 지문"},
            help={
                "en": "As ssh-keygen -l prints it. Without it nobody signs in; the connection test shows "
                "the one that the server has. Several lines: any of them.",
                "ko": "ssh-keygen -l 명령이 출력하는 값입니다. 비어 있으면 로그인하지 않으며, "
                "연결 테스트에서 서버의 지문을 보여 줍니다. 여러 줄을 적으면 그중 하나와 같으면 됩니다.",
            },
            example="SHA256:…",
        ),
        ConfigField(
            "user",
            FieldType.TEXT,
            required=True,
            label={"en": "User", "ko": "사용자"},
            help={
                "en": "An account that may read and list, and nothing else.",
                "ko": "목록 보기와 읽기만 할 수 있는 계정입니다.",
            },
        ),
        ConfigField(
            "password",
            FieldType.SECRET,
            label={"en": "Password", "ko": "비밀번호"},
            help={
                "en": "Not used if there is a private key.",
                "ko": "개인 키가 있으면 쓰지 않습니다.",
            },
        ),
        ConfigField(
            "private_key",
            FieldType.SECRET,
            label={"en": "Private key", "ko": "개인 키"},
            help={
                "en": "The whole file, with its first and last line: Ed25519, ECDSA or RSA.",
                "ko": "첫 줄과 마지막 줄을 포함한 파일 전체입니다. Ed25519, ECDSA, RSA 키를 쓸 수 있습니다.",
            },
        ),
        ConfigField(
            "passphrase",
            FieldType.SECRET,
            label={"en": "Passphrase of the key", "ko": "개인 키 암호"},
            help={"en": "If the key has one.", "ko": "개인 키에 암호가 걸려 있을 때만 적어 주세요."},
            advanced=True,
        ),
        ConfigField(
            "folder",
            FieldType.TEXT,
            required=True,
            label={"en": "Folder", "ko": "폴더"},
            help={
                "en": "The folder on the server whose files are read.",
                "ko": "문서를 읽어 올 서버의 폴더입니다.",
            },
            example="/srv/docs",
        ),
        ConfigField(
            "permissions",
            FieldType.CHOICE,
            choices=("access_file", "mode"),
            choice_labels={
                "access_file": {
                    "en": "Access file and metadata files",
                    "ko": "접근 권한 파일과 메타데이터 파일",
                },
                "mode": {"en": "Owner, group and mode on the server", "ko": "서버의 소유자, 그룹, 모드"},
            },
            label={"en": "Permissions", "ko": "권한 방식"},
            help={
                "en": "By the files: from these and the audience. By the server: owner, group and mode of "
                "files and folders decide; an access file narrows them.",
                "ko": "접근 권한 파일, 메타데이터 파일, '볼 수 있는 사람' 설정을 따르거나, "
                "서버에 있는 파일과 폴더의 소유자, 그룹, 모드를 따를 수 있습니다. 서버를 따를 때도 "
                "접근 권한 파일로 더 좁힐 수 있습니다.",
            },
        ),
        ConfigField(
            "plain_modes",
            FieldType.SWITCH,
            label={"en": "No access lists on the server", "ko": "서버에 ACL 없음"},
            help={
                "en": "With the server's rights: you know that no file or folder has an access list, "
                "which SFTP cannot show. Otherwise only the owner's rights count.",
                "ko": "서버의 소유자, 그룹, 모드를 따를 때, ACL이 걸린 파일이나 폴더가 없다는 것을 "
                "확인했을 때만 켜 주세요. "
                "SFTP로는 ACL을 볼 수 없으므로, 끄면 소유자의 권한만 따릅니다.",
            },
            advanced=True,
        ),
        OTHERS_FIELD,
        ACCESS_FILE_FIELD,
        GROUPS_FILE_FIELD,
        AUDIENCE_FIELD,
    ),
    build=build,
    asks=("host",),
    fetches_at_once=4,
)
