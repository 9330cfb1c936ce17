"""The kind `dokuwiki`: its settings and how to make one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from assistant.common.types import JsonObject
from connectors.sdk.contract import ConfigField, Connector, ConnectorKind, FieldType
from connectors.sdk.exact_json import as_list
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.trust import CA_FILE_FIELD
from connectors.sources.dokuwiki.connector import DokuWikiConnector, Rights
from connectors.sources.dokuwiki.remote import RemoteWiki


def build(config: JsonObject, secrets: Mapping[str, str], surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration."""
    wiki = RemoteWiki(
        surroundings,
        url=str(config["url"]),
        user=str(config["user"]),
        password=secrets["password"],
        ca_file=str(config.get("ca_file", "")),
    )
    rights = Rights(
        acl_file=Path(str(config["acl_file"])),
        users_file=Path(str(config["users_file"])),
        superusers=tuple(map(str, as_list(config.get("superusers", []), "superusers"))),
    )
    return DokuWikiConnector(
        wiki, surroundings, user=str(config["user"]), rights=rights, files=config.get("files") is not False
    )


KIND = ConnectorKind(
    name="dokuwiki",
    label={"en": "DokuWiki", "ko": "DokuWiki"},
    fields=(
        ConfigField(
            "url",
            FieldType.URL,
            required=True,
            label={"en": "Address", "ko": "주소"},
            help={
                "en": "The wiki's address without doku.php.",
                "ko": "위키의 주소입니다. doku.php는 빼고 적어 주세요.",
            },
            example="https://wiki.example.com/dokuwiki",
        ),
        ConfigField(
            "user",
            FieldType.TEXT,
            required=True,
            label={"en": "User", "ko": "사용자"},
            help={
                "en": "An account that may read every page and make remote calls ('remoteuser').",
                "ko": "모든 문서를 읽을 수 있고 원격 호출('remoteuser')이 허용된 계정입니다.",
            },
        ),
        ConfigField(
            "password",
            FieldType.SECRET,
            required=True,
            label={"en": "Password", "ko": "비밀번호"},
            help={"en": "The password of this account.", "ko": "이 계정의 비밀번호입니다."},
        ),
        ConfigField(
            "acl_file",
            FieldType.PATH,
            required=True,
            label={"en": "Rules file", "ko": "규칙 파일"},
            help={
                "en": "The wiki's conf/acl.auth.php, as the worker sees it.",
                "ko": "위키의 conf/acl.auth.php 파일입니다. 작업 서버에서 보이는 절대 경로를 적어 주세요.",
            },
            example="/srv/wiki/conf/acl.auth.php",
        ),
        ConfigField(
            "users_file",
            FieldType.PATH,
            required=True,
            label={"en": "Users file", "ko": "사용자 파일"},
            help={
                "en": "The wiki's conf/users.auth.php, as the worker sees it: accounts and groups.",
                "ko": "위키의 conf/users.auth.php 파일입니다. 계정과 이메일 주소, 그룹을 여기서 읽습니다.",
            },
            example="/srv/wiki/conf/users.auth.php",
        ),
        ConfigField(
            "superusers",
            FieldType.LINES,
            label={"en": "Superusers", "ko": "슈퍼유저"},
            help={
                "en": "What the wiki's setting 'superuser' says, one a line, groups with @. They read every "
                "page. Empty: only the rules count.",
                "ko": "위키의 'superuser' 설정값을 한 줄에 하나씩 적어 주세요. 그룹 앞에는 @를 붙입니다. "
                "슈퍼유저는 모든 문서를 볼 수 있습니다. 비워 두면 규칙만 적용합니다.",
            },
            example="@admin",
        ),
        ConfigField(
            "files",
            FieldType.SWITCH,
            label={"en": "Uploaded files", "ko": "첨부 파일"},
            help={
                "en": "Also the files that were uploaded to the wiki. On unless switched off.",
                "ko": "위키에 올린 파일도 함께 읽습니다. 끄지 않으면 읽습니다.",
            },
        ),
        CA_FILE_FIELD,
    ),
    build=build,
    asks=("url",),
    fetches_at_once=4,
)
