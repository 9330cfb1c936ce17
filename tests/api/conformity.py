"""Does a JSON value fit a schema? As much of JSON Schema as the API's description uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from assistant.api.schemas import Schema
from assistant.common.types import Json

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}
KNOWN = {"type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "format", "$ref"}
LIMITS = {"minimum", "maximum", "default", "minLength", "maxLength", "description"}


def misfits(value: Json, schema: Schema, *, schemas: Mapping[str, Schema], at: str = "answer") -> list[str]:
    """What of the value does not fit, each with its place; empty if all fits."""
    assert set(schema) <= KNOWN | LIMITS, f"{at}: the schema says {sorted(schema)}"
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix("#/components/schemas/")
        return misfits(value, schemas[name], schemas=schemas, at=at)
    if "anyOf" in schema:
        choices = cast(Sequence[Schema], schema["anyOf"])
        tried = [misfits(value, choice, schemas=schemas, at=at) for choice in choices]
        return [] if not all(tried) else [f"{at}: fits none of {len(tried)}: {tried}"]
    kind = str(schema["type"])
    if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return [f"{at}: {value!r} is no {kind}"]
    if "enum" in schema and value not in cast(Sequence[str], schema["enum"]):
        return [f"{at}: {value!r} is not among the known values"]
    if schema.get("format") == "date-time" and datetime.fromisoformat(str(value)).tzinfo is None:
        return [f"{at}: {value!r} names no zone"]
    if isinstance(value, list) and "items" in schema:
        item = cast(Schema, schema["items"])
        parts = (misfits(one, item, schemas=schemas, at=f"{at}[{n}]") for n, one in enumerate(value))
        return [found for part in parts for found in part]
    if isinstance(value, dict) and "properties" in schema:
        return _misfits_of_object(value, schema, schemas, at)
    return []


def _misfits_of_object(
    value: dict[str, Json], schema: Schema, schemas: Mapping[str, Schema], at: str
) -> list[str]:
    properties = cast(Mapping[str, Schema], schema["properties"])
    found = [
        f"{at}: {name} is missing" for name in cast(Sequence[str], schema["required"]) if name not in value
    ]
    found += [f"{at}: {name} is not described" for name in value if name not in properties]
    for name, part in properties.items():
        if name in value:
            found += misfits(value[name], part, schemas=schemas, at=f"{at}.{name}")
    return found
