"""Entries of an access list in the shape that Amazon's S3 connectors use.

`[{"Name": "ana@example.com", "Type": "USER", "Access": "ALLOW"}, ...]`
"""

from __future__ import annotations

from collections.abc import Iterable

from assistant.common.acl import Clause, Entry, PrincipalRef, group, user
from assistant.common.errors import UsageError
from assistant.common.told import told
from assistant.common.types import Json
from connectors.sdk.exact_json import MalformedError, as_list, as_object, as_text, shown

_KEYS = {"Name", "Type", "Access"}


def parse_entries(value: Json, what: str) -> list[Entry]:
    """The entries of one list.

    Raises:
        MalformedError: any entry is not exactly understood. A half-read list could
            have lost a deny, so it is read whole or not at all.
    """
    return [_parse_entry(entry, f"{what}[{n}]") for n, entry in enumerate(as_list(value, what), start=1)]


def denies_first(entries: Iterable[Entry]) -> Clause:
    """One clause in which a deny beats an allow. Equal sets of entries give equal clauses."""
    unique = set(entries)
    ordered = sorted(unique, key=lambda entry: (entry.allow, entry.principal))
    return Clause(tuple(ordered))


def _parse_entry(value: Json, what: str) -> Entry:
    entry = as_object(value, what)
    if set(entry) != _KEYS:
        raise MalformedError(told("{what} must have the keys Name, Type and Access and no other", what=what))
    access = entry["Access"]
    if access not in ("ALLOW", "DENY"):
        raise MalformedError(
            told("{what}.Access must be ALLOW or DENY, not '{access}'", what=what, access=shown(access))
        )
    return Entry(access == "ALLOW", _principal(entry["Type"], as_text(entry["Name"], f"{what}.Name"), what))


def _principal(kind: Json, name: str, what: str) -> PrincipalRef:
    try:
        if kind == "USER":
            return user(name)
        if kind == "GROUP":
            return group(name)
    except UsageError as error:
        raise MalformedError(told("{what}.Name: {error}", what=what, error=error)) from error
    raise MalformedError(told("{what}.Type must be USER or GROUP, not '{kind}'", what=what, kind=shown(kind)))
