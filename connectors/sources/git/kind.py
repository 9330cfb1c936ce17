"""The kind `git`: its settings and how to make one."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.common.types import JsonObject
from connectors.sdk.audience import AUDIENCE_FIELD
from connectors.sdk.contract import ConfigField, Connector, ConnectorKind, FieldType
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.trust import CA_FILE_FIELD
from connectors.sources.git.connector import GitConnector
from connectors.sources.git.program import Proof
from connectors.sources.git.selection import selection


def build(config: JsonObject, secrets: Mapping[str, str], surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration.

    Raises:
        UsageError: an address, branch or template that cannot be meant.
    """
    return GitConnector(
        selection=selection(config, has_token="token" in secrets),
        proof=Proof(
            user=str(config.get("user", "")),
            token=secrets.get("token", ""),
            key=secrets.get("ssh_key", ""),
            host_keys=str(config.get("host_keys", "")),
            ca_file=str(config.get("ca_file", "")),
        ),
        surroundings=surroundings,
    )


_CONTENT = (
    ConfigField(
        "repositories",
        FieldType.LINES,
        required=True,
        label={"en": "Repositories", "ko": "저장소"},
        help={
            "en": "Addresses, one a line: https://HOST/PATH, ssh://USER@HOST/PATH or file:///PATH. "
            "No password in them.",
            "ko": "저장소 주소를 한 줄에 하나씩 적어 주세요. https://호스트/경로, ssh://사용자@호스트/경로, "
            "file:///경로를 쓸 수 있습니다. 주소에 비밀번호를 넣지 마세요.",
        },
        example="https://git.example.com/team/handbook.git",
    ),
    ConfigField(
        "branch",
        FieldType.TEXT,
        label={"en": "Branch", "ko": "브랜치"},
        help={
            "en": "Empty: the branch that each repository calls its own.",
            "ko": "비워 두면 각 저장소의 기본 브랜치를 읽습니다.",
        },
        example="main",
    ),
    ConfigField(
        "include",
        FieldType.LINES,
        label={"en": "Only these files", "ko": "포함할 파일"},
        help={
            "en": "Folders that end with / and patterns such as *.md, one a line. Empty: all files.",
            "ko": "/로 끝나는 폴더나 *.md 같은 패턴을 한 줄에 하나씩 적어 주세요. "
            "비워 두면 모든 파일을 읽습니다.",
        },
        example="docs/",
    ),
    AUDIENCE_FIELD,
    ConfigField(
        "link",
        FieldType.TEXT,
        label={"en": "Address of a file's page", "ko": "파일 페이지 주소"},
        help={
            "en": "Where a citation leads, with {repository}, {branch} and {path}. Empty: no link.",
            "ko": "인용을 눌렀을 때 열리는 주소입니다. {repository}, {branch}, {path}를 쓸 수 있습니다. "
            "비워 두면 링크가 없습니다.",
        },
        example="https://git.example.com/{repository}/blob/{branch}/{path}",
        advanced=True,
    ),
)

_SIGN_IN = (
    ConfigField(
        "user",
        FieldType.TEXT,
        label={"en": "User", "ko": "사용자"},
        help={
            "en": "The user to whom the token belongs, for https. Left out: git.",
            "ko": "https로 접속할 때 토큰의 사용자 이름입니다. 비워 두면 git입니다.",
        },
    ),
    ConfigField(
        "token",
        FieldType.SECRET,
        label={"en": "Token", "ko": "토큰"},
        help={
            "en": "A token or password that may read the repositories over https.",
            "ko": "https로 저장소를 읽을 수 있는 토큰 또는 비밀번호입니다.",
        },
    ),
    ConfigField(
        "ssh_key",
        FieldType.SECRET,
        label={"en": "SSH key", "ko": "SSH 키"},
        help={
            "en": "A private key without a passphrase that may read the repositories over ssh.",
            "ko": "ssh로 저장소를 읽을 수 있는 개인 키입니다. 암호가 걸려 있지 않아야 합니다.",
        },
    ),
    ConfigField(
        "host_keys",
        FieldType.LONG_TEXT,
        label={"en": "Host keys", "ko": "호스트 키"},
        help={
            "en": "Needed for ssh: lines of known_hosts for each server, as its operator gives them.",
            "ko": "ssh에 필요합니다. 서버 운영자가 알려 준 known_hosts 형식의 줄을 적어 주세요.",
        },
        example="git.example.com ssh-ed25519 AAAA…",
    ),
    CA_FILE_FIELD,
)

KIND = ConnectorKind(
    name="git",
    label={"en": "Git repositories", "ko": "Git 저장소"},
    fields=_CONTENT + _SIGN_IN,
    build=build,
    asks=("repositories",),
)
