"""The groups file: who belongs to the groups that an access file names."""

from __future__ import annotations

from assistant.common.types import Json
from connectors.sdk.contract import GroupMembers
from connectors.sdk.exact_json import MalformedError, as_list, shown
from connectors.sdk.group_record import parse_group

MAX_GROUPS_FILE_BYTES = 64_000_000


def parse_groups(value: Json) -> list[GroupMembers]:
    """All groups of a JSON list of `{"group": ID, "members": [P, ...]}`.

    Raises:
        MalformedError: the list, or any one group of it, is not understood; completes "The groups
            file ...". A part of the groups is no answer: a deny of a missing group would deny nobody.
    """
    try:
        records = as_list(value, "its content")
    except MalformedError as error:
        raise MalformedError(f"is not understood: {error}") from error
    groups: dict[str, GroupMembers] = {}
    for number, record in enumerate(records, start=1):
        try:
            group = parse_group(record)
        except MalformedError as error:
            raise MalformedError(f"is not understood at item {number}: {error}") from error
        if group.group in groups:
            raise MalformedError(f"names the group '{shown(group.group)}' twice, at item {number} again")
        groups[group.group] = group
    return list(groups.values())
