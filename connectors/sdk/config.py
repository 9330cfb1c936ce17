"""Is this the configuration that a kind of source asks for?"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from urllib.parse import urlsplit

from assistant.common.errors import UsageError
from assistant.common.told import told
from assistant.common.types import Json, JsonObject
from connectors.sdk.contract import ConfigField, ConnectorKind, FieldType
from connectors.sdk.document_fields import web_address

MAX_VALUE_LENGTH = 4096
MAX_LINES = 1000


def validate(
    kind: ConnectorKind, *, config: JsonObject, secrets: Mapping[str, str]
) -> tuple[JsonObject, dict[str, str]]:
    """The configuration and secrets, each known, complete and of the declared type.

    Whether a path exists is the connection test's question, not this one's: the
    folder may be mounted later, and on another machine.

    Raises:
        UsageError: unknown, missing, misplaced or malformed value; names the key and what to do.
    """
    fields = {field.name: field for field in kind.fields}
    _refuse_unknown(kind, fields, config, where=told("config"))
    _refuse_unknown(kind, fields, secrets, where=told("secrets"))
    checked: dict[str, Json] = {}
    sealed: dict[str, str] = {}
    for field in kind.fields:
        secret = field.type is FieldType.SECRET
        _refuse_misplaced(kind, field, in_wrong_place=field.name in (config if secret else secrets))
        values: Mapping[str, Json] = secrets if secret else config
        if field.name not in values:
            _refuse_missing(kind, field)
            continue
        if secret:
            sealed[field.name] = _checked_text(
                field,
                secrets[field.name],
                told("'{name}' of kind '{kind}'", name=field.name, kind=kind.name),
            )
        else:
            checked[field.name] = _checked_value(kind, field, config[field.name])
    return checked, sealed


def _refuse_unknown(
    kind: ConnectorKind, fields: Mapping[str, ConfigField], values: Mapping[str, Json], *, where: str
) -> None:
    unknown = sorted(set(values) - set(fields))
    if unknown:
        known = ", ".join(fields) or told("none")
        raise UsageError(
            told(
                "A source of kind '{kind}' has no setting '{name}' (in the {where}). Its settings: {known}.",
                kind=kind.name,
                name=_shown(unknown[0]),
                where=where,
                known=known,
            )
        )


def _refuse_misplaced(kind: ConnectorKind, field: ConfigField, *, in_wrong_place: bool) -> None:
    if not in_wrong_place:
        return
    if field.type is FieldType.SECRET:
        raise UsageError(
            told(
                "'{name}' of kind '{kind}' is a secret: take it out of the config and put it into "
                "the secrets file.",
                name=field.name,
                kind=kind.name,
            )
        )
    raise UsageError(
        told(
            "'{name}' of kind '{kind}' is no secret: put it into the config.", name=field.name, kind=kind.name
        )
    )


def _refuse_missing(kind: ConnectorKind, field: ConfigField) -> None:
    if field.required:
        where = told("secrets file") if field.type is FieldType.SECRET else told("config")
        raise UsageError(
            told(
                "A source of kind '{kind}' needs '{name}': add it to the {where}.",
                kind=kind.name,
                name=field.name,
                where=where,
            )
        )


def _checked_value(kind: ConnectorKind, field: ConfigField, value: Json) -> Json:
    subject = told("'{name}' of kind '{kind}'", name=field.name, kind=kind.name)
    match field.type:
        case FieldType.NUMBER:
            return _checked_number(field, value, subject)
        case FieldType.SWITCH:
            if not isinstance(value, bool):
                raise UsageError(
                    told(
                        "{subject} must be true or false, not {value}.",
                        subject=subject,
                        value=_type_of(value),
                    )
                )
            return value
        case FieldType.LINES:
            return _checked_lines(field, value, subject)
        case _:
            return _checked_text(field, value, subject)


def _checked_number(field: ConfigField, value: Json, subject: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(
            told("{subject} must be a whole number, not {value}.", subject=subject, value=_type_of(value))
        )
    if not field.least <= value <= field.most:
        raise UsageError(
            told(
                "{subject} must be {least} to {most}, not {value}.",
                subject=subject,
                least=field.least,
                most=field.most,
                value=value,
            )
        )
    return value


def _checked_lines(field: ConfigField, value: Json, subject: str) -> list[Json]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise UsageError(
            told("{subject} must be a list of texts, not {value}.", subject=subject, value=_type_of(value))
        )
    if len(value) > MAX_LINES:
        raise UsageError(told("{subject} has more than {most} lines.", subject=subject, most=MAX_LINES))
    lines: list[Json] = [
        _checked_text(field, line, told("Line {n} of {subject}", n=n, subject=subject))
        for n, line in enumerate(value, 1)
    ]
    if not lines and field.required:
        raise UsageError(told("{subject} is empty: give it at least one line.", subject=subject))
    return lines


def _checked_text(field: ConfigField, value: Json, subject: str) -> str:
    if not isinstance(value, str):
        raise UsageError(
            told("{subject} must be a text, not {value}.", subject=subject, value=_type_of(value))
        )
    if not value.strip():
        raise UsageError(told("{subject} is empty: give it a value or leave it out.", subject=subject))
    many_lines = field.type in (FieldType.SECRET, FieldType.LONG_TEXT)
    if len(value) > MAX_VALUE_LENGTH or not _clean(value, many_lines=many_lines):
        raise UsageError(
            told(
                "{subject} is longer than {most} characters or holds control characters.",
                subject=subject,
                most=MAX_VALUE_LENGTH,
            )
        )
    if field.type is FieldType.CHOICE and value not in field.choices:
        raise UsageError(
            told(
                "{subject} cannot be '{value}'. Choose one of: {choices}.",
                subject=subject,
                value=_shown(value),
                choices=", ".join(field.choices),
            )
        )
    if field.type is FieldType.PATH and not PurePath(value).is_absolute():
        raise UsageError(
            told(
                "{subject} must be an absolute path, not '{value}': start it with /.",
                subject=subject,
                value=_shown(value),
            )
        )
    if field.type is FieldType.URL and (not web_address(value) or "@" in urlsplit(value).netloc):
        raise UsageError(
            told("{subject} must be an http or https address without a password in it.", subject=subject)
        )
    return value


def _clean(value: str, *, many_lines: bool) -> bool:
    """Private keys have lines; everything else is one line that can be stored."""
    allowed = "\n\r\t" if many_lines else ""
    return all(c in allowed or unicodedata.category(c) not in ("Cc", "Cs") for c in value)


def _type_of(value: Json) -> str:
    if value is None:
        return told("null")
    if isinstance(value, bool):
        return told("true or false")
    if isinstance(value, (int, float)):
        return told("a number")
    return told("an object") if isinstance(value, Mapping) else told("a list")


def _shown(text: str) -> str:
    return text[:80].encode("unicode_escape").decode("ascii") if not text.isprintable() else text[:80]
