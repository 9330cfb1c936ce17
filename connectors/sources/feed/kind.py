"""The kind `feed`: its settings and how to make one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assistant.common.errors import UsageError
from assistant.common.told import told
from assistant.common.types import JsonObject
from connectors.sdk.audience import AUDIENCE_FIELD, audience_acl
from connectors.sdk.contract import ConfigField, Connector, ConnectorKind, FieldType
from connectors.sdk.document_fields import web_address
from connectors.sdk.surroundings import Surroundings
from connectors.sources.feed.connector import FeedConnector, FeedSettings


def build(config: JsonObject, secrets: Mapping[str, str], surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration."""
    return FeedConnector(feed_settings(config, secrets), surroundings)


def feed_settings(config: JsonObject, secrets: Mapping[str, str]) -> FeedSettings:
    """The settings in a validated configuration.

    Raises:
        UsageError: an address is none, or a user name has no password.
    """
    lines = config.get("addresses")
    feeds = [str(line) for line in lines] if isinstance(lines, Sequence) else []
    for feed in feeds:
        if not web_address(feed) or "@" in feed.split("/")[2]:
            raise UsageError(
                told(
                    "'{line}' in '{name}' of kind '{kind}' must be an http or https address.",
                    line=feed[:80],
                    name="addresses",
                    kind="feed",
                )
            )
    username, password = str(config.get("username", "")), secrets.get("password", "")
    if bool(username) != bool(password):
        raise UsageError(
            told(
                "To sign in, a source of kind '{kind}' needs 'username' and the secret 'password'.",
                kind="feed",
            )
        )
    keep = config.get("keep_days")
    return FeedSettings(
        feeds=tuple(dict.fromkeys(feeds)),
        audience=audience_acl(config.get("audience")),
        pages=config.get("content") == "page",
        keep_days=keep if isinstance(keep, int) else None,
        auth=(username, password) if username else None,
    )


KIND = ConnectorKind(
    name="feed",
    label={"en": "Atom or RSS feed", "ko": "Atom·RSS 피드"},
    fields=(
        ConfigField(
            "addresses",
            FieldType.LINES,
            required=True,
            label={"en": "Feeds", "ko": "피드 주소"},
            help={
                "en": "Addresses of Atom or RSS feeds, one a line.",
                "ko": "Atom이나 RSS 피드의 주소를 한 줄에 하나씩 적어 주세요.",
            },
            example="https://news.example.com/atom.xml",
        ),
        AUDIENCE_FIELD,
        ConfigField(
            "content",
            FieldType.CHOICE,
            choices=("entry", "page"),
            choice_labels={
                "entry": {"en": "What the feed itself says", "ko": "피드에 담긴 내용"},
                "page": {"en": "The page that each entry links to", "ko": "각 항목이 링크하는 페이지"},
            },
            label={"en": "Read", "ko": "읽을 내용"},
            help={
                "en": "Left out: what the feed itself says.",
                "ko": "비워 두면 피드에 담긴 내용을 읽습니다.",
            },
        ),
        ConfigField(
            "keep_days",
            FieldType.NUMBER,
            least=1,
            most=36_500,
            label={"en": "Keep for days", "ko": "보관 일수"},
            help={
                "en": "How many days an entry stays after it has left the feed. Empty: for good.",
                "ko": "항목이 피드에서 빠진 뒤 며칠 동안 보관할지 정합니다. 비워 두면 계속 보관합니다.",
            },
        ),
        ConfigField(
            "username",
            FieldType.TEXT,
            advanced=True,
            label={"en": "User name", "ko": "사용자 이름"},
            help={
                "en": "For feeds behind a password; sent only to the host of the first feed.",
                "ko": "암호로 보호된 피드에 사용합니다. 첫 번째 피드의 서버에만 보냅니다.",
            },
        ),
        ConfigField(
            "password",
            FieldType.SECRET,
            advanced=True,
            label={"en": "Password", "ko": "암호"},
            help={"en": "The password of that user.", "ko": "그 사용자의 암호입니다."},
        ),
    ),
    build=build,
    asks=("addresses",),
    feed_misses=(
        {
            "en": "A change to an entry that no longer stands among the newest ones.",
            "ko": "최신 항목 목록에서 밀려난 항목이 수정된 경우",
        },
        {
            "en": "The deletion of an entry: one that has left the feed looks the same.",
            "ko": "항목이 삭제된 경우(피드에서 밀려난 것과 구별할 수 없음)",
        },
        {
            "en": "A change to a linked page whose entry stays the same.",
            "ko": "피드 항목은 그대로인데 링크된 페이지만 바뀐 경우",
        },
    ),
)
