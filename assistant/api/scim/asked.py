"""What does a request ask to see? Filter, page and attributes, from its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from assistant.common.types import Json
from assistant.identity.scim.attributes import Resource
from assistant.identity.scim.errors import bad_syntax, bad_value
from assistant.identity.scim.filters import Path, parse_filter, parse_path
from assistant.identity.scim.resources import LARGEST_PAGE, Wish

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
DEFAULT_PAGE = 100
_MOST_NAMES, _LONGEST_NUMBER = 100, 10
_ALWAYS = frozenset({"schemas", "id"})


@dataclass(frozen=True, slots=True)
class Shown:
    """Which attributes are wanted. `only` is None where all are."""

    only: tuple[Path, ...] | None = None
    but: tuple[Path, ...] = ()

    def wants(self, attribute: str) -> bool:
        """Whether any part of the attribute (in lower case) is shown."""
        if self.only is not None:
            return any(path.attribute == attribute for path in self.only)
        return not any(path.attribute == attribute and not path.sub for path in self.but)

    def of(self, resource: Resource) -> Resource:
        """The resource with what is wanted."""
        return {
            name: _inner(value, self, name.lower())
            for name, value in resource.items()
            if name in _ALWAYS or self.wants(name.lower())
        }


def asked_in_body(body: Mapping[str, Json]) -> dict[str, str]:
    """The parameters of a search that is sent by POST (RFC 7644, section 3.4.3), as an address has them.

    Raises:
        ScimError: it is no search, or a parameter is of another type.
    """
    schemas = body.get("schemas")
    if not isinstance(schemas, list) or SEARCH not in schemas:
        raise bad_syntax(f"'schemas' must name {SEARCH}.")
    found: dict[str, str] = {}
    for name, value in body.items():
        if name == "schemas" or value is None:
            continue
        listed = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str | int) for one in listed):
            raise bad_value(f"{name[:40]!a} is of another type.")
        found[name] = ",".join(map(str, listed))
    return found


def shown_in(given: Mapping[str, str]) -> Shown:
    """From `attributes` or `excludedAttributes`.

    Raises:
        ScimError: both, or names that cannot be read.
    """
    only, but = given.get("attributes", "").strip(), given.get("excludedAttributes", "").strip()
    if only and but:
        raise bad_value("Send 'attributes' or 'excludedAttributes', not both.")
    return Shown(_paths(only) if only else None, _paths(but))


def wish_in(given: Mapping[str, str], base: str, shown: Shown) -> Wish:
    """From `filter`, `startIndex` and `count`; `sortBy` is not supported and so, as the RFC says, not read.

    Raises:
        ScimError: invalidFilter, or numbers that are none.
    """
    text = given.get("filter", "").strip()
    return Wish(
        base=base,
        filter=parse_filter(text) if text else None,
        start=max(1, _number(given, "startIndex", 1)),
        count=min(LARGEST_PAGE, max(0, _number(given, "count", DEFAULT_PAGE))),
        members=shown.wants("members"),
    )


def _number(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.removeprefix("-").isdigit() or len(text) > _LONGEST_NUMBER:
        raise bad_value(f"'{name}' must be a whole number.")
    return int(text)


def _paths(text: str) -> tuple[Path, ...]:
    names = [name for name in text.split(",") if name.strip()]
    if len(names) > _MOST_NAMES:
        raise bad_value(f"At most {_MOST_NAMES} attributes can be named.")
    return tuple(parse_path(name) for name in names)


def _inner(value: Json, shown: Shown, name: str) -> Json:
    """The sub-attributes that are wanted."""
    if shown.only is not None:
        named = [path.sub for path in shown.only if path.attribute == name]
        return value if "" in named or not named else _kept(value, lambda sub: sub in named)
    gone = [path.sub for path in shown.but if path.attribute == name and path.sub]
    return _kept(value, lambda sub: sub not in gone) if gone else value


def _kept(value: Json, keep: Callable[[str], bool]) -> Json:
    if isinstance(value, Mapping):
        return {name: inner for name, inner in value.items() if keep(name.lower())}
    if isinstance(value, list):
        return [_kept(one, keep) for one in value]
    return value
