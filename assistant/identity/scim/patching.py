"""PATCH of RFC 7644 (section 3.5.2) as a pure step from one resource to another.

Spoken are the RFC and the dialects of the two clients that most firms have: Microsoft Entra ID writes
operations with capitals, truth as text, members to be removed as a value, and dotted names in an operation
without a path; Okta repeats the id in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assistant.common.types import Json
from assistant.identity.scim.attributes import READ_ONLY, Attribute, Kind, Resource, Type, of_type
from assistant.identity.scim.errors import ScimError, bad_path, bad_syntax, bad_value, read_only
from assistant.identity.scim.filters import Both, Compare, Filter, Path, parse_path
from assistant.identity.scim.matching import fits

PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MOST_OPERATIONS = 500
_OPERATIONS = frozenset({"add", "replace", "remove"})
_IN_PASSING = frozenset({"id", "schemas", "meta"})  # what Okta repeats beside what it changes


@dataclass(frozen=True, slots=True)
class Operation:
    """One step. `path` is None where the value names the attributes."""

    op: str
    path: Path | None
    value: Json


def operations_of(body: Mapping[str, Json]) -> tuple[Operation, ...]:
    """The steps of a PATCH.

    Raises:
        ScimError: invalidSyntax or invalidPath.
    """
    named = {name.lower(): value for name, value in body.items()}
    schemas, listed = named.get("schemas"), named.get("operations")
    if not isinstance(schemas, list) or PATCH_SCHEMA not in schemas:
        raise bad_syntax(f"'schemas' must name {PATCH_SCHEMA}.")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_OPERATIONS:
        raise bad_syntax(f"'Operations' must hold 1 to {MOST_OPERATIONS} operations.")
    return tuple(map(_operation, listed))


def patched(kind: Kind, resource: Resource, operations: tuple[Operation, ...]) -> Resource:
    """The resource after all steps. The one that was given stays as it is.

    Args:
        resource: in the form of `attributes.in_form`; what only Mundap sets may stand in it and stays.

    Raises:
        ScimError: as the RFC says for each step.
    """
    found = dict(resource)
    for operation in operations:
        if operation.path is not None:
            _step(kind, found, operation.op, operation.path, operation.value)
            continue
        if operation.op == "remove":
            raise ScimError(400, "noTarget", "'remove' needs a path.")
        if not isinstance(operation.value, Mapping):
            raise bad_value("Without a path the value must be an object.")
        for name, value in operation.value.items():
            _named(kind, found, operation.op, name, value)
    return found


def _operation(given: Json) -> Operation:
    if not isinstance(given, Mapping):
        raise bad_syntax("Each operation must be an object.")
    named = {name.lower(): value for name, value in given.items()}
    op, path = named.get("op"), named.get("path")
    if not isinstance(op, str) or op.lower() not in _OPERATIONS:
        raise bad_syntax("'op' must be add, replace or remove.")
    if path is not None and not isinstance(path, str):
        raise bad_path("'path' must be a text.")
    return Operation(op.lower(), parse_path(path) if path else None, named.get("value"))


def _named(kind: Kind, resource: Resource, op: str, name: str, value: Json) -> None:
    """One attribute of an operation without a path."""
    low = name.lower()
    if low in _IN_PASSING and (low != "id" or value == resource.get("id")):
        return
    if low == kind.schema.lower() and isinstance(value, Mapping):
        for inner, held in value.items():
            _step(kind, resource, op, parse_path(inner), held)
        return
    _step(kind, resource, op, parse_path(name), value)


def _step(kind: Kind, resource: Resource, op: str, path: Path, value: Json) -> None:
    if path.attribute in READ_ONLY:
        raise read_only(path.attribute)
    if kind.forgets(path.attribute):
        return
    attribute = kind.attribute(path.attribute)
    sub = attribute.sub(path.sub) if attribute is not None and path.sub else None
    if attribute is None or (path.sub and sub is None) or (path.chosen is not None and not attribute.many):
        raise bad_path(f"{kind.name} has no such attribute.")
    if value is None and op == "replace":
        op = "remove"
    if value is None and op == "add":
        raise bad_value("'add' needs a value.")
    if attribute.many:
        _many(attribute, resource, op, path, value)
    elif sub is not None:
        _inner(attribute, sub, resource, op, value)
    elif op == "remove":
        _require_optional(attribute)
        resource.pop(attribute.name, None)
    else:
        taken = of_type(attribute, value)
        before = resource.get(attribute.name)
        if attribute.type is Type.COMPLEX and isinstance(before, Mapping) and isinstance(taken, Mapping):
            taken = {**before, **taken}
        resource[attribute.name] = taken


def _inner(attribute: Attribute, sub: Attribute, resource: Resource, op: str, value: Json) -> None:
    before = resource.get(attribute.name)
    inner = dict(before) if isinstance(before, Mapping) else {}
    if op == "remove":
        inner.pop(sub.name, None)
    else:
        inner[sub.name] = of_type(sub, value)
    _put(resource, attribute, inner)


def _many(attribute: Attribute, resource: Resource, op: str, path: Path, value: Json) -> None:
    before = resource.get(attribute.name)
    entries = [dict(one) for one in before if isinstance(one, Mapping)] if isinstance(before, list) else []
    if path.chosen is None and not path.sub:
        taken = of_type(attribute, value) if value is not None else None
        given = [dict(one) for one in taken if isinstance(one, Mapping)] if isinstance(taken, list) else []
        _put(resource, attribute, _changed_whole(entries, given, op, told=value is not None))
        return
    picked = [at for at, one in enumerate(entries) if path.chosen is None or fits(one, path.chosen)]
    if op == "remove":
        _put(resource, attribute, _removed(attribute, entries, picked, path.sub))
        return
    if not picked:
        if op == "replace" and path.chosen is not None:
            raise ScimError(400, "noTarget", f"No value of '{attribute.name}' fits the path.")
        entries.append(_begun(attribute, path.chosen))
        picked = [len(entries) - 1]
    change = _change(attribute, path.sub, value)
    for at in picked:
        entries[at] = {**entries[at], **change}
    _put(resource, attribute, _one_primary(entries, set(picked) if change.get("primary") is True else set()))


def _changed_whole(entries: list[Resource], given: list[Resource], op: str, *, told: bool) -> list[Resource]:
    """The list after a step that names no entry of it."""
    if op == "replace":
        entries = []
    if op == "remove":
        # Microsoft Entra ID names those that are to go by a value.
        gone = {str(one.get("value")) for one in given}
        return [one for one in entries if str(one.get("value")) not in gone] if told else []
    places = {str(one.get("value")): at for at, one in enumerate(entries)}
    fresh: set[int] = set()
    for one in given:
        at = places.setdefault(str(one.get("value")), len(entries))
        if at == len(entries):
            entries.append(one)
        else:
            entries[at] = {**entries[at], **one}
        if one.get("primary") is True:
            fresh = {at}
    return _one_primary(entries, fresh)


def _removed(attribute: Attribute, entries: list[Resource], picked: list[int], sub: str) -> list[Resource]:
    named = attribute.sub(sub) if sub else None
    if named is None:
        gone = set(picked)
        return [one for at, one in enumerate(entries) if at not in gone]
    for at in picked:
        entries[at].pop(named.name, None)
    return [one for one in entries if one.get("value")]


def _change(attribute: Attribute, sub: str, value: Json) -> Resource:
    """What becomes of each entry that was picked."""
    named = attribute.sub(sub) if sub else None
    if named is not None:
        return {named.name: of_type(named, value)}
    taken = of_type(attribute, value)
    if not isinstance(taken, list) or len(taken) != 1 or not isinstance(taken[0], Mapping):
        raise bad_value(f"One value of '{attribute.name}' is needed.")
    return dict(taken[0])


def _begun(attribute: Attribute, chosen: Filter | None) -> Resource:
    """A new entry that fits the path: 'add' to emails[type eq "work"] makes one of that type."""
    if chosen is None:
        return {}
    if isinstance(chosen, Both):
        return {**_begun(attribute, chosen.left), **_begun(attribute, chosen.right)}
    if isinstance(chosen, Compare) and chosen.operator == "eq" and not chosen.name.sub:
        sub = attribute.sub(chosen.name.attribute)
        if sub is not None:
            return {sub.name: of_type(sub, chosen.value)}
    raise ScimError(400, "noTarget", f"No value of '{attribute.name}' fits the path.")


def _one_primary(entries: list[Resource], fresh: set[int]) -> list[Resource]:
    """Whoever becomes primary is the only one (RFC 7644, section 3.5.2)."""
    if not fresh:
        return entries
    return [
        {**one, "primary": False} if one.get("primary") is True and at not in fresh else one
        for at, one in enumerate(entries)
    ]


def _put(resource: Resource, attribute: Attribute, value: Resource | list[Resource]) -> None:
    if value:
        resource[attribute.name] = value
        return
    _require_optional(attribute)
    resource.pop(attribute.name, None)


def _require_optional(attribute: Attribute) -> None:
    if attribute.required:
        raise bad_value(f"'{attribute.name}' is needed and cannot be removed.")
