"""The wiki's accounts and groups, for audiences that name them: `group:user` is whoever has an account.

The wiki tells nobody's address, so its accounts belong to nobody until somebody links them.
"""

from __future__ import annotations

from collections.abc import Iterator

from assistant.common.acl import MAX_ID_LENGTH, account
from assistant.common.told import told
from assistant.common.types import JsonObject
from connectors.sdk.contract import Account, Complete, GroupMembers, PrincipalEvent
from connectors.sdk.errors import Stop
from connectors.sources.mediawiki.api import Parameters, WikiApi, rows

_QUESTION: Parameters = {"list": "allusers", "auprop": "groups|blockinfo", "aulimit": "max"}
_ANYBODY = "*"  # also who is not signed in: no group of people


def principals_of(api: WikiApi) -> Iterator[PrincipalEvent]:
    """Every account that is not blocked, and every group with those of them who are in it.

    The id of an account holds the name, for whoever links it, and the number, which no other
    account ever gets: under a new name it has to be linked again.
    """
    members: dict[str, list[str]] = {"user": []}
    for answer, _ in api.pages_of(_QUESTION):
        for row in rows(answer, "allusers"):
            if "blockid" in row:
                continue
            found = _account_id(row)
            yield Account(found)
            for name in _groups(row):
                members.setdefault(name, []).append(found)
    for name in sorted(members):
        yield GroupMembers(name, tuple(account(each) for each in sorted(members[name])))
    yield Complete()


def _account_id(row: JsonObject) -> str:
    number, name = row.get("userid"), row.get("name")
    if not isinstance(number, int) or not isinstance(name, str):
        raise Stop(told("The wiki's list of accounts is not understood."))
    return f"{number}:{name}"[:MAX_ID_LENGTH]


def _groups(row: JsonObject) -> list[str]:
    found = row.get("groups")
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise Stop(told("The wiki's list of accounts does not tell their groups."))
    return [str(each) for each in found if each != _ANYBODY]
