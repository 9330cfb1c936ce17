"""The kind `database`: its settings and how to make one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from assistant.common.types import JsonObject
from connectors.sdk.audience import AUDIENCE_FIELD, audience_acl
from connectors.sdk.contract import ConfigField, Connector, ConnectorKind, FieldType
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.trust import CA_FILE_FIELD
from connectors.sources.database.connector import DatabaseConnector, DatabaseSettings
from connectors.sources.database.engines import engine
from connectors.sources.database.server import Access

_OVERLAP_MINUTES = 60
_LONGEST_S = 300


def build(config: JsonObject, secrets: Mapping[str, str], surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration.

    Raises:
        UsageError: a line of `audience` is no principal.
    """
    chosen = engine(str(config["engine"]))
    access = Access(
        host=str(config["host"]),
        port=int(str(config.get("port", chosen.port))),
        database=str(config["database"]),
        user=str(config["user"]),
        password=secrets["password"].rstrip("\r\n"),
        verified=config.get("tls", "verified") == "verified",
        ca_file=str(config.get("ca_file", "")),
        longest_s=int(str(config.get("longest_s", _LONGEST_S))),
    )
    settings = DatabaseSettings(
        engine=chosen,
        access=access,
        query=str(config["query"]),
        groups_query=str(config.get("groups_query", "")),
        otherwise=audience_acl(config.get("audience")),
        overlap=timedelta(minutes=int(str(config.get("overlap_minutes", _OVERLAP_MINUTES)))),
    )
    return DatabaseConnector(settings, surroundings)


_CONNECTION = (
    ConfigField(
        "engine",
        FieldType.CHOICE,
        required=True,
        choices=("postgresql", "mariadb"),
        choice_labels={
            "postgresql": {"en": "PostgreSQL", "ko": "PostgreSQL"},
            "mariadb": {"en": "MariaDB or MySQL", "ko": "MariaDB 또는 MySQL"},
        },
        label={"en": "Kind of server", "ko": "데이터베이스 종류"},
        help={"en": "Which server answers the query.", "ko": "쿼리에 답할 서버의 종류입니다."},
    ),
    ConfigField(
        "host",
        FieldType.TEXT,
        required=True,
        label={"en": "Server", "ko": "서버"},
        help={
            "en": "The name of the server, as its certificate gives it.",
            "ko": "서버의 이름입니다. 서버 인증서에 있는 이름과 같아야 합니다.",
        },
        example="db.example.com",
    ),
    ConfigField(
        "database",
        FieldType.TEXT,
        required=True,
        label={"en": "Database", "ko": "데이터베이스"},
        help={"en": "The name of the database.", "ko": "데이터베이스의 이름입니다."},
    ),
    ConfigField(
        "user",
        FieldType.TEXT,
        required=True,
        label={"en": "User", "ko": "사용자"},
        help={
            "en": "An account that may read what the query names, and nothing else.",
            "ko": "조회문에 나오는 테이블만 읽을 수 있는 계정을 쓰세요.",
        },
    ),
    ConfigField(
        "password",
        FieldType.SECRET,
        required=True,
        label={"en": "Password", "ko": "비밀번호"},
        help={"en": "The password of this account.", "ko": "이 계정의 비밀번호입니다."},
    ),
)
_QUERIES = (
    ConfigField(
        "query",
        FieldType.LONG_TEXT,
        required=True,
        label={"en": "Query", "ko": "조회문"},
        help={
            "en": "One SELECT with the columns id and text, and if you have them title, changed_at, url and "
            "allowed. Every other column becomes an attribute.",
            "ko": "id와 text 열이 있는 SELECT 문 하나를 적어 주세요. title, changed_at, url, allowed 열도 "
            "쓸 수 있고, 그 밖의 열은 속성이 됩니다.",
        },
        example="SELECT number AS id, subject AS title, body AS text, readers AS allowed FROM tickets",
    ),
    ConfigField(
        "groups_query",
        FieldType.LONG_TEXT,
        label={"en": "Groups query", "ko": "그룹 조회문"},
        help={
            "en": 'One SELECT with the columns "group" and "member" (user:EMAIL or group:ID), '
            "one member a row.",
            "ko": '"group"과 "member"(user:이메일 또는 group:ID) 열이 있는 SELECT 문입니다. '
            "한 행에 한 명씩 나와야 합니다.",
        },
    ),
    AUDIENCE_FIELD,
)
_ADVANCED = (
    ConfigField(
        "port",
        FieldType.NUMBER,
        least=1,
        most=65535,
        label={"en": "Port", "ko": "포트"},
        help={"en": "Default: 5432 or 3306.", "ko": "기본값은 5432 또는 3306입니다."},
        advanced=True,
    ),
    ConfigField(
        "tls",
        FieldType.CHOICE,
        choices=("verified", "off"),
        choice_labels={
            "verified": {"en": "Encrypted, certificate checked", "ko": "암호화하고 인증서 확인"},
            "off": {"en": "Without encryption", "ko": "암호화하지 않음"},
        },
        label={"en": "TLS", "ko": "연결 보안"},
        help={
            "en": "By default a certificate must name the server; without encryption all data crosses "
            "the network readable.",
            "ko": "기본으로 서버 이름이 맞는 인증서를 요구합니다. 암호화하지 않으면 데이터가 네트워크에 "
            "그대로 노출됩니다.",
        },
        advanced=True,
    ),
    CA_FILE_FIELD,
    ConfigField(
        "overlap_minutes",
        FieldType.NUMBER,
        least=0,
        most=10_080,
        label={"en": "Overlap in minutes", "ko": "겹쳐 읽는 시간(분)"},
        help={
            "en": "How far before the last change a run begins, for transactions that are committed late. "
            "Default: 60.",
            "ko": "늦게 커밋되는 변경을 놓치지 않도록 마지막 변경보다 얼마나 앞에서부터 읽을지 정합니다. "
            "기본값은 60분입니다.",
        },
        advanced=True,
    ),
    ConfigField(
        "longest_s",
        FieldType.NUMBER,
        least=1,
        most=3600,
        label={"en": "Longest statement in seconds", "ko": "조회 제한 시간(초)"},
        help={
            "en": "The database gives up a statement that takes longer. Default: 300.",
            "ko": "이보다 오래 걸리는 조회는 데이터베이스가 중단합니다. 기본값은 300초입니다.",
        },
        advanced=True,
    ),
)

KIND = ConnectorKind(
    name="database",
    label={"en": "Database", "ko": "데이터베이스"},
    fields=(*_CONNECTION, *_QUERIES, *_ADVANCED),
    build=build,
    asks=("host",),
    feed_misses=(
        {"en": "Rows that were deleted.", "ko": "삭제된 행"},
        {
            "en": "Changes that leave changed_at as it was, such as those of permissions in another table.",
            "ko": "다른 테이블의 권한 변경처럼 changed_at이 바뀌지 않는 변경",
        },
    ),
)
