"""Who stands behind the SIDs of a server that no directory knows: the people file.

A JSON list of `{"sid": SID, "is": P}` and of groups `{"group": ID, "members": [P, ...]}`, P being
user:EMAIL, account:ID, group:ID or everyone. A group may have a SID as its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assistant.common.acl import PrincipalRef, group, parse_principal
from assistant.common.errors import UsageError
from assistant.common.told import told
from assistant.common.types import Json
from connectors.sdk.contract import GroupMembers
from connectors.sdk.exact_json import MalformedError, as_list, as_text, read_json, shown
from connectors.sdk.group_record import parse_group
from connectors.sources.smb.descriptor import is_sid

MAX_PEOPLE_FILE_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class People:
    """What a people file says."""

    by_sid: Mapping[str, PrincipalRef] = field(default_factory=dict)
    groups: tuple[GroupMembers, ...] = ()


def read_people(path: Path) -> People:
    """The whole file, or nothing of it: a part could have lost a deny's members.

    Raises:
        MalformedError: completes "The people file ...".
    """
    value = read_json(path, limit=MAX_PEOPLE_FILE_BYTES)
    by_sid: dict[str, PrincipalRef] = {}
    groups: dict[str, GroupMembers] = {}
    try:
        for record in as_list(value, told("its content")):
            if isinstance(record, Mapping) and "sid" in record:
                sid, principal = _meaning(record)
                if sid in by_sid:
                    raise MalformedError(told("the SID '{sid}' stands twice", sid=sid))
                by_sid[sid] = principal
                continue
            found = parse_group(record)
            if found.group in groups:
                raise MalformedError(told("the group '{group}' stands twice", group=shown(found.group)))
            groups[found.group] = found
    except MalformedError as error:
        raise MalformedError(told("is not understood: {error}", error=error)) from error
    own = {name: group(name) for name in groups if is_sid(name)}
    return People({**own, **by_sid}, tuple(groups.values()))


def _meaning(record: Mapping[str, Json]) -> tuple[str, PrincipalRef]:
    if set(record) != {"sid", "is"}:
        raise MalformedError(told("a SID must have the keys sid and is and no other"))
    sid = as_text(record["sid"], '"sid"')
    if not is_sid(sid):
        raise MalformedError(told("'{sid}' is no SID: write S-1-5-21-...", sid=shown(sid)))
    try:
        return sid, parse_principal(record["is"])
    except UsageError as error:
        raise MalformedError(told("the SID '{sid}': {error}", sid=sid, error=error)) from error
