"""Who reads a source that has no permissions of its own: the audience that the administrator names."""

from __future__ import annotations

from assistant.common.acl import NOBODY, Acl, Clause, Entry, parse_principal
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
        "ko": "이 원본의 문서를 볼 수 있는 사람을 한 줄에 하나씩 적어 주세요. everyone(모두), user:이메일, "
        "group:directory:cn:staff(디렉터리 그룹)처럼 적습니다. 비워 두면 아무도 볼 수 없습니다.",
    },
    example="everyone",
)


def audience_acl(value: Json) -> Acl:
    """The list that lets in whom the setting names; nobody where it is missing or empty.

    Raises:
        UsageError: a line is no principal.
    """
    if value is None:
        return NOBODY
    principals = dict.fromkeys(parse_principal(line) for line in as_list(value, "audience"))
    if not principals:
        return NOBODY
    return Acl((Clause(tuple(Entry(allow=True, principal=each) for each in principals)),))
