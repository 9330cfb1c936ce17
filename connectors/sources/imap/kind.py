"""The kind `imap`: its settings and how to make one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assistant.common.types import Json, JsonObject
from connectors.sdk.contract import ConfigField, Connector, ConnectorKind, FieldType
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.trust import CA_FILE_FIELD
from connectors.sources.imap.connection import Access
from connectors.sources.imap.connector import ImapConnector, ImapSettings
from connectors.sources.imap.mailboxes import parse_mailboxes

_PORTS = {"tls": 993, "starttls": 143, "plain": 143}


def build(config: JsonObject, secrets: Mapping[str, str], surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration.

    Raises:
        UsageError: a line of `mailboxes` is not understood, or several need a master user.
    """
    security = str(config.get("security", "tls"))
    master = str(config.get("master_user", ""))
    access = Access(
        host=str(config["host"]),
        port=int(str(config.get("port", _PORTS[security]))),
        security=security,
        ca_file=str(config.get("ca_file", "")),
        master=master,
        password=secrets["password"].rstrip("\r\n"),
    )
    boxes = parse_mailboxes(_lines(config.get("mailboxes")), by_master=bool(master))
    settings = ImapSettings(access, boxes, tuple(_lines(config.get("leave_out"))))
    return ImapConnector(settings, surroundings)


def _lines(value: Json) -> list[str]:
    return [str(line) for line in value] if isinstance(value, Sequence) and not isinstance(value, str) else []


KIND = ConnectorKind(
    name="imap",
    label={"en": "Mailboxes (IMAP)", "ko": "메일함(IMAP)"},
    fields=(
        ConfigField(
            "host",
            FieldType.TEXT,
            required=True,
            label={"en": "Server", "ko": "메일 서버"},
            help={
                "en": "The name of the mail server, as its certificate gives it.",
                "ko": "메일 서버의 이름입니다. 서버 인증서에 있는 이름과 같아야 합니다.",
            },
            example="mail.example.com",
        ),
        ConfigField(
            "mailboxes",
            FieldType.LINES,
            required=True,
            label={"en": "Mailboxes and their owners", "ko": "메일함과 소유자"},
            help={
                "en": "One mailbox a line: its login, an equals sign and the e-mail address under which its "
                "owner signs in to Mundap. Only the owner reads it; without an owner nobody does. A mailbox "
                "that many share may belong to group:directory:KEY.",
                "ko": "한 줄에 메일함 하나씩, 로그인 이름과 등호(=), 소유자가 문답에 로그인할 때 쓰는 "
                "이메일 주소를 적어 주세요. 메일은 소유자만 볼 수 있고, 소유자를 적지 않으면 아무도 볼 수 "
                "없습니다. 여럿이 함께 쓰는 메일함에는 group:directory:KEY처럼 디렉터리 그룹을 적을 수 "
                "있습니다.",
            },
            example="ann = ann@example.com",
        ),
        ConfigField(
            "master_user",
            FieldType.TEXT,
            label={"en": "Master user", "ko": "마스터 사용자"},
            help={
                "en": "The user who may open every mailbox; Mundap signs in as LOGIN*MASTER. "
                "Empty: one mailbox, with its own password.",
                "ko": "모든 메일함을 열 수 있는 사용자입니다. 문답은 '로그인이름*마스터사용자'로 "
                "로그인합니다. 비워 두면 메일함 하나를 그 메일함의 비밀번호로 읽습니다.",
            },
        ),
        ConfigField(
            "password",
            FieldType.SECRET,
            required=True,
            label={"en": "Password", "ko": "비밀번호"},
            help={
                "en": "The password of the master user, or of the one mailbox.",
                "ko": "마스터 사용자의 비밀번호입니다. 마스터 사용자가 없으면 메일함의 비밀번호를 "
                "적어 주세요.",
            },
        ),
        ConfigField(
            "leave_out",
            FieldType.LINES,
            label={"en": "Folders to leave out", "ko": "제외할 폴더"},
            help={
                "en": "Names of folders that are not read, with all below them. "
                "Trash, junk and drafts never are.",
                "ko": "읽지 않을 폴더의 이름을 한 줄에 하나씩 적어 주세요. 하위 폴더도 함께 제외합니다. "
                "휴지통, 스팸, 임시 보관함은 언제나 제외합니다.",
            },
            example="Private",
        ),
        ConfigField(
            "security",
            FieldType.CHOICE,
            choices=("tls", "starttls", "plain"),
            choice_labels={
                "tls": {"en": "TLS from the start", "ko": "처음부터 TLS로 암호화"},
                "starttls": {"en": "TLS after a greeting (STARTTLS)", "ko": "접속한 뒤 암호화(STARTTLS)"},
                "plain": {"en": "Without encryption", "ko": "암호화하지 않음"},
            },
            label={"en": "Security", "ko": "연결 보안"},
            help={
                "en": "Left out: TLS from the start. Without encryption the password and all mail cross the "
                "network readable.",
                "ko": "비워 두면 처음부터 TLS로 암호화합니다. 암호화하지 않으면 비밀번호와 메일이 "
                "네트워크에 그대로 노출됩니다.",
            },
            advanced=True,
        ),
        ConfigField(
            "port",
            FieldType.NUMBER,
            least=1,
            most=65535,
            label={"en": "Port", "ko": "포트"},
            help={
                "en": "Default: 993 with tls, otherwise 143.",
                "ko": "기본값은 tls일 때 993, 그 밖에는 143입니다.",
            },
            advanced=True,
        ),
        CA_FILE_FIELD,
    ),
    build=build,
    asks=("host",),
)
