"""What does each step of the connection test of a store of files say? The same for trees and for buckets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from assistant.common.errors import DocumentFailure
from assistant.common.told import told
from connectors.sdk.access_file import AccessRules
from connectors.sdk.contract import CheckItem, Failure, GroupMembers, PrincipalEvent

SAMPLE_BYTES = 1_000_000  # the largest file that is opened as a trial


def list_step(count: int, *, more: bool) -> CheckItem:
    """How many files were seen, and whether there may be more."""
    if not count:
        return CheckItem("list", ok=False, detail=told("No file was found."))
    seen = told("at least {count} files", count=count) if more else told("{count} files", count=count)
    return CheckItem("list", ok=True, detail=seen)


def content_step(name: str, read: Callable[[], object]) -> CheckItem:
    """Whether the file `name` is handed over; empty: there is none that is small enough.

    Raises:
        MundapError: as `read`, but for what is the trouble of one file.
    """
    step = "read content"
    if not name:
        return CheckItem(step, ok=False, detail=told("There is no file to try."))
    try:
        read()
    except DocumentFailure as error:
        detail = told("'{name}': {detail}", name=name, detail=error.detail or error.code)
        return CheckItem(step, ok=False, detail=detail)
    return CheckItem(step, ok=True, detail=told("'{name}' can be read.", name=name))


def permissions_step(
    rules: AccessRules, ids: Sequence[str], *, audience: str, has_access_file: bool
) -> CheckItem:
    """What the rules say about these files. `audience`: who reads what they leave open, in words."""
    step = "read permissions"
    if rules.hidden:
        return CheckItem(step, ok=False, detail=rules.hidden[0].reason)
    rest = audience if rules.otherwise.clauses else told("nobody")
    if not has_access_file:
        detail = told("No access file. Files without a list of their own: {audience}.", audience=rest)
        return CheckItem(step, ok=True, detail=detail)
    detail = told(
        "{count} prefixes; of {all} files, {uncovered} are under none and are for: {audience}.",
        count=len(rules.clauses),
        all=len(ids),
        uncovered=sum(not rules.is_covered(each) for each in ids),
        audience=rest,
    )
    return CheckItem(step, ok=True, detail=detail)


def groups_step(events: Iterable[PrincipalEvent] | None) -> CheckItem:
    """How many groups the groups file has; None: there is no such file."""
    step = "read groups"
    if events is None:
        detail = told("No groups file: groups in the access file have no known members.")
        return CheckItem(step, ok=True, detail=detail)
    count = 0
    for event in events:
        if isinstance(event, Failure):
            return CheckItem(step, ok=False, detail=event.detail)
        count += isinstance(event, GroupMembers)
    return CheckItem(step, ok=True, detail=told("{count} groups in the groups file", count=count))
