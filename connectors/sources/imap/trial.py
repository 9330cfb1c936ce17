"""The connection test of a mail server: what each right that Mundap needs turned out to be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from assistant.common.acl import Entry
from assistant.common.told import said, told
from connectors.sdk.contract import CheckItem, Failure
from connectors.sdk.errors import ConnectorError
from connectors.sdk.exact_json import shown
from connectors.sources.imap.connection import Refused, SignInRefused
from connectors.sources.imap.mailboxes import Mailbox, sound
from connectors.sources.imap.walk import Found, Walk

_MOST_TRIED = 100  # mailboxes; more would keep the administrator waiting


def try_out(boxes: Sequence[Mailbox], walk: Walk) -> list[CheckItem]:
    """One item for each step. Signs in to each mailbox, up to 100, and lists its folders."""
    tried = sound(boxes)[:_MOST_TRIED]
    folders: dict[str, int] = {}
    refused: list[str] = []
    try:
        for box in tried:
            try:
                folders[box.login] = len(walk.folders(box))
            except SignInRefused as error:
                refused.append(told("'{login}': {error}", login=shown(box.login), error=error))
            except Refused as error:
                return [
                    CheckItem(
                        "list",
                        ok=False,
                        detail=told("'{login}': {error}", login=shown(box.login), error=error),
                    )
                ]
        signed_in = [box for box in tried if box.login in folders]
        items = [_sign_in(folders, refused), _listing(folders), _content(signed_in, walk)]
    except ConnectorError as error:
        items = [CheckItem("sign-in", ok=False, detail=said(error))]
    return [*items, _permissions(boxes), _groups(boxes)]


def _sign_in(folders: dict[str, int], refused: Sequence[str]) -> CheckItem:
    if refused:
        detail = told(
            "{count} of {all} mailboxes refuse. {refused}",
            count=len(refused),
            all=len(refused) + len(folders),
            refused=refused[0],
        )
        return CheckItem("sign-in", ok=False, detail=detail)
    return CheckItem(
        "sign-in", ok=bool(folders), detail=told("{count} mailboxes can be opened.", count=len(folders))
    )


def _listing(folders: dict[str, int]) -> CheckItem:
    empty = [login for login, number in folders.items() if not number]
    if empty:
        return CheckItem(
            "list",
            ok=False,
            detail=told("The mailbox '{empty}' has no folder to read.", empty=shown(empty[0])),
        )
    return CheckItem("list", ok=bool(folders), detail=told("{count} folders.", count=sum(folders.values())))


def _content(boxes: Sequence[Mailbox], walk: Walk) -> CheckItem:
    """Reads one byte of the first message of a few mailboxes; a new mailbox may have none."""
    step = "read content"
    for box in boxes[:5]:
        for item in islice(walk.mailbox(box), 1):
            if isinstance(item, Failure):
                return CheckItem(step, ok=False, detail=item.detail)
            return _one_message(item, walk)
    return CheckItem(step, ok=bool(boxes), detail=told("There is no message to try."))


def _one_message(found: Found, walk: Walk) -> CheckItem:
    place = found.place
    try:
        data = walk.held.ask(
            place.login, lambda session: session.content(found.folder, place.uidvalidity, place.uid)
        )
    except Refused as error:
        return CheckItem("read content", ok=False, detail=said(error))
    return CheckItem(
        "read content",
        ok=bool(data),
        detail=told("'{name}' can be read.", name=found.external_id),
    )


def _permissions(boxes: Sequence[Mailbox]) -> CheckItem:
    step = "read permissions"
    broken = [box.problem for box in boxes if box.problem]
    if broken:
        return CheckItem(step, ok=False, detail=broken[0])
    unowned = [box.login for box in boxes if not box.acl.clauses]
    if unowned:
        detail = told(
            "{count} mailboxes have no owner, so nobody reads them: '{unowned}'.",
            count=len(unowned),
            unowned=shown(unowned[0]),
        )
        return CheckItem(step, ok=True, detail=detail)
    return CheckItem(step, ok=True, detail=told("Each mailbox has its owner."))


def _groups(boxes: Sequence[Mailbox]) -> CheckItem:
    shared = sum(str(entry.principal).startswith("group:") for box in boxes for entry in _entries(box))
    detail = (
        told("{shared} mailboxes belong to groups of the directory.", shared=shared)
        if shared
        else told("No mailbox needs any.")
    )
    return CheckItem("read groups", ok=True, detail=detail)


def _entries(box: Mailbox) -> Sequence[Entry]:
    return [entry for clause in box.acl.clauses for entry in clause.entries]
