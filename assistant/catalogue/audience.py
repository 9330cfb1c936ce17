"""Whom a model is open to: people by address and groups of sources, as they are written and as rows.

A group is written `group:ID`, or `group:ID @ SOURCE` where several sources have one of that id.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import QuerySet

from assistant.accounts.models import Principal
from assistant.common.acl import PrincipalKind, PrincipalRef, user
from assistant.common.errors import UsageError
from assistant.common.told import told

MOST = 200
_GROUP, _OF = "group:", " @ "


def lines_of(text: str) -> tuple[str, ...]:
    """What was typed, one principal an item. Addresses may stand side by side; ids of groups hold commas."""
    lines = (line.strip() for line in text.splitlines())
    pieces = (
        piece.strip() for line in lines for piece in ([line] if line.startswith(_GROUP) else line.split(","))
    )
    return tuple(dict.fromkeys(filter(None, pieces)))


def principals_of(lines: Sequence[str]) -> list[Principal]:
    """The rows that the lines name. A person's is made where nobody has used that address yet.

    Raises:
        UsageError: nothing, too many, no address, no such group, or one that several sources have.
    """
    if not lines:
        raise UsageError(told("Name at least one person or group."))
    if len(lines) > MOST:
        raise UsageError(told("Name at most {most}; a group counts as one.", most=MOST))
    found = (_group(line) if line.startswith(_GROUP) else _person(line) for line in lines)
    return list({principal.pk: principal for principal in found}.values())


def written(principal: Principal) -> str:
    """The line that names this row and no other."""
    if principal.kind == PrincipalKind.GROUP and principal.connection is not None:
        return f"{_GROUP}{principal.external_id}{_OF}{principal.connection.name}"
    return principal.external_id


def _person(line: str) -> Principal:
    try:
        ref: PrincipalRef = user(line.removeprefix("user:"))
    except UsageError as error:
        raise UsageError(
            told(
                "“{line}” is neither an e-mail address nor a group: write group: before a group.",
                line=line[:60],
            )
        ) from error
    row, _ = Principal.objects.get_or_create(kind=PrincipalKind.USER, connection=None, external_id=ref.id)
    return row


def _group(line: str) -> Principal:
    name = line.removeprefix(_GROUP)
    found = _with_source(name) or list(_groups().filter(external_id=name)[:2])
    if not found:
        raise UsageError(told("No source has a group “{name}”: check how it is written.", name=name[:80]))
    if len(found) > 1:
        raise UsageError(
            told(
                "Several sources have a group “{name}”: write group:{name} @ and the name of the source.",
                name=name[:80],
            )
        )
    return found[0]


def _with_source(name: str) -> list[Principal]:
    """Groups that `ID @ SOURCE` may mean: both parts may hold the sign themselves."""
    pieces = name.split(_OF)
    splits = [(_OF.join(pieces[:at]), _OF.join(pieces[at:])) for at in range(1, len(pieces))]
    meant = [_groups().filter(external_id=group, connection__name=source).first() for group, source in splits]
    return [each for each in meant if each is not None]


def _groups() -> QuerySet[Principal]:
    return Principal.objects.filter(kind=PrincipalKind.GROUP).select_related("connection")
