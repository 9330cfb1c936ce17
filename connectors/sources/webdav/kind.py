"""The kind `webdav`: its settings and how to make one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from assistant.common.http_messages import Origin
from assistant.common.types import JsonObject
from connectors.sdk.audience import AUDIENCE_FIELD
from connectors.sdk.contract import ConfigField, Connector, ConnectorKind, FieldType
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.tree_source import ACCESS_FILE_FIELD, GROUPS_FILE_FIELD, TreeSource, tree_settings
from connectors.sdk.trust import CA_FILE_FIELD
from connectors.sources.webdav.connector import WebdavTree


def build(config: JsonObject, secrets: Mapping[str, str], surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration."""
    user = str(config.get("user", ""))
    origin = Origin(
        base_url=str(config["url"]),
        auth=(user, secrets.get("password", "")) if user else None,
        ca_file=str(config.get("ca_file", "")),
    )
    return TreeSource(partial(WebdavTree, origin, surroundings), tree_settings(config), surroundings)


KIND = ConnectorKind(
    name="webdav",
    label={"en": "WebDAV server", "ko": "WebDAV 서버"},
    fields=(
        ConfigField(
            "url",
            FieldType.URL,
            required=True,
            label={"en": "Address", "ko": "주소"},
            help={
                "en": "The folder whose files are read. With http, all of it can be read on the way.",
                "ko": "문서를 읽어 올 폴더의 주소입니다. http를 쓰면 비밀번호와 문서가 암호화되지 않습니다.",
            },
            example="https://files.example.com/dav/docs/",
        ),
        ConfigField(
            "user",
            FieldType.TEXT,
            label={"en": "User", "ko": "사용자"},
            help={
                "en": "An account that may list and read, and nothing else. Empty: without signing in.",
                "ko": "목록 보기와 읽기만 할 수 있는 계정입니다. 비워 두면 로그인하지 않고 읽습니다.",
            },
        ),
        ConfigField(
            "password",
            FieldType.SECRET,
            label={"en": "Password", "ko": "비밀번호"},
            help={
                "en": "The user's password, or better an app password that can be revoked alone.",
                "ko": "사용자의 비밀번호입니다. 따로 폐기할 수 있는 앱 비밀번호를 쓰는 것이 좋습니다.",
            },
        ),
        CA_FILE_FIELD,
        ACCESS_FILE_FIELD,
        GROUPS_FILE_FIELD,
        AUDIENCE_FIELD,
    ),
    build=build,
    asks=("url",),
    fetches_at_once=4,
)
