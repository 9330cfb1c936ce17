"""The kind `ldap`: its settings and how to make one."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.common.types import JsonObject
from connectors.sdk.contract import ConfigField, Connector, ConnectorKind, FieldType
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.trust import CA_FILE_FIELD
from connectors.sources.ldap.connector import LdapConnector
from connectors.sources.ldap.settings import SHAPES, Login, search_of, server_of


def build(config: JsonObject, secrets: Mapping[str, str], surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration.

    Raises:
        UsageError: the address is none of LDAP's.
    """
    return LdapConnector(
        server=server_of(config),
        login=Login(str(config.get("bind_dn", "")), secrets.get("password", "")),
        search=search_of(config),
        surroundings=surroundings,
    )


_PLACE = (
    ConfigField(
        "url",
        FieldType.TEXT,
        required=True,
        label={"en": "Address", "ko": "서버 주소"},
        help={
            "en": "ldap://HOST or ldaps://HOST, with :PORT if it is not the usual one.",
            "ko": "ldap://호스트 또는 ldaps://호스트 형식으로 적어 주세요. "
            "기본 포트가 아니면 뒤에 :포트를 붙입니다.",
        },
        example="ldap://directory.example.com",
    ),
    ConfigField(
        "encryption",
        FieldType.CHOICE,
        choices=("tls", "none"),
        choice_labels={
            "tls": {"en": "TLS", "ko": "TLS로 암호화"},
            "none": {"en": "Without encryption", "ko": "암호화하지 않음"},
        },
        label={"en": "Encryption", "ko": "암호화"},
        help={
            "en": "Left out: TLS, from the start with ldaps and by StartTLS with ldap. "
            "Without encryption the password and all names are sent in plain text.",
            "ko": "비워 두면 TLS를 씁니다(ldaps는 처음부터, ldap은 StartTLS로). "
            "암호화하지 않으면 비밀번호와 모든 이름이 그대로 전송됩니다.",
        },
    ),
    CA_FILE_FIELD,
    ConfigField(
        "bind_dn",
        FieldType.TEXT,
        label={"en": "Account", "ko": "계정"},
        help={
            "en": "The distinguished name (or, for Active Directory, name@domain) that Mundap signs in with. "
            "Empty: without an account.",
            "ko": "Mundap이 로그인할 계정의 DN입니다(Active Directory에서는 이름@도메인도 됩니다). "
            "비워 두면 계정 없이 접속합니다.",
        },
        example="cn=mundap,ou=services,dc=example,dc=com",
    ),
    ConfigField(
        "password",
        FieldType.SECRET,
        label={"en": "Password", "ko": "비밀번호"},
        help={"en": "The password of the account.", "ko": "위 계정의 비밀번호입니다."},
    ),
)

_ENTRIES = (
    ConfigField(
        "schema",
        FieldType.CHOICE,
        choices=tuple(SHAPES),
        choice_labels={
            "openldap": {"en": "OpenLDAP (RFC 2307 and 2307bis)", "ko": "OpenLDAP(RFC 2307, 2307bis)"},
            "active_directory": {"en": "Active Directory", "ko": "Active Directory"},
        },
        label={"en": "Kind of directory", "ko": "디렉터리 종류"},
        help={
            "en": "Decides how people and groups are recognised. Left out: OpenLDAP.",
            "ko": "사람과 그룹을 어떻게 알아볼지 정합니다. 비워 두면 OpenLDAP입니다.",
        },
    ),
    ConfigField(
        "bases",
        FieldType.LINES,
        required=True,
        label={"en": "Where people are", "ko": "사람을 찾을 위치"},
        help={
            "en": "Distinguished names below which people are searched, one a line.",
            "ko": "이 DN 아래에서 사람을 찾습니다. 한 줄에 하나씩 적어 주세요.",
        },
        example="ou=people,dc=example,dc=com",
    ),
    ConfigField(
        "group_bases",
        FieldType.LINES,
        label={"en": "Where groups are", "ko": "그룹을 찾을 위치"},
        help={
            "en": "The same for groups. Empty: where people are.",
            "ko": "이 DN 아래에서 그룹을 찾습니다. 비워 두면 사람을 찾는 위치와 같습니다.",
        },
        example="ou=groups,dc=example,dc=com",
    ),
    ConfigField(
        "mail_attribute",
        FieldType.TEXT,
        label={"en": "Attribute of the verified address", "ko": "확인된 이메일 속성"},
        help={
            "en": "Who has one of these addresses in Mundap is this person, so only administrators of the "
            "directory may be able to change it. Left out: mail.",
            "ko": "Mundap에서 이 이메일을 쓰는 사람을 디렉터리의 그 사람으로 봅니다. 그러므로 "
            "디렉터리 관리자만 바꿀 수 있는 속성이어야 합니다. 비워 두면 mail입니다.",
        },
        example="mail",
    ),
    ConfigField(
        "login_attribute",
        FieldType.TEXT,
        label={"en": "Attribute of the login name", "ko": "로그인 이름 속성"},
        help={
            "en": "What other sources call a person. Left out: uid, or sAMAccountName in Active Directory.",
            "ko": "다른 소스가 사람을 부르는 이름입니다. 비워 두면 uid이고, Active Directory에서는 "
            "sAMAccountName입니다.",
        },
        advanced=True,
    ),
    ConfigField(
        "people_filter",
        FieldType.TEXT,
        label={"en": "Filter of people", "ko": "사람 필터"},
        help={
            "en": "An LDAP filter. Entries that it leaves out are nobody.",
            "ko": "LDAP 필터입니다. 이 필터에 맞지 않는 항목은 사람으로 보지 않습니다.",
        },
        advanced=True,
    ),
    ConfigField(
        "groups_filter",
        FieldType.TEXT,
        label={"en": "Filter of groups", "ko": "그룹 필터"},
        help={
            "en": "An LDAP filter. Entries that it leaves out are no groups.",
            "ko": "LDAP 필터입니다. 이 필터에 맞지 않는 항목은 그룹으로 보지 않습니다.",
        },
        advanced=True,
    ),
    ConfigField(
        "disabled_filter",
        FieldType.TEXT,
        label={"en": "Filter of disabled people", "ko": "사용 중지된 사람 필터"},
        help={
            "en": "People whom it finds see nothing by any group or name of theirs.",
            "ko": "이 필터에 맞는 사람은 속한 그룹이나 이름으로 아무것도 볼 수 없습니다.",
        },
        advanced=True,
    ),
)

KIND = ConnectorKind(
    name="ldap",
    label={"en": "LDAP directory", "ko": "LDAP 디렉터리"},
    fields=_PLACE + _ENTRIES,
    build=build,
    asks=("url",),
    gives_documents=False,
)
