"""Who is who in the wiki: the lines `login:hash:name:mail:group,group` of `users.auth.php`.

The hashes of passwords are not kept, not even in memory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from assistant.common.acl import MAX_ID_LENGTH, account
from assistant.common.errors import UsageError
from assistant.common.identity import canonical_email
from assistant.common.os_reasons import os_reason
from assistant.common.told import told
from connectors.sdk.beneath import open_regular
from connectors.sdk.contract import Account, GroupMembers, PrincipalEvent
from connectors.sdk.exact_json import MalformedError
from connectors.sources.dokuwiki.names import cleaned

MAX_FILE_BYTES = 32_000_000
# Groups that stand for a wildcard. No group of a wiki has a percent sign in its compared name.
ANYBODY_SIGNED_IN, ANYBODY_IN_A_GROUP = "%USER%", "%GROUP%"
_FIELDS = 5
_COLON = re.compile(r"(?<![^\\]\\):")


@dataclass(frozen=True, slots=True)
class Person:
    """An account that can sign in. `groups` as they are compared; `raw_groups` as they are written."""

    login: str
    mail: str
    groups: tuple[str, ...]
    raw_groups: tuple[str, ...]


def read_text(path: Path, what: str) -> str:
    """A file of the wiki's configuration. What is not UTF-8 stays recognisable as such.

    Raises:
        MalformedError: cannot be read, or too large.
    """
    try:
        with os.fdopen(open_regular(path), "rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise MalformedError(
            told("{what} '{path}' cannot be read: {reason}", what=what, path=path, reason=os_reason(error))
        ) from error
    if len(data) > MAX_FILE_BYTES:
        raise MalformedError(
            told("{what} '{path}' is larger than {most} bytes", what=what, path=path, most=MAX_FILE_BYTES)
        )
    return data.decode("utf-8-sig", "surrogateescape")


def read_people(path: Path) -> Mapping[str, Person]:
    """Everybody who can sign in, by login.

    Raises:
        MalformedError: unreadable, or a line that is no account: half of a file is worse than its last state.
    """
    people: dict[str, Person] = {}
    for number, line in enumerate(read_text(path, told("The users file")).split("\n"), 1):
        bare = line.partition("#")[0].strip(" \t\n\r\v\0")
        if not bare:
            continue
        fields = [part.replace("\\:", ":").replace("\\\\", "\\") for part in _COLON.split(bare, _FIELDS - 1)]
        if len(fields) != _FIELDS:
            raise MalformedError(
                told(
                    "Line {number} of the users file '{path}' is no account (login:hash:name:mail:groups)",
                    number=number,
                    path=path,
                )
            )
        login, _, _, mail, groups = fields
        # A login that the wiki would clean into another one is nobody's: the form asks for the other.
        if login and cleaned(login) == login and len(login) <= MAX_ID_LENGTH:
            people[login] = _person(login, mail, [each for each in groups.split(",") if each])
    return people


def _person(login: str, mail: str, raw_groups: list[str]) -> Person:
    groups = dict.fromkeys(filter(None, map(cleaned, raw_groups)))
    return Person(login, _address(mail), tuple(groups), tuple(raw_groups))


def _address(mail: str) -> str:
    try:
        return canonical_email(mail)
    except UsageError:
        return ""


def principals_of(people: Mapping[str, Person]) -> Iterator[PrincipalEvent]:
    """Every account, and every group with those who are in it."""
    members: dict[str, list[str]] = {ANYBODY_SIGNED_IN: sorted(people)}
    members[ANYBODY_IN_A_GROUP] = sorted(
        each.login for each in people.values() if {*each.groups} & {*each.raw_groups}
    )
    for login in sorted(people):
        yield Account(login, people[login].mail)
        for name in people[login].groups:
            members.setdefault(name, []).append(login)
    for name in sorted(members):
        yield GroupMembers(name, tuple(account(login) for login in members[name]))
