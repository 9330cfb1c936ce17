"""The kind `mediawiki`: its settings and how to make one."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.common.types import JsonObject
from connectors.sdk.audience import AUDIENCE_FIELD
from connectors.sdk.contract import ConfigField, Connector, ConnectorKind, FieldType
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.trust import CA_FILE_FIELD
from connectors.sources.mediawiki.api import WikiApi
from connectors.sources.mediawiki.audiences import audiences_of
from connectors.sources.mediawiki.connector import MediaWikiConnector


def build(config: JsonObject, secrets: Mapping[str, str], surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration.

    Raises:
        UsageError: a line of an audience or a namespace is not understood.
    """
    api = WikiApi(
        surroundings,
        url=str(config["url"]),
        user=str(config["user"]),
        password=secrets["password"],
        ca_file=str(config.get("ca_file", "")),
    )
    return MediaWikiConnector(
        api, surroundings, audiences_of(config.get("audience"), config.get("namespaces"))
    )


KIND = ConnectorKind(
    name="mediawiki",
    label={"en": "MediaWiki", "ko": "미디어위키"},
    fields=(
        ConfigField(
            "url",
            FieldType.URL,
            required=True,
            label={"en": "Address of api.php", "ko": "api.php 주소"},
            help={
                "en": "Special:Version of the wiki names it.",
                "ko": "위키의 '특수:버전' 문서에 나오는 주소입니다.",
            },
            example="https://wiki.example.com/w/api.php",
        ),
        ConfigField(
            "user",
            FieldType.TEXT,
            required=True,
            label={"en": "User", "ko": "사용자"},
            help={
                "en": "The name of a bot password (Special:BotPasswords), such as Mundap@sync.",
                "ko": "'특수:봇비밀번호'에서 만든 이름입니다. 예: Mundap@sync",
            },
            example="Mundap@sync",
        ),
        ConfigField(
            "password",
            FieldType.SECRET,
            required=True,
            label={"en": "Password", "ko": "비밀번호"},
            help={"en": "The bot password.", "ko": "봇 비밀번호입니다."},
        ),
        AUDIENCE_FIELD,
        ConfigField(
            "namespaces",
            FieldType.LINES,
            label={"en": "Namespaces", "ko": "이름공간"},
            help={
                "en": "The numbers of the namespaces to read, one a line; behind = those who may read one "
                "instead of everybody above, parted by a comma and a space. Empty: all with content.",
                "ko": "읽을 이름공간의 번호를 한 줄에 하나씩 적어 주세요. 위와 다른 사람에게만 "
                "공개하려면 = 뒤에 쉼표와 공백으로 구분해 적습니다. 비워 두면 본문 이름공간을 "
                "모두 읽습니다.",
            },
            example="3000 = group:directory:cn:hr, user:ann@example.com",
        ),
        CA_FILE_FIELD,
    ),
    build=build,
    asks=("url",),
    feed_misses=(
        {
            "en": "Pages that a maintenance script adds or deletes without a log entry.",
            "ko": "유지 관리 스크립트가 기록을 남기지 않고 추가하거나 삭제한 문서",
        },
        {
            "en": "Deletions that the wiki hides from its logs.",
            "ko": "위키가 기록에서 숨긴 삭제",
        },
    ),
    fetches_at_once=4,
)
