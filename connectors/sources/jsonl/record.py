"""What one line stands for: a document, a group or an account."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from assistant.common.acl import Acl, parse_acl
from assistant.common.errors import UsageError
from assistant.common.told import told
from assistant.common.types import Json, JsonObject
from connectors.sdk.document_fields import attributes, moment, one_line, web_address
from connectors.sdk.exact_json import MalformedError, as_text, shown
from connectors.sdk.names import id_problem
from connectors.sdk.permission_words import sounds_like_permission

_CONTENT = ("title", "text", "url", "modified", "attributes")
_KNOWN = frozenset({"id", "acl", *_CONTENT})


@dataclass(frozen=True, slots=True)
class Record:
    """The content of a document line."""

    title: str
    text: str
    url: str
    modified: datetime | None
    attributes: JsonObject


def is_principal(line: JsonObject) -> bool:
    """Whether the line describes a group or an account. With an "id" too it is a document, and in doubt."""
    return ("group" in line or "account" in line) and "id" not in line


def document_id(line: JsonObject) -> str:
    """The id of a document line.

    Raises:
        MalformedError: it has none that can be used.
    """
    if "id" not in line:
        raise MalformedError(told('the line has no "id", "group" or "account"'))
    name = as_text(line["id"], '"id"')
    problem = id_problem(name)
    if problem:
        raise MalformedError(told("the id '{name}' {problem}", name=shown(name), problem=problem))
    return name


def document_acl(line: JsonObject, *, otherwise: Acl) -> Acl:
    """The ACL of a document line; `otherwise` only where the line says nothing at all about it.

    Raises:
        MalformedError: the line says something that is not understood.
    """
    for key in line:
        if key not in _KNOWN and sounds_like_permission(key):
            raise MalformedError(
                told("the key '{key}' is unknown: write permissions as \"acl\"", key=shown(key))
            )
    if "acl" not in line:
        return otherwise
    try:
        return parse_acl(line["acl"])
    except (UsageError, RecursionError) as error:
        raise MalformedError(told('"acl": {error}', error=error)) from error


def document_record(line: JsonObject) -> Record:
    """The content of a document line; unknown keys are ignored.

    Raises:
        MalformedError: a value of the wrong type.
    """
    if "text" not in line:
        raise MalformedError(told('"text" is missing'))
    modified = line.get("modified")
    listed = line.get("attributes")
    return Record(
        title=one_line(_optional_text(line, "title")),
        # A NUL is no text and no database stores it; a space keeps all offsets.
        text=as_text(line["text"], '"text"').replace("\x00", " "),
        url=web_address(_optional_text(line, "url")),
        modified=None if modified is None else moment(modified, '"modified"'),
        attributes={} if listed is None else attributes(listed, '"attributes"'),
    )


def content_version(line: JsonObject) -> str:
    """A digest of what the line says, its ACL and unknown keys left out."""
    content = {key: line[key] for key in _CONTENT if key in line}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("ascii")).hexdigest()


def _optional_text(line: JsonObject, key: str) -> str:
    value: Json = line.get(key)
    return "" if value is None else as_text(value, f'"{key}"')
