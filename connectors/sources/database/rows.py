"""What one row stands for: a document, who may see it, or a member of a group."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from assistant.common.acl import NOBODY, Acl, Clause, Entry, PrincipalRef, parse_acl, parse_principal
from assistant.common.errors import UsageError
from assistant.common.told import told
from assistant.common.types import Json
from connectors.sdk.document_fields import attributes, one_line, web_address
from connectors.sdk.exact_json import MalformedError, parse_json, shown
from connectors.sdk.names import id_problem
from connectors.sources.database.query import Shape
from connectors.sources.database.server import Row


@dataclass(frozen=True, slots=True)
class Document:
    """A row of the query. `text` None: it is fetched when needed; `size` in bytes, None: no text at all.

    `problem`: why it cannot be taken, or empty; its permissions hold all the same.
    """

    external_id: str
    key: str | int
    version: str
    title: str
    url: str
    modified: datetime | None
    attributes: Mapping[str, Json]
    text: str | bytes | None
    size: int | None
    problem: str


def comparable(value: object) -> str | int:
    """An id as it is compared with in the database.

    Raises:
        MalformedError: neither a text nor a number.
    """
    if isinstance(value, Decimal):
        # 7 and 7.0 are two texts to the database, so they must be two ids here.
        text = format(value, "f")
        value = int(text) if text.removeprefix("-").isdecimal() else text
    if isinstance(value, bytes):
        value = _decoded(value, told("the id"))
    if isinstance(value, UUID):
        value = str(value)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise MalformedError(told("the id must be a text or a number"))
    return value


def key_of(value: object) -> str | int:
    """As `comparable`, of an id that can also be stored and shown.

    Raises:
        MalformedError: it cannot.
    """
    key = comparable(value)
    problem = id_problem(str(key))
    if problem:
        raise MalformedError(told("the id {problem}", problem=problem))
    return key


def printable_key(value: object) -> str:
    """An id that cannot be one, for a message."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def document_of(row: Row, shape: Shape) -> Document:
    """The document of a row of `Statements.documents`.

    Raises:
        MalformedError: its id cannot be one.
    """
    identity, _allowed, title, text, size, digest, changed_at, url, *others = row
    key, problem = key_of(identity), ""
    found: Mapping[str, Json] = {}
    modified: datetime | None = None
    address, heading = web_address(_text(url)), one_line(_text(title))
    try:
        modified = _moment(changed_at)
        named = zip((column.name for column in shape.attributes), others, strict=True)
        found = attributes(
            {name: _json(value) for name, value in named if value is not None}, told("the row")
        )
    except MalformedError as error:
        problem = told("The row is not taken: {error}.", error=error)
    content = json.dumps([heading, address, _text(digest), found, problem], sort_keys=True)
    return Document(
        external_id=str(key),
        key=key,
        version=hashlib.sha256(content.encode()).hexdigest(),
        title=heading,
        url=address,
        modified=modified,
        attributes=found,
        text=text if isinstance(text, (str, bytes)) else None,
        size=size if isinstance(size, int) else None,
        problem=problem,
    )


def acl_of(value: object) -> Acl:
    """Who may see a row, by its `allowed`: JSON of an access list, or principals in a list or a text.

    Raises:
        MalformedError: anything else. Nothing is guessed: a list is read whole or not at all.
    """
    if isinstance(value, bytes):
        value = _decoded(value, "allowed")
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        value = parse_json(value)
    try:
        if isinstance(value, Mapping):
            return parse_acl(value)
        return allowing(principals_of(value))
    except (UsageError, RecursionError) as error:
        raise MalformedError(told("'allowed': {error}", error=error)) from error


def allowing(principals: Sequence[PrincipalRef]) -> Acl:
    """The list that lets these in. Equal sets give equal lists."""
    if not principals:
        return NOBODY
    return Acl((Clause(tuple(Entry(allow=True, principal=each) for each in sorted(set(principals)))),))


def principals_of(value: object) -> list[PrincipalRef]:
    """Principals from a list of texts, or from a text with commas or lines; NULL has none.

    Raises:
        MalformedError, UsageError: one of them is none.
    """
    if value is None:
        return []
    if isinstance(value, bytes):
        value = _decoded(value, "allowed")
    if isinstance(value, str):
        value = [part for part in (piece.strip() for piece in value.replace("\n", ",").split(",")) if part]
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        raise MalformedError(told("'allowed' must be a text or a list of texts"))
    return [parse_principal(each.strip()) for each in value]


def text_from(value: object) -> str:
    """The text of a document.

    Raises:
        MalformedError: bytes that are no UTF-8.
    """
    if isinstance(value, bytes):
        value = _decoded(value, told("the text"))
    # A NUL is no text and no database stores it; a space keeps all offsets.
    return value.replace("\x00", " ") if isinstance(value, str) else ""


def _decoded(value: bytes, what: str) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(
            told("{what} is not UTF-8 at byte {start}", what=what, start=error.start + 1)
        ) from error


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


def _moment(value: object) -> datetime | None:
    """A time; one without a zone is UTC, a date its midnight."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    raise MalformedError(told("changed_at is '{value}', which is no time", value=shown(_text(value))))


def _json(value: object) -> Json:
    """A value of the database as an attribute: numbers stay numbers, times become texts."""
    if value is None or isinstance(value, (str, bool, int)):
        return value.replace("\x00", " ") if isinstance(value, str) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        moment = _moment(value)
        return moment.isoformat() if moment else None
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8").replace("\x00", " ")
        except UnicodeDecodeError:
            return value.hex()
    if isinstance(value, Mapping):
        return {str(key): _json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(each) for each in value]
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value.total_seconds()) if isinstance(value, timedelta) else str(value)
