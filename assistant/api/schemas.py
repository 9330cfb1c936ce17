"""JSON schemas: written out for plain objects, derived for dataclasses so that they cannot disagree."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum

from assistant.common.types import Json

Schema = dict[str, Json]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
TRUTH: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
NOTHING: Schema = {"type": "null"}

_PLAIN: Mapping[object, Schema] = {
    str: TEXT,
    float: NUMBER,
    int: WHOLE,
    bool: TRUTH,
    datetime: MOMENT,
    types.NoneType: NOTHING,
}


def ref(name: str) -> Schema:
    """A schema by its name among the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(item: Schema) -> Schema:
    """An array."""
    return {"type": "array", "items": item}


def either(*schemas: Schema) -> Schema:
    """One of several."""
    return {"anyOf": list(schemas)}


def closed(**properties: Schema) -> Schema:
    """An object that has exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def of_dataclass(kind: type, *, into: dict[str, Schema]) -> Schema:
    """A reference to the schema of a dataclass as `as_json` writes it; it and its parts go `into`."""
    if kind.__name__ not in into:
        into[kind.__name__] = {}  # named before its parts, which may name it
        hints = typing.get_type_hints(kind)
        into[kind.__name__] = closed(**{field.name: _of(hints[field.name], into) for field in fields(kind)})
    return ref(kind.__name__)


def _of(hint: object, into: dict[str, Schema]) -> Schema:
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple and len(parts) == 2 and parts[1] is Ellipsis:  # noqa: PLR2004 - tuple[X, ...]
        return listed(_of(parts[0], into))
    if origin in (types.UnionType, typing.Union):
        return either(*(_of(part, into) for part in parts))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"type": "string", "enum": [member.value for member in hint]}
    if isinstance(hint, type) and is_dataclass(hint):
        return of_dataclass(hint, into=into)
    raise TypeError(f"{hint} has no schema")
