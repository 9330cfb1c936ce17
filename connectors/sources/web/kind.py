"""The kind `web`: its settings and how to make one."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.common.types import JsonObject
from connectors.sdk.audience import AUDIENCE_FIELD
from connectors.sdk.contract import ConfigField, Connector, ConnectorKind, FieldType
from connectors.sdk.surroundings import Surroundings
from connectors.sources.web.connector import WebConnector
from connectors.sources.web.settings import (
    DEFAULT_AGENT,
    DEFAULT_DELAY_MS,
    DEFAULT_DEPTH,
    DEFAULT_PAGES,
    web_settings,
)


def build(config: JsonObject, secrets: Mapping[str, str], surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration."""
    return WebConnector(web_settings(config, secrets), surroundings)


def _words(en: str, ko: str) -> dict[str, str]:
    return {"en": en, "ko": ko}


_WHERE = (
    ConfigField(
        "start",
        FieldType.LINES,
        label=_words("Start addresses", "시작 주소"),
        help=_words(
            "Pages from which links are followed, one a line. Give these, sitemaps, or both.",
            "링크를 따라가기 시작할 페이지를 한 줄에 하나씩 적어 주세요. 시작 주소나 사이트맵 중 하나는 "
            "있어야 합니다.",
        ),
        example="https://handbook.example.com/",
    ),
    ConfigField(
        "sitemaps",
        FieldType.LINES,
        label=_words("Sitemaps", "사이트맵"),
        help=_words(
            "Addresses of sitemaps or sitemap indexes, one a line; they may be packed with gzip.",
            "사이트맵이나 사이트맵 색인의 주소를 한 줄에 하나씩 적어 주세요. gzip으로 압축된 파일도 "
            "읽습니다.",
        ),
        example="https://handbook.example.com/sitemap.xml",
    ),
    ConfigField(
        "within",
        FieldType.LINES,
        label=_words("Only below", "포함할 범위"),
        help=_words(
            "Only addresses that begin like one of these are read. Empty: the folders of the addresses "
            "above.",
            "이 주소 가운데 하나로 시작하는 페이지만 읽습니다. 비워 두면 위에 적은 주소가 놓인 폴더만 "
            "읽습니다.",
        ),
        example="https://handbook.example.com/policies/",
    ),
    ConfigField(
        "exclude",
        FieldType.LINES,
        label=_words("Leave out", "제외할 주소"),
        help=_words(
            "Patterns of paths that are not read, one a line; * stands for any letters.",
            "읽지 않을 경로를 한 줄에 하나씩 적어 주세요. *는 아무 글자나 뜻합니다.",
        ),
        example="/calendar/*",
    ),
)
_SIGN_IN = (
    ConfigField(
        "sign_in",
        FieldType.CHOICE,
        choices=("basic", "form"),
        choice_labels={
            "basic": {"en": "The browser's password window", "ko": "브라우저의 암호 창"},
            "form": {"en": "A sign-in page", "ko": "로그인 페이지"},
        },
        label=_words("Sign in with", "로그인 방식"),
        help=_words(
            "What the password window asks for is sent to the host of the first address alone. "
            "Empty: without signing in.",
            "암호 창에 넣을 암호는 첫 번째 주소의 서버에만 보냅니다. 비워 두면 로그인하지 않습니다.",
        ),
    ),
    ConfigField(
        "username",
        FieldType.TEXT,
        label=_words("User name", "사용자 이름"),
        help=_words(
            "An account that can read what the audience may read, and no more.",
            "볼 수 있는 사람으로 지정한 이들이 읽어도 되는 내용만 볼 수 있는 계정을 써 주세요.",
        ),
    ),
    ConfigField(
        "password",
        FieldType.SECRET,
        label=_words("Password", "암호"),
        help=_words("The password of that account.", "그 계정의 암호입니다."),
    ),
    ConfigField(
        "login_url",
        FieldType.URL,
        label=_words("Sign-in page", "로그인 페이지"),
        help=_words("The page with the sign-in form.", "로그인 양식이 있는 페이지의 주소입니다."),
        example="https://handbook.example.com/login",
    ),
    ConfigField(
        "username_field",
        FieldType.TEXT,
        advanced=True,
        label=_words("Name of the user field", "사용자 이름 입력란의 이름"),
        help=_words(
            "The name of the input in the form. Empty: the first text input.",
            "양식에서 사용자 이름을 넣는 입력란의 name 값입니다. 비워 두면 첫 번째 글자 입력란을 씁니다.",
        ),
    ),
    ConfigField(
        "password_field",
        FieldType.TEXT,
        advanced=True,
        label=_words("Name of the password field", "암호 입력란의 이름"),
        help=_words(
            "The name of the input in the form. Empty: the first password input.",
            "양식에서 암호를 넣는 입력란의 name 값입니다. 비워 두면 첫 번째 암호 입력란을 씁니다.",
        ),
    ),
)
_LIMITS = (
    ConfigField(
        "depth",
        FieldType.NUMBER,
        least=0,
        most=50,
        advanced=True,
        label=_words("Depth of links", "링크 깊이"),
        help=_words(
            "How many links away from a start address or sitemap entry; 0: only these. Default "
            f"{DEFAULT_DEPTH}.",
            f"시작 주소나 사이트맵 항목에서 링크를 몇 번까지 따라갈지 정합니다. 0이면 그 주소만 읽습니다. "
            f"기본값은 {DEFAULT_DEPTH}입니다.",
        ),
    ),
    ConfigField(
        "max_pages",
        FieldType.NUMBER,
        least=1,
        most=1_000_000,
        advanced=True,
        label=_words("Most pages", "최대 페이지 수"),
        help=_words(
            f"Beyond this the run stops looking, says so and deletes nothing. Default {DEFAULT_PAGES:,}.",
            "이 수를 넘으면 더 읽지 않고 그 사실을 알리며, 아무것도 삭제하지 않습니다. 기본값은 "
            f"{DEFAULT_PAGES:,}입니다.",
        ),
    ),
    ConfigField(
        "delay_ms",
        FieldType.NUMBER,
        least=0,
        most=60_000,
        advanced=True,
        label=_words("Pause between requests (ms)", "요청 간격(밀리초)"),
        help=_words(
            f"A longer Crawl-delay of robots.txt is obeyed, too. Default {DEFAULT_DELAY_MS}.",
            f"robots.txt의 Crawl-delay가 더 길면 그 값을 따릅니다. 기본값은 {DEFAULT_DELAY_MS}입니다.",
        ),
    ),
    ConfigField(
        "user_agent",
        FieldType.TEXT,
        advanced=True,
        label=_words("Name towards the site", "사이트에 알리는 이름"),
        help=_words(
            f"The User-Agent, under which robots.txt is read as well. Default {DEFAULT_AGENT}.",
            f"User-Agent 값이며, robots.txt도 이 이름으로 해석합니다. 기본값은 {DEFAULT_AGENT}입니다.",
        ),
    ),
    ConfigField(
        "drop_parameters",
        FieldType.LINES,
        advanced=True,
        label=_words("Query parameters to ignore", "무시할 쿼리 매개변수"),
        help=_words(
            "Names of parameters that do not change the page, one a line; * stands for any letters.",
            "페이지 내용을 바꾸지 않는 매개변수의 이름을 한 줄에 하나씩 적어 주세요. *는 아무 글자나 "
            "뜻합니다.",
        ),
        example="utm_*",
    ),
    ConfigField(
        "ignore_robots",
        FieldType.SWITCH,
        advanced=True,
        label=_words("Ignore robots.txt", "robots.txt 무시"),
        help=_words(
            "Only for a site of your own whose robots.txt keeps out every program.",
            "모든 프로그램의 접근을 막아 둔 자사 사이트에만 사용해 주세요.",
        ),
    ),
    ConfigField(
        "ignore_canonical",
        FieldType.SWITCH,
        advanced=True,
        label=_words("Ignore canonical links", "대표 주소(canonical) 무시"),
        help=_words(
            "For a site whose pages all name the same page as their canonical one.",
            "모든 페이지가 같은 페이지를 대표 주소로 잘못 적어 둔 사이트에 사용해 주세요.",
        ),
    ),
    ConfigField(
        "trust_lastmod",
        FieldType.SWITCH,
        advanced=True,
        label=_words("Trust lastmod of sitemaps", "사이트맵의 lastmod 신뢰"),
        help=_words(
            "Pages whose lastmod is the same as before are not asked for. Only if the site keeps it true.",
            "lastmod가 이전과 같은 페이지는 요청하지 않습니다. 사이트가 이 값을 정확히 관리할 때만 "
            "사용해 주세요.",
        ),
    ),
)

KIND = ConnectorKind(
    name="web",
    label={"en": "Web site", "ko": "웹 사이트"},
    fields=(*_WHERE, AUDIENCE_FIELD, *_SIGN_IN, *_LIMITS),
    build=build,
    asks=("start", "sitemaps"),
    fetches_at_once=2,
)
