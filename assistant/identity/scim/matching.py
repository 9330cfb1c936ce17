"""Does a resource fit a filter? By the resource's own form, so that filters and answers cannot differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from operator import contains, eq, ge, gt, le, lt

from assistant.common.types import Json, JsonScalar
from assistant.identity.scim.filters import Both, Compare, Either, Filter, Name, Not, Present, Within

# Compared with upper and lower case apart (RFC 7643, section 3.1 and 4.2); all other texts without.
_EXACT = frozenset(
    {
        Name("id"),
        Name("externalid"),
        Name("meta", "version"),
        Name("members", "value"),
        Name("members", "$ref"),
    }
)
_IN_TIME: Mapping[str, Callable[[datetime, datetime], bool]] = {
    "eq": eq,
    "gt": gt,
    "ge": ge,
    "lt": lt,
    "le": le,
}
_OF_TEXTS: Mapping[str, Callable[[str, str], bool]] = {
    "eq": eq,
    "gt": gt,
    "ge": ge,
    "lt": lt,
    "le": le,
    "co": contains,
    "sw": str.startswith,
    "ew": str.endswith,
}
_MOMENTS = frozenset({Name("meta", "created"), Name("meta", "lastmodified")})


def fits(resource: Mapping[str, Json], wanted: Filter) -> bool:
    """Whether the filter is true for the resource."""
    return _fits(resource, wanted, "")


def _fits(resource: Mapping[str, Json], wanted: Filter, inside: str) -> bool:
    """`inside`: the attribute whose value the resource is, or ""."""
    match wanted:
        case Both(left, right):
            return _fits(resource, left, inside) and _fits(resource, right, inside)
        case Either(left, right):
            return _fits(resource, left, inside) or _fits(resource, right, inside)
        case Not(inner):
            return not _fits(resource, inner, inside)
        case Within(name, inner):
            values = _values(resource, Name(name.attribute, name.sub))
            return any(
                _fits(value if isinstance(value, Mapping) else {"value": value}, inner, name.attribute)
                for value in values
            )
        case Present(name):
            return any(value not in (None, "", [], {}) for value in _values(resource, name))
        case Compare(name, operator, value):
            return _compared(resource, name, operator, value, inside)


def _compared(
    resource: Mapping[str, Json], name: Name, operator: str, wanted: JsonScalar, inside: str
) -> bool:
    whole = Name(inside, name.attribute) if inside else name
    if operator == "ne":
        return not _compared(resource, name, "eq", wanted, inside)
    values = [_plain(value) for value in _values(resource, name)]
    if wanted is None:
        return not any(value is not None for value in values)
    if whole.attribute == "members" and not whole.sub:
        whole = Name("members", "value")
    return any(_holds(value, operator, wanted, whole) for value in values)


def _holds(value: Json, operator: str, wanted: JsonScalar, name: Name) -> bool:
    if isinstance(value, bool):
        asked = {"true": True, "false": False}.get(wanted.lower()) if isinstance(wanted, str) else wanted
        return operator == "eq" and isinstance(asked, bool) and value is asked
    if not isinstance(value, str) or not isinstance(wanted, str):
        return False  # no attribute of ours is a number
    if name in _MOMENTS:
        return _in_time(value, operator, wanted)
    left, right = (value, wanted) if name in _EXACT else (value.lower(), wanted.lower())
    return _OF_TEXTS[operator](left, right)


def _in_time(value: str, operator: str, wanted: str) -> bool:
    holds = _IN_TIME.get(operator)
    try:
        left, right = datetime.fromisoformat(value), datetime.fromisoformat(wanted)
        return holds is not None and holds(left, right)
    except (ValueError, TypeError):  # no moment, or one without a zone
        return False


def _values(resource: Mapping[str, Json], name: Name) -> list[Json]:
    """Every value at the name: of a list each entry, of a sub-attribute that of each entry."""
    found = _each(_at(resource, name.attribute))
    if not name.sub:
        return found
    return [inner for value in found if isinstance(value, Mapping) for inner in _each(_at(value, name.sub))]


def _at(resource: Mapping[str, Json], name: str) -> Json:
    return next((value for key, value in resource.items() if key.lower() == name), None)


def _each(value: Json) -> list[Json]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _plain(value: Json) -> Json:
    """An entry of a list is compared by its value."""
    return _at(value, "value") if isinstance(value, Mapping) else value
