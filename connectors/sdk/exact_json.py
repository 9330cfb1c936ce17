"""Does this JSON have exactly one meaning?

Permissions are read from it, so whatever two readers could understand
differently is refused: a key that stands twice, NaN, text that is not UTF-8,
half of a surrogate pair.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from assistant.common.os_reasons import os_reason
from assistant.common.told import told
from assistant.common.types import Json, JsonObject
from connectors.sdk.beneath import open_regular

MAX_SHOWN = 80
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


# What Python's own reader says, as far as it is more than a name of the place.
_PROBLEMS = {
    str(problem): problem
    for problem in (
        told("Expecting value"),
        told("Expecting property name enclosed in double quotes"),
        told("Expecting ':' delimiter"),
        told("Expecting ',' delimiter"),
        told("Extra data"),
        told("Unterminated string starting at"),
        told("Invalid control character at"),
    )
}


class MalformedError(ValueError):
    """What is wrong with a piece of a source's data, in one sentence."""


def parse_json(text: str) -> Json:
    """The value that `text` stands for.

    Raises:
        MalformedError: not JSON, or JSON that readers disagree about; says where.
    """
    try:
        value: Json = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        column, problem = error.colno, _PROBLEMS.get(error.msg, error.msg)
        raise MalformedError(
            told(
                "not JSON at line {line}, column {column}: {problem}",
                line=error.lineno,
                column=column,
                problem=problem,
            )
            if "\n" in text.strip()
            else told("not JSON at column {column}: {problem}", column=column, problem=problem)
        ) from error
    except RecursionError as error:
        raise MalformedError(told("nested too deeply")) from error
    except MalformedError:
        raise
    except ValueError as error:  # a number of thousands of digits
        raise MalformedError(told("not JSON: {error}", error=error)) from error
    # Only an escape can bring half a pair in, so the whole value is searched only where one stands.
    if _SURROGATE_ESCAPE.search(text) and not _has_whole_characters(value):
        raise MalformedError(told("holds half of a surrogate pair, which is no character"))
    return value


def decode_json(data: bytes) -> Json:
    """As `parse_json`, from UTF-8 bytes with or without a byte order mark."""
    try:
        return parse_json(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise MalformedError(told("not UTF-8 at byte {start}", start=error.start + 1)) from error


def read_json(path: Path, *, limit: int) -> Json:
    """As `parse_json`, from a regular file of at most `limit` bytes.

    Raises:
        MalformedError: also when the file cannot be opened or is larger.
    """
    try:
        with os.fdopen(open_regular(path), "rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise MalformedError(told("cannot be opened: {reason}", reason=os_reason(error))) from error
    if len(data) > limit:
        raise MalformedError(told("is larger than {limit} bytes", limit=limit))
    return decode_json(data)


def as_list(value: Json, what: str) -> Sequence[Json]:
    """The value, which must be a JSON list."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise MalformedError(told("{what} must be a list", what=what))
    return value


def as_object(value: Json, what: str) -> JsonObject:
    """The value, which must be a JSON object."""
    if not isinstance(value, Mapping):
        raise MalformedError(told("{what} must be an object", what=what))
    return value


def as_text(value: Json, what: str) -> str:
    """The value, which must be a JSON string."""
    if not isinstance(value, str):
        raise MalformedError(told("{what} must be a text", what=what))
    return value


def shown(value: Json) -> str:
    """A value from a source inside a message: short, one line, printable ASCII or plain letters."""
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    text = text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise MalformedError(told("the key '{twice}' stands twice in one object", twice=shown(twice)))
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedError(told("{name} is no JSON number", name=name))


def _has_whole_characters(value: Json) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
