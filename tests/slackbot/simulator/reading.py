"""Reads JSON of unknown shape: each function gives an empty value where the shape is another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from assistant.common.types import Json


def text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def rows(value: Json) -> Sequence[Json]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def fields(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def parsed(data: bytes | str) -> Json:
    """The JSON in `data`; `None` where it is no JSON."""
    try:
        value: Json = json.loads(data)
    except ValueError:
        return None
    return value


def texts(value: Json) -> int:
    """How many characters all fields named `text` below `value` hold together."""
    if isinstance(value, Mapping):
        own = sum(len(each) for key, each in value.items() if key == "text" and isinstance(each, str))
        return own + sum(texts(each) for each in value.values() if not isinstance(each, str))
    return sum(texts(each) for each in rows(value))
