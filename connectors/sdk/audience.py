"""Who reads a source that has no permissions of its own: the audience that the administrator names."""

from __future__ import annotations

from assistant.common.acl import NOBODY, Acl, Clause, Entry, PrincipalRef, parse_principal
from assistant.common.types import Json
from connectors.sdk.contract import ConfigField, FieldType
from connectors.sdk.exact_json import as_list

AUDIENCE_FIELD = ConfigField(
    "audience",
    FieldType.LINES,
    label={"en": "Readable by", "ko": "볼 수 있는 사람"},
    help={
        "en": "Who may read everything here, one a line: everyone, user:EMAIL or group:ID of a directory "
        "(group:directory:cn:staff). Empty: nobody.",
        "ko": "이 소스의 문서를 볼 수 있는 사람을 한 줄에 하나씩 적어 주세요. everyone(모두), user:이메일, "
        "group:directory:cn:staff(디렉터리 그룹)처럼 적습니다. 비워 두면 아무도 볼 수 없습니다.",
    },
    example="everyone",
)


EVERYONE_LABEL = {"everyone": {"en": "Everyone who can sign in", "ko": "로그인할 수 있는 모든 사람"}}

OTHERS_FIELD = ConfigField(
    "others",
    FieldType.LINES,
    label={"en": "Who 'others' are", "ko": "'기타 사용자'의 범위"},
    help={
        "en": "Whom the rights of 'others' (the last digit of a mode) let in, one a line: everyone, "
        "or those with an account on the file server (group:directory:cn:staff). Empty: nobody.",
        "ko": "모드의 마지막 자리인 '기타 사용자(others)' 권한이 누구에게 적용되는지 한 줄에 하나씩 "
        "적어 주세요. 예: everyone(모두), group:directory:cn:staff(파일 서버에 계정이 있는 사람들). "
        "비워 두면 아무에게도 적용되지 않습니다.",
    },
    example="group:directory:cn:staff",
)


def audience_acl(value: Json) -> Acl:
    """The list that lets in whom the setting names; nobody where it is missing or empty.

    Raises:
        UsageError: a line is no principal.
    """
    named = principals(value)
    if not named:
        return NOBODY
    return Acl((Clause(tuple(Entry(allow=True, principal=each) for each in named)),))


def principals(value: Json) -> tuple[PrincipalRef, ...]:
    """The principals that a setting of this shape names, in its order, each once.

    Raises:
        UsageError: a line is no principal.
    """
    return () if value is None else tuple(dict.fromkeys(map(parse_principal, as_list(value, "audience"))))
