"""How does a value look in JSON?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum

from assistant.common.types import Json


def as_json(value: object) -> Json:
    """Dataclasses by their fields, moments as RFC 3339 in UTC, enumerations by value, sets sorted.

    Raises:
        TypeError: something else; nothing is turned into text on a guess.
    """
    match value:
        case Enum():
            return as_json(value.value)
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Mapping():
            return {str(key): as_json(item) for key, item in value.items()}
        case AbstractSet():
            return [as_json(item) for item in sorted(value)]
        case Sequence() if not isinstance(value, bytes | bytearray | memoryview):
            return [as_json(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no form in JSON")
