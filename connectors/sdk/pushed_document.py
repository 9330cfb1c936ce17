"""One document as a program pushes it: read into what a connector would have reported."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from assistant.common.acl import NOBODY, Acl, parse_acl
from assistant.common.errors import DocumentFailure, FailureCode, UsageError
from assistant.common.told import told
from assistant.common.types import Json, JsonObject
from connectors.sdk.contract import BytesContent, Content, Failure, TextContent, Upsert
from connectors.sdk.document_fields import attributes, moment, one_line, web_address
from connectors.sdk.exact_json import MalformedError, as_object, as_text, shown
from connectors.sdk.names import escaped_id, id_problem
from connectors.sdk.permission_words import sounds_like_permission

_CONTENT = ("title", "text", "base64", "name", "media_type", "url", "modified", "attributes")
_KNOWN = frozenset({"id", "acl", "checksum", *_CONTENT})
_TWICE = "\x00twice"  # marks an object in which a key stood twice
_LONGEST_NAME = 255


def decode_body(body: bytes) -> Json:
    """The JSON of a request. What has no exact meaning is marked, so that it harms only its own document.

    Raises:
        MalformedError: not JSON in UTF-8.
    """
    try:
        value: Json = json.loads(body.decode("utf-8"), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise MalformedError(told("The body is not JSON in UTF-8.")) from error
    return value


def _object(pairs: Sequence[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else {**found, _TWICE: True}


def exact_problem(value: Json) -> str:
    """Why two readers could understand the value differently; empty: they could not."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode("utf-8")
    except UnicodeEncodeError:
        return told("holds half of a surrogate pair, which is no character")
    except (ValueError, RecursionError):
        return told("holds a number that is none in JSON, or is nested too deeply")
    return told("says something twice") if json.dumps(_TWICE)[1:-1] in text else ""


def pushed_document(value: Json) -> Upsert | Failure:
    """The document, or why it is none.

    Where its permissions are in doubt, the failure hides it. Where only its content is malformed its
    permissions are obeyed all the same, and `fetch` says what is wrong.
    """
    try:
        record = as_object(value, told("The document"))
        name = as_text(record.get("id"), '"id"')
    except MalformedError as error:
        return Failure(escaped_id(""), FailureCode.BAD_RECORD, told("{error}.", error=error))
    problem = id_problem(name)
    if problem:
        return Failure(escaped_id(name), FailureCode.BAD_RECORD, told("The id {problem}.", problem=problem))
    problem = exact_problem(record)
    if problem:
        return Failure(
            name, FailureCode.BAD_PERMISSIONS, told("The document {problem}.", problem=problem), hide=True
        )
    try:
        acl = _acl(record)
    except MalformedError as error:
        return Failure(name, FailureCode.BAD_PERMISSIONS, told("{error}.", error=error), hide=True)
    return _upsert(name, record, acl)


def _acl(record: JsonObject) -> Acl:
    for key in record:
        if key not in _KNOWN and sounds_like_permission(key):
            raise MalformedError(
                told("The key '{key}' is unknown: write permissions as \"acl\"", key=shown(key))
            )
    if "acl" not in record:
        return NOBODY
    try:
        return parse_acl(record["acl"])
    except (UsageError, RecursionError) as error:
        raise MalformedError(told('"acl": {error}', error=error)) from error


def _upsert(name: str, record: JsonObject, acl: Acl) -> Upsert:
    said = {key: record[key] for key in _CONTENT if key in record}
    version = hashlib.sha256(json.dumps(said, sort_keys=True).encode("ascii")).hexdigest()
    try:
        _refuse_unknown(record)
        content = _content(record)
        modified = record.get("modified")
        listed = record.get("attributes")
        return Upsert(
            external_id=name,
            version=version,
            title=one_line(_text(record, "title")),
            name=one_line(_text(record, "name"))[:_LONGEST_NAME],
            url=web_address(_text(record, "url")),
            media_type=one_line(_text(record, "media_type")) or _plain(content),
            modified=None if modified is None else moment(modified, '"modified"'),
            attributes={} if listed is None else attributes(listed, '"attributes"'),
            acl=acl,
            size=_size(content),
            fetch=partial(_given, content),
        )
    except MalformedError as error:
        # Another version than that of the same content when it is sound.
        return _refused(name, f"refused {version}", acl, told("{error}.", error=error))


def _refuse_unknown(record: JsonObject) -> None:
    unknown = sorted(set(record) - _KNOWN)
    if unknown:
        raise MalformedError(told("The key '{key}' is unknown", key=shown(unknown[0])))


def _content(record: JsonObject) -> Content:
    """What the document holds. Text that has a name or a type of its own is read by a parser."""
    if ("text" in record) == ("base64" in record):
        raise MalformedError(told('Give either "text" or "base64"'))
    if "text" in record:
        text = as_text(record["text"], '"text"')
        data = text.encode("utf-8")
    else:
        text, data = None, _decoded(as_text(record["base64"], '"base64"'))
    _check_sum(record, data)
    if text is not None and not _text(record, "name") and not _text(record, "media_type"):
        # A NUL is no text and no database stores it; a space keeps all offsets.
        return TextContent(text.replace("\x00", " "))
    return BytesContent(data)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedError(told('"base64" is not base64')) from error


def _check_sum(record: JsonObject, data: bytes) -> None:
    given = _text(record, "checksum")
    if given and given.lower() != hashlib.sha256(data).hexdigest():
        raise MalformedError(told('"checksum" is not the SHA-256 of the content that came here'))


def _given(content: Content) -> Content:
    return content


def _size(content: Content) -> int | None:
    match content:
        case BytesContent(data):
            return len(data)
        case TextContent(text):
            return len(text.encode("utf-8"))
        case _:
            return None


def _plain(content: Content) -> str:
    return "text/plain" if isinstance(content, TextContent) else ""


def _refused(name: str, version: str, acl: Acl, detail: str) -> Upsert:
    modified: datetime | None = None
    fetch = partial(_refuse, detail)
    return Upsert(name, version, "", "", "", "", modified, {}, acl, None, fetch)


def _refuse(detail: str) -> Content:
    raise DocumentFailure(FailureCode.BAD_RECORD, detail)


def _text(record: JsonObject, key: str) -> str:
    value = record.get(key)
    return "" if value is None else as_text(value, f'"{key}"')
