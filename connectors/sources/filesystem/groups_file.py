"""Who belongs to the groups that an access file names."""

from __future__ import annotations

from pathlib import Path

from connectors.sdk.contract import GroupMembers
from connectors.sdk.exact_json import MalformedError, as_list, read_json, shown
from connectors.sdk.group_record import parse_group

MAX_GROUPS_FILE_BYTES = 64_000_000


def read_groups(path: Path) -> list[GroupMembers]:
    """All groups of the file: a JSON list of `{"group": ID, "members": [P, ...]}`.

    Raises:
        MalformedError: the file, or any one group of it, is not understood. A part of the
            groups is no answer: a deny of a group that is missing would deny nobody.
    """
    value = read_json(path, limit=MAX_GROUPS_FILE_BYTES)
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
