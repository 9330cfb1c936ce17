"""Who belongs to the groups that an access file names."""

from __future__ import annotations

from pathlib import Path

from connectors.sdk.contract import GroupMembers
from connectors.sdk.exact_json import read_json
from connectors.sdk.group_record import MAX_GROUPS_FILE_BYTES, parse_groups


def read_groups(path: Path) -> list[GroupMembers]:
    """All groups of the file.

    Raises:
        MalformedError: the file, or any one group of it, is not understood.
    """
    return parse_groups(read_json(path, limit=MAX_GROUPS_FILE_BYTES))
