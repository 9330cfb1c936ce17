"""One group with its members, as the group file and the JSON lines write it."""

from __future__ import annotations

from assistant.common.acl import group as group_principal
from assistant.common.acl import parse_principal
from assistant.common.errors import UsageError
from assistant.common.types import Json
from connectors.sdk.contract import GroupMembers
from connectors.sdk.exact_json import MalformedError, as_list, as_object, as_text, shown
from connectors.sdk.names import id_problem


def group_id(value: Json) -> str:
    """The id of the group that `value` describes.

    Raises:
        MalformedError: it has none that can be used.
    """
    name = as_text(as_object(value, "a group").get("group"), '"group"')
    problem = id_problem(name)
    if problem:
        raise MalformedError(f"the group id '{shown(name)}' {problem}")
    return group_principal(name).id


def parse_group(value: Json) -> GroupMembers:
    """`{"group": ID, "members": [P, ...]}`, P being user:EMAIL, group:ID or everyone.

    Raises:
        MalformedError: any other shape. A group is read whole or not at all.
    """
    name = group_id(value)
    record = as_object(value, "a group")
    unknown = sorted(set(record) - {"group", "members"})
    if unknown:
        raise MalformedError(f"the group '{shown(name)}' has the unknown key '{shown(unknown[0])}'")
    members = as_list(record.get("members"), f"\"members\" of the group '{shown(name)}'")
    try:
        principals = {parse_principal(member): None for member in members}
    except UsageError as error:
        raise MalformedError(f"the group '{shown(name)}': {error}") from error
    return GroupMembers(name, tuple(principals))
