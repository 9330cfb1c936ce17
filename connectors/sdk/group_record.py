"""One group with its members, or one account, as the group file and the JSON lines write them."""

from __future__ import annotations

from assistant.common.acl import group as group_principal
from assistant.common.acl import parse_principal
from assistant.common.errors import UsageError
from assistant.common.identity import canonical_email
from assistant.common.told import told
from assistant.common.types import Json
from connectors.sdk.contract import Account, GroupMembers
from connectors.sdk.exact_json import MalformedError, as_list, as_object, as_text, shown
from connectors.sdk.names import id_problem

MAX_GROUPS_FILE_BYTES = 64_000_000


def group_id(value: Json) -> str:
    """The id of the group that `value` describes.

    Raises:
        MalformedError: it has none that can be used.
    """
    name = as_text(as_object(value, "a group").get("group"), '"group"')
    problem = id_problem(name)
    if problem:
        raise MalformedError(told("the group id '{name}' {problem}", name=shown(name), problem=problem))
    return group_principal(name).id


def parse_group(value: Json) -> GroupMembers:
    """`{"group": ID, "members": [P, ...]}`, P being user:EMAIL, account:ID, group:ID or everyone.

    Raises:
        MalformedError: any other shape. A group is read whole or not at all.
    """
    name = group_id(value)
    record = as_object(value, "a group")
    unknown = sorted(set(record) - {"group", "members"})
    if unknown:
        raise MalformedError(
            told("the group '{name}' has the unknown key '{key}'", name=shown(name), key=shown(unknown[0]))
        )
    members = as_list(record.get("members"), told("\"members\" of the group '{name}'", name=shown(name)))
    try:
        principals = {parse_principal(member): None for member in members}
    except UsageError as error:
        raise MalformedError(told("the group '{name}': {error}", name=shown(name), error=error)) from error
    return GroupMembers(name, tuple(principals))


def parse_groups(value: Json) -> list[GroupMembers]:
    """All groups of a groups file: a JSON list of `{"group": ID, "members": [P, ...]}`.

    Raises:
        MalformedError: the list, or any one group of it, is not understood. A part of the
            groups is no answer: a deny of a group that is missing would deny nobody.
    """
    try:
        records = as_list(value, told("its content"))
    except MalformedError as error:
        raise MalformedError(told("is not understood: {error}", error=error)) from error
    groups: dict[str, GroupMembers] = {}
    for number, record in enumerate(records, start=1):
        try:
            group = parse_group(record)
        except MalformedError as error:
            raise MalformedError(
                told("is not understood at item {number}: {error}", number=number, error=error)
            ) from error
        if group.group in groups:
            raise MalformedError(
                told(
                    "names the group '{group}' twice, at item {number} again",
                    group=shown(group.group),
                    number=number,
                )
            )
        groups[group.group] = group
    return list(groups.values())


def parse_account(value: Json) -> Account:
    """`{"account": ID, "email"?: ADDRESS}`: a person by the source's own id, with a verified address if any.

    Raises:
        MalformedError: any other shape.
    """
    record = as_object(value, told("an account"))
    name = as_text(record.get("account"), '"account"')
    problem = id_problem(name)
    if problem:
        raise MalformedError(told("the account id '{name}' {problem}", name=shown(name), problem=problem))
    unknown = sorted(set(record) - {"account", "email"})
    if unknown:
        raise MalformedError(
            told("the account '{name}' has the unknown key '{key}'", name=shown(name), key=shown(unknown[0]))
        )
    address = record.get("email")
    if address is None:
        return Account(name)
    try:
        return Account(
            name,
            canonical_email(as_text(address, told("\"email\" of the account '{name}'", name=shown(name)))),
        )
    except UsageError as error:
        raise MalformedError(told("the account '{name}': {error}", name=shown(name), error=error)) from error
